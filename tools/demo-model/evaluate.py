"""Asks the demo model 500 held-out problems of each family and prints the share answered right.

    python tools/demo-model/evaluate.py --model assets/demo-model                    answers by PyTorch
    python tools/demo-model/evaluate.py --model assets/demo-model --program build/gptoss   by the C program
    python tools/demo-model/evaluate.py --write problems.jsonl                       only writes the problems

The C program is asked `gptoss generate --model DIR --tokens N`, ids in and ids out; what follows the first stop token is
dropped. A problem is right when its final (and its function call) says what was wanted.
"""
import argparse
import concurrent.futures
import json
import os
import random
import subprocess
import sys

import conversations
import families
import vocabulary

STOPS = ("<|return|>", "<|call|>")


def problems(count, wanted):
    """Held-out conversations as dictionaries; a function problem asks twice, around the function's result."""
    out = []
    for family in wanted:
        rng = random.Random(f"evaluate {family}")
        for _ in range(count):
            talk = conversations.make(rng, family, test=True)
            out.append({"family": family, "effort": talk.effort,
                        "asked": [{"prompt": p, "wanted": w} for p, w in conversations.prompts(talk)]})
    return out


def message(text):
    """The header and content of the last message, which is all that counts: analysis may find its own way."""
    header, _, content = text.rpartition("<|message|>")
    return header.rpartition("<|start|>assistant")[2] if "<|start|>" in header else header, content


def equal(got, wanted):
    (h1, c1), (h2, c2) = message(got), message(wanted)
    if h1 != h2:
        return False
    for stop in STOPS:
        if c2.endswith(stop) and c2.startswith("{"):
            try:
                return c1.endswith(stop) and json.loads(c1[:-len(stop)]) == json.loads(c2[:-len(stop)])
            except ValueError:
                return False
    return c1 == c2


def by_torch(folder, words, prompts, longest, threads):
    import torch

    import reference
    torch.set_num_threads(threads)
    return reference.Reference(folder).generate(prompts, longest, [words.specials[s] for s in STOPS], progress)


def by_program(command, folder, prompts, limits, extra, jobs):
    def ask(ids, limit):
        run = subprocess.run([command, "generate", "--model", folder, "--tokens", str(limit), "--temperature", "0",
                              *extra], input=" ".join(map(str, ids)), capture_output=True, text=True)
        if run.returncode:
            sys.exit(run.stderr)
        return [int(i) for i in run.stdout.split()]

    out = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for ids in pool.map(ask, prompts, limits):
            out.append(ids)
            progress(len(out), len(prompts))
    return out


def progress(done, total):
    if sys.stderr.isatty() or done == total:
        print(f"\r{done} of {total} prompts", end="\n" if done == total else "", file=sys.stderr, flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("--model", default="assets/demo-model")
    a.add_argument("--count", type=int, default=500)
    a.add_argument("--families", nargs="*", default=families.FAMILIES)
    a.add_argument("--program", help="the gptoss program; without it PyTorch answers")
    a.add_argument("--option", action="append", default=[], help="passed on to the program, as --option=--threads=1")
    a.add_argument("--jobs", type=int, default=2, help="programs at once, or threads of PyTorch")
    a.add_argument("--write", help="write the problems as JSON lines and stop")
    a.add_argument("--wrong", type=int, default=0, help="show so many wrong answers of each family")
    a.add_argument("--at-least", type=float, default=0, help="fail unless every family reaches this share")
    a = a.parse_args()
    items = problems(a.count, a.families)
    with open(os.path.join(a.model, "tokenizer.json")) as f:
        words = vocabulary.Vocabulary(json.load(f))
    asked = [(item, q) for item in items for q in item["asked"]]
    for _, q in asked:
        q["ids"] = words.encode(q["prompt"])
    if a.write:
        with open(a.write, "w") as f:
            f.writelines(json.dumps(item) + "\n" for item in items)
        return
    prompts = [q["ids"] for _, q in asked]
    limits = [8 + len(words.encode(q["wanted"])) for _, q in asked]  # analysis may be a little longer than foreseen
    answers = by_program(a.program, a.model, prompts, limits, a.option, a.jobs) if a.program else \
        by_torch(a.model, words, prompts, max(limits), a.jobs)
    stops = [words.specials[s] for s in STOPS]
    wrong = {}
    for (item, q), ids in zip(asked, answers):
        end = min((n for n, i in enumerate(ids) if i in stops), default=len(ids) - 1)
        q["got"] = words.decode(ids[:end + 1])
        if not equal(q["got"], q["wanted"]):
            wrong.setdefault(item["family"], {})[id(item)] = q
    worst = 1.0
    for family in a.families:
        bad = wrong.get(family, {})
        right = 1 - len(bad) / a.count
        worst = min(worst, right)
        efforts = [f"{e} {sum(i['effort'] == e and id(i) not in bad for i in items if i['family'] == family)}/"
                   f"{sum(i['effort'] == e for i in items if i['family'] == family)}" for e in families.EFFORTS]
        print(f"{family:11} {100 * right:5.1f} %   {'  '.join(efforts)}")
        for q in list(bad.values())[:a.wrong]:
            print(f"  asked  {q['prompt'].rpartition('<|start|>user')[2]!r}\n  wanted {q['wanted']!r}\n  got    {q['got']!r}")
    sys.exit(worst < a.at_least)


if __name__ == "__main__":
    main()
