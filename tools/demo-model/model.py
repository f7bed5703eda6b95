"""gpt-oss in PyTorch, as small as it goes: what is trained here is exactly what the exported files say."""
import math

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = dict(
    hidden=128, layers=4, heads=4, kv_heads=2, head_dim=32, experts=4, experts_per_token=2, intermediate=128,
    window=64, theta=150000.0, factor=32.0, original_context=4096, beta_fast=32.0, beta_slow=1.0, eps=1e-5,
    limit=7.0, alpha=1.702, vocab=None)


class Round(torch.autograd.Function):
    """Rounds a weight in the forward pass; the gradient passes straight through."""

    @staticmethod
    def forward(ctx, w, how):
        return how(w)

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def mxfp4_parts(w):
    """Splits [..., K] into blocks of 32: the e8m0 exponent of each block and its e2m1 values."""
    blocks = w.reshape(*w.shape[:-1], -1, 32)
    top = blocks.abs().amax(-1, keepdim=True).clamp_min(2.0 ** -100)
    exponent = torch.ceil(torch.log2(top / 7.0))  # the largest magnitude is 6; up to 7 is cut, which costs least
    x = blocks * torch.exp2(-exponent)
    step = torch.exp2(torch.floor(torch.log2(x.abs().clamp_min(1.0))).clamp(0, 2) - 1)
    return exponent, (torch.round(x / step) * step).clamp(-6, 6)


def to_mxfp4(w):
    exponent, values = mxfp4_parts(w)
    return (values * torch.exp2(exponent)).reshape(w.shape)


def to_bf16(w):
    return w.to(torch.bfloat16).to(torch.float32)


def rope_tables(c, length):
    """YaRN cosines and sines [length, head_dim / 2], scaled by 0.1 ln(factor) + 1; the ramp stays fractional."""
    half = c["head_dim"] // 2
    freq = c["theta"] ** (torch.arange(half, dtype=torch.float64) * 2 / c["head_dim"])

    def bound(beta):
        return c["head_dim"] * math.log(c["original_context"] / (beta * 2 * math.pi)) / (2 * math.log(c["theta"]))

    low, high = max(bound(c["beta_fast"]), 0.0), min(bound(c["beta_slow"]), c["head_dim"] - 1.0)
    mask = 1 - ((torch.arange(half, dtype=torch.float64) - low) / (high - low)).clamp(0, 1)
    inv = (1 - mask) / (c["factor"] * freq) + mask / freq
    angle = torch.arange(length, dtype=torch.float64)[:, None] * inv
    scale = 0.1 * math.log(c["factor"]) + 1
    return (angle.cos() * scale).float(), (angle.sin() * scale).float()


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Cache:
    """The keys and values of one layer; sliding layers keep all and mask, which is simpler."""

    def __init__(self):
        self.k = self.v = None

    def __call__(self, k, v):
        if self.k is not None:
            rows = (k.shape[0], -1, -1, -1)  # one prefix may serve many continuations
            k, v = torch.cat((self.k.expand(rows), k), 2), torch.cat((self.v.expand(rows), v), 2)
        self.k, self.v = k, v
        return k, v

    def keep(self, rows):
        self.k, self.v = self.k[rows], self.v[rows]


