"""No instruction set, number of threads, chunking or batch mate changes a bit of the logits.

    test_bits.py DRIVER SETS        SETS: comma-separated; those that the machine lacks are left out
"""
import subprocess
import sys
import tempfile

import models

VARIANTS = [dict(threads=1), dict(threads=2, chunks="1"), dict(threads=3, chunks="1,7,3,64"),
            dict(threads=2, chunks="33,2", mates=3), dict(threads=1, chunks="64,5,1", mates=5)]
# One token at a time across the borders of spans, after long chunks.
ACROSS = ",".join(["1020"] + ["1"] * 9 + ["1010"] + ["1"] * 20 + ["300"])
LONG_VARIANTS = [dict(threads=1), dict(threads=3, chunks=ACROSS), dict(threads=2, chunks="700", mates=3)]
MODELS = ["odd_heads", "one_kv", "sinks", "truncated", "no_yarn"]


def main():
    driver, sets = sys.argv[1], sys.argv[2].split(",")
    compared = 0
    with tempfile.TemporaryDirectory() as directory:
        for name in [*MODELS, *models.LONG]:
            variants = LONG_VARIANTS if name in models.LONG else VARIANTS
            path, n_tokens = models.make(name, directory)
            ids, vocabulary = models.ids_for(path, n_tokens)
            for precision in ("exact", "fast"):
                base = models.drive(driver, path, ids, vocabulary, precision=precision, set="scalar")
                for kernels in sets:
                    for variant in variants[kernels == "scalar":]:
                        try:
                            other = models.drive(driver, path, ids, vocabulary, set=kernels,
                                                 precision=precision, **variant)
                        except subprocess.CalledProcessError:
                            if kernels == "scalar":
                                raise
                            break  # not on this machine: the driver said so
                        assert (base == other).all(), (name, precision, kernels, variant)
                        compared += 1
    print(f"{compared} runs, all equal to scalar on one thread")
    assert compared >= 2 * len(MODELS) * (len(VARIANTS) - 1)


main()
