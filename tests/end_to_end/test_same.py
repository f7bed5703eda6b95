"""The same request gives the same tokens and logits, bit for bit, whatever computes them."""
import unittest

from harness import DEMO, Case, main

PROMPT = " ".join(str(i * 37 % 700) for i in range(150))  # past the sliding window of 64


class Same(Case):
    def variants(self):
        """Threads and instruction sets that this machine has; None leaves the choice to the program."""
        with open("/proc/cpuinfo") as info:
            flags = info.read().split()
        wanted = {"scalar": None, "avx2": "avx2", "avxvnni": "avx_vnni", "avx512": "avx512_vnni",
                  "neon": "asimd", "dotprod": "asimddp"}
        sets = [name for name, flag in wanted.items() if flag is None or flag in flags]
        for threads in (1, 2, 3):
            for kernels in sets:
                yield threads, {"GPTOSS_CPU": kernels}
        yield 2, {}

    def test_generate(self):
        for precision in ("fast", "exact"):
            found = {}
            for threads, changes in self.variants():
                found[threads, changes.get("GPTOSS_CPU")] = self.output(
                    "generate", "--model", DEMO, "--tokens", 12, "--temperature", 1, "--seed", 7,
                    "--precision", precision, "--threads", threads, stdin=PROMPT, **changes)
            self.assertEqual(len(set(found.values())), 1, found)

    def test_speculation(self):
        """Guesses from repetitions: a prompt that repeats itself, with them and without."""
        prompt = " ".join(str(i % 40 * 17) for i in range(200))
        found = {}
        for temperature in (0, 0.7):
            for choice in ("on", "off"):
                found[temperature, choice] = self.output(
                    "generate", "--model", DEMO, "--tokens", 200, "--temperature", temperature,
                    "--seed", 5, "--speculation", choice, stdin=prompt)
            self.assertEqual(found[temperature, "on"], found[temperature, "off"])

    def test_logits(self):
        path = self.folder / "l.npy"
        for precision in ("fast", "exact"):
            found = {}
            for threads, changes in self.variants():
                self.run_program("logits", "--model", DEMO, "--output", path, "--precision",
                                 precision, "--threads", threads, stdin=PROMPT, **changes)
                found[threads, changes.get("GPTOSS_CPU")] = path.read_bytes()
            first = next(iter(found.values()))
            differing = [k for k, v in found.items() if v != first]
            self.assertFalse(differing, f"{precision}: these differ from the first: {differing}")


if __name__ == "__main__":
    main()
