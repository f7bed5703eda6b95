"""What the machine is, and how much of it others took while something was measured."""
import os
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")


def name():
    """The processor as /proc/cpuinfo calls it."""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def _busy():
    """Seconds that all processors worked, for anybody, or were stolen by the host."""
    with open("/proc/stat") as file:
        user, nice, system, _idle, _wait, irq, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / TICKS


def _own():
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Watch:
    """From its making on: what others (and the host) used, as a share of all processor time. What
    this process and its finished children used is its own."""

    def __init__(self):
        self.wall, self.busy, self.own = time.monotonic(), _busy(), _own()

    def disturbed(self):
        available = (time.monotonic() - self.wall) * os.cpu_count()
        others = (_busy() - self.busy) - (_own() - self.own)
        return max(0.0, others / available) if available > 0 else 0.0
