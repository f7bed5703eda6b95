"""The plain backend against the exact cpu backend, which it shares no arithmetic with, on random
checkpoints of odd shapes; and its steps against each other, which differ in no bit, however a prompt
is cut and whatever else is in the batch.

    test_parity.py DRIVER [MODEL ...]
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cpu"))
import models  # noqa: E402

BOUND = 2e-4  # times max(1, max |logit|): the bound that exact is held to against transformers
STEPS = ["baseline", "grouped-query", "mapped-weights", "token-grouping", "cache"]
CUTS = [dict(chunks="33,2"), dict(chunks="64,5", mates=2)]


def windowed(path):
    """Whether every layer only sees a window: nothing can be computed without a cache then."""
    with open(f"{path}/config.json") as file:
        return set(json.load(file)["layer_types"]) == {"sliding_attention"}


def compare(driver, name, directory):
    path, n_tokens = models.make(name, directory)
    ids, vocabulary = models.ids_for(path, n_tokens)

    def plain(step, **settings):
        return models.drive(driver, path, ids, vocabulary, backend="plain", set=step, **settings)

    exact = models.drive(driver, path, ids, vocabulary, precision="exact")
    last = plain(STEPS[-1])
    error = abs(last - exact).max() / max(1.0, abs(exact).max())
    print(f"{name:12} plain against exact {error:.1e}")
    assert error <= BOUND, name
    if windowed(path):
        for step in STEPS[:-1]:
            try:
                plain(step)
            except subprocess.CalledProcessError:
                continue
            raise AssertionError(f"{name}: {step} should have refused")
    steps = STEPS[-1:] if windowed(path) else STEPS
    for step in steps:
        for cut in [{}, *CUTS]:
            assert (plain(step, **cut) == last).all(), (name, step, cut)
    return len(steps) * (1 + len(CUTS))


def main():
    driver, names = sys.argv[1], sys.argv[2:] or models.MODELS
    with tempfile.TemporaryDirectory() as directory:
        runs = sum(compare(driver, name, directory) for name in names)
    print(f"{runs} runs, all equal to the last step in one piece")
    assert runs >= 3 * len(names)


main()
