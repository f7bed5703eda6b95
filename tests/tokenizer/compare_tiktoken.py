"""The built-in o200k_harmony against tiktoken: every text must give the same ids.

    compare_tiktoken.py DRIVER [--speed]
"""
import pydoc_data.topics as topics
import sys
import time

import tiktoken

import texts

DRIVER = sys.argv[1]
ASSET = texts.ROOT / "src/tokenizer/o200k.bin"
PATTERN = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
NAMES = {199998: "startoftext", 199999: "endoftext", 200002: "return", 200003: "constrain",
         200005: "channel", 200006: "start", 200007: "end", 200008: "message", 200012: "call"}


def read_asset():
    """Token bytes in the order of their ids (layout: tools/vocabulary/make.py)."""
    data = ASSET.read_bytes()
    count = int.from_bytes(data[4:8], "little")
    tokens = [data[i:i + 1] for i in range(8, 264)]
    bits, at = 0, 264
    n_bits = 0
    for rank in range(256, count):
        width = (rank - 1).bit_length()
        while n_bits < 2 * width:
            bits |= data[at] << n_bits
            at, n_bits = at + 1, n_bits + 8
        mask = (1 << width) - 1
        tokens.append(tokens[bits & mask] + tokens[bits >> width & mask])
        bits >>= 2 * width
        n_bits -= 2 * width
    return tokens


def reference(tokens):
    specials = {f"<|{NAMES.get(i, f'reserved_{i}')}|>": i for i in range(199998, 201088)}
    return tiktoken.Encoding("o200k_harmony", pat_str=PATTERN, special_tokens=specials,
                             mergeable_ranks={token: i for i, token in enumerate(tokens)})


def speed(encoding):
    """English prose, the reference manual of Python; the best of some runs in processor time, one thread each."""
    text = "\n".join(topics.topics.values()) * 4
    ours, theirs = [], []
    for _ in range(7):
        _, (size, seconds, opening) = texts.run_driver(DRIVER, "builtin", "plain", [text.encode()])
        ours.append(seconds)
        start = time.process_time()
        encoding.encode_ordinary(text)
        theirs.append(time.process_time() - start)
    print(f"{size / 1e6:.1f} MB: {size / 1e6 / min(ours):.1f} MB/s, tiktoken "
          f"{size / 1e6 / min(theirs):.1f} MB/s; opened in {opening * 1e3:.0f} ms")


def main():
    tokens = read_asset()
    encoding = reference(tokens)
    if "--speed" in sys.argv:
        return speed(encoding)
    failed = 0
    documents = texts.documents(tokens)
    raw = [text.encode() for text in documents]
    assert sum(map(len, raw)) >= 20_000_000
    ours, (size, seconds, opening) = texts.run_driver(DRIVER, "builtin", "plain", raw)
    theirs = encoding.encode_ordinary_batch(documents, num_threads=2)
    failed += texts.differences(documents, ours, theirs, "documents")
    print(f"{len(raw)} documents, {size / 1e6:.1f} MB in {seconds:.2f} s; opened in {opening:.3f} s")
    small = list(texts.fuzzed(100_000))
    raw = [text.encode() for text in small]
    ours, _ = texts.run_driver(DRIVER, "builtin", "plain", raw)
    failed += texts.differences(small, ours, encoding.encode_ordinary_batch(small), "fuzzed")
    # Of the strings with special tokens fewer: tiktoken is slow with all of them allowed.
    some = [text for text in small if "<|end|>" in text or "<|start|>" in text][:15_000]
    ours, _ = texts.run_driver(DRIVER, "builtin", "special", [text.encode() for text in some])
    theirs = encoding.encode_batch(some, allowed_special="all")
    failed += texts.differences(some, ours, theirs, "fuzzed, with specials")
    print(f"{len(small)} fuzzed strings; {failed} differences")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
