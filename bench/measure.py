"""What peers.py and compare.py share: names of tests, models of real dimensions, one measurement of
a gptoss program, repetition of what others disturbed, and figures with their spread."""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
from typing import NamedTuple

import machine

ROOT = pathlib.Path(__file__).resolve().parents[1]
DISTURBED = 0.05  # share of the processors that others may take
TRIES = 5
NAME = re.compile(r"(pp|tg)([1-9]\d*)(?:@d(\d+))?")


class Test(NamedTuple):
    """pp512 computes a prompt of 512 tokens; tg32@d4096 writes 32 tokens behind 4096."""
    name: str
    prompt: int
    tokens: int
    depth: int


def tests(text):
    found = []
    for name in text.split(","):
        match = NAME.fullmatch(name)
        if not match:
            raise SystemExit(f"{name}: not a test (pp512, tg64, tg32@d4096, ...)")
        kind, n, depth = match[1], int(match[2]), int(match[3] or 0)
        found.append(Test(name, n if kind == "pp" else 0, n if kind == "tg" else 0, depth))
    return found


def say(text):
    print(text, file=sys.stderr, flush=True)


def random_model(folder, layers, preset="20b"):
    """A random checkpoint with the dimensions of the preset, made once."""
    out = pathlib.Path(folder) / f"{preset}-{layers}"
    if not (out / "config.json").exists():  # written last
        say(f"making {out}")
        maker = ROOT / "tools/random-model/make.py"
        subprocess.run([sys.executable, maker, out, "--preset", preset, "--layers", str(layers),
                        "--seed", "1"], check=True)
    return out


def read_once(path):
    """Brings files into the page cache, as far as it holds them."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    buffer = bytearray(16 << 20)
    for name in files:
        with open(name, "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def gptoss(program, model, test, repeat, threads, precision):
    """What gptoss bench says: of this one test, and in all."""
    done = subprocess.run([program, "bench", "--model", model, "--test", test.name, "--repeat",
                           str(repeat), "--threads", str(threads), "--precision", precision,
                           "--json"], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout)
    (entry,) = [entry for entry in result["tests"] if entry["test"] == test.name]
    return entry, result


def undisturbed(measure):
    """measure() -> (result, share taken by others), repeated while that was too much. Returns the
    least disturbed result, its share, and how many were thrown away."""
    best = None
    for tries in range(TRIES):
        result, share = measure()
        if best is None or share < best[1]:
            best = (result, share)
        if share <= DISTURBED:
            break
    return (*best, tries)


def watched(measure):
    watch = machine.Watch()
    result = measure()
    return result, watch.disturbed()


def spread(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f} to {max(values):.{digits}f})")


def free_bytes():
    """What of the memory is not held by programs: page cache may have it."""
    with open("/proc/meminfo") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["MemAvailable"].split()[0]) * 1024


def size_of(path):
    files = path.glob("*.safetensors") if path.is_dir() else [path]
    return sum(os.path.getsize(file) for file in files)
