#!/usr/bin/env python3
"""Writes a gpt-oss checkpoint in Hugging Face's MXFP4 layout as GGUF, for llama.cpp.

    to_gguf.py CHECKPOINT OUT.gguf                # MXFP4 experts as they are, Q8_0 dense weights
    to_gguf.py CHECKPOINT OUT.gguf --dense bf16   # dense weights as stored

Streamed: memory stays under 500 MB whatever the size. The file has no vocabulary (llama.cpp's
"no_vocab"): it computes logits of ids, which is all that speed and parity need. Needs gguf.

What llama.cpp lays out in another way than Hugging Face:
  - an MXFP4 block is its scale, then 16 bytes; byte j holds value j low and value j + 16 high;
  - gate and up are two tensors (row 2i of gate_up_proj is gate i, row 2i + 1 up i).
"""
import argparse
import json
import math
import pathlib
import sys

import gguf
import numpy as np

TYPES = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "bf16": gguf.GGMLQuantizationType.BF16,
         "f16": gguf.GGMLQuantizationType.F16, "f32": gguf.GGMLQuantizationType.F32}
MXFP4, F32 = gguf.GGMLQuantizationType.MXFP4, gguf.GGMLQuantizationType.F32
FILE_TYPES = {"q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "bf16": gguf.LlamaFileType.MOSTLY_BF16,
              "f16": gguf.LlamaFileType.MOSTLY_F16, "f32": gguf.LlamaFileType.ALL_F32}
E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)
PIECE = 4 << 20  # values converted at a time

# Hugging Face's name in a layer -> GGUF's; what stays float32 there, then what --dense says.
SMALL = {
    "input_layernorm.weight": "attn_norm.weight",
    "post_attention_layernorm.weight": "post_attention_norm.weight",
    "self_attn.sinks": "attn_sinks.weight",
    "self_attn.q_proj.bias": "attn_q.bias",
    "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.bias": "attn_v.bias",
    "self_attn.o_proj.bias": "attn_output.bias",
    "mlp.router.weight": "ffn_gate_inp.weight",
    "mlp.router.bias": "ffn_gate_inp.bias",
}
DENSE = {
    "self_attn.q_proj.weight": "attn_q.weight",
    "self_attn.k_proj.weight": "attn_k.weight",
    "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight",
}
# Hugging Face's tensor, the first of its rows and the step between them -> GGUF's tensor.
EXPERTS = {"ffn_gate_exps": ("gate_up_proj", 0, 2), "ffn_up_exps": ("gate_up_proj", 1, 2),
           "ffn_down_exps": ("down_proj", 0, 1)}


