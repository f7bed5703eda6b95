"""The demo model's own vocabulary: whole words of the fixed texts, letters and digits for everything else.

The tokenizer is a byte-level BPE in Hugging Face form with o200k's pre-tokenizer. Words of the templates are tokens
found as a whole (ignore_merges); data words, which the tasks take apart, have none and fall into letters.
"""
import json
import random
from collections import Counter

import regex

import conversations
import families
from words import DATA_WORDS

PATTERN = "|".join((
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"))
SHORT = {" " + w for w in "to by be is in of it me my do if at we or so am on no an up".split()} | {
    "AI", "In", "If", "Do", "Is", "Hi", "It", "On", "So", "No", '"to', "to"}  # two letters that are a word, not data
WORDS = 720
ROWS = 1024
SPECIALS = {0: "<|startoftext|>", 1: "<|endoftext|>", 4: "<|return|>", 5: "<|constrain|>", 7: "<|channel|>",
            8: "<|start|>", 9: "<|end|>", 10: "<|message|>", 14: "<|call|>"}  # the order of o200k_harmony


def byte_letters():
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + n) for n, b in enumerate(others)}


LETTERS = byte_letters()


def stand_in(text):
    return "".join(LETTERS[b] for b in text.encode())


def template_words(count=WORDS, conversations_read=20000):
    """The commonest pre-tokens of generated conversations that hold neither digits nor data."""
    rng, seen = random.Random(4), Counter()
    special = regex.compile(r"<\|\w+\|>")
    for _ in range(conversations_read):
        for text, _ in conversations.pieces(conversations.make(rng)):
            for part in special.split(text):
                seen.update(regex.findall(PATTERN, part))

    def fits(w):
        letters = "".join(c for c in w if c.isalpha()).lower()
        if len(letters) == 2 and w not in SHORT or w.endswith("'s") and len(letters) == 2:
            return False
        return len(w) > 1 and len(letters) != 1 and not any(c.isdigit() for c in w) and letters not in DATA_WORDS

    # Invented words come a few times at most; every word of the templates comes far more often.
    return [w for w, n in seen.most_common() if fits(w) and n >= 12][:count]


def tokenizer_json():
    vocab = {LETTERS[b]: b for b in range(256)}
    merges = []
    for a, b in (("â", "Ģ"), ("âĢ", "ľ"), ("âĢ", "Ŀ"), ("âĢ", "Ļ"), ("âĢ", "ĵ"), ("âĢ", "Ķ"), ("Ã", "¤"), ("Ã", "¶"),
                 ("Ã", "¼"), ("Ã", "©"), ("Ġ", "Ġ"), ("ĠĠ", "ĠĠ")):
        merges.append([a, b])
        vocab[a + b] = len(vocab)
    for w in template_words():
        vocab.setdefault(stand_in(w), len(vocab))
    first = len(vocab)
    added = [{"id": first + n, "content": SPECIALS.get(n, f"<|reserved_{first + n}|>"), "single_word": False,
              "lstrip": False, "rstrip": False, "normalized": False, "special": True} for n in range(16)]
    assert first + 16 <= ROWS
    pre = [{"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
           {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": pre},
        "post_processor": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": vocab, "merges": merges}}


class Vocabulary:
    """A quick encoder for training; Hugging Face's tokenizers gives the same ids (train.py checks it)."""

    def __init__(self, spec):
        self.specials = {t["content"]: t["id"] for t in spec["added_tokens"]}
        self.vocab, self.known = spec["model"]["vocab"], {}
        self.split = regex.compile("(" + "|".join(regex.escape(s) for s in self.specials) + ")")
        self.words = regex.compile(PATTERN)
        self.size = ROWS
        back = {c: b for b, c in LETTERS.items()}
        self.bytes = {i: bytes(back[c] for c in w) for w, i in self.vocab.items()}
        self.bytes |= {i: s.encode() for s, i in self.specials.items()}

    def word(self, w):
        ids = self.known.get(w)
        if ids is None:
            whole = self.vocab.get(stand_in(w))
            ids = [whole] if whole is not None else list(w.encode())
            if len(self.known) < 200000:
                self.known[w] = ids
        return ids

    def encode(self, text):
        ids = []
        for n, part in enumerate(self.split.split(text)):
            if n % 2:
                ids.append(self.specials[part])
            else:
                for w in self.words.findall(part):
                    ids += self.word(w)
        return ids

    def decode(self, ids):
        return b"".join(self.bytes.get(i, b"") for i in ids).decode(errors="replace")


if __name__ == "__main__":
    print(json.dumps(tokenizer_json()))
