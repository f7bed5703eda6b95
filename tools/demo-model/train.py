"""Trains the demo model on generated conversations and writes it as a Hugging Face checkpoint.

    python tools/demo-model/train.py --out assets/demo-model

Seeds are fixed; on two cores the whole takes under 90 minutes. --minutes ends the schedule early by the clock.
"""
import argparse
import json
import multiprocessing
import os
import random
import sys
import time

import torch
from torch.nn import functional as F

import conversations
import drills
import export
import families
import reference
import vocabulary
from model import CONFIG, Cache, Model


MATRICES = ".qkv", ".out", ".gate_up", ".down"
RATES = {"router": 0.1, "router_bias": 0.3, "head": 0.5}  # a router that moves fast hands tokens to ever other experts


class Muon:
    """Momentum whose updates are made orthogonal: for the matrices of the layers (one per expert)."""

    def __init__(self, params, momentum=0.95):
        self.momentum = momentum
        groups = {}
        for p in params:
            groups.setdefault(tuple(p.shape[-2:]), []).append(p)
        self.groups = [(ps, [torch.zeros_like(p) for p in ps]) for ps in groups.values()]

    @staticmethod
    def orthogonal(g):
        x = g / (g.norm(dim=(-2, -1), keepdim=True) + 1e-7)
        tall = x.shape[-2] > x.shape[-1]
        x = x.mT if tall else x
        for _ in range(5):
            a = x @ x.mT
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return x.mT if tall else x

    @torch.no_grad()
    def step(self, rate):
        for params, buffers in self.groups:
            flat = []
            for p, m in zip(params, buffers):
                m.lerp_(p.grad, 1 - self.momentum)
                flat.append(p.grad.lerp(m, self.momentum).reshape(-1, *p.shape[-2:]))
            update = self.orthogonal(torch.cat(flat))
            rows, columns = params[0].shape[-2:]
            scale = max(1.0, rows / columns) ** 0.5
            for p, u in zip(params, update.split([f.shape[0] for f in flat])):
                p.mul_(1 - rate * 0.02).sub_(u.reshape(p.shape), alpha=rate * scale)


def conversation_ids(words, rng, around, drill):
    """The ids that follow the shared prefix, and which of them the model must produce."""
    ids, own = [], []
    prefix = conversations.shared_prefix(around)
    parts = drills.pieces(rng, prefix) if drill else conversations.pieces(conversations.make(rng, around=around))
    for n, (text, mine) in enumerate(parts):
        new = words.encode(text if n else text.removeprefix(prefix))
        ids += new
        own += [mine] * len(new)
    return ids, own


def batches(words, rng, tokens, drilled):
    """Batches of about so many tokens, of conversations of similar length that begin with the same system message:
    ids of that prefix, of what follows it, and which of these are predicted."""
    while True:
        cuts = []
        for _ in range(16):
            around = families.surroundings(rng)
            pool = (conversation_ids(words, rng, around, rng.random() < drilled) for _ in range(120))
            pool = [s for s in pool if len(s[0]) <= 400]
            pool.sort(key=lambda s: len(s[0]))
            start, prefix = 0, torch.tensor([words.encode(conversations.shared_prefix(around))])
            while start < len(pool):
                end = start
                while end < len(pool) and len(pool[end][0]) * (end - start + 1) <= tokens:
                    end += 1
                cuts.append((prefix, pool[start:end]))
                start = end
        rng.shuffle(cuts)
        for prefix, part in cuts:
            length = len(part[-1][0])
            ids = torch.tensor([s[0] + [0] * (length - len(s[0])) for s in part])
            own = torch.tensor([s[1] + [False] * (length - len(s[1])) for s in part])
            yield prefix, ids, own


