"""Lying checkpoints: each must give one line of error (or, where the lie does no harm, load),
within a second of processor time, in bounded memory, without a crash. If this fails, a downloaded
file can take the program down or read memory that is not its own.

    test_hostile.py PROBE [--cases N] [--seed S]
"""
import argparse
import collections
import copy
import json
import os
import random
import resource
import select
import struct
import subprocess
import sys
import tempfile
import time

MAKE = os.path.join(os.path.dirname(__file__), "../../tools/random-model/make.py")
HUGE = [0, 1, -1, 2**31 - 1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, -2**63, 7.0, 1.5,
        1e308, None, True, "64", "", [], {}, [1], {"a": 1}]
STRANGE = ["", "..", "../x", "/etc/passwd", "a/b", "\u0000", "\u202e", "x" * 70000, "BF16", "F4",
           "bf16", "\n\x1b[31m", "%s%n%s", "model.safetensors.index.json", "config.json"]


class Case:
    """A checkpoint in parts, to be bent and written."""

    def __init__(self, header, body, config):
        self.header, self.body, self.config = header, body, config
        self.length = None       # header length that the file claims
        self.raw_header = None   # bytes in the header's place
        self.cut = None          # bytes of the file that are kept
        self.tail = b""
        self.raw_config = None
        self.index = None        # weight_map: written as an index over shards
        self.raw_index = None
        self.drop = set()

    def file_bytes(self):
        text = self.raw_header
        if text is None:
            text = json.dumps(self.header, separators=(",", ":")).encode()
            text += b" " * (-len(text) % 8)
        length = len(text) if self.length is None else self.length
        data = struct.pack("<Q", length % 2**64) + text + self.body + self.tail
        return data if self.cut is None else data[:self.cut]

    def write(self, folder):
        parts = {"config.json": self.raw_config or json.dumps(self.config).encode()}
        if self.index is None and self.raw_index is None:
            parts["model.safetensors"] = self.file_bytes()
        else:
            text = self.raw_index or json.dumps({"weight_map": self.index}).encode()
            parts["model.safetensors.index.json"] = text
            parts["a.safetensors"] = self.file_bytes()
            parts["b.safetensors"] = struct.pack("<Q", 2) + b"{}"
        for name in ("model.safetensors", "model.safetensors.index.json", "a.safetensors",
                     "b.safetensors", "config.json"):
            path = os.path.join(folder, name)
            if os.path.lexists(path):
                os.remove(path)
            if name in parts and name not in self.drop:
                with open(path, "wb") as out:
                    out.write(parts[name])


def tensor_names(case):
    return [name for name in case.header if name != "__metadata__"]


def bend_length(case, r):
    size = len(case.file_bytes())
    case.length = r.choice([0, 1, 2, 7, 8, size - 9, size - 8, size - 7, size, size + 1, 10**8,
                            10**8 + 1, 2**31, 2**32, 2**63, 2**64 - 1, 2**64 - 8, 2**64 - size,
                            r.randrange(size), r.getrandbits(64)])


def bend_cut(case, r):
    size = len(case.file_bytes())
    case.cut = r.choice([0, 1, 7, 8, 9, size - 1, size - 2, r.randrange(size)])


def bend_tail(case, r):
    case.tail = b"\0" * r.choice([1, 2, 8, 4096])


def bend_offsets(case, r):
    entry = case.header[r.choice(tensor_names(case))]
    begin, end = entry["data_offsets"]
    total = len(case.body)
    values = HUGE + [begin, end, begin + 1, end - 1, end + 1, begin - 2, begin + 2, end + 2, total,
                     total + 2, 2**64 - (end - begin)]
    entry["data_offsets"] = r.choice([
        [r.choice(values), r.choice(values)], [end, begin], [begin, end, end], [begin], [],
        [begin + 2, end + 2], [begin - 2, end - 2], [0, end - begin], r.choice(HUGE)])


def bend_swap(case, r):
    one, two = (case.header[name] for name in r.sample(tensor_names(case), 2))
    key = r.choice(["data_offsets", "shape", "dtype"])
    one[key], two[key] = two[key], one[key]


def bend_same_place(case, r):
    one, two = (case.header[name] for name in r.sample(tensor_names(case), 2))
    one.update(copy.deepcopy(two))


