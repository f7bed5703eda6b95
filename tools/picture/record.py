"""Runs a command in a terminal of its own and draws what it shows as an SVG.

usage: record.py --output docs/demo.svg [--columns 104] COMMAND ...
Needs nothing beyond Python. The picture is the final screen, scroll-back included.
"""
import argparse
import os
import pty
import struct
import fcntl
import subprocess
import sys
import termios

import screen
import svg


def record(command, columns):
    """The bytes that command writes to a terminal of so many columns, and its exit status."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = dict(os.environ, TERM="xterm-256color", COLUMNS=str(columns))
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs,
                               env=environment, start_new_session=True)
    os.close(theirs)
    output = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other side was closed
            break
        if not part:
            break
        output += part
    return output, process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--columns", type=int, default=104)
    parser.add_argument("--title", default="gpt-oss.c")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    output, status = record(options.command, options.columns)
    if status != 0:
        sys.stderr.write(output.decode(errors="replace"))
        sys.exit(f"{options.command[0]} ended with status {status}")
    lines = screen.render(output.decode(errors="replace"), options.columns)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(svg.draw(lines, options.columns, options.title))


main()
