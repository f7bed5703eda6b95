"""Reads an exported checkpoint back into the PyTorch model and generates greedily, many prompts at once."""
import json
import os

import torch
from safetensors.torch import load_file

from model import CONFIG, Cache, Model

VALUES = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])


def unpack(blocks, scales):
    codes = torch.stack((blocks & 15, blocks >> 4), -1).flatten(-2).long()
    return (VALUES[codes] * torch.exp2(scales.float() - 127)[..., None]).flatten(-2)


def read(folder):
    with open(os.path.join(folder, "config.json")) as f:
        c = json.load(f)
    config = CONFIG | dict(
        hidden=c["hidden_size"], layers=c["num_hidden_layers"], heads=c["num_attention_heads"],
        kv_heads=c["num_key_value_heads"], head_dim=c["head_dim"], experts=c["num_local_experts"],
        experts_per_token=c["num_experts_per_tok"], intermediate=c["intermediate_size"], window=c["sliding_window"],
        vocab=c["vocab_size"])
    t, model = load_file(os.path.join(folder, "model.safetensors")), Model(config)
    w = {"embed": t["model.embed_tokens.weight"], "norm": t["model.norm.weight"], "head": t["lm_head.weight"]}
    for n in range(config["layers"]):
        p, l = f"model.layers.{n}.", f"layers.{n}."
        w[l + "norm1"], w[l + "norm2"] = t[p + "input_layernorm.weight"], t[p + "post_attention_layernorm.weight"]
        for end, to in (("weight", "qkv"), ("bias", "qkv_bias")):
            w[l + to] = torch.cat([t[f"{p}self_attn.{k}_proj.{end}"] for k in "qkv"])
        w[l + "out"], w[l + "out_bias"] = t[p + "self_attn.o_proj.weight"], t[p + "self_attn.o_proj.bias"]
        w[l + "sinks"] = t[p + "self_attn.sinks"]
        w[l + "router"], w[l + "router_bias"] = t[p + "mlp.router.weight"], t[p + "mlp.router.bias"]
        for kind in ("gate_up", "down"):
            e = f"{p}mlp.experts.{kind}_proj_"
            w[l + kind], w[l + kind + "_bias"] = unpack(t[e + "blocks"], t[e + "scales"]), t[e + "bias"]
    return model, {k: v.float() for k, v in w.items()}


class Reference:
    def __init__(self, folder):
        self.model, self.weights = read(folder)

    @torch.no_grad()
    def logits(self, ids):
        return self.model(torch.tensor([ids]), weights=self.weights)[0][0]

    @torch.no_grad()
    def generate(self, prompts, longest, stops, progress=lambda done, total: None, batch=250):
        """Greedy continuations, prompts of similar length together."""
        order, out = sorted(range(len(prompts)), key=lambda n: len(prompts[n])), [None] * len(prompts)
        for k in range(0, len(order), batch):
            group = order[k:k + batch]
            for n, ids in zip(group, self.together([prompts[n] for n in group], longest, stops)):
                out[n] = ids
            progress(k + len(group), len(order))
        return out

    def together(self, prompts, longest, stops):
        """Shorter prompts are padded on the left: only differences of positions count."""
        length = max(map(len, prompts))
        caches = [Cache() for _ in self.model.layers]
        ids = torch.tensor([[0] * (length - len(p)) + p for p in prompts])
        real = torch.tensor([[False] * (length - len(p)) + [True] * len(p) for p in prompts])
        last = torch.zeros(ids.shape, dtype=torch.bool)
        last[:, -1] = True
        start, out, live = 0, [[] for _ in prompts], torch.arange(len(prompts))
        for _ in range(longest):
            logits, _ = self.model(ids, last, self.weights, start, caches, real)
            start += ids.shape[1]
            ids = logits.argmax(-1)[:, None]
            for row, i in zip(live.tolist(), ids[:, 0].tolist()):
                out[row].append(i)
            going = torch.tensor([i not in stops for i in ids[:, 0].tolist()])
            if not going.any():
                break
            live, ids, real = live[going], ids[going], real[going]
            for cache in caches:
                cache.keep(going)
            last = torch.ones(ids.shape, dtype=torch.bool)
            real = torch.cat((real, last), 1)
        return out