def bend_shape(case, r):
    entry = case.header[r.choice(tensor_names(case))]
    shape = entry["shape"]
    at = r.randrange(len(shape))
    entry["shape"] = r.choice([
        shape[:at] + [r.choice(HUGE)] + shape[at + 1:], shape + [1], [1] + shape, shape[::-1],
        shape[:-1], [], [2**32, 2**32], [2**16] * 4, [2**63 - 1, 2], [0, 2**62, 2**62], [1] * 9,
        [1] * 100000, r.choice(HUGE), shape[:at] + [shape[at] + 1] + shape[at + 1:]])


def bend_dtype(case, r):
    entry = case.header[r.choice(tensor_names(case))]
    entry["dtype"] = r.choice(HUGE + STRANGE + ["F16", "F32", "U8", "I8", "F64", "BOOL", "I16"])


def bend_entry(case, r):
    name = r.choice(tensor_names(case))
    entry = case.header[name]
    action = r.randrange(4)
    if action == 0:
        del entry[r.choice(list(entry))]
    elif action == 1:
        entry[r.choice(STRANGE)] = r.choice(HUGE)
    elif action == 2:
        case.header[name] = r.choice(HUGE)
    else:
        case.header["__metadata__"] = r.choice(HUGE + [{"a": r.choice(HUGE)}])


def bend_names(case, r):
    name = r.choice(tensor_names(case))
    entry = case.header[name]
    action = r.randrange(4)
    if action == 0:
        case.header[r.choice(STRANGE)] = case.header.pop(name)
    elif action == 1:  # an empty tensor more: harmless
        case.header[r.choice(STRANGE)] = dict(dtype="U8", shape=[0], data_offsets=[0, 0])
    elif action == 2:
        case.header[name + r.choice("._x0")] = case.header.pop(name)
    else:  # the key twice
        text = json.dumps(case.header)
        case.raw_header = (text[:-1] + f', "{name}": {json.dumps(entry)}}}').encode()


def bend_bytes(case, r):
    text = bytearray(json.dumps(case.header).encode())
    for _ in range(r.choice([1, 1, 2, 5, 50])):
        at = r.randrange(len(text))
        action = r.randrange(3)
        if action == 0:
            text[at] = r.randrange(256)
        elif action == 1:
            del text[at]
        else:
            text.insert(at, r.choice(b'{}[]",:0129-.eE\\u\x00\xff '))
    case.raw_header = bytes(text)


def bend_json(case, r):
    depth = r.choice([10, 2047, 2049, 100000])
    case.raw_header = r.choice([
        b"{" * depth, b'{"a":' * depth + b"1" + b"}" * depth, b'{"a":' + b"[" * depth,
        b"{}", b"[]", b"null", b" {}", b'{"a":"' + b"x" * 1000000 + b'"}', b"{" + b" " * 100000,
        b'{"a":[' + b"1," * 1500000 + b"1]}", b'{"\xff\xfe":1}', b'{"a":"\\ud800"}',
        b'{"a":' + b"9" * 5000 + b"}", b'{"a":1e' + b"9" * 400 + b"}", b"{\x00}", b'{"":{}}',
        b"{" + b",".join(b'"t%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i
                         for i in range(r.choice([10, 10, 10, 33000]))) + b"}"])
    if r.random() < 0.5:
        case.body = b""


def bend_config(case, r):
    keys = list(case.config)
    for _ in range(r.choice([1, 1, 2, 4])):
        key = r.choice(keys)
        value = case.config.get(key)
        choices = HUGE + STRANGE[:4]
        if isinstance(value, int) and not isinstance(value, bool):
            choices = choices + [value + 1, value - 1, value * 2, value * 32, 65536, 65504, 2**24]
        if isinstance(value, dict) and value and r.random() < 0.8:
            inner = r.choice(list(value))
            value[inner] = r.choice(HUGE + [1e-300, 1e300, 1e-6, "linear", "longrope"])
        elif isinstance(value, list) and value and r.random() < 0.8:
            case.config[key] = r.choice([value[:-1], value + value[:1], value * 1000,
                                         [r.choice(HUGE)] * len(value), value[:-1] + ["x"]])
        elif r.random() < 0.2:
            case.config.pop(key, None)
        else:
            case.config[key] = r.choice(choices)


def bend_config_bytes(case, r):
    text = bytearray(json.dumps(case.config).encode())
    case.raw_config = r.choice([
        b"", b"{}", b"[]", b"nul", b"[" * 100000, b"{" * 3000, b'"' + b"x" * 500000,
        b"[" + b"1," * 300000 + b"1]", b" " * (2 << 20), bytes(text[:r.randrange(len(text))]),
        bytes(text[:-1]) + b', "vocab_size": 3}', bytes(text).replace(b"64", b"NaN"),
        bytes(text).replace(b"32", b"1e999"), bytes(r.randbytes(100))]) or b" "


