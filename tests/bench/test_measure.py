"""Names of tests are understood, a busy neighbour does not stay unseen, own work is not taken for
one, and noise is not called a change. If this fails, figures in docs/benchmarks.md mean little."""
import pathlib
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import compare  # noqa: E402
import machine  # noqa: E402
import measure  # noqa: E402


class Measuring(unittest.TestCase):
    def test_names(self):
        self.assertEqual(measure.tests("pp512,tg32@d4096"),
                         [("pp512", 512, 0, 0), ("tg32@d4096", 0, 32, 4096)])
        for wrong in ("pp", "pp0", "tg8@4", "xx5", "pp512 ", ""):
            with self.assertRaises(SystemExit, msg=wrong):
                measure.tests(wrong)

    def test_disturbed_ones_are_repeated(self):
        shares = iter([0.5, 0.2, 0.01, 0.0])
        self.assertEqual(measure.undisturbed(lambda: ("result", next(shares))), ("result", 0.01, 2))
        shares = iter([0.5, 0.2, 0.4, 0.3, 0.6])  # never quiet: the quietest stays
        self.assertEqual(measure.undisturbed(lambda: ("result", next(shares))), ("result", 0.2, 4))

    def test_neighbour(self):
        neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            watch = machine.Watch()
            time.sleep(1)
            share = watch.disturbed()
        finally:
            neighbour.kill()
            neighbour.wait()
        self.assertGreater(share * machine.os.cpu_count(), 0.3)

    def test_own_work(self):
        """A child that has ended and this process itself are no neighbours."""
        watch, busy = machine.Watch(), machine._busy()
        subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 1: pass"])
        available = (time.monotonic() - watch.wall) * machine.os.cpu_count()
        everybody = (machine._busy() - busy) / available
        self.assertLess(watch.disturbed(), everybody - 0.8 / available)

    def test_verdict(self):
        self.assertEqual(compare.verdict([1.05, 1.03, 1.08]), "faster")
        self.assertEqual(compare.verdict([0.9, 0.95, 0.99]), "slower")
        self.assertEqual(compare.verdict([1.05, 0.99, 1.08]), "the same")
        self.assertEqual(compare.verdict([1.01, 1.015, 1.012]), "the same")


unittest.main()
