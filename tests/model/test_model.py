"""Random checkpoints of several shapes, read by the C code and by the reference: configuration,
every tensor's type, shape, file and bytes, sizes by kind, and rotary tables against transformers.
If this fails, a model is read wrongly, or long prompts drift from the reference.

    test_model.py PROBE
"""
import json
import os
import subprocess
import sys
import tempfile
import zlib

import numpy as np
import torch
from safetensors import safe_open
from transformers import GptOssConfig
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssRotaryEmbedding

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
PROBE = sys.argv[1]
FAILURES = []


def check(condition, text):
    if not condition:
        FAILURES.append(text)
        print("failed:", text, file=sys.stderr)


def make(directory, options):
    subprocess.run([sys.executable, os.path.join(ROOT, "tools/random-model/make.py"), directory,
                    *options.split()], check=True)


def probe(*arguments):
    return subprocess.run([PROBE, *map(str, arguments)], check=True, capture_output=True).stdout


def check_tensors(directory, seen, label):
    found = 0
    sizes = dict(embeddings=0, experts=0, dense=0)
    for file in sorted(os.listdir(directory)):
        if not file.endswith(".safetensors"):
            continue
        with safe_open(os.path.join(directory, file), "pt") as opened:
            for name in opened.keys():
                tensor = opened.get_tensor(name)
                dtype = {torch.bfloat16: "BF16", torch.uint8: "U8"}[tensor.dtype]
                data = tensor.contiguous().view(torch.uint8).numpy().tobytes()
                expected = [dtype, list(tensor.shape), file, zlib.crc32(data)]
                check(seen["tensors"].get(name) == expected, f"{label}: {name}: "
                      f"{seen['tensors'].get(name)} is not {expected}")
                kind = "experts" if ".experts." in name else "dense"
                kind = "embeddings" if "embed" in name or "lm_head" in name else kind
                sizes[kind] += len(data)
                found += 1
    check(found == len(seen["tensors"]), f"{label}: {found} tensors, {len(seen['tensors'])} seen")
    check(seen["bytes"] == [*sizes.values(), sum(sizes.values())], f"{label}: bytes by kind")


def check_config(config, seen, label):
    pairs = dict(hidden=config.hidden_size, layers=config.num_hidden_layers,
                 heads=config.num_attention_heads, kv_heads=config.num_key_value_heads,
                 head_dim=config.head_dim, experts=config.num_local_experts,
                 top_k=config.num_experts_per_tok, intermediate=config.intermediate_size,
                 vocab=config.vocab_size, context=config.max_position_embeddings,
                 bias=int(config.attention_bias), tied=int(config.tie_word_embeddings),
                 limit=config.swiglu_limit, eos=config.eos_token_id,
                 types="".join(t[0] for t in config.layer_types))
    for key, value in pairs.items():
        check(seen[key] == value, f"{label}: {key} is {seen[key]}, expected {value}")
    if "s" in pairs["types"]:
        check(seen["window"] == config.sliding_window, f"{label}: window")


def check_rope(directory, config, label, positions):
    """Tables equal transformers' wherever the frequency has the same bits. torch's vectorised pow is
    not correctly rounded, so a few frequencies differ by one unit in the last place; that lane's
    angle may then differ by a rounding or two."""
    reference = GptOssRotaryEmbedding(config)
    half = config.head_dim // 2
    theirs = reference.inv_freq.numpy()
    worst = worst_moved = 0.0
    for first, count in positions:
        raw = np.frombuffer(probe("rope", directory, first, count), np.float32)
        inverse, table = raw[:half], raw[half:].reshape(2, count, half)
        cos, sin = reference(torch.zeros(1), torch.arange(first, first + count)[None])
        difference = np.abs(table - np.stack([cos[0].numpy(), sin[0].numpy()])).max(axis=(0, 1))
        same = inverse == theirs
        worst = max(worst, float(difference[same].max()))
        moved = difference[~same] / ((first + count) * inverse[~same] * 2.0**-22)
        worst_moved = max(worst_moved, float(moved.max()) if moved.size else 0.0)
    off = float(np.abs(inverse / theirs - 1).max())
    check(off <= 1.3e-7, f"{label}: a frequency is off by {off:.2g}")
    check(worst <= 1e-6, f"{label}: cos or sin is off by {worst:.2g} where frequencies agree")
    check(worst_moved <= 1, f"{label}: cos or sin is off by {worst_moved:.2g} of what it may be")
    check(np.sum(~same) <= half // 8, f"{label}: {np.sum(~same)} frequencies differ")
    print(f"{label}: {np.sum(~same)} of {half} frequencies differ (by {off:.2g}), tables by {worst:.2g}")


SHAPES = [
    "--seed 1",
    "--seed 2 --shards 3 --rope-parameters --layer-types ssf --tie",
    "--seed 3 --factor 1 --no-attention-bias --layer-types f",
    "--seed 4 --hidden 96 --intermediate 160 --heads 6 --kv-heads 3 --head-dim 20 --layers 3 "
    "--experts 5 --top-k 3 --vocab 333 --layer-types fs --shards 100",
    "--seed 5 --head-dim 64 --factor 32 --original-context 4096 --context 131072",
    "--seed 6 --head-dim 64 --factor 7.5 --original-context 100 --truncate --theta 10000 "
    "--beta-fast 16 --beta-slow 2",
]


def check_published_sizes():
    """The model card's parameter counts (table 1): total / active."""
    for preset, total, active in (("20b", 20.91e9, 3.61e9), ("120b", 116.83e9, 5.13e9)):
        sys.path.insert(0, os.path.join(ROOT, "tools/random-model"))
        import make as maker
        sys.argv = ["make.py", "unused", "--preset", preset]
        text = json.dumps(maker.config(maker.parse_arguments()))
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(text)
            file.flush()
            seen = json.loads(probe("count", file.name))
        check(abs(seen["parameters"] / total - 1) < 0.001, f"{preset}: {seen['parameters']} weights")
        check(abs(seen["active"] / active - 1) < 0.01, f"{preset}: {seen['active']} active")
        print(preset, seen)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for number, options in enumerate(SHAPES):
            directory = os.path.join(folder, str(number))
            make(directory, options)
            config = GptOssConfig.from_pretrained(directory)
            seen = json.loads(probe("describe", directory))
            check_tensors(directory, seen, options)
            check_config(config, seen, options)
            check_rope(directory, config, options,
                       [(0, 200), (4000, 1000), (config.max_position_embeddings - 1, 1)])
    check_published_sizes()
    sys.exit(1 if FAILURES else 0)


main()