def bend_index(case, r):
    names = tensor_names(case)
    case.index = {name: "a.safetensors" for name in names}
    victim = r.choice(names)
    action = r.randrange(6)
    if action == 0:
        case.index[victim] = r.choice(HUGE + STRANGE + [
            "../a.safetensors", "./a.safetensors", "/a.safetensors", "missing.safetensors",
            "b.safetensors", ".safetensors", "..safetensors", "a.safetensors\n", "a" * 300,
            "A.safetensors", "x" * 250 + ".safetensors", "a\\.safetensors", "config.json"])
    elif action == 1:
        case.index[victim + "x"] = "a.safetensors"
    elif action == 2:
        case.index = r.choice(HUGE + [{victim: "a.safetensors"}])
    elif action == 3:
        case.index = {f"t{i}": f"{i}.safetensors" for i in range(r.choice([10, 5000]))}
    elif action == 4:
        case.raw_index = r.choice([b"x", b"{}", b"[]", b"[" * 5000, b'{"weight_map":{"a":"b"',
                                   b'{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}',
                                   b'{"weight_map":[' + b"1," * 1500000 + b"1]}"])
    else:
        case.drop = {r.choice(["a.safetensors", "config.json", "model.safetensors.index.json"])}


BENDS = [bend_length, bend_cut, bend_tail, bend_offsets, bend_offsets, bend_offsets, bend_swap,
         bend_same_place, bend_shape, bend_shape, bend_dtype, bend_entry, bend_names, bend_bytes,
         bend_bytes, bend_json, bend_config, bend_config, bend_config, bend_config_bytes,
         bend_index, bend_index]


class Probe:
    def __init__(self, program, limit):
        def bound():
            if limit:
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        self.process = subprocess.Popen([program, "hostile"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, preexec_fn=bound)

    def ask(self, path):
        """The answer's line, or None after a crash or a minute."""
        self.process.stdin.write(path.encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], 60)[0]:
            self.process.kill()
            return None
        line = self.process.stdout.readline()
        return line.decode("utf-8", "replace") if line.endswith(b"\n") else None

    def seconds(self):
        """Processor time so far: unlike the clock's, it does not depend on what else runs."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self):
        """Most resident bytes so far."""
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) * 1024
        return 0


def make_base(folder):
    directory = os.path.join(folder, "base")
    subprocess.run([sys.executable, MAKE, directory, "--hidden", "32", "--intermediate", "32",
                    "--layers", "2", "--heads", "2", "--kv-heads", "1", "--head-dim", "8",
                    "--experts", "2", "--top-k", "1", "--vocab", "64"], check=True)
    with open(os.path.join(directory, "model.safetensors"), "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    return json.loads(data[8:8 + length]), data[8 + length:], config


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("probe")
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0, help="of processor time a case")
    parser.add_argument("--memory", type=int, default=600, help="MiB of address space, 0: any")
    args = parser.parse_args()
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=shm) as folder:
        base = make_base(folder)
        probe = Probe(args.probe, args.memory << 20)
        path = os.path.join(folder, "case")
        os.mkdir(path)
        Case(*copy.deepcopy(base)).write(path)
        if not (probe.ask(path) or "").startswith("ok"):
            sys.exit("the honest checkpoint does not load")
        seen, slowest, began = collections.Counter(), 0.0, time.time()
        kinds = collections.Counter()
        for number in range(args.cases):
            r = random.Random(args.seed * 1000003 + number)
            case = Case(*copy.deepcopy(base))
            bend = r.choice(BENDS)
            bend(case, r)
            case.write(path)
            start = probe.seconds()
            answer = probe.ask(path)
            slowest = max(slowest, probe.seconds() - start if answer else 60)
            if answer is None or not answer.startswith(("ok ", "error ")) or slowest > args.seconds:
                sys.exit(f"case {number} ({bend.__name__}): "
                         f"{'crash or hang' if answer is None else answer}, {slowest:.2f} s")
            seen[answer.split()[0] + (" " + answer.split()[1] if answer[0] == "e" else "")] += 1
            kinds[bend.__name__ + (" loads" if answer[0] == "o" else "")] += 1
        print(f"{args.cases} cases in {time.time() - began:.1f} s, slowest {slowest * 1000:.0f} ms, "
              f"peak {probe.peak() / 1e6:.0f} MB; by status {dict(seen)}")
        print({kind: n for kind, n in sorted(kinds.items()) if kind.endswith("loads")})


main()
