"""llama.cpp through llama-cpp-python's low-level API: logits for parity, timings for speed.

As a program it is the child of peers.py: it loads one GGUF file, prints a line of JSON, then
answers each line of JSON on stdin by one on stdout. Tests are measured as llama-bench measures
them: whole batches, logits of the last token only, no sampling, a restored state behind which each
repetition begins.
"""
import argparse
import ctypes
import json
import os
import resource
import sys
import time

import llama_cpp as llama
import numpy as np

import machine


@llama.llama_log_callback
def _silent(level, text, data):
    pass


class Model:
    """One GGUF file. repack: weights copied into llama.cpp's own layouts where it has one."""

    def __init__(self, path, repack=True):
        llama.llama_log_set(_silent, None)
        llama.llama_backend_init()
        parameters = llama.llama_model_default_params()
        parameters.use_extra_bufts = repack
        self.handle = llama.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.handle:
            raise SystemExit(f"{path}: llama.cpp can't load it")
        vocabulary = llama.llama_model_get_vocab(self.handle)
        self.n_vocabulary = llama.llama_vocab_n_tokens(vocabulary)


class Context:
    """A sequence on a model. exact: float32 cache and plain attention, for parity."""

    def __init__(self, model, length, threads=2, flash=True, ubatch=512, exact=False):
        parameters = llama.llama_context_default_params()
        parameters.n_ctx = length
        parameters.n_batch = max(2048, ubatch)
        parameters.n_ubatch = ubatch
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.swa_full = False  # sliding layers keep their window only
        parameters.flash_attn_type = (llama.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash
                                      else llama.LLAMA_FLASH_ATTN_TYPE_DISABLED)
        if exact:
            parameters.type_k = parameters.type_v = llama.GGML_TYPE_F32
        self.model, self.handle = model, llama.llama_init_from_model(model.handle, parameters)
        if not self.handle:
            raise SystemExit("llama.cpp makes no context")
        self.batch = llama.llama_n_batch(self.handle)  # never above n_ctx

    def close(self):
        llama.llama_free(self.handle)

    def clear(self):
        llama.llama_memory_clear(llama.llama_get_memory(self.handle), False)

    def feed(self, ids):
        """Computes ids (ctypes array) behind what is there; logits of the last one only."""
        for first in range(0, len(ids), self.batch):
            n = min(self.batch, len(ids) - first)
            part = ctypes.cast(ctypes.byref(ids, first * 4), ctypes.POINTER(llama.llama_token))
            check(llama.llama_decode(self.handle, llama.llama_batch_get_one(part, n)))
        llama.llama_synchronize(self.handle)

    def feed_singly(self, ids):
        one = (llama.llama_token * 1)()
        batch = llama.llama_batch_get_one(one, 1)
        for token in ids:
            one[0] = token
            check(llama.llama_decode(self.handle, batch))
            llama.llama_synchronize(self.handle)

    def save(self):
        size = llama.llama_state_seq_get_size(self.handle, 0)
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data(self.handle, state, size, 0) != size:
            raise SystemExit("llama.cpp can't save a sequence")
        return state

    def restore(self, state):
        self.clear()
        if llama.llama_state_seq_set_data(self.handle, state, len(state), 0) != len(state):
            raise SystemExit("llama.cpp can't restore a sequence")

    def logits(self, ids):
        """float32 [len(ids), vocabulary]: the logits behind each id, from an empty sequence."""
        self.clear()
        rows = np.empty((len(ids), self.model.n_vocabulary), np.float32)
        for first in range(0, len(ids), 256):
            part = ids[first:first + 256]
            batch = llama.llama_batch_init(len(part), 0, 1)
            batch.n_tokens = len(part)
            for i, token in enumerate(part):
                batch.token[i], batch.pos[i] = int(token), first + i
                batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = 1, 0, 1
            check(llama.llama_decode(self.handle, batch))
            for i in range(len(part)):
                row = llama.llama_get_logits_ith(self.handle, i)
                rows[first + i] = np.ctypeslib.as_array(row, (self.model.n_vocabulary,))
            llama.llama_batch_free(batch)
        return rows


def check(code):
    if code != 0:
        raise SystemExit(f"llama_decode failed with {code}")


def random_ids(n, vocabulary, seed=1):
    ids = np.random.default_rng(seed).integers(0, vocabulary, max(1, n)).astype(np.int32)
    return (llama.llama_token * n).from_buffer(ids)


class Bench:
    """One test on one context, ready to be repeated."""

    def __init__(self, model, prompt, tokens, depth, **settings):
        self.context = Context(model, prompt + tokens + depth + 1, **settings)
        self.prompt = random_ids(prompt, model.n_vocabulary) if prompt else None
        self.tokens = random_ids(tokens, model.n_vocabulary) if tokens else None
        self.context.feed(random_ids(32, model.n_vocabulary, 3))  # touches the weights
        self.context.clear()
        self.state = None
        if depth:
            self.context.feed(random_ids(depth, model.n_vocabulary, 2))
            self.state = self.context.save()

    def measure(self):
        """Tokens per second, and the share of the processors that others took meanwhile."""
        if self.state is None:
            self.context.clear()
        else:
            self.context.restore(self.state)
        watch, start = machine.Watch(), time.perf_counter()
        if self.prompt is not None:
            self.context.feed(self.prompt)
        if self.tokens is not None:
            self.context.feed_singly(self.tokens)
        seconds = time.perf_counter() - start
        n = len(self.prompt or ()) + len(self.tokens or ())
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return dict(tokens_per_s=n / seconds, disturbed=watch.disturbed(), resident_most_bytes=most)

    def close(self):
        self.context.close()


def serve(model, answers):
    bench = None
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            if bench:
                bench.close()
            bench, answer = Bench(model, **request["prepare"]), {}
        else:
            answer = bench.measure()
        print(json.dumps(answer), file=answers, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf")
    parser.add_argument("--plain", action="store_true", help="weights as the file has them")
    args = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")  # llama.cpp may print what it likes elsewhere
    os.dup2(2, 1)
    start = time.perf_counter()
    model = Model(args.gguf, repack=not args.plain)
    print(json.dumps(dict(version=llama.__version__, load_seconds=time.perf_counter() - start,
                          features=llama.llama_print_system_info().decode())),
          file=answers, flush=True)
    serve(model, answers)


if __name__ == "__main__":
    main()
