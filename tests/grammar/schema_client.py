"""schema_driver as an object: read a schema, ask about texts, get random ones."""
import json
import struct
import subprocess

OK, BAD_INPUT, UNSUPPORTED = 0, 5, 6


class Driver:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _ask(self, command, data):
        self.process.stdin.write(command + data)
        self.process.stdin.flush()

    def _read(self, size):
        data = self.process.stdout.read(size)
        if len(data) != size:
            raise SystemExit(f"the driver ended: {self.process.wait()}")
        return data

    def _bytes(self):
        return self._read(struct.unpack("<I", self._read(4))[0])

    def read(self, schema):
        """Status and message of a schema: a text, or what json.dumps takes."""
        text = schema if isinstance(schema, (str, bytes)) else json.dumps(schema)
        data = text.encode() if isinstance(text, str) else text
        self._ask(b"S", struct.pack("<I", len(data)) + data)
        status = struct.unpack("<i", self._read(4))[0]
        return status, self._bytes().decode()

    def accepts(self, text):
        data = text.encode() if isinstance(text, str) else text
        self._ask(b"T", struct.pack("<I", len(data)) + data)
        return self._read(1) != b"\0"

    def random(self, seed):
        """A random text, or None if there is none."""
        self._ask(b"G", struct.pack("<I", seed))
        return self._bytes().decode() or None
