#!/usr/bin/env python3
"""Writes a random gpt-oss checkpoint of any shape, in Hugging Face layout.

    make.py OUT --preset tiny --layers 6 --layer-types ssf --seed 3
    make.py OUT --preset 20b                  # 13 GB, streamed: memory stays under 300 MB
    make.py OUT --preset 20b --layers 2 --shards 3

Every weight depends on (seed, tensor name) alone. Scales are chosen so that activations stay near
one and logits spread (standard deviation --logit-gain): a model that a wrong kernel can't hide in.
Experts are random MXFP4 codes with random block scales. Needs numpy.
"""
import argparse
import json
import math
import os
import shutil
import struct
import sys
import zlib

import numpy as np

PRESETS = {
    "tiny": dict(hidden=64, intermediate=96, layers=4, heads=4, kv_heads=2, head_dim=16, experts=8,
                 top_k=2, vocab=512, window=16, original_context=64, factor=4.0, context=256),
    "small": dict(hidden=256, intermediate=320, layers=6, heads=8, kv_heads=2, head_dim=32,
                  experts=16, top_k=4, vocab=4096, window=32, original_context=256, factor=8.0,
                  context=2048),
    "20b": dict(hidden=2880, intermediate=2880, layers=24, heads=64, kv_heads=8, head_dim=64,
                experts=32, top_k=4, vocab=201088, window=128, original_context=4096, factor=32.0,
                context=131072),
    "120b": dict(hidden=2880, intermediate=2880, layers=36, heads=64, kv_heads=8, head_dim=64,
                 experts=128, top_k=4, vocab=201088, window=128, original_context=4096,
                 factor=32.0, context=131072),
}
CHUNK = 8 << 20  # values made at a time
E2M1_RMS = math.sqrt(sum(v * v for v in (0, .5, 1, 1.5, 2, 3, 4, 6)) / 8)


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--preset", choices=PRESETS, default="tiny")
    for name in ("hidden", "intermediate", "layers", "heads", "kv-heads", "head-dim", "experts",
                 "top-k", "vocab", "window", "original-context", "context"):
        p.add_argument("--" + name, type=int)
    p.add_argument("--factor", type=float,
                   help="YaRN; at most 1: plain rotary embedding, said in rope_parameters")
    p.add_argument("--theta", type=float, default=150000.0)
    p.add_argument("--beta-fast", type=float, default=32.0)
    p.add_argument("--beta-slow", type=float, default=1.0)
    p.add_argument("--truncate", action="store_true", help="whole-lane YaRN ramp bounds")
    p.add_argument("--layer-types", default="sf", help="repeated: s sliding, f full (default sf)")
    p.add_argument("--swiglu-limit", type=float, default=7.0)
    p.add_argument("--no-attention-bias", action="store_true")
    p.add_argument("--tie", action="store_true", help="unembedding = embedding")
    p.add_argument("--rope-parameters", action="store_true", help="config as transformers 5 writes")
    p.add_argument("--sink-scale", type=float, default=1.0, help="standard deviation of sinks")
    p.add_argument("--sink-mean", type=float, default=0.0)
    p.add_argument("--attention-gain", type=float, default=1.0)
    p.add_argument("--expert-gain", type=float, default=2.0, help="over 1: SwiGLU clamps are hit")
    p.add_argument("--router-gain", type=float, default=2.0)
    p.add_argument("--logit-gain", type=float, default=2.0)
    p.add_argument("--eos", type=int, help="eos_token_id (default: the last id)")
    p.add_argument("--tokenizer", help="a tokenizer.json to copy")
    p.add_argument("--shards", type=int, default=1)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    for key, value in PRESETS[args.preset].items():
        if getattr(args, key) is None:
            setattr(args, key, value)
    if args.hidden % 32 or args.intermediate % 32:
        p.error("hidden and intermediate must be multiples of 32 (MXFP4)")
    if args.heads % args.kv_heads or args.head_dim % 2 or not 1 <= args.top_k <= args.experts:
        p.error("heads, head-dim or top-k make no sense")
    if set(args.layer_types) - set("sf") or not args.layer_types:
        p.error("--layer-types is made of s and f")
    return args


