"""What the server's tests share: a `gptoss serve` on a free port with the demo model."""
import atexit
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
SUM = "What is 27 + 58?"
CLOCK = "What time is it in Tokyo?"
CLOCK_TOOL = {"type": "function", "function":
              json.loads((ROOT / "examples" / "demo_tools.json").read_text())[0]}


class Server:
    """One process; its options beside a small context and a fixed date."""

    def __init__(self, *options, **environment):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GPTOSS_")}
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0", "--context", "4096", "--date", "off", *options],
            stderr=subprocess.PIPE, text=True, env=kept | environment)
        atexit.register(self.kill)
        self.lines = []
        while not self.lines or "answers at once" not in self.lines[-1]:
            line = self.process.stderr.readline()
            if not line:
                raise AssertionError(f"did not start: {self.lines}")
            self.lines.append(line)
        self.port = int(re.search(r":(\d+)/v1", "".join(self.lines))[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, how=signal.SIGTERM, seconds=60):
        """The exit status after a signal."""
        self.process.send_signal(how)
        return self.process.wait(seconds)

    def call(self, method, path, body=None, **headers):
        """(status, headers, parsed body or text)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {k.replace("_", "-"): v for k, v in headers.items()},
            method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=120)
        except urllib.error.HTTPError as error:
            answer = error
        text = answer.read().decode()
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.status, answer.headers, json.loads(text) if text and is_json else text

    def chat(self, prompt=SUM, **fields):
        status, _, body = self.call("POST", "/v1/chat/completions", chat_body(prompt, **fields))
        if status != 200:
            raise AssertionError(f"{status}: {body}")
        return body

    def metric(self, name):
        _, _, text = self.call("GET", "/metrics")
        found = re.search(rf"^gptoss_{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1])

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def send_chat(self, **fields):
        """A socket on which a chat was asked for."""
        body = json.dumps(chat_body(**fields)).encode()
        connection = self.connect()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return connection


def chat_body(prompt=SUM, **fields):
    messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    return {"model": "demo", "messages": messages, "temperature": 0} | fields


# The demo model, kept from ending its answer: it goes on until something else ends it.
def endless(server, **fields):
    markers = "<|return|><|end|><|call|><|start|><|channel|><|endoftext|>"
    _, _, found = server.call("POST", "/tokenize", {"text": markers, "special": True})
    return {"logit_bias": {str(i): -100 for i in found["tokens"]}} | fields


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
