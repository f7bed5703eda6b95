"""The server through sockets: who may ask, limits, clients that stall or vanish, signals."""
import http.client
import json
import re
import signal
import socket
import tempfile
import threading
import time
import unittest

from harness import SUM, Server, chat_body, endless, main, wait_until

SERVER = Server("--parallel", "2", "--queue", "2", "--idle", "3", "--body", "1",
                "--connections", "64", "--loop", "0", "--context", "60000")


class Paths(unittest.TestCase):
    def test_health(self):
        self.assertEqual(SERVER.call("GET", "/health")[2], {"status": "ok"})
        self.assertEqual(SERVER.call("GET", "/ready")[0], 200)

    def test_methods(self):
        status, headers, body = SERVER.call("GET", "/v1/chat/completions")
        self.assertEqual((status, headers["Allow"]), (405, "POST, OPTIONS"))
        self.assertIn("message", body["error"])
        self.assertEqual(SERVER.call("DELETE", "/v1/models")[0], 405)
        self.assertEqual(SERVER.call("POST", "/nowhere", {})[0], 404)
        self.assertEqual(SERVER.call("GET", "/v1/models/a/b")[0], 404)

    def test_head_and_options(self):
        status, headers, text = SERVER.call("HEAD", "/v1/models")
        self.assertEqual((status, text), (200, ""))
        self.assertGreater(int(headers["Content-Length"]), 50)
        status, headers, _ = SERVER.call("OPTIONS", "/v1/chat/completions")
        self.assertEqual((status, headers["Allow"]), (204, "POST, OPTIONS"))

    def test_embeddings_say_why_not(self):
        status, _, body = SERVER.call("POST", "/v1/embeddings", {"input": "a"})
        self.assertEqual(status, 404)
        self.assertIn("embeddings", body["error"]["message"])

    def test_tokens_and_back(self):
        _, _, found = SERVER.call("POST", "/tokenize", {"content": "naïve 🙂 <|end|>"})
        self.assertEqual(found["count"], len(found["tokens"]))
        _, _, text = SERVER.call("POST", "/detokenize", {"tokens": found["tokens"]})
        self.assertEqual(text["content"], "naïve 🙂 <|end|>")
        self.assertEqual(SERVER.call("POST", "/detokenize", {"tokens": [-1]})[0], 400)

    def test_metrics_count(self):
        _, _, text = SERVER.call("GET", "/metrics")
        for line in text.splitlines():
            self.assertRegex(line, r'^# (HELP|TYPE) |^gptoss_\w+(\{[^}]*\})? [-+.e\d]+$')
        before = SERVER.metric("completion_tokens_total")
        answer = SERVER.chat()
        self.assertEqual(SERVER.metric("completion_tokens_total") - before,
                         answer["usage"]["completion_tokens"])
        self.assertIn('gptoss_requests_total{dialect="chat",status="200"}',
                      SERVER.call("GET", "/metrics")[2])

    def test_keep_alive(self):
        connection = http.client.HTTPConnection("127.0.0.1", SERVER.port, timeout=60)
        for _ in range(3):
            connection.request("POST", "/v1/chat/completions", json.dumps(chat_body()))
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            answer.read()
        connection.close()