class Team:
    """Workers of one thread each, which meet once a step to average their gradients through shared memory.

    On a busy machine this loses far less than threads that meet in every operation."""

    def __init__(self, size, params):
        self.params, self.size, self.rank = params, size, 0
        self.shared = torch.zeros(size, sum(p.numel() for p in params)).share_memory_()
        self.said = torch.zeros(1, dtype=torch.float64).share_memory_()
        self.barrier = multiprocessing.get_context("fork").Barrier(size)
        for rank in range(1, size):
            if os.fork() == 0:
                self.rank = rank
                break

    def agree(self, value):
        """The first worker's value, for all."""
        if self.size > 1:
            if self.rank == 0:
                self.said[0] = value
            self.barrier.wait(600)
            value = self.said[0].item()
        return value

    def average(self):
        if self.size > 1:
            torch.cat([p.grad.view(-1) for p in self.params], out=self.shared[self.rank])
            self.barrier.wait(600)
            mean = self.shared.mean(0)
            self.barrier.wait(600)
            for p, g in zip(self.params, mean.split([p.numel() for p in self.params])):
                p.grad.copy_(g.view_as(p))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--out", default="assets/demo-model")
    a.add_argument("--steps", type=int, default=8000)
    a.add_argument("--minutes", type=float, default=0, help="end the schedule after so long, if that is earlier")
    a.add_argument("--tokens", type=int, default=2560, help="tokens in a batch of one worker")
    a.add_argument("--workers", type=int, default=2)
    a.add_argument("--export-every", type=int, default=500)
    a.add_argument("--first", type=int, default=0, help="steps that the earlier run has made")
    a.add_argument("--start-from", help="the folder of a checkpoint to train further")
    a.add_argument("--drills", type=float, default=0.3, help="the share of practice sequences")
    a.add_argument("--decay", type=float, default=0.7, help="the last part of the schedule, in which the rate falls to zero")
    a.add_argument("--rate", type=float, default=1.0)
    a.add_argument("--set", nargs="*", default=[], help="configuration values, as hidden=192")
    a = a.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(4)
    spec = vocabulary.tokenizer_json()
    if a.start_from:
        with open(os.path.join(a.start_from, "tokenizer.json")) as f:
            spec = json.load(f)
    words = vocabulary.Vocabulary(spec)
    config = CONFIG | dict(vocab=words.size) | {k: int(v) for k, v in (s.split("=") for s in a.set)}
    model = Model(config)
    if a.start_from:
        model.load_state_dict(reference.read(a.start_from)[1])
    matrices = [p for n, p in model.named_parameters() if n.endswith(MATRICES)]
    rest = [p for p in model.parameters() if all(p is not m for m in matrices)]
    muon, adam = Muon(matrices), torch.optim.AdamW(
        [{"params": [p], "scale": RATES.get(n.rpartition(".")[2], 1.0)} for n, p in model.named_parameters()
         if not n.endswith(MATRICES)], betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    count = sum(p.numel() for p in model.parameters())
    print(f"{count:,} parameters, {config}", file=sys.stderr)
    team = Team(a.workers, list(model.parameters()))
    began, mean, seen = time.time(), None, 0
    os.makedirs(a.out, exist_ok=True)
    for step, (prefix, ids, own) in enumerate(batches(words, random.Random(4 + team.rank + a.first), a.tokens, a.drills), 1 + a.first):
        done = team.agree(max(step / a.steps, (time.time() - began) / 60 / a.minutes if a.minutes else 0))
        if done >= 1:
            break
        decay = min(1.0, (1 - done) / a.decay)
        rate = min((step - a.first) / 60, 1.0) * decay * a.rate
        predicted = own[:, 1:]
        weights, caches = model.rounded(), [Cache() for _ in model.layers]
        model(prefix, torch.zeros(prefix.shape, dtype=torch.bool), weights, 0, caches)
        logits, balance = model(ids[:, :-1], predicted, weights, prefix.shape[1], caches)
        loss = F.cross_entropy(logits, ids[:, 1:][predicted])
        adam.zero_grad(set_to_none=True)
        for p in matrices:
            p.grad = None
        (loss + 0.01 * balance).backward()
        team.average()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for g in adam.param_groups:
            g["lr"] = 3e-3 * g["scale"] * rate
        adam.step()
        muon.step(0.012 * rate)
        seen += ids.numel() * a.workers
        mean = loss.item() if mean is None else 0.98 * mean + 0.02 * loss.item()
        if step % 20 == 0 and team.rank == 0:
            spent = time.time() - began
            bar = "#" * int(30 * done)
            print(f"\r[{bar:30}] step {step} loss {mean:.4f} {seen / spent:,.0f} tokens/s {spent / 60:.1f} of "
                  f"{spent / 60 / done:.0f} min", end="\n" if step % 200 == 0 else "", file=sys.stderr, flush=True)
        if step % a.export_every == 0 and team.rank == 0:
            export.write(model, spec, a.out)
    if team.rank:
        os._exit(0)
    export.write(model, spec, a.out)
    print(f"\n{step} steps, {seen:,} tokens, {(time.time() - began) / 60:.1f} minutes, loss {mean:.4f}", file=sys.stderr)


if __name__ == "__main__":
    main()
