"""Runs a command again and again, each time with the next allocation made to fail, until it runs
through without one failing. Each run must end in time, without a signal, and either succeed with
the same output or exit 1 with a line that begins with "gptoss:".

usage: failing.py --preload fail_alloc.so [--input FILE] [--most N] COMMAND ...
"""
import argparse
import os
import subprocess
import sys
import tempfile

SECONDS = 60


def run(options, number, log):
    environment = dict(os.environ, LD_PRELOAD=options.preload, FAIL_ALLOC=str(number),
                       FAIL_ALLOC_LOG=log)
    with open(options.input or os.devnull, "rb") as stdin:
        return subprocess.run(options.command, stdin=stdin, capture_output=True, env=environment,
                              timeout=SECONDS)


def judge(done, good):
    """What is wrong with a run in which one allocation failed, or None."""
    if done.returncode < 0:
        return f"signal {-done.returncode}"
    if done.returncode == 0:
        return None if done.stdout == good.stdout else "succeeds with another output"
    if done.returncode != 1:
        return f"exit status {done.returncode}"
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line]
    if not any(line.startswith("gptoss:") for line in lines):
        return f"no line that begins with gptoss: but {lines}"
    return None


def numbers(count, most):
    """Every allocation where there are few; else the first half of `most` and as many spread over
    the rest, so that the end is always among them."""
    if count <= most:
        return range(1, count + 1)
    head = list(range(1, most // 2 + 1))
    rest = most - len(head)
    return head + [count - (count - len(head) - 1) * i // rest for i in range(rest)][::-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--preload", required=True)
    parser.add_argument("--input")
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "count")
        good = run(options, 0, log)
        assert good.returncode == 0, f"fails without a failing allocation: {good.stderr.decode()}"
        with open(log) as file:
            count = int(file.read())
        assert count > 0, "no allocation was seen: is the program linked statically?"
        failures, tried = 0, numbers(count, options.most)
        for number in tried:
            try:
                wrong = judge(run(options, number, log), good)
            except subprocess.TimeoutExpired:
                wrong = f"hangs for {SECONDS} s"
            if wrong:
                print(f"allocation {number} of {count} failing: {wrong}")
                failures += 1
    print(f"{len(tried)} of {count} allocations made to fail, {failures} handled badly")
    sys.exit(1 if failures else 0)


main()
