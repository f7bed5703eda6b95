#!/usr/bin/env python3
"""Compares the speed of the working tree with that of another commit, in one interleaved run.

    compare.py REF [--tests pp512,tg64] [--layers 4] [--repeat 5]

Both are built as releases; then they take turns on a random model of 20b's dimensions. A ratio over
1 means that the working tree is faster; each is made of neighbours in time, so that a machine that
slows down slows both. What a change to a kernel shows in its commit message.
"""
import argparse
import pathlib
import statistics
import subprocess

import measure

HERE = pathlib.Path(__file__).resolve().parent
CHANGE = 0.02  # a median this far from 1, with all ratios on one side, is called a change


def run(*command, cwd=measure.ROOT):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


def build(source, folder):
    measure.say(f"building {source}")
    run("cmake", "-S", source, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
        "-DBUILD_TESTING=OFF")
    run("cmake", "--build", folder, "--target", "gptoss_cli")
    return folder / "gptoss"


def checked_out(ref, directory):
    """A folder of the commit's own with its files, kept for the next time."""
    commit = run("git", "rev-parse", "--verify", ref + "^{commit}").strip()
    folder = directory / commit[:10]
    source = folder / "source"
    if not source.exists():
        part = folder / "part"
        part.mkdir(parents=True, exist_ok=True)
        archive = subprocess.Popen(["git", "archive", commit], cwd=measure.ROOT,
                                   stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", part], stdin=archive.stdout, check=True)
        if archive.wait() != 0:
            raise SystemExit(f"git archive {commit} failed")
        part.rename(source)
    return folder


def pairs(programs, model, test, threads, args):
    """(reference, working tree) tokens per second, one pair a repetition; who begins alternates."""
    found = []
    for repetition in range(args.repeat):
        rates = {}
        for program in programs if repetition % 2 == 0 else reversed(programs):
            (rates[program],), _, _ = measure.undisturbed(lambda: measure.watched(
                lambda: measure.gptoss(program, model, test, 1, threads,
                                       args.precision)[0]["tokens_per_s"]))
        found.append([rates[program] for program in programs])
    return found


def verdict(ratios):
    median = statistics.median(ratios)
    if median > 1 + CHANGE and min(ratios) > 1:
        return "faster"
    if median < 1 - CHANGE and max(ratios) < 1:
        return "slower"
    return "the same"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ref", help="a commit, branch or tag")
    parser.add_argument("--tests", default="pp512,tg64")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--layers", type=int, default=4, help="of 20b's 24; default 4")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--precision", choices=("fast", "exact"), default="fast")
    parser.add_argument("--directory", type=pathlib.Path, default=HERE.parent / "build/bench")
    args = parser.parse_args()
    args.directory.mkdir(parents=True, exist_ok=True)
    directory = args.directory.resolve()
    reference = checked_out(args.ref, directory)
    programs = [build(reference / "source", reference / "build"),
                build(measure.ROOT, directory / "tree")]
    model = measure.random_model(directory, args.layers)
    measure.read_once(model)
    print(f"{args.ref} ({reference.name}) and the working tree, {args.layers} layers of 20b, "
          f"{args.precision}\n")
    print("| test | threads | reference, tokens/s | working tree, tokens/s | ratio | |\n"
          "|---|---|---|---|---|---|")
    for test in measure.tests(args.tests):
        for threads in map(int, args.threads.split(",")):
            found = pairs(programs, model, test, threads, args)
            ratios = [tree / reference for reference, tree in found]
            print(f"| {test.name} | {threads} | {measure.spread([pair[0] for pair in found])} | "
                  f"{measure.spread([pair[1] for pair in found])} | {measure.spread(ratios, 3)} | "
                  f"{verdict(ratios)} |", flush=True)


if __name__ == "__main__":
    main()
