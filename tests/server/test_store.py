"""Answers of /v1/responses that are kept: through the openai package, and through kill -9.

usage: test_store.py PROGRAM
"""
import pathlib
import random
import resource
import subprocess
import tempfile
import threading
import time
import unittest

import openai
from openai.types.responses import Response, ResponseItem
from pydantic import TypeAdapter

import harness
from harness import SUM, Server

SERVER = Server()
NEXT = "What is 3 + 4?"


def client_of(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)


def ask(client, words=SUM, **fields):
    return client.responses.create(model="demo", input=words, **{"temperature": 0} | fields)


class Kept(unittest.TestCase):
    def setUp(self):
        self.client = client_of(SERVER)
        self.api = self.client.responses

    def test_life(self):
        made = ask(self.client, [{"role": "developer", "content": "Be brief."},
                                 {"role": "user", "content": SUM}], metadata={"a": "b"})
        self.assertIs(made.model_extra.get("store", getattr(made, "store", None)), True)
        found = self.api.retrieve(made.id)
        self.assertEqual(found.to_dict(), made.to_dict())
        TypeAdapter(Response).validate_python(found.to_dict())
        listed = self.api.input_items.list(made.id, order="asc")
        self.assertEqual([(i.role, i.content[0].text) for i in listed],
                         [("developer", "Be brief."), ("user", SUM)])
        for item in listed:
            TypeAdapter(ResponseItem).validate_python(item.to_dict())
        with self.assertRaisesRegex(openai.BadRequestError, "Cannot cancel a synchronous"):
            self.api.cancel(made.id)
        self.api.delete(made.id)
        for gone in (self.api.retrieve, self.api.delete, self.api.cancel,
                     self.api.input_items.list):
            with self.assertRaisesRegex(openai.NotFoundError, made.id):
                gone(made.id)
        with self.assertRaises(openai.BadRequestError) as refused:
            ask(self.client, previous_response_id=made.id)
        self.assertEqual(refused.exception.param, "previous_response_id")

    def test_stream_is_kept_before_its_end(self):
        with self.client.responses.stream(model="demo", input=SUM, temperature=0) as stream:
            for event in stream:
                if event.type == "response.completed":
                    found = self.api.retrieve(event.response.id)
                    self.assertEqual(found.output_text, event.response.output_text)
                    self.assertEqual(found.status, "completed")
                    return
        self.fail("no end")

    def test_not_kept(self):
        made = ask(self.client, store=False)
        self.assertIs(made.to_dict()["store"], False)
        with self.assertRaises(openai.NotFoundError):
            self.api.retrieve(made.id)

    def test_pages(self):
        made = ask(self.client, [{"role": "user", "content": str(i)} for i in range(5)])
        words = lambda **how: [i.content[0].text for i in
                               self.api.input_items.list(made.id, **how).data]
        self.assertEqual(words(), list("43210"))
        ids = [i.id for i in self.api.input_items.list(made.id, order="asc", limit=2)]
        self.assertEqual(len(set(ids)), 5, "the client follows the pages")
        self.assertEqual(words(order="asc", after=ids[1], limit=2), list("23"))
        self.assertEqual(words(order="asc", extra_query={"before": ids[2]}), list("01"))
        for wrong in ({"limit": 0}, {"limit": 101}, {"order": "up"}, {"after": "msg_none"}):
            with self.assertRaises(openai.BadRequestError) as refused:
                words(**wrong)
            self.assertEqual(refused.exception.param, next(iter(wrong)))

    def test_chain(self):
        """Three answers say what one conversation says, and go on from what is computed."""
        previous, told, kept = None, [], 0
        for words in (SUM, NEXT, "What is 20 + 22?"):
            made = ask(self.client, words, previous_response_id=previous and previous.id)
            told.append({"role": "user", "content": words})
            whole = ask(self.client, told, store=False)
            self.assertEqual(made.output_text, whole.output_text)
            self.assertEqual(made.usage.input_tokens, whole.usage.input_tokens)
            self.assertEqual(made.previous_response_id, previous and previous.id)
            if previous:
                self.assertGreaterEqual(made.usage.input_tokens_details.cached_tokens, kept)
            listed = self.api.input_items.list(made.id).data
            self.assertEqual([i.content[0].text for i in listed], [words], "its own input alone")
            kept, previous = made.usage.input_tokens, made
            told.append({"role": "assistant", "content": made.output_text})
        self.assertGreater(kept, 120)

    def test_calls(self):
        """A call's result alone goes on with the kept call."""
        tool = harness.CLOCK_TOOL["function"] | {"type": "function"}
        made = ask(self.client, harness.CLOCK, tools=[tool])
        call = made.output[-1]
        self.assertEqual(call.type, "function_call")
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "12:34"}
        after = ask(self.client, [result], tools=[tool], previous_response_id=made.id)
        self.assertGreaterEqual(after.usage.input_tokens_details.cached_tokens,
                                made.usage.input_tokens + made.usage.output_tokens - 1)
        items = [{"role": "user", "content": harness.CLOCK},
                 *({"type": "item_reference", "id": i.id} for i in made.output), result]
        same = ask(self.client, items, tools=[tool])
        self.assertEqual(same.output_text, after.output_text)
        with self.assertRaises(openai.NotFoundError) as refused:
            ask(self.client, [{"type": "item_reference", "id": "msg_none_0"}])
        self.assertEqual(refused.exception.param, "input[0].id")

    def test_fields_name_the_clients_input(self):
        made = ask(self.client)
        with self.assertRaises(openai.BadRequestError) as refused:
            ask(self.client, [{"role": "nobody", "content": "x"}], previous_response_id=made.id)
        self.assertEqual(refused.exception.param, "input[0].role")


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "answers"

    def start(self, *options):
        server = Server("--store", str(self.path), *options)
        self.addCleanup(server.kill)
        return server

    def refused(self):
        run = subprocess.run([harness.PROGRAM, "serve", "--port", "0", "--store", str(self.path)],
                             stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn(str(self.path), run.stderr)
        return run.stderr

    def test_restart(self):
        server = self.start("--store-answers", "2")
        made = [ask(client_of(server), w) for w in (SUM, NEXT, SUM)]
        self.assertIn("in use", self.refused())
        self.assertEqual(server.stop(), 0)
        client = client_of(self.start("--store-answers", "2"))
        with self.assertRaises(openai.NotFoundError):
            client.responses.retrieve(made[0].id)
        self.assertEqual(client.responses.retrieve(made[1].id).to_dict(), made[1].to_dict())
        after = ask(client, SUM, previous_response_id=made[1].id)
        self.assertGreater(after.usage.input_tokens, made[1].usage.input_tokens + 20)

    def test_damaged(self):
        self.path.write_bytes(random.Random(1).randbytes(20000))
        self.assertIn("damaged", self.refused())

    def test_full_disk(self):
        server = self.start()
        client = client_of(server)
        made = ask(client)
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (8192, -1))
        with self.assertRaisesRegex(openai.InternalServerError, "could not be kept"):
            ask(client)
        events = list(ask(client, stream=True))
        self.assertEqual(events[-1].type, "error")
        self.assertIn("could not be kept", events[-1].message)
        self.assertNotIn("response.completed", [e.type for e in events])
        self.assertEqual(ask(client, store=False).status, "completed")
        self.assertEqual(client.responses.retrieve(made.id).to_dict(), made.to_dict())
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        again = ask(client)
        self.assertEqual(client.responses.retrieve(again.id).output_text, made.output_text)

    def test_killed(self):
        """What was answered is there, whenever the server is killed."""
        rng, told = random.Random(7), {}

        def load(server):
            while True:
                try:
                    status, _, body = server.call("POST", "/v1/responses", {
                        "input": SUM * rng.randint(1, 20), "max_output_tokens": rng.randint(1, 3)})
                except (OSError, ValueError, AttributeError):
                    return  # it is dead
                if status == 200:
                    told[body["id"]] = body

        before = 0
        for _ in range(15):
            server = self.start()
            threads = [threading.Thread(target=load, args=[server]) for _ in range(4)]
            for thread in threads:
                thread.start()
            harness.wait_until(lambda: len(told) > before)
            time.sleep(rng.random() * 0.3)
            server.kill()
            for thread in threads:
                thread.join()
            before = len(told)
        server = self.start()
        for name, body in told.items():
            status, _, found = server.call("GET", f"/v1/responses/{name}")
            self.assertEqual((status, found), (200, body))
        self.assertGreater(len(told), 60)
        print(f"{len(told)} answers through 15 kills")


if __name__ == "__main__":
    harness.main()