def layer_types(args):
    pattern = args.layer_types
    names = {"s": "sliding_attention", "f": "full_attention"}
    return [names[pattern[i % len(pattern)]] for i in range(args.layers)]


def config(args):
    rope = dict(rope_type="yarn", factor=args.factor, beta_fast=args.beta_fast,
                beta_slow=args.beta_slow, truncate=args.truncate,
                original_max_position_embeddings=args.original_context)
    if args.factor <= 1:
        rope = dict(rope_type="default")
    result = dict(
        architectures=["GptOssForCausalLM"], model_type="gpt_oss",
        hidden_size=args.hidden, intermediate_size=args.intermediate,
        num_hidden_layers=args.layers, num_attention_heads=args.heads,
        num_key_value_heads=args.kv_heads, head_dim=args.head_dim,
        num_local_experts=args.experts, num_experts_per_tok=args.top_k,
        experts_per_token=args.top_k, vocab_size=args.vocab, sliding_window=args.window,
        max_position_embeddings=args.context, initial_context_length=args.original_context,
        layer_types=layer_types(args), attention_bias=not args.no_attention_bias,
        attention_dropout=0.0, hidden_act="silu", rms_norm_eps=1e-05,
        swiglu_limit=args.swiglu_limit, tie_word_embeddings=args.tie,
        eos_token_id=args.vocab - 1 if args.eos is None else args.eos, pad_token_id=None,
        torch_dtype="bfloat16", use_cache=True, output_router_logits=False,
        router_aux_loss_coef=0.9, initializer_range=0.02,
        quantization_config=dict(quant_method="mxfp4", modules_to_not_convert=[
            "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens",
            "lm_head"]))
    if args.rope_parameters or args.factor <= 1:
        result["rope_parameters"] = dict(rope, rope_theta=args.theta)
    else:
        result["rope_theta"] = args.theta
        result["rope_scaling"] = rope
    return result


def normal(mean, deviation):
    """A bf16 tensor; the maker yields its bytes in pieces."""
    def make(rng, count):
        for start in range(0, count, CHUNK):
            x = rng.standard_normal(min(CHUNK, count - start), dtype=np.float32)
            x *= np.float32(deviation)
            x += np.float32(mean)
            bits = x.view(np.uint32)
            yield ((bits + (0x7fff + ((bits >> 16) & 1))) >> 16).astype("<u2").tobytes()
    return "BF16", make


def codes():
    def make(rng, count):
        for start in range(0, count, CHUNK):
            yield rng.bytes(min(CHUNK, count - start))
    return "U8", make


def scales(deviation):
    """Block scales around the power of two that gives weights of this standard deviation."""
    exponent = 127 + math.log2(deviation / E2M1_RMS) - 0.32  # half of the mean square lies above
    def make(rng, count):
        for start in range(0, count, CHUNK):
            spread = rng.random(min(CHUNK, count - start), dtype=np.float32) * 2 - 0.5
            yield np.floor(spread + np.float32(exponent)).astype(np.uint8).tobytes()
    return "U8", make


