"""The dialects in Python: dialect_driver as a process, server-sent events taken apart."""
import json
import subprocess


class Driver:
    """driver.read(body) and driver.answer(body, events), any number of times."""

    def __init__(self, program, dialect):
        self.process = subprocess.Popen([program, dialect], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def job(self, **job):
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the driver died ({self.process.wait()}) of {json.dumps(job)}")
        return json.loads(line)

    def read(self, body):
        """The request as the server understood it, or {"problem": ...}."""
        out = self.job(request=body)
        return out.get("request", out)

    def answer(self, body, events):
        """(the stream's events, the document): [(name or None, data), ...], data."""
        out = self.job(request=body, events=events)
        if "problem" in out:
            raise AssertionError(f"refused: {out['problem']}")
        return parse_stream(out["stream"]), json.loads(out["document"])

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def parse_stream(stream):
    """[(event or None, data)] of server-sent events; data is JSON, or a string like "[DONE]".
    Comments are left out. Anything that is no such stream is an AssertionError."""
    events = []
    assert stream == "" or stream.endswith("\n\n"), f"the stream ends in {stream[-20:]!r}"
    for block in stream.split("\n\n")[:-1]:
        name, data = None, []
        for line in block.split("\n"):
            field, _, value = line.partition(": ")
            if line.startswith(":"):
                continue
            assert field in ("event", "data"), f"{line!r} is no server-sent event"
            if field == "event":
                name = value
            else:
                data.append(value)
        if data:
            text = "\n".join(data)
            events.append((name, json.loads(text) if text[:1] in "{[" and text != "[DONE]" else text))
    return events
