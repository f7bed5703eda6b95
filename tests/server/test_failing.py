"""Allocations of requests that fail, one in each run: that request may fail, the server may not.

usage: test_failing.py PROGRAM LIBRARY COUNT: the library makes the FAIL_ALLOC-th allocation fail
(tests/support/fail_alloc.c); COUNT of those between the start and the end of two chats are tried.
"""
import http.client
import json
import sys
import tempfile
import unittest

from harness import CLOCK, CLOCK_TOOL, SUM, Server, chat_body

LIBRARY, COUNT = sys.argv[2], int(sys.argv[3])


def try_chat(server, prompt, **fields):
    """(status, text) of a chat that may be cut."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(chat_body(prompt, **fields)))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (http.client.HTTPException, OSError):
        return 0, ""
    finally:
        connection.close()


def run(fail_at, chats=True):
    """The number of allocations of a server's life, and what it then answered."""
    with tempfile.NamedTemporaryFile("r") as log:
        server = Server("--threads", "1", LD_PRELOAD=LIBRARY, FAIL_ALLOC=str(fail_at),
                        FAIL_ALLOC_LOG=log.name)
        seen = []
        if chats:
            seen = [try_chat(server, CLOCK, tools=[CLOCK_TOOL], stream=True),
                    try_chat(server, SUM, n=2, logprobs=True), try_chat(server, SUM)]
        status = server.stop()
        return int(log.read() or 0), status, seen


class Failing(unittest.TestCase):
    def test_each(self):
        first, (last, _, whole) = run(0, chats=False)[0], run(0)
        self.assertGreater(last, first + 500)
        for number in range(COUNT):
            fail_at = first + 1 + number * (last - first) // COUNT
            with self.subTest(fail_at):
                _, status, seen = run(fail_at)
                self.assertEqual(status, 0, "the server fell")
                # 400: jansson tells some of its own failures as faults of the text.
                self.assertIn(seen[0][0], (0, 200, 400, 500))
                self.assertIn(seen[1][0], (0, 200, 400, 500))
                if 0 not in (seen[0][0], seen[1][0]) and "out of memory" not in str(seen[:2]):
                    continue  # it did without, or the failure came last
                self.assertEqual(seen[2][0], 200, "the next request fails too")
                message = json.loads(seen[2][1])["choices"][0]["message"]
                self.assertEqual(message, json.loads(whole[2][1])["choices"][0]["message"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
