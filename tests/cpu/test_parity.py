"""Exact against transformers in float32, fast against exact, on random checkpoints of odd shapes.

    test_parity.py DRIVER [MODEL ...]
"""
import sys
import tempfile

import numpy as np

import models
import reference

EXACT_BOUND = 2e-4  # times max(1, max |logit|)
FAST_BOUND = 1e-3   # mean KL divergence over all models, in nats


def log_softmax(x):
    x = x.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def divergence(exact, fast):
    a, b = log_softmax(exact), log_softmax(fast)
    return (np.exp(a) * (a - b)).sum(-1)


def main():
    driver, names = sys.argv[1], sys.argv[2:] or [*models.MODELS, *models.LONG]
    divergences = []
    with tempfile.TemporaryDirectory() as directory:
        for name in names:
            path, n_tokens = models.make(name, directory)
            ids, vocabulary = models.ids_for(path, n_tokens)
            expected = reference.logits(path, ids.tolist())
            exact = models.drive(driver, path, ids, vocabulary, precision="exact", threads=2)
            fast = models.drive(driver, path, ids, vocabulary, precision="fast", threads=2)
            largest = max(1.0, abs(expected).max())
            error = abs(exact - expected).max() / largest
            kl = divergence(exact, fast)
            if name not in models.LONG: # its tokens would outweigh all others
                divergences.append(kl)
            print(f"{name:12} exact {error:.1e} of max |logit| {largest:.2f}; fast: KL mean "
                  f"{kl.mean():.1e} median {np.median(kl):.1e} worst {kl.max():.1e}; same first "
                  f"choice {(exact.argmax(-1) == fast.argmax(-1)).mean():.3f}")
            assert error <= EXACT_BOUND, name
    kl = np.concatenate(divergences)
    print(f"all: KL mean {kl.mean():.1e} median {np.median(kl):.1e} worst {kl.max():.1e}")
    assert kl.mean() <= FAST_BOUND


main()
