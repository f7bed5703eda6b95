"""Texts to compare tokenizers on, the same in every run, and how to run the driver on them."""
import pathlib
import random
import struct
import subprocess
import sysconfig
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]

# First and last code point of what the scripts of the world write with, and of symbols.
SCRIPTS = [
    (0x41, 0x7A), (0xC0, 0x24F), (0x250, 0x2AF), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58A),
    (0x591, 0x5F4), (0x600, 0x6FF), (0x700, 0x74F), (0x780, 0x7B1), (0x900, 0x97F), (0x980, 0x9FE),
    (0xA01, 0xA76), (0xA81, 0xAFF), (0xB01, 0xB77), (0xB82, 0xBFA), (0xC00, 0xC7F), (0xC80, 0xCF2),
    (0xD00, 0xD7F), (0xD81, 0xDF4), (0xE01, 0xE5B), (0xE81, 0xEDF), (0xF00, 0xFDA), (0x1000, 0x109F),
    (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FD), (0x1400, 0x167F),
    (0x1680, 0x16FF), (0x1780, 0x17F9), (0x1800, 0x18AF), (0x1E00, 0x1FFF), (0x2000, 0x206F),
    (0x2070, 0x218B), (0x2190, 0x27BF), (0x2C00, 0x2DFF), (0x3000, 0x30FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xA000, 0xA4C6), (0xA640, 0xA7CA), (0xAC00, 0xD7A3), (0xF900, 0xFAD9),
    (0xFB00, 0xFDFF), (0xFE00, 0xFFEF), (0x10000, 0x100FA), (0x10300, 0x103D5), (0x10400, 0x104FB),
    (0x12000, 0x123FF), (0x1D400, 0x1D7FF), (0x1F000, 0x1FAFF), (0x20000, 0x2A6DF),
    (0xE0001, 0xE01EF),
]

# What the pattern's branches meet in: cases, marks, contractions, blanks, line ends, digits.
EDGES = (list("aZtsSMdDlLrRvVeE0179'’/\\!.,-_=<|>") + [" ", "  ", "\t", "\n", "\r", "\r\n", "\x0b",
         "\x85", "\xa0", "\u180e", "\u2003", "\u2028", "\u3000", "\u200b", "\u200d", "\ufeff", "\x00",
         "'s", "'LL", "'\u017f", "\u017f", "\u212a", "\u01c5", "\u02b0", "\u0301", "\u20dd", "\u0903",
         "\u65e5", "\u3042", "\u0627", "\u0661", "\u00b2", "\u216b", "\u00aa", "\u0130", "\u00df",
         "\u1e9e", "\ua7f7", "\U0001f600", "\U0001f3fd", "\U0001d7d8", "\U000e0100", "\U00010fff",
         "<|end|>", "<|start|>", "the", " The", "tion", "日本", "\u0378", "\ue000", "\U0010ffff"])


def scripts(source, size):
    """Words of one script after another, with what stands between words."""
    out, length = [], 0
    while length < size:
        low, high = source.choice(SCRIPTS)
        letters = [chr(source.randint(low, high)) for _ in range(source.randint(5, 60))]
        for _ in range(source.randint(1, 40)):
            word = "".join(source.choices(letters, k=source.randint(1, 12)))
            out.append(word + source.choice([" "] * 12 + [", ", ". ", "\n", "", "'s ", "\n\n", "(", "1 "]))
            length += len(out[-1].encode())
    return "".join(out)


def documents(tokens):
    """At least 20 MB: sources and documents of Python, names of characters, scripts, and the
    vocabulary's own tokens (bytes) in random order."""
    source, out, size = random.Random(4), [], 0
    library = pathlib.Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if size < 9_000_000 and "site-packages" not in path.parts and "dist-packages" not in path.parts:
            out.append(path.read_bytes().decode("utf-8", "replace"))
            size += len(out[-1].encode())
    names = [unicodedata.name(chr(c), "") for c in range(0x20000)]
    out.append("\n".join(name for name in names if name))
    out.append("\n".join(name.capitalize() for name in names if name))
    out.append("".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000))
    out.append("".join("a" + chr(c) + "B" for c in range(0x30000) if not 0xD800 <= c < 0xE000))
    out += [scripts(source, 100_000) for _ in range(50)]
    whole = [text for text in (token.decode("utf-8", "ignore") for token in tokens) if text]
    for between in ("", " ", "", ""):
        source.shuffle(whole)
        out += [between.join(whole[i::10]) for i in range(10)]
    out += [c * 100_000 for c in ("a", " ", "A", "\n", "=", "日", "\u0301", "1", "'s", " \n", "a ")]
    return out


def fuzzed(count):
    source = random.Random(5)
    for _ in range(count):
        kind = source.random()
        if kind < 0.6:
            yield "".join(source.choices(EDGES, k=source.randint(1, 24)))
        elif kind < 0.8:
            yield scripts(source, source.randint(1, 60))
        elif kind < 0.9:
            few = source.choices(EDGES, k=3)
            yield "".join(source.choices(few, k=source.randint(1, 300)))
        else:
            yield "".join(chr(source.choice([source.randint(0, 0xD7FF), source.randint(0xE000, 0x10FFFF)]))
                          for _ in range(source.randint(1, 30)))


def run_driver(driver, model, mode, texts):
    """The ids of each text (bytes), and [bytes, seconds encoding, seconds opening]."""
    stdin = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    done = subprocess.run([driver, model, mode], input=stdin, capture_output=True)
    if done.returncode:
        raise SystemExit(f"driver: exit status {done.returncode}: {done.stderr.decode()}")
    ids, at, out = memoryview(done.stdout).cast("i"), 0, []
    while at < len(ids):
        out.append(ids[at + 1:at + 1 + ids[at]].tolist())
        at += 1 + ids[at]
    return out, [float(x) for x in done.stderr.split()]


def differences(texts, ours, theirs, name):
    """How many texts differ; prints the first."""
    count = 0
    assert len(texts) == len(ours) == len(theirs)
    for text, a, b in zip(texts, ours, theirs):
        if a != b:
            count += 1
            if count <= 5:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                print(f"{name}: differs at id {at}: {a[at:at + 6]} instead of {b[at:at + 6]}, "
                      f"{ascii(text[:80])}")
    return count
