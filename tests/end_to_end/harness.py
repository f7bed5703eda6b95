"""What the end-to-end tests share: running the program in pipes and on a terminal of its own."""
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "assets" / "demo-model"
TOOLS = ROOT / "examples" / "demo_tools.json"
TOOL_COMMAND = ROOT / "examples" / "demo_tool.sh"
QUESTION = "What is 27 + 58?"
TOOL_QUESTION = "What time is it in Tokyo?"


def environment(**changes):
    """The surrounding environment without what changes the program's ways, and with changes."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "GPTOSS_CPU")}
    return kept | {"TERM": "xterm"} | changes


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_program(self, *arguments, stdin=b"", status=0, timeout=60, **changes):
        """stdout and stderr as bytes; the exit status must be as said, or one of those said."""
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True,
                              timeout=timeout, env=environment(HOME=str(self.folder), **changes))
        allowed = status if isinstance(status, tuple) else (status,)
        self.assertIn(done.returncode, allowed, f"{arguments}: {done.stderr.decode()}")
        return done.stdout, done.stderr

    def output(self, *arguments, **keywords):
        return self.run_program(*arguments, **keywords)[0].decode()

    def assert_fails(self, *arguments, stdin=b"", status=1, says="", **changes):
        """One line on stderr that begins with the program's name, and the status."""
        out, err = self.run_program(*arguments, stdin=stdin, status=status, **changes)
        lines = [line for line in err.decode().splitlines() if not line.startswith("No --model")]
        self.assertEqual(len(lines), 1, f"{arguments}: {err}")
        self.assertTrue(lines[0].startswith("gptoss: "), lines[0])
        self.assertIn(says, lines[0])
        return lines[0]


class Terminal:
    """The program on a pseudo-terminal: what a person sees and types."""

    def __init__(self, *arguments, **changes):
        self.seen = b""
        pid, self.descriptor = pty.fork()
        if pid == 0:
            os.execve(PROGRAM, [PROGRAM, *map(str, arguments)], environment(**changes))
        self.pid = pid

    def read(self, seconds):
        """Takes what comes within the time; False when nothing did."""
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:
            return False  # the other side is gone
        self.seen += data
        return bool(data)

    def expect(self, wanted, seconds=30):
        """Waits for the bytes, forgets all up to them, and returns what stood before them."""
        wanted = wanted.encode() if isinstance(wanted, str) else wanted
        end = time.monotonic() + seconds
        while wanted not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not self.read(left) and wanted not in self.seen:
                raise AssertionError(f"waited for {wanted!r}, saw {self.seen!r}")
        before, _, self.seen = self.seen.partition(wanted)
        return before

    def expect_either(self, first, second, seconds=30):
        """Waits for one of two texts; True for the first."""
        end = time.monotonic() + seconds
        while first not in self.seen and second not in self.seen:
            if not self.read(max(0, end - time.monotonic())):
                raise AssertionError(f"waited for {first!r} or {second!r}, saw {self.seen!r}")
        is_first = first in self.seen
        self.expect(first if is_first else second)
        return is_first

    def type(self, text):
        os.write(self.descriptor, text.encode() if isinstance(text, str) else text)

    def interrupt(self):
        self.type(b"\x03")

    def end(self, seconds=30):
        """The exit status, and all that was seen since the last expect."""
        end = time.monotonic() + seconds
        while self.read(max(0, end - time.monotonic())):
            pass
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.descriptor)
                return os.waitstatus_to_exitcode(status), self.seen
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"did not end; saw {self.seen!r}")


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
