"""What a file's text shows: its length, its functions' lengths, whose it is, words left behind."""
import re

MAX_FILE, MAX_FUNCTION = 600, 60
CODE = {".c", ".h", ".py", ".sh", ".cmake"}
LINT = ("tools/lint/", "tests/lint/")

# Signs of code that somebody else wrote. Licences of data lie beside it as NAME.LICENSE.
FOREIGN = re.compile(
    r"copyright\s*(\(c\)|©|\d{4})|\(c\)\s*\d{4}|all rights reserved|SPDX-License-Identifier|"
    r"permission is hereby granted|redistribution and use in source|"
    r"licensed under the (apache|mit|bsd)|this file is part of", re.IGNORECASE)
FOREIGN_NAMES = re.compile(
    r"(^|/)(vendor|third_party|3rdparty|external|contrib)/|"
    r"(^|/)(cjson|stb_\w+|uthash|miniz|sqlite3|ggml[\w-]*|linenoise|mongoose|jsmn|utf8proc)\.[ch]$",
    re.IGNORECASE)

# These only tell whose the data is that they handle.
NOT_FOREIGN = ["tools/vocabulary/make.py"]

# Left behind by somebody who was not finished, or true on one machine only.
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b|(?<![\w.])/(home|root|work)/\w|\bnot implemented yet\b")


def is_code(path):
    return path.suffix in CODE or path.name in ("CMakeLists.txt", "dev")


def functions(lines):
    """(name, first line, count) of each function of a C file laid out by clang-format: from a line
    that starts in column 0 to the closing brace in column 0."""
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("}"):
            if start and "(" in lines[start - 1]:
                name = re.search(r"(\w+)\s*\(", lines[start - 1])
                yield name[1] if name else "?", start, number - start + 1
            start = None
        elif line[:1].isalpha() or line[:1] == "_":
            start = number


def lengths(root, files):
    breaches = []
    for path in files:
        if not is_code(path):
            continue
        lines = (root / path).read_text().splitlines()
        if len(lines) > MAX_FILE:
            breaches.append(f"{path}: {len(lines)} lines, at most {MAX_FILE}")
        if path.suffix == ".c":
            for name, first, count in functions(lines):
                if count > MAX_FUNCTION:
                    breaches.append(
                        f"{path}:{first}: {name} has {count} lines, at most {MAX_FUNCTION}")
    return breaches


def search(root, files, pattern, what):
    breaches = []
    for path in files:
        if not is_code(path) and path.suffix != ".md" or str(path).startswith(LINT):
            continue
        for number, line in enumerate((root / path).read_text().splitlines(), 1):
            match = pattern.search(line)
            if match:
                breaches.append(f"{path}:{number}: {what}: {match[0]}")
    return breaches


def foreign(root, files):
    files = [path for path in files if str(path) not in NOT_FOREIGN]
    named = [f"{path}: third-party code by its name" for path in files
             if FOREIGN_NAMES.search(str(path))]
    return named + search(root, files, FOREIGN, "looks like third-party code")


def words(root, files):
    return search(root, files, WORDS, "left behind")
