"""The program driver.c, asked line by line."""
import subprocess

BAD_INPUT, UNSUPPORTED = "5", "6"  # gptoss_status


class Driver:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, word, data):
        data = data.encode() if isinstance(data, str) else data
        self.process.stdin.write(f"{word} {data.hex()}\n".encode())
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().rstrip("\n")

    def form(self, kind, form):
        """"ok", or a status and a message."""
        return self.ask(kind, form)

    def holds(self, text):
        return self.ask("text", text) == "1"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0, "the driver failed"