class Strangers(unittest.TestCase):
    def test_host_must_be_this_machine(self):
        for host, status in (("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1:80", 200),
                             ("[::1]:8080", 200), ("a.localhost", 200), ("evil.example", 403),
                             ("127.0.0.1.evil.example", 403), ("localhost.evil.example", 403)):
            self.assertEqual(SERVER.call("GET", "/v1/models", Host=host)[0], status, host)

    def test_pages_of_others_are_refused(self):
        for origin, status in (("http://evil.example", 403), ("null", 403), (SERVER.url, 200)):
            self.assertEqual(SERVER.call("GET", "/v1/models", Origin=origin)[0], status, origin)
        status, headers, _ = SERVER.call("GET", "/v1/models", Origin="http://evil.example")
        self.assertIsNone(headers["Access-Control-Allow-Origin"])

    def test_keys_and_cors(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("secret-key\n")
            file.flush()
            server = Server("--api-key-file", file.name, "--host", "0.0.0.0",
                            "--cors", "https://page.example")
        for headers, status in (({}, 401), ({"Authorization": "Bearer secret-kez"}, 401),
                                ({"Authorization": "Bearer secret-key1"}, 401),
                                ({"Authorization": "Bearer "}, 401),
                                ({"Authorization": "secret-key"}, 401), ({"x_api_key": ""}, 401),
                                ({"Authorization": "Bearer secret-key"}, 200),
                                ({"x_api_key": "secret-key"}, 200)):
            self.assertEqual(server.call("GET", "/v1/models", **headers)[0], status, headers)
        self.assertEqual(server.call("GET", "/health")[0], 200)
        self.assertEqual(server.call("GET", "/metrics")[0], 401)
        status, headers, _ = server.call("OPTIONS", "/v1/models", Origin="https://page.example")
        self.assertEqual((status, headers["Access-Control-Allow-Origin"]),
                         (204, "https://page.example"))
        self.assertNotIn("secret-key", "".join(server.lines))
        self.assertEqual(server.stop(), 0)

    def test_another_address_needs_a_key(self):
        with self.assertRaisesRegex(AssertionError, "api-key"):
            Server("--host", "0.0.0.0")
        self.assertEqual(Server("--host", "0.0.0.0", "--open").stop(), 0)
        self.assertEqual(Server("--host", "0.0.0.0", GPTOSS_API_KEY="k").stop(), 0)


def read_all(connection):
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    connection.close()
    return data


class Limits(unittest.TestCase):
    def setUp(self):
        wait_until(lambda: SERVER.metric("running") == 0)

    def test_huge_bodies(self):
        status, _, body = SERVER.call("POST", "/v1/chat/completions", b"x" * (2 << 20))
        self.assertEqual(status, 413, body)
        connection = SERVER.connect()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(1000):
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except OSError:
            pass  # cut at last, as it must
        else:
            self.fail("64 MiB of a chunked body were taken")
        connection.close()

    def test_huge_headers(self):
        connection = SERVER.connect()
        try:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200000)
        except OSError:
            pass
        self.assertNotIn(b" 200 ", read_all(connection))

    def test_slow_requests_are_cut(self):
        connection = SERVER.connect()
        start = time.monotonic()
        try:
            for byte in b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: aaaaaaaaaaaaaaaaaaaaaaaa":
                connection.sendall(bytes([byte]))  # never silent for long
                time.sleep(0.2)
        except OSError:
            pass
        self.assertEqual(read_all(connection), b"")
        self.assertLess(time.monotonic() - start, 10)

    def test_rubbish(self):
        for data in (b"\x00\xff\x00\r\n\r\n", b"GET\r\n\r\n", b"POST /x HTTP/9.9\r\n\r\n",
                     b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00" * 10):
            connection = SERVER.connect()
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            self.assertNotIn(b" 200 ", read_all(connection))
        self.assertEqual(SERVER.call("GET", "/health")[0], 200)

    def test_many_connections(self):
        idle = [SERVER.connect() for _ in range(63)]
        time.sleep(0.3)
        for connection in idle:
            connection.close()
        self.assertEqual(SERVER.call("GET", "/health")[0], 200)

    def test_a_full_queue_says_when_to_come_again(self):
        fields = endless(SERVER, temperature=2, stream=True)
        running = [SERVER.send_chat(**fields) for _ in range(4)]
        wait_until(lambda: SERVER.metric("running") == 2 and SERVER.metric("waiting") == 2)
        status, headers, body = SERVER.call("POST", "/v1/chat/completions", chat_body())
        self.assertEqual(status, 429, body)
        self.assertGreater(int(headers["Retry-After"]), 0)
        for connection in running:
            connection.close()
        wait_until(lambda: SERVER.metric("running") == 0 and SERVER.metric("waiting") == 0)
        SERVER.chat()

    def vanish(self, **fields):
        """Tokens that were sampled until it was noticed that the client left."""
        connection = SERVER.send_chat(**endless(SERVER, temperature=2, **fields))
        wait_until(lambda: SERVER.metric("running") == 1)
        time.sleep(0.3)
        before = SERVER.metric("completion_tokens_total")  # counted when a turn ends
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        start = time.monotonic()
        wait_until(lambda: SERVER.metric("running") == 0, 5)
        self.assertLess(time.monotonic() - start, 1)
        return SERVER.metric("completion_tokens_total") - before

    def test_clients_that_vanish_are_cancelled(self):
        cancelled = 'finishes_total{reason="cancelled"}'
        before = SERVER.metric(cancelled)
        for stream in (True, False):
            self.assertLess(self.vanish(stream=stream), 30000)
        self.assertEqual(SERVER.metric(cancelled) - before, 2)

    def test_a_client_that_stops_reading_loses_its_place(self):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", SERVER.port))
        body = json.dumps(chat_body(**endless(SERVER, temperature=2, stream=True))).encode()
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(body) + body)
        wait_until(lambda: SERVER.metric("running") == 1)
        # First the system's buffers, some MB, must be full: how long that takes is the machine's.
        wait_until(lambda: SERVER.metric("running") == 0, 90)
        SERVER.chat()
        connection.close()