class Checkpoint:
    """The tensors of a folder of safetensors files, mapped: name -> array (bf16 as uint16)."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.config = json.loads((self.folder / "config.json").read_text())
        self.tensors = {}
        for path in sorted(self.folder.glob("*.safetensors")):
            self._map(path)
        if not self.tensors:
            raise SystemExit(f"{folder}: no *.safetensors")

    def _map(self, path):
        data = np.memmap(path, np.uint8, "r")
        start = 8 + int.from_bytes(data[:8].tobytes(), "little")
        header = json.loads(data[8:start].tobytes())
        header.pop("__metadata__", None)
        for name, entry in header.items():
            first, end = (start + offset for offset in entry["data_offsets"])
            dtype = {"BF16": "<u2", "U8": "u1"}[entry["dtype"]]
            self.tensors[name] = data[first:end].view(dtype).reshape(entry["shape"])

    def __getitem__(self, name):
        return self.tensors[name]

    def __contains__(self, name):
        return name in self.tensors


class Stream:
    """What gguf's writer needs to see of a tensor: its bytes are made while they are written."""
    dtype = np.dtype(np.uint8)

    def __init__(self, shape, qtype, pieces):
        block, size = gguf.GGML_QUANT_SIZES[qtype]
        if shape[-1] % block:
            raise SystemExit(f"rows of {shape[-1]} values do not divide into blocks of {block}")
        self.shape = (*shape[:-1], shape[-1] // block * size)
        self.nbytes = math.prod(self.shape)
        self.qtype, self.pieces = qtype, pieces

    def tofile(self, file):
        for piece in self.pieces():
            file.write(np.ascontiguousarray(piece))


def floats(bf16):
    return (bf16.astype(np.uint32) << 16).view(np.float32)


def dense(tensor, qtype):
    """Rows of bf16 [..., columns] as qtype."""
    def pieces():
        rows = tensor.reshape(-1, tensor.shape[-1])
        step = max(1, PIECE // rows.shape[1])
        for first in range(0, len(rows), step):
            part = rows[first:first + step]
            if qtype == TYPES["bf16"]:
                yield part
            elif qtype == F32:
                yield floats(part)
            else:
                yield gguf.quantize(floats(part), qtype)
    return Stream(tensor.shape, qtype, pieces)


def codes_of(blocks):
    """uint8 [..., 16] as Hugging Face packs it -> codes [..., 32] in order of the input."""
    return np.stack((blocks & 15, blocks >> 4), axis=-1).reshape(*blocks.shape[:-1], 32)


def repacked(blocks, scales):
    codes = codes_of(blocks)
    packed = codes[..., :16] | codes[..., 16:] << 4
    return np.concatenate((scales[..., None], packed), axis=-1)


def dequantized(blocks, scales):
    return np.ldexp(E2M1[codes_of(blocks)], scales[..., None].astype(np.int32) - 127)


def experts(blocks, scales, qtype):
    """blocks [E, rows, columns / 32, 16], scales [E, rows, columns / 32]; one expert at a time."""
    convert = repacked if qtype == MXFP4 else dequantized
    def pieces():
        for expert in range(len(blocks)):
            yield convert(blocks[expert], scales[expert])
    return Stream((*blocks.shape[:2], blocks.shape[2] * 32), qtype, pieces)


def zeros(shape):
    return Stream(shape, F32, lambda: [np.zeros(shape, np.float32)])


def tensors(checkpoint, dense_type, expert_type):
    """(GGUF name, Stream) of the whole model."""
    embedding = checkpoint["model.embed_tokens.weight"]
    yield "token_embd.weight", dense(embedding, dense_type)
    for n in range(checkpoint.config["num_hidden_layers"]):
        theirs, ours = f"model.layers.{n}.", f"blk.{n}."
        for name, new in SMALL.items():
            if theirs + name in checkpoint:
                yield ours + new, dense(checkpoint[theirs + name], F32)
        for name, new in DENSE.items():
            yield ours + new, dense(checkpoint[theirs + name], dense_type)
        if theirs + "self_attn.o_proj.bias" not in checkpoint:  # llama.cpp asks for this one
            yield ours + "attn_output.bias", zeros((checkpoint.config["hidden_size"],))
        for new, (name, first, step) in EXPERTS.items():
            part = f"{theirs}mlp.experts.{name}_"
            yield f"{ours}{new}.weight", experts(checkpoint[part + "blocks"][:, first::step],
                                                 checkpoint[part + "scales"][:, first::step],
                                                 expert_type)
            yield f"{ours}{new}.bias", dense(checkpoint[part + "bias"][:, first::step], F32)
    yield "output_norm.weight", dense(checkpoint["model.norm.weight"], F32)
    tied = checkpoint.config.get("tie_word_embeddings")
    yield "output.weight", dense(embedding if tied else checkpoint["lm_head.weight"], dense_type)


def add_rope(writer, config):
    rope = config.get("rope_scaling") or config.get("rope_parameters") or {}
    writer.add_rope_freq_base(config.get("rope_theta") or rope.get("rope_theta", 150000.0))
    if rope.get("rope_type") != "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
        return
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(rope["factor"])
    writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    writer.add_rope_scaling_yarn_beta_fast(rope.get("beta_fast", 32.0))
    writer.add_rope_scaling_yarn_beta_slow(rope.get("beta_slow", 1.0))


def add_metadata(writer, config, dense_name):
    if config.get("swiglu_limit", 7.0) != 7.0:
        raise SystemExit("llama.cpp knows a swiglu_limit of 7 only")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_expert_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config.get("rms_norm_eps", 1e-5))
    writer.add_expert_count(config["num_local_experts"])
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_sliding_window(config["sliding_window"])
    writer.add_sliding_window_pattern([kind == "sliding_attention"
                                       for kind in config["layer_types"]])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(FILE_TYPES[dense_name])
    add_rope(writer, config)


def convert(folder, out, dense_name="q8_0", experts_name="mxfp4", progress=False):
    checkpoint = Checkpoint(folder)
    expert_type = MXFP4 if experts_name == "mxfp4" else F32
    writer = gguf.GGUFWriter(out, "gpt-oss")
    add_metadata(writer, checkpoint.config, dense_name)
    for name, stream in tensors(checkpoint, TYPES[dense_name], expert_type):
        writer.add_tensor(name, stream, raw_dtype=stream.qtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file(progress=progress)
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--dense", choices=TYPES, default="q8_0")
    parser.add_argument("--experts", choices=("mxfp4", "f32"), default="mxfp4",
                        help="f32: the same values, so that llama.cpp rounds no activation")
    args = parser.parse_args()
    convert(args.checkpoint, args.out, args.dense, args.experts, progress=sys.stderr.isatty())


if __name__ == "__main__":
    main()
