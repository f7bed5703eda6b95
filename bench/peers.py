#!/usr/bin/env python3
"""Measures gptoss beside llama.cpp (llama-cpp-python, built natively) on the same random weights.

    peers.py [--layers 8]       # 20b's dimensions, few layers: both models stay in memory, so the
                                # programs take turns, repetition by repetition
    peers.py --layers 24        # the whole 20b: they take turns in two blocks each

llama.cpp runs with the settings that are best for it, tried first: repacked weights or not, flash
attention or not, size of the batch. A measurement from which others took more than 5 % of the
processors is repeated. Writes DIRECTORY/peers-MODEL.json and a table of medians in Markdown.
"""
import argparse
import datetime
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys

import machine
import measure

HERE = pathlib.Path(__file__).resolve().parent


class Peer:
    """The child that holds llama.cpp. One at a time: it may have its own copy of all weights."""

    def __init__(self, gguf, repack):
        command = [sys.executable, HERE / "peer.py", gguf] + ([] if repack else ["--plain"])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.repack, self.prepared = repack, None
        self.about = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the peer ended with {self.process.wait()}")
        return json.loads(line)

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def measure(self, test, threads, settings):
        """Tokens per second, and the share of the processors that others took."""
        wanted = dict(prompt=test.prompt, tokens=test.tokens, depth=test.depth, threads=threads,
                      flash=settings["flash"], ubatch=settings["ubatch"])
        if wanted != self.prepared:
            self._ask(dict(prepare=wanted))
            self.prepared = wanted
        answer = self._ask(dict(measure=1))
        self.about["resident_most_bytes"] = answer["resident_most_bytes"]
        return answer["tokens_per_s"], answer["disturbed"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Peers:
    """Hands out the child with the wanted layout, closing the one with another."""

    def __init__(self, gguf):
        self.gguf, self.child, self.about = gguf, None, None

    def get(self, repack):
        if self.child and self.child.repack != repack:
            self.close()
        if not self.child:
            measure.say(f"llama.cpp loads {self.gguf}{'' if repack else ', not repacked'}")
            self.child = Peer(self.gguf, repack)
            self.about = self.child.about
        return self.child

    def close(self):
        if self.child:
            self.child.close()
            self.child = None


def candidates(test):
    sizes = [512] if test.tokens else sorted({min(512, test.prompt), min(2048, test.prompt)})
    return [dict(repack=repack, flash=flash, ubatch=size)
            for repack, flash, size in itertools.product((True, False), (True, False), sizes)]


def kind(test):
    return ("prompt" if test.prompt else "decode") + (" at depth" if test.depth else "")


def tune(peers, tests, threads):
    """The peer's best settings for each kind of test, one measurement each of its first test."""
    first = {}
    for test in tests:
        first.setdefault(kind(test), test)
    tried = [(repack, test, settings) for repack in (True, False) for test in first.values()
             for settings in candidates(test) if settings["repack"] == repack]
    best, log = {}, []
    for repack, test, settings in tried:
        child = peers.get(repack)
        rate, _, _ = measure.undisturbed(lambda: child.measure(test, threads, settings))
        log.append(dict(test=test.name, tokens_per_s=rate, **settings))
        measure.say(f"  tried {test.name} {words(settings)}: {rate:.2f}")
        if rate > best.get(kind(test), (0,))[0]:
            best[kind(test)] = (rate, settings)
    return {key: settings for key, (_, settings) in best.items()}, log


def words(settings):
    return (f"{'repacked' if settings['repack'] else 'plain'}, "
            f"flash attention {'on' if settings['flash'] else 'off'}, ubatch {settings['ubatch']}")


class Run:
    def __init__(self, args, model, gguf, tests):
        self.args, self.model, self.tests = args, model, tests
        self.peers, self.starts = Peers(gguf), []
        self.results, self.settings, self.log = {}, {}, []

    def entry(self, test, threads):
        return self.results.setdefault((test.name, threads), dict(
            test=test.name, threads=threads, gptoss=[], peer=[], reached=[], bound=[],
            bound_by="", repeated=0, most_disturbed=0.0))

    def keep(self, test, threads, side, outcome):
        rates, share, thrown_away = outcome
        entry = self.entry(test, threads)
        entry[side] += rates
        entry["repeated"] += thrown_away
        entry["most_disturbed"] = max(entry["most_disturbed"], share)
        measure.say(f"  {test.name}, {threads} threads, {side}: "
                    + " ".join(f"{rate:.2f}" for rate in rates))

    def ours(self, test, threads, repeat):
        def once():
            return measure.gptoss(self.args.program, self.model, test, repeat, threads,
                                  self.args.precision)
        (said, whole), share, thrown = measure.undisturbed(lambda: measure.watched(once))
        rates = said["tokens_per_s"]
        self.keep(test, threads, "gptoss", (rates, share, thrown))
        entry = self.entry(test, threads)
        entry["reached"] += said["shares"]  # of the limits measured beside each repetition
        entry["bound"].append(said["bound_tokens_per_s"])
        entry["bound_by"] = said["bound_by"]
        self.starts.append(dict(whole["machine"], test=test.name, load_s=whole["load_s"],
                                resident_most_bytes=whole["resident_most_bytes"]))

    def theirs(self, test, threads, repeat):
        settings = self.settings[kind(test)]
        child = self.peers.get(settings["repack"])
        for _ in range(repeat):
            rate, share, thrown = measure.undisturbed(
                lambda: child.measure(test, threads, settings))
            self.keep(test, threads, "peer", ([rate], share, thrown))

    def take_turns(self):
        """Repetition by repetition; behind a long context, whose prompt each start of gptoss has to
        read, all of its repetitions at once."""
        for test, threads in itertools.product(self.tests, self.args.threads):
            at_once = self.args.repeat if test.depth > 8192 else 1
            for _ in range(0, self.args.repeat, at_once):
                self.ours(test, threads, at_once)
                self.theirs(test, threads, at_once)

    def take_blocks(self):
        """For models that don't fit into memory together: each side twice, its file read first."""
        half = (self.args.repeat + 1) // 2
        for _ in range(2):
            self.peers.close()
            measure.read_once(self.model)
            for test, threads in itertools.product(self.tests, self.args.threads):
                self.ours(test, threads, half)
            measure.read_once(self.peers.gguf)
            ordered = sorted(self.tests, key=lambda test: self.settings[kind(test)]["repack"])
            for test, threads in itertools.product(ordered, self.args.threads):
                self.theirs(test, threads, half)
        self.peers.close()

    def run(self):
        self.settings, self.log = tune(self.peers, self.tests, max(self.args.threads))
        together = measure.size_of(self.model) + 1.2 * measure.size_of(self.peers.gguf)
        blocks = together > 0.9 * measure.free_bytes()
        measure.say("taking turns in blocks" if blocks else "taking turns")
        (self.take_blocks if blocks else self.take_turns)()
        self.peers.close()
        return dict(
            date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            processor=machine.name(), processors=os.cpu_count(), starts=self.starts,
            model=self.args.preset, layers=self.args.layers, precision=self.args.precision,
            dense=self.args.dense,
            turns="blocks" if blocks else "repetitions", peer=self.peers.about,
            settings=self.settings, tried=self.log, results=list(self.results.values()))


def table(report):
    lines = [f"{report['processor']}, {report['processors']} processors; random {report['model']}, "
             f"{report['layers']} layers; gptoss {report['precision']}, llama-cpp-python "
             f"{report['peer']['version']} ({report['dense']} dense); turns by {report['turns']}.",
             "", "| test | threads | gptoss, tokens/s | llama.cpp, tokens/s | ratio "
             "| bound, tokens/s | reached |", "|---|---|---|---|---|---|---|"]
    for entry in report["results"]:
        ours, theirs = statistics.median(entry["gptoss"]), statistics.median(entry["peer"])
        reached = statistics.median(entry["reached"])
        note = ", disturbed" if entry["most_disturbed"] > measure.DISTURBED else ""
        lines.append(
            f"| {entry['test']} | {entry['threads']} | {measure.spread(entry['gptoss'])} | "
            f"{measure.spread(entry['peer'])} | {ours / theirs:.2f} | "
            f"{statistics.median(entry['bound']):.1f}, {entry['bound_by']} | {reached:.0%}{note} |")
    lines.append("")
    for threads in sorted({start["threads"] for start in report["starts"]}):
        starts = [start for start in report["starts"] if start["threads"] == threads]
        read = measure.spread([start["read_gb_s"] for start in starts], 1)
        products = measure.spread([start["int8_gmac_s"] for start in starts], 0)
        lines.append(f"- limits of {threads} threads: {read} GB/s, {products} GMAC/s of int8")
    load = measure.spread([start["load_s"] for start in report["starts"]], 1)
    most = max(start["resident_most_bytes"] for start in report["starts"]) / 2**30
    theirs = report["peer"]
    lines.append(f"- gptoss loads in {load} s and holds at most {most:.1f} GiB; llama.cpp "
                 f"{theirs['load_seconds']:.1f} s, {theirs['resident_most_bytes'] / 2**30:.1f} GiB")
    lines += [f"- llama.cpp, {key}: {words(value)}" for key, value in report["settings"].items()]
    return "\n".join(lines) + "\n"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="gptoss (./dev gives it)")
    parser.add_argument("--directory", type=pathlib.Path, default=HERE.parent / "build/bench",
                        help="where models and results are; default build/bench")
    parser.add_argument("--preset", choices=("20b", "120b"), default="20b", help="dimensions")
    parser.add_argument("--layers", type=int, default=8, help="of 20b's 24; default 8")
    parser.add_argument("--tests", default="pp512,pp2048,tg64,tg32@d4096")
    parser.add_argument("--threads", default="2,1", help="default 2,1")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--precision", choices=("fast", "exact"), default="fast", help="of gptoss")
    parser.add_argument("--dense", choices=("q8_0", "bf16", "f16"), default="q8_0",
                        help="llama.cpp's dense weights")
    args = parser.parse_args()
    args.threads = [int(n) for n in args.threads.split(",")]
    return args


def main():
    args = arguments()
    tests = measure.tests(args.tests)
    args.directory.mkdir(parents=True, exist_ok=True)
    model = measure.random_model(args.directory, args.layers, args.preset)
    gguf = args.directory / f"{model.name}-{args.dense}.gguf"
    if not gguf.exists():
        measure.say(f"making {gguf}")
        part = gguf.with_suffix(".part")
        subprocess.run([sys.executable, HERE / "to_gguf.py", model, part, "--dense", args.dense],
                       check=True)
        part.rename(gguf)
    report = Run(args, model, gguf, tests).run()
    out = args.directory / f"peers-{model.name}"
    out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    text = table(report)
    out.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
