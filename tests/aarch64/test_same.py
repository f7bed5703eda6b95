"""The program for 64-bit Arm says what this machine's program says, and computes the same logits.

    test_same.py HOST_PROGRAM EMULATOR ... PROGRAM
"""
import os
import subprocess
import sys
import tempfile

HOST, EMULATED = sys.argv[1:2], sys.argv[2:]
SETS = ("scalar", "neon", "dotprod")
IDS = " ".join(str(i * 37 % 700) for i in range(150))  # past the sliding window of 64
QUESTIONS = (("What is 2 + 3?", 0), ("Sort these words: pear, fig, apple", 1))


def output(program, *arguments, stdin="", **changes):
    done = subprocess.run([*program, *arguments], input=stdin.encode(), stdout=subprocess.PIPE,
                          env=os.environ | changes, check=True)
    return done.stdout


def logits(program, path, precision, **changes):
    output(program, "logits", "--output", path, "--precision", precision, stdin=IDS, **changes)
    with open(path, "rb") as file:
        return file.read()


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "logits.npy")
        for precision in ("fast", "exact"):
            here = logits(HOST, path, precision)
            assert len(here) > 150 * 4000, len(here)
            for kernels in SETS:
                there = logits(EMULATED, path, precision, GPTOSS_CPU=kernels)
                assert here == there, f"{precision} logits of {kernels} differ from {HOST[0]}'s"
    for question, temperature in QUESTIONS:
        arguments = "run", question, "--temperature", str(temperature), "--seed", "7"
        here, there = output(HOST, *arguments), output(EMULATED, *arguments)
        assert here and here == there, (here, there)
    print(f"logits of {', '.join(SETS)} and {len(QUESTIONS)} answers: equal to {HOST[0]}'s")


main()
