"""UTF-8 against Python's decoder: every code point, every sequence of up to four bytes from a table
of the bytes where the rules change, and random strings. If this fails, text is lost or misread."""
import codecs
import itertools
import random
import subprocess
import sys

EDGES = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
         0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]


def inputs():
    yield b""
    for count in (1, 2):
        yield from map(bytes, itertools.product(range(256), repeat=count))
    for count in (3, 4):
        yield from map(bytes, itertools.product(EDGES, repeat=count))
    for code in range(0x110000):
        if not 0xD800 <= code < 0xE000 and (code < 0x3000 or code % 17 == 0):
            yield chr(code).encode() + b"!"
    chance = random.Random(1)
    for _ in range(20000):
        yield bytes(chance.choice(EDGES) for _ in range(chance.randrange(1, 40)))


def steps(data):
    """What base_utf8_decode should say, step by step, from Python's incremental decoder."""
    out, at = [], 0
    while at < len(data):
        rest = data[at:at + 4]
        try:
            text = rest.decode()
            out.append((ord(text[0]), len(text[0].encode())))
        except UnicodeDecodeError as error:
            if error.start > 0:
                first = rest[:error.start].decode()[0]
                out.append((ord(first), len(first.encode())))
            elif error.reason == "unexpected end of data":
                # Cut off: by the end of the text, where no byte is left that could continue it.
                out.append((-2, len(rest)) if at + len(rest) == len(data) else (None, 0))
            else:
                out.append((-1, error.end))
        at += out[-1][1]
    return out


def expected(data):
    try:
        data.decode()
        valid = 1
    except UnicodeDecodeError:
        valid = 0
    listed = "".join(f"{code}:{length}," for code, length in steps(data))
    return f"{listed} {valid} {codecs.decode(data, 'utf-8', 'replace').encode().hex()}"


def main():
    cases = list(inputs())
    run = subprocess.run(sys.argv[1:], input="".join(c.hex() + "\n" for c in cases),
                         capture_output=True, text=True, check=True)
    lines = run.stdout.split("\n")[:-1]
    assert len(lines) == len(cases), (len(lines), len(cases))
    for case, line in zip(cases, lines):
        assert line == expected(case), f"{case!r}\n  base   {line}\n  python {expected(case)}"
    print(f"{len(cases)} strings decode as Python decodes them")


main()