class Signals(unittest.TestCase):
    def stream(self, server, **fields):
        """A thread that reads a stream, and the list of what it saw."""
        connection, seen = server.send_chat(stream=True, **fields), []
        thread = threading.Thread(target=lambda: seen.append(read_all(connection)))
        thread.start()
        wait_until(lambda: server.metric("running") == 1)
        return thread, seen

    def test_sigterm_finishes_what_runs(self):
        server = Server()
        thread, seen = self.stream(server, **endless(server, max_tokens=2000, temperature=2))
        server.process.send_signal(signal.SIGTERM)
        thread.join(60)
        self.assertIn(b"data: [DONE]", seen[0])
        self.assertIn(b'"finish_reason":"length"', seen[0])
        self.assertEqual(server.process.wait(10), 0)

    def test_no_new_requests_while_draining(self):
        server = Server()
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        kept.request("GET", "/ready")
        self.assertEqual(kept.getresponse().read(), b'{"status":"ready"}')
        thread, _ = self.stream(server, **endless(server, max_tokens=3000, temperature=2))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        kept.request("POST", "/v1/chat/completions", json.dumps(chat_body()))
        self.assertEqual(kept.getresponse().status, 503)
        thread.join(60)
        self.assertEqual(server.process.wait(10), 0)

    def test_a_second_signal_ends_at_once(self):
        server = Server("--loop", "0", "--context", "100000")
        thread, seen = self.stream(server, **endless(server, temperature=2))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        self.assertIsNone(server.process.poll())
        server.process.send_signal(signal.SIGTERM)
        self.assertEqual(server.process.wait(10), 130)
        thread.join(10)
        self.assertTrue(seen)

    def test_ctrl_c(self):
        self.assertEqual(Server().stop(signal.SIGINT), 130)

    def test_a_taken_port_is_an_error(self):
        with self.assertRaisesRegex(AssertionError, "in use"):
            Server("--port", str(SERVER.port))

    def test_logs_without_words(self):
        server = Server("--log", "requests")
        server.chat("a secret question")
        self.assertEqual(server.stop(), 0)
        log = server.process.stderr.read()
        self.assertRegex(log, r"127\.0\.0\.1 POST /v1/chat/completions 200 \d+\.\d+ s")
        self.assertNotIn("secret", log)


class Time(unittest.TestCase):
    def test_an_answer_that_takes_too_long_is_ended(self):
        server = Server("--timeout", "1", "--loop", "0", "--context", "100000")
        answer = server.chat(**endless(server, temperature=2))
        self.assertEqual(answer["choices"][0]["finish_details"]["type"], "cancelled")
        self.assertEqual(server.stop(), 0)

    def test_the_date_is_told(self):
        server = Server("--date", "2031-02-03")
        _, _, found = server.call("POST", "/apply-template", chat_body(SUM))
        self.assertTrue(re.search("Current date: 2031-02-03", found["prompt"]))
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    main()
