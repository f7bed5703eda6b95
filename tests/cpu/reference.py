"""Logits of transformers, in float32, for a gpt-oss checkpoint with MXFP4 experts."""
import json
import os
import struct

import numpy as np
import torch
from transformers import GptOssConfig, GptOssForCausalLM
from transformers.models.gpt_oss.modeling_gpt_oss import GptOssRotaryEmbedding

E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def read_tensors(directory):
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".safetensors"):
            continue
        data = np.memmap(os.path.join(directory, name), np.uint8, "r")
        length = struct.unpack("<Q", data[:8].tobytes())[0]
        header = json.loads(data[8:8 + length].tobytes())
        header.pop("__metadata__", None)
        for key, entry in header.items():
            begin, end = (8 + length + o for o in entry["data_offsets"])
            raw = np.array(data[begin:end])
            if entry["dtype"] == "BF16":
                raw = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
            yield key, raw.reshape(entry["shape"])


def dequantise(blocks, scales):
    """[E, rows, n_blocks, 16], [E, rows, n_blocks] -> [E, columns, rows], as transformers has it."""
    experts, rows, n_blocks, _ = blocks.shape
    result = np.empty((experts, n_blocks * 32, rows), np.float32)
    for e in range(experts):  # one at a time: at real dimensions they are gigabytes
        values = np.stack([E2M1[blocks[e] & 15], E2M1[blocks[e] >> 4]], -1)
        values = values.reshape(rows, n_blocks, 32)
        values *= np.exp2(scales[e].astype(np.float32) - 127)[..., None]
        result[e] = values.reshape(rows, -1).T
    return result


def state_dict(directory):
    tensors = dict(read_tensors(directory))
    result = {}
    for name, value in tensors.items():
        if name.endswith("_scales"):
            continue
        if name.endswith("_blocks"):
            value = dequantise(value, tensors[name[:-6] + "scales"])
            name = name[:-7]
        result[name] = torch.from_numpy(np.ascontiguousarray(value))
    return result


def load(directory):
    with open(os.path.join(directory, "config.json")) as f:
        config = json.load(f)
    config.pop("quantization_config", None)
    config["torch_dtype"] = "float32"
    config = GptOssConfig(**config)
    config._attn_implementation = "eager"
    with torch.device("meta"):  # no memory for weights that are replaced at once
        model = GptOssForCausalLM(config).eval()
    model.model.rotary_emb = GptOssRotaryEmbedding(config)  # computed, not loaded
    state = state_dict(directory)
    if config.tie_word_embeddings:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True, assign=True)
    return model


def logits(directory, ids):
    with torch.no_grad():
        return load(directory)(torch.tensor([ids]), use_cache=False).logits[0].numpy()
