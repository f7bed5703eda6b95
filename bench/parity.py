"""llama.cpp computes the converted weights as gptoss computes the checkpoint, so that their speeds
can be compared; and what 8-bit weights and activations cost each of them.

    parity.py PROGRAM               # the test: tiny models
    parity.py PROGRAM --models ...  # checkpoints of your own: prints, asserts nothing

Oracle: `gptoss logits --precision exact`. llama.cpp always rounds the activations that meet MXFP4
weights to 8 bits, so it is compared twice: with experts and all else as float32, where both must
agree to rounding (names, shapes, YaRN, window, sinks, SwiGLU), and with the real file, whose
experts must hold the very same values. It rounds YaRN's ramp to whole lanes, which gpt-oss does
not: the test's models ask for that too (--truncate).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np

import peer
import to_gguf

ROOT = pathlib.Path(__file__).resolve().parents[1]
GENTLE = "--logit-gain 0.7 --expert-gain 1 --router-gain 1 --truncate".split()
# Arguments of make.py, tokens. Past the window and past YaRN's original context.
MODELS = {
    "plain": ("--layers 4 --seed 1", 150),
    "odd": ("--hidden 96 --intermediate 160 --heads 6 --kv-heads 3 --head-dim 32 --layers 3 "
            "--layer-types ssf --window 17 --experts 5 --top-k 3 --vocab 333 --factor 16 "
            "--original-context 48 --sink-mean 2 --seed 2", 200),
    "no_yarn": ("--heads 2 --kv-heads 1 --head-dim 64 --factor 1 --theta 10000 --layer-types fs "
                "--tie --shards 3 --experts 9 --top-k 4 --seed 3", 140),
}
EXACT_BOUND = 1e-4  # largest difference, times max(1, max |logit|)
FAST_BOUND = 1e-2   # mean KL divergence of the real file, in nats


def log_softmax(x):
    x = x.astype(np.float64)
    x -= x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def describe(exact, other):
    """Mean, median and worst KL divergence in nats, and how often the first choice is the same."""
    a, b = log_softmax(exact), log_softmax(other)
    kl = (np.exp(a) * (a - b)).sum(-1)
    same = (exact.argmax(-1) == other.argmax(-1)).mean()
    return kl.mean(), f"KL mean {kl.mean():.1e} median {np.median(kl):.1e} worst {kl.max():.1e}, " \
                      f"same first choice {same:.3f}"


def ours(program, folder, ids, precision):
    with tempfile.NamedTemporaryFile(suffix=".npy") as out:
        subprocess.run([program, "logits", "--model", folder, "--precision", precision,
                        "--output", out.name], input=" ".join(map(str, ids)), text=True, check=True)
        return np.load(out.name)


def theirs(folder, ids, dense, experts="mxfp4", exact=False, flash=False):
    with tempfile.NamedTemporaryFile(suffix=".gguf") as out:
        to_gguf.convert(folder, out.name, dense, experts)
        context = peer.Context(peer.Model(out.name), len(ids) + 1, exact=exact, flash=flash)
        logits = context.logits(ids)
        context.close()
        return logits


def same_experts(folder):
    """Every expert in the file, read by gguf, is the checkpoint's, read here value by value."""
    checkpoint = to_gguf.Checkpoint(folder)
    with tempfile.NamedTemporaryFile(suffix=".gguf") as out:
        to_gguf.convert(folder, out.name)
        found = {tensor.name: tensor for tensor in gguf.GGUFReader(out.name).tensors}
        for n in range(checkpoint.config["num_hidden_layers"]):
            for name, (source, first, step) in to_gguf.EXPERTS.items():
                part = f"model.layers.{n}.mlp.experts.{source}_"
                blocks, scales = checkpoint[part + "blocks"], checkpoint[part + "scales"]
                expected = np.empty((*blocks.shape[:3], 32), np.float32)
                for byte in range(16):  # byte j: value 2j low, 2j + 1 high
                    expected[..., 2 * byte] = to_gguf.E2M1[blocks[..., byte] & 15]
                    expected[..., 2 * byte + 1] = to_gguf.E2M1[blocks[..., byte] >> 4]
                expected *= np.exp2(scales.astype(np.float32) - 127)[..., None]
                expected = expected.reshape(*blocks.shape[:2], -1)[:, first::step]
                tensor = found[f"blk.{n}.{name}.weight"]
                value = gguf.dequantize(tensor.data, tensor.tensor_type)
                assert np.array_equal(value.reshape(expected.shape), expected), tensor.name


def test(program):
    for name, (arguments, n_tokens) in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, ROOT / "tools/random-model/make.py", folder, "--preset",
                            "tiny", *GENTLE, *arguments.split()], check=True)
            same_experts(folder)
            ids = ids_for(folder, n_tokens)
            exact = ours(program, folder, ids, "exact")
            plain = theirs(folder, ids, "f32", "f32", exact=True)
            error = abs(plain - exact).max() / max(1.0, abs(exact).max())
            print(f"{name}: float32 differs by {error:.1e} of max |logit| {abs(exact).max():.1f}")
            assert error <= EXACT_BOUND, name
            for flash in (False, True):
                mean, text = describe(exact, theirs(folder, ids, "q8_0", flash=flash))
                print(f"{name}: q8_0, flash attention {'on' if flash else 'off'}: {text}")
                assert mean <= FAST_BOUND, name


def ids_for(folder, n_tokens):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    return np.random.default_rng(0).integers(0, config["vocab_size"], n_tokens)


def report(program, folders, n_tokens, ids_file):
    for folder in folders:
        ids = ids_for(folder, n_tokens)
        if ids_file:
            ids = np.array(pathlib.Path(ids_file).read_text().split(), int)
        exact = ours(program, folder, ids, "exact")
        print(f"{folder}, {len(ids)} tokens")
        print(f"  gptoss fast          {describe(exact, ours(program, folder, ids, 'fast'))[1]}")
        for dense in ("q8_0", "bf16", "f32"):
            text = describe(exact, theirs(folder, ids, dense, flash=True))[1]
            print(f"  llama.cpp {dense:10} {text}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="gptoss")
    parser.add_argument("--models", nargs="*", metavar="FOLDER")
    parser.add_argument("--tokens", type=int, default=40, help="random ids a model; default 40")
    parser.add_argument("--ids", help="a file of ids to compute instead")
    args = parser.parse_args()
    if args.models:
        report(args.program, args.models, args.tokens, args.ids)
    else:
        test(args.program)


if __name__ == "__main__":
    main()
