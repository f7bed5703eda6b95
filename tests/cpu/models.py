"""Random checkpoints of odd shapes, and the driver that computes them."""
import os
import shlex
import subprocess
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# name -> (arguments of tools/random-model/make.py, tokens). Shapes that a wrong index can't survive:
# heads and dimensions that fill no register, windows that cut pages, layers that don't alternate,
# prompts past the window and past YaRN's original context.
# The gains make logits as spread as a mild sampling distribution; docs/numerics.md has harsher ones.
GENTLE = "--logit-gain 0.7 --expert-gain 1 --router-gain 1".split()
MODELS = {
    "plain": ("--layers 4 --seed 1", 150),
    "odd_heads": ("--hidden 96 --intermediate 64 --heads 6 --kv-heads 3 --head-dim 10 --layers 3 "
                  "--layer-types ssf --window 7 --experts 5 --top-k 3 --vocab 333 --seed 2", 130),
    "one_kv": ("--hidden 160 --intermediate 224 --heads 5 --kv-heads 1 --head-dim 34 --layers 3 "
               "--layer-types f --experts 3 --top-k 1 --vocab 257 --original-context 32 --seed 3", 140),
    "sinks": ("--hidden 64 --intermediate 96 --heads 8 --kv-heads 8 --head-dim 64 --layers 4 "
              "--layer-types sffs --window 65 --sink-mean 4 --sink-scale 3 "
              "--seed 4", 200),
    "all_sliding": ("--hidden 128 --intermediate 32 --heads 4 --kv-heads 2 --head-dim 80 --layers 3 "
                    "--layer-types s --window 1 --experts 33 --top-k 7 --no-attention-bias --tie "
                    "--seed 5", 100),
    "truncated": ("--hidden 32 --intermediate 160 --heads 2 --kv-heads 1 --head-dim 128 --layers 5 "
                  "--layer-types sfsss --window 33 --truncate --rope-parameters --factor 16 "
                  "--original-context 48 --experts 6 --top-k 6 --swiglu-limit 1.5 --seed 6", 170),
    "no_yarn": ("--hidden 224 --intermediate 96 --heads 7 --kv-heads 7 --head-dim 18 --layers 3 "
                "--factor 1 --theta 10000 --window 100 --layer-types fs --experts 9 --top-k 4 "
                "--shards 3 --seed 7", 160),
}
# Positions past two spans of attention (CPU_SPAN in src/cpu/state.h), which are summed apart.
LONG = {
    "long": ("--hidden 32 --intermediate 32 --heads 4 --kv-heads 2 --head-dim 16 --layers 2 "
             "--layer-types fs --window 80 --experts 4 --top-k 2 --vocab 97 --context 4096 --seed 9", 2300),
}
# Only when asked for by name: minutes and 7 GB of memory.
LARGE = {
    "real": ("--preset 20b --layers 2 --vocab 4096 --seed 8", 40),
}


def make(name, directory):
    arguments, n_tokens = {**MODELS, **LONG, **LARGE}[name]
    out = os.path.join(directory, name)
    maker = os.path.join(ROOT, "tools", "random-model", "make.py")
    subprocess.run([sys.executable, maker, out, "--preset", "tiny", *GENTLE, *arguments.split()],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out, n_tokens


def ids_for(directory, n_tokens, seed=0):
    import json
    with open(os.path.join(directory, "config.json")) as f:
        vocabulary = json.load(f)["vocab_size"]
    return np.random.default_rng(seed).integers(0, vocabulary, n_tokens), vocabulary


def drive(driver, directory, ids, vocabulary, **settings):
    out = os.path.join(directory, "logits.bin")
    subprocess.run([*shlex.split(driver), directory, out, *(f"{k}={v}" for k, v in settings.items())],
                   input=" ".join(map(str, ids)), text=True, check=True)
    return np.fromfile(out, np.float32).reshape(len(ids), vocabulary)
