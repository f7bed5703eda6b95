"""Makes src/tokenizer/classes.c: what the pattern of o200k asks about each code point.

    python3 tools/vocabulary/classes.py

The answers come from tiktoken itself (whose regular expressions have their own Unicode version),
by running patterns such as \\p{Lu}+ over every code point, so that the scanner agrees with it.
"""
import pathlib

import tiktoken

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATTERNS = [
    (r"[\p{Lu}\p{Lt}]+", "UPPER"),
    (r"\p{Ll}+", "LOWER"),
    (r"[\p{Lm}\p{Lo}]+", "LETTER"),
    (r"\p{M}+", "MARK"),
    (r"\p{N}+", "NUMBER"),
    (r"[\r\n]+", "NEWLINE"),
    (r"[\s--\r\n]+", "SPACE"),
]
TEXT = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def matched(pattern):
    """The characters that a pattern matches: what tiktoken keeps of a text of all characters."""
    encoding = tiktoken.Encoding("bytes", pat_str=pattern, special_tokens={},
                                 mergeable_ranks={bytes([b]): b for b in range(256)})
    return bytes(encoding.encode_ordinary(TEXT)).decode()


def main():
    classes = ["OTHER"] * 0x110000
    for pattern, name in PATTERNS:
        for character in matched(pattern):
            assert classes[ord(character)] == "OTHER"
            classes[ord(character)] = name
    ranges = [(0, classes[0])]
    for code in range(1, 0x110000):
        if classes[code] != ranges[-1][1] and not 0xD800 <= code < 0xE000:
            ranges.append((code, classes[code]))
    names = ["OTHER"] + [name for _, name in PATTERNS]
    numbers = [start << 3 | names.index(name) for start, name in ranges]
    lines, line = [], "   "
    for number in numbers:
        item = f" 0x{number:x},"
        if len(line) + len(item) > 100:
            lines.append(line)
            line = "   "
        line += item
    lines.append(line)
    path = ROOT / "src/tokenizer/classes.c"
    path.write_text(f"""\
// The class of every code point, as ranges. Made by tools/vocabulary/classes.py with tiktoken
// {tiktoken.__version__}: do not edit.
#include "tokenizer/parts.h"

// First code point << 3 | class; a range ends where the next begins.
static const uint32_t ranges[] = {{
    // clang-format off
{chr(10).join(lines)}
    // clang-format on
}};

void bpe_fill_classes(uint8_t *classes) {{
    size_t count = sizeof ranges / sizeof ranges[0];
    for (size_t i = 0; i < count; i++) {{
        uint32_t end = i + 1 < count ? ranges[i + 1] >> 3 : BPE_CODE_POINTS;
        for (uint32_t code = ranges[i] >> 3; code < end; code++)
            classes[code] = ranges[i] & 7;
    }}
}}
""")
    print(f"{path}: {len(ranges)} ranges; classes are {names}")


if __name__ == "__main__":
    main()