def tensors(args):
    """(name, shape, (dtype, maker)) of the whole model."""
    h, i, e = args.hidden, args.intermediate, args.experts
    q, kv = args.heads * args.head_dim, args.kv_heads * args.head_dim
    norm, bias = normal(1.0, 0.2), normal(0.0, 0.2)
    unembedding = normal(0, args.logit_gain / math.sqrt(h))
    yield "model.embed_tokens.weight", (args.vocab, h), unembedding if args.tie else normal(0, 1.0)
    for n in range(args.layers):
        base = f"model.layers.{n}."
        yield base + "input_layernorm.weight", (h,), norm
        yield base + "post_attention_layernorm.weight", (h,), norm
        for name, rows, columns, gain in (("q", q, h, args.attention_gain), ("k", kv, h, 1.0),
                                          ("v", kv, h, 1.0), ("o", h, q, 1.0)):
            part = f"{base}self_attn.{name}_proj."
            yield part + "weight", (rows, columns), normal(0, gain / math.sqrt(columns))
            if not args.no_attention_bias:
                yield part + "bias", (rows,), bias
        yield base + "self_attn.sinks", (args.heads,), normal(args.sink_mean, args.sink_scale)
        yield base + "mlp.router.weight", (e, h), normal(0, args.router_gain / math.sqrt(h))
        yield base + "mlp.router.bias", (e,), bias
        for name, rows, columns, gain in (("gate_up", 2 * i, h, args.expert_gain),
                                          ("down", h, i, 1.0 / args.expert_gain)):
            part = f"{base}mlp.experts.{name}_proj_"
            yield part + "blocks", (e, rows, columns // 32, 16), codes()
            yield part + "scales", (e, rows, columns // 32), scales(gain / math.sqrt(columns))
            yield part + "bias", (e, rows), bias
    yield "model.norm.weight", (h,), norm
    if not args.tie:
        yield "lm_head.weight", (args.vocab, h), unembedding


def size_of(shape, dtype):
    return math.prod(shape) * (2 if dtype == "BF16" else 1)


def write_file(path, entries, seed, progress):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, (dtype, _) in entries:
        size = size_of(shape, dtype)
        header[name] = dict(dtype=dtype, shape=list(shape), data_offsets=[offset, offset + size])
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape, (_, make) in entries:
            rng = np.random.Generator(np.random.SFC64([seed, zlib.crc32(name.encode())]))
            for piece in make(rng, math.prod(shape)):
                out.write(piece)
                progress(len(piece))


def shard(entries, n_shards):
    """Consecutive runs of about equal bytes; never more shards than tensors."""
    n_shards = max(1, min(n_shards, len(entries)))
    total = sum(size_of(s, d) for _, s, (d, _) in entries)
    result, used = [[] for _ in range(n_shards)], 0
    for position, entry in enumerate(entries):
        at = min(n_shards - 1, used * n_shards // total)
        last_start = n_shards - (len(entries) - position)  # leave a tensor for each shard after
        result[max(at, last_start, 0)].append(entry)
        used += size_of(entry[1], entry[2][0])
    return [part for part in result if part]


def main():
    args = parse_arguments()
    os.makedirs(args.out, exist_ok=True)
    entries = list(tensors(args))
    total, done = sum(size_of(s, d) for _, s, (d, _) in entries), 0
    show = sys.stderr.isatty() and total > 100e6

    def progress(size):
        nonlocal done
        done += size
        if show:
            sys.stderr.write(f"\r{done / 1e9:7.2f} of {total / 1e9:.2f} GB")

    parts = shard(entries, args.shards)
    weight_map = {}
    for n, part in enumerate(parts):
        name = "model.safetensors"
        if len(parts) > 1:
            name = f"model-{n:05d}-of-{len(parts):05d}.safetensors"
            weight_map.update({entry[0]: name for entry in part})
        write_file(os.path.join(args.out, name), part, args.seed, progress)
    if show:
        sys.stderr.write("\n")
    if weight_map:
        with open(os.path.join(args.out, "model.safetensors.index.json"), "w") as out:
            json.dump(dict(metadata=dict(total_size=total), weight_map=weight_map), out)
    with open(os.path.join(args.out, "config.json"), "w") as out:
        json.dump(config(args), out, indent=2)
    if args.tokenizer:
        shutil.copy(args.tokenizer, os.path.join(args.out, "tokenizer.json"))


if __name__ == "__main__":
    main()
