"""tokenizer.json as our reader understands it, against Hugging Face tokenizers: every text must
give the same ids, whether special tokens are recognised or not.

    compare_huggingface.py DRIVER
"""
import json
import pathlib
import sys
import tempfile
import time

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import texts
from compare_tiktoken import NAMES, PATTERN, read_asset

DRIVER = sys.argv[1]
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
# A pattern that leaves characters between its matches: they are pieces of their own.
GAPS = r"[a-z]+|\d{2}"


def byte_level(use_regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def split(pattern):
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level()])


def add_tokens(tokenizer):
    """Special and ordinary added tokens, some the beginning of others, in both levels."""
    tokenizer.add_special_tokens(["<|start|>", "<|end|>", "<|end|>>", "<|"])
    tokenizer.add_tokens(["tion", "日本", "  "])
    tokenizer.add_tokens([AddedToken("'s", normalized=False), AddedToken("<|st", normalized=False)])


def trained(pre_tokenizer, ignore_merges, documents):
    """A small vocabulary, trained here."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=4000, show_progress=False, min_frequency=2,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(documents, trainer)
    add_tokens(tokenizer)
    return tokenizer


def o200k(tokens):
    """The vocabulary of gpt-oss in the form that Hugging Face distributes."""
    names = alphabet()
    ids = {token: i for i, token in enumerate(tokens)}
    merges = []
    for rank, token in enumerate(tokens):
        cuts = [(token[:i], token[i:]) for i in range(1, len(token))]
        cuts = [(a, b) for a, b in cuts if a in ids and b in ids]
        merges += sorted(cuts, key=lambda cut: (ids[cut[0]], ids[cut[1]]))
    text = {token: "".join(names[b] for b in token) for token in tokens}
    tokenizer = Tokenizer(models.BPE({text[token]: i for token, i in ids.items()},
                                     [(text[a], text[b]) for a, b in merges]))
    tokenizer.pre_tokenizer = split(PATTERN)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([f"<|{NAMES.get(i, f'reserved_{i}')}|>" for i in range(199998, 201088)])
    return tokenizer


def alphabet():
    printing = [b for b in range(256) if 33 <= b <= 126 or 161 <= b != 173]
    others = [b for b in range(256) if b not in printing]
    return {b: chr(b) for b in printing} | {b: chr(256 + i) for i, b in enumerate(others)}


def compare(name, tokenizer, documents, folder):
    path = pathlib.Path(folder) / "tokenizer.json"
    tokenizer.save(str(path))
    if "pairs" not in name:  # merges as older files write them
        data = json.loads(path.read_text())
        data["model"]["merges"] = [" ".join(merge) for merge in data["model"]["merges"]]
        path.write_text(json.dumps(data))
    failed = 0
    for mode in ("plain", "special"):
        if mode == "special":
            documents = [text for text in documents if len(text) < 1000][-15_000:]
        raw = [text.encode() for text in documents]
        tokenizer.encode_special_tokens = mode == "plain"
        ours, (size, seconds, opening) = texts.run_driver(DRIVER, path, mode, raw)
        theirs = [e.ids for e in tokenizer.encode_batch_fast(documents, add_special_tokens=False)]
        failed += texts.differences(documents, ours, theirs, f"{name}, {mode}")
        print(f"{name}, {mode}: {len(raw)} texts, {size / 1e6:.1f} MB at {size / 1e6 / seconds:.1f} MB/s,"
              f" opened in {opening * 1e3:.0f} ms, {failed} differences", flush=True)
    return failed


def main():
    tokens = read_asset()
    documents = texts.documents(tokens)
    documents = [text for text in documents if len(text) < 300_000 and not text.startswith("\x00")]
    some, small = documents[::12], list(texts.fuzzed(100_000))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        failed += compare("o200k, pairs", o200k(tokens), documents + small, folder)
        demo = texts.ROOT / "assets/demo-model/tokenizer.json"
        failed += compare("demo model, pairs", Tokenizer.from_file(str(demo)), some + small[::4], folder)
        for name, pre, ignore in (("GPT-2's pattern", byte_level(True), False),
                                  ("Llama 3's pattern", split(LLAMA3), True),
                                  ("o200k's pattern", split(PATTERN), False),
                                  ("gaps", split(GAPS), False)):
            tokenizer = trained(pre, ignore, documents[:20])
            failed += compare(name, tokenizer, some + small[::8], folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
