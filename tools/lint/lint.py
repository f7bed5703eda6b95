"""Holds the rules of the house: ./dev lint. Prints one line for each breach, exits 1 if any.

usage: lint.py [--build FOLDER] [--skip CHECK ...]
Checks: modules, symbols, format, lengths, foreign, words. Without --build, symbols are not checked.
"""
import argparse
import pathlib
import subprocess
import sys

import layout
import modules
import text

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked():
    """Files that are or would be committed, relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, check=True).stdout
    names = sorted(set(filter(None, listed.decode().split("\0"))))
    return [pathlib.Path(name) for name in names if (ROOT / name).is_file()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--skip", action="append", default=[])
    options = parser.parse_args()

    files = tracked()
    checks = {
        "modules": lambda: modules.check(ROOT, files),
        "symbols": lambda: layout.symbols(options.build) if options.build else [],
        "format": lambda: layout.formatting(ROOT, files),
        "lengths": lambda: text.lengths(ROOT, files),
        "foreign": lambda: text.foreign(ROOT, files),
        "words": lambda: text.words(ROOT, files),
    }
    breaches = 0
    for name, check in checks.items():
        if name in options.skip:
            continue
        found = check()
        for breach in found:
            print(f"{breach} [{name}]")
        breaches += len(found)
    print(f"lint: {len(files)} files, {breaches} breaches", file=sys.stderr)
    sys.exit(1 if breaches else 0)


main()
