"""Allocations of requests that fail, one in each run: that request may fail, the server may not.

usage: test_failing.py PROGRAM LIBRARY COUNT: the library makes the FAIL_ALLOC-th allocation fail
(tests/support/fail_alloc.c); COUNT of those between the start and the end of two chats are tried,
and a third as many with kept answers.
"""
import http.client
import json
import sys
import tempfile
import unittest

from harness import CLOCK, CLOCK_TOOL, SUM, Server, chat_body

LIBRARY, COUNT = sys.argv[2], int(sys.argv[3])


def attempt(server, method, path, body=None):
    """(status, text) of an answer that may be cut."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, body and json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (http.client.HTTPException, OSError):
        return 0, ""
    finally:
        connection.close()


def nothing(_):
    return []


def chats(server):
    return [attempt(server, "POST", "/v1/chat/completions", chat_body(prompt, **fields))
            for prompt, fields in ((CLOCK, {"tools": [CLOCK_TOOL], "stream": True}),
                                   (SUM, {"n": 2, "logprobs": True}), (SUM, {}))]


def kept_answers(server):
    """An answer, one that goes on from it, and both as they are kept."""
    def ask(**fields):
        status, text = attempt(server, "POST", "/v1/responses", {"input": SUM} | fields)
        return status, text, json.loads(text)["id"] if status == 200 else "resp_none"

    first = ask()
    second = ask(previous_response_id=first[2])
    path = "/v1/responses/"
    return [first[:2], second[:2], attempt(server, "GET", path + first[2]),
            attempt(server, "GET", path + first[2] + "/input_items"),
            attempt(server, "GET", path + second[2]), attempt(server, "GET", path + second[2])]


def run(fail_at, work=chats):
    """The number of allocations of a server's life, and what it then answered."""
    with tempfile.NamedTemporaryFile("r") as log, tempfile.TemporaryDirectory() as folder:
        server = Server("--threads", "1", "--store", f"{folder}/answers", LD_PRELOAD=LIBRARY, FAIL_ALLOC=str(fail_at),
                        FAIL_ALLOC_LOG=log.name)
        seen = work(server)
        status = server.stop()
        return int(log.read() or 0), status, seen


class Failing(unittest.TestCase):
    def test_each(self):
        first, (last, _, whole) = run(0, nothing)[0], run(0)
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

    def test_kept(self):
        """What was answered is kept, and a failed write leaves a store that goes on."""
        first, (last, _, _) = run(0, nothing)[0], run(0, kept_answers)
        for number in range(COUNT // 3):
            fail_at = first + 1 + number * (last - first) // (COUNT // 3)
            with self.subTest(fail_at):
                _, status, seen = run(fail_at, kept_answers)
                self.assertEqual(status, 0, "the server fell")
                first_kept, items, second_kept, again = seen[2:]
                self.assertIn(first_kept[0], (0, 200, 500) if seen[0][0] == 200 else (404,))
                self.assertIn(items[0], (0, 200, 500) if seen[0][0] == 200 else (404,))
                if seen[1][0] == 200:
                    self.assertIn(200, (second_kept[0], again[0]), "an answer was lost")
                for asked, kept in ((seen[0], first_kept), (seen[1], again)):
                    if kept[0] == 200:
                        self.assertEqual(asked[1], kept[1])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
