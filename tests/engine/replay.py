#!/usr/bin/env python3
"""What guesses from repetitions would have been worth on texts that exist.

    replay.py BUILD COST ...    # COST: time of a step of 1, 2, 4, 8, 16, 24 tokens, in any unit

Three kinds: files of this repository before a commit as the prompt, after it as the answer (a copy
with edits); the rest of a file of Python's library behind its first third; the same of prose. The
texts stand in for a model's words: what it would have said is thought to be what is there.
"""
import argparse
import glob
import os
import random
import subprocess
import sysconfig

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIZES = (1, 2, 4, 8, 16, 24)
MOST = 23  # guesses of one step: MAX_DRAFT of engine/internal.h


def git(*arguments):
    result = subprocess.run(["git", "-C", ROOT, *arguments], stdout=subprocess.PIPE, check=True)
    return result.stdout.decode(errors="replace")


def edits(last="7d5d50a", commits=150, files=60):
    pairs = []
    for commit in git("log", "--format=%h", "-n", str(commits), last).split():
        for name in git("diff-tree", "--no-commit-id", "--name-only", "-r", "--diff-filter=M",
                        commit).split():
            if name.endswith((".c", ".h", ".md", ".py")):
                after = git("show", f"{commit}:{name}")
                if 500 < len(after) < 20000:
                    pairs.append((git("show", f"{commit}~:{name}"), after))
    random.Random(1).shuffle(pairs)
    return pairs[:files]


def halves(paths, files=25):
    paths = sorted(p for p in paths if os.path.isfile(p) and 3000 < os.path.getsize(p) < 60000)
    random.Random(1).shuffle(paths)
    texts = [open(p, errors="replace").read()[:24000] for p in paths[:files]]
    return [(t[:len(t) // 3], t[len(t) // 3:]) for t in texts]


def prose():
    where = ("/usr/share/doc/**/*.txt", "/usr/share/doc/**/README*", ROOT + "/docs/*.md")
    return [p for pattern in where for p in glob.glob(pattern, recursive=True)
            if not p.endswith(".gz")]


def cost(n, table):
    """Of a step of n tokens, in steps of one: straight lines between the measured sizes."""
    for (a, x), (b, y) in zip(table, table[1:]):
        if n <= b:
            return (x + (y - x) * (n - a) / (b - a)) / table[0][1]
    raise ValueError(n)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("cost", nargs=len(SIZES), type=float)
    arguments = parser.parse_args()
    table = list(zip(SIZES, arguments.cost))

    def ids(text):
        result = subprocess.run([os.path.join(arguments.build, "gptoss"), "tokenize"],
                                input=text.encode(), stdout=subprocess.PIPE, check=True)
        return b" ".join(result.stdout.split()) + b"\n"

    python = glob.glob(sysconfig.get_paths()["stdlib"] + "/*.py")
    for name, pairs in (("edited files", edits()), ("code", halves(python)),
                        ("prose", halves(prose()))):
        lines = b"".join(ids(prompt) + ids(answer) for prompt, answer in pairs)
        program = os.path.join(arguments.build, "tests/engine/test_engine_replay")
        out = subprocess.run([program, str(MOST)], input=lines, stdout=subprocess.PIPE, check=True)
        tokens, guessed, right, *steps = map(int, out.stdout.split())
        time = sum(count * cost(n + 1, table) for n, count in enumerate(steps))
        print(f"{name}: {tokens} tokens in {sum(steps)} steps, {right} of {guessed} guesses right, "
              f"{tokens / time:.2f} times as fast")


if __name__ == "__main__":
    main()
