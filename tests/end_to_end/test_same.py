"""The same request gives the same tokens and logits, bit for bit, whatever computes them."""
import unittest

from harness import DEMO, Case, main

PROMPT = " ".join(str(i * 37 % 700) for i in range(300))  # past the sliding window of 128


class Same(Case):
    def variants(self):
        for threads in (1, 2, 3):
            for kernels in ("scalar", "avx2"):
                yield threads, kernels

    def lowered(self):
        """Whether this machine has AVX2 at all."""
        with open("/proc/cpuinfo") as info:
            return " avx2 " in info.read()

    def test_generate(self):
        for precision in ("fast", "exact"):
            for heat in ("0", "1"):
                found = {}
                for threads, kernels in self.variants():
                    if kernels == "avx2" and not self.lowered():
                        continue
                    found[threads, kernels] = self.output(
                        "generate", "--model", DEMO, "--tokens", 12, "--temperature", heat,
                        "--seed", 7, "--precision", precision, "--threads", threads,
                        stdin=PROMPT, GPTOSS_CPU=kernels)
                self.assertEqual(len(set(found.values())), 1, found)

    def test_logits(self):
        path = self.folder / "l.npy"
        for precision in ("fast", "exact"):
            found = {}
            for threads, kernels in self.variants():
                if kernels == "avx2" and not self.lowered():
                    continue
                self.run_program("logits", "--model", DEMO, "--output", path, "--precision",
                                 precision, "--threads", threads, stdin=PROMPT, GPTOSS_CPU=kernels)
                found[threads, kernels] = path.read_bytes()
            first = next(iter(found.values()))
            differing = [k for k, v in found.items() if v != first]
            self.assertFalse(differing, f"{precision}: these differ from the first: {differing}")

    def test_best_kernels_agree_with_scalar(self):
        runs = [self.output("generate", "--tokens", 12, stdin=PROMPT, **changes)
                for changes in ({}, {"GPTOSS_CPU": "scalar"})]
        self.assertEqual(runs[0], runs[1])


if __name__ == "__main__":
    main()