class Layer(nn.Module):
    def __init__(self, c, sliding):
        super().__init__()
        self.c, self.sliding = c, sliding
        d, q, kv = c["hidden"], c["heads"] * c["head_dim"], c["kv_heads"] * c["head_dim"]
        e, i = c["experts"], c["intermediate"]

        def matrix(*shape):
            return nn.Parameter(torch.randn(*shape) * shape[-1] ** -0.5)

        def zeros(*shape):
            return nn.Parameter(torch.zeros(*shape))

        self.norm1, self.norm2 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.ones(d))
        self.qkv, self.qkv_bias = matrix(q + 2 * kv, d), zeros(q + 2 * kv)
        self.out, self.out_bias = nn.Parameter(torch.randn(d, q) * q ** -0.5 * 0.3), zeros(d)
        self.sinks = zeros(c["heads"])
        self.router, self.router_bias = nn.Parameter(torch.randn(e, d) * 0.1), zeros(e)
        self.gate_up, self.gate_up_bias = matrix(e, 2 * i, d), zeros(e, 2 * i)
        self.down, self.down_bias = nn.Parameter(torch.randn(e, d, i) * i ** -0.5 * 0.3), zeros(e, d)

    def forward(self, x, w, rope, mask, cache=None):
        """x [B, T, D]; w the rounded weights; mask [.., T, S], true where attention is allowed."""
        c = self.c
        b, t, d = x.shape
        h, g, n = c["heads"], c["kv_heads"], c["head_dim"]
        y = F.linear(F.rms_norm(x, (d,), w["norm1"], c["eps"]), w["qkv"], w["qkv_bias"])
        y = y.view(b, t, h + 2 * g, n).transpose(1, 2)
        q, k, v = y.split((h, g, g), 1)
        q, k = rotate(q, *rope), rotate(k, *rope)
        if cache is not None:
            k, v = cache(k, v)
        q = q.reshape(b, g, h // g * t, n)
        scores = (q @ k.transpose(-1, -2) * n ** -0.5).view(b, h, t, -1)
        scores = scores.masked_fill(~mask, -1e30)
        sink = w["sinks"].view(1, h, 1, 1).expand(b, h, t, 1)
        p = torch.cat((scores, sink), -1).softmax(-1)[..., :-1]
        o = (p.reshape(b, g, h // g * t, -1) @ v).view(b, h, t, n).transpose(1, 2).reshape(b, t, h * n)
        x = x + F.linear(o, w["out"], w["out_bias"])
        y, balance = self.mixture(F.rms_norm(x, (d,), w["norm2"], c["eps"]).view(b * t, d), w)
        return x + y.view(b, t, d), balance

    def mixture(self, x, w):
        """All experts at once, the ones not chosen weighted zero: at this size faster than gathering."""
        c = self.c
        n, e, i = x.shape[0], c["experts"], c["intermediate"]
        logits = F.linear(x, w["router"], w["router_bias"])
        top = logits.topk(c["experts_per_token"], -1)
        weight = torch.zeros_like(logits).scatter(1, top.indices, top.values.softmax(-1))
        hidden = F.linear(x, w["gate_up"].view(e * 2 * i, -1), w["gate_up_bias"].view(-1)).view(n, e, i, 2)
        gate, up = hidden.unbind(-1)
        gate, up = gate.clamp(max=c["limit"]), up.clamp(-c["limit"], c["limit"])
        a = gate * torch.sigmoid(c["alpha"] * gate) * (up + 1) * weight[:, :, None]
        y = a.reshape(n, e * i) @ w["down"].transpose(1, 2).reshape(e * i, -1) + weight @ w["down_bias"]
        balance = e * ((weight > 0).float().mean(0) * logits.softmax(-1).mean(0)).sum()
        return y, balance


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = nn.Parameter(torch.randn(c["vocab"], c["hidden"]) * 0.5)
        self.layers = nn.ModuleList(Layer(c, n % 2 == 0) for n in range(c["layers"]))
        self.norm = nn.Parameter(torch.ones(c["hidden"]))
        self.head = nn.Parameter(torch.zeros(c["vocab"], c["hidden"]))

    def rounded(self):
        """All weights as the exported files will hold them: experts in MXFP4, the rest in bfloat16."""
        return {n: Round.apply(p, to_mxfp4 if n.endswith((".gate_up", ".down")) else to_bf16)
                for n, p in self.named_parameters()}

    def forward(self, ids, where=None, weights=None, start=0, caches=None, real=None):
        """ids [B, T] -> logits, of all positions or of those that `where` (a bool mask) marks; balance loss.

        With caches, ids continue at position `start`; `real` [B, S] marks the positions that are no padding."""
        w = weights or self.rounded()
        t = ids.shape[1]
        cos, sin = rope_tables(self.c, start + t)
        rope = cos[start:], sin[start:]
        x = F.embedding(ids, w["embed"])
        gap = torch.arange(start, start + t)[:, None] - torch.arange(start + t)[None]
        full, near = gap >= 0, (gap >= 0) & (gap < self.c["window"])
        if real is not None:
            full, near = (m[None, None] & real[:, None, None] for m in (full, near))
        total = 0.0
        for n, layer in enumerate(self.layers):
            part = {k.split(".", 2)[2]: v for k, v in w.items() if k.startswith(f"layers.{n}.")}
            x, balance = layer(x, part, rope, near if layer.sliding else full, caches[n] if caches else None)
            total = total + balance
        if where is not None:
            x = x[where]
        x = F.rms_norm(x, (self.c["hidden"],), w["norm"], self.c["eps"])
        return F.linear(x, w["head"]), total / len(self.layers)
