"""Messages and text completions of a running server, through the clients of their makers."""
import unittest

import anthropic
import openai

from harness import CLOCK, CLOCK_TOOL, SUM, Server, main

SERVER = Server()
CLIENT = anthropic.Anthropic(base_url=SERVER.url, api_key="none", max_retries=0, timeout=120)
TOOL = {"name": CLOCK_TOOL["function"]["name"],
        "description": CLOCK_TOOL["function"]["description"],
        "input_schema": CLOCK_TOOL["function"]["parameters"]}


def user(content):
    return {"role": "user", "content": content}


def body(*messages, **more):
    return {"model": "gpt-oss-20b", "max_tokens": 500, "messages": list(messages) or [user(SUM)],
            "extra_body": {"temperature": 0}, **more}


class Messages(unittest.TestCase):
    def test_an_answer_begins_with_text_unless_thinking_is_asked_for(self):
        answer = CLIENT.messages.create(**body())
        self.assertIn("85", answer.content[0].text)
        self.assertEqual(answer.stop_reason, "end_turn")
        thought = CLIENT.messages.create(**body(thinking={"type": "adaptive"}))
        self.assertEqual([block.type for block in thought.content], ["thinking", "text"])

    def test_a_stream_is_the_same_answer(self):
        whole = CLIENT.messages.create(**body(thinking={"type": "adaptive"}))
        with CLIENT.messages.stream(**body(thinking={"type": "adaptive"})) as stream:
            streamed = stream.get_final_message()
        self.assertEqual([b.to_dict() for b in streamed.content],
                         [b.to_dict() for b in whole.content])

    def test_a_tool_is_called_and_answered_and_the_beginning_comes_from_the_cache(self):
        for thinking in ({"type": "adaptive"}, {"type": "adaptive", "display": "omitted"},
                         {"type": "disabled"}):
            more = {"tools": [TOOL], "thinking": thinking}
            call = CLIENT.messages.create(**body(user(CLOCK), **more))
            self.assertEqual(call.stop_reason, "tool_use", call)
            use = call.content[-1]
            self.assertEqual((use.type, use.name), ("tool_use", TOOL["name"]))
            result = {"type": "tool_result", "tool_use_id": use.id, "content": "14:05"}
            answer = CLIENT.messages.create(**body(user(CLOCK), call.to_param(), user([result]),
                                                   **more))
            self.assertIn("14:05", answer.content[-1].text)
            said = call.usage.input_tokens + call.usage.cache_read_input_tokens
            self.assertGreaterEqual(answer.usage.cache_read_input_tokens, 0.95 * said)

    def test_tokens_are_counted_as_they_are_used(self):
        counted = CLIENT.messages.count_tokens(model="m", messages=[user(SUM)], system="Be kind.")
        usage = CLIENT.messages.create(**body(system="Be kind.")).usage
        self.assertEqual(counted.input_tokens, usage.input_tokens + usage.cache_read_input_tokens)

    def test_why_an_answer_ended(self):
        self.assertEqual(CLIENT.messages.create(**body(max_tokens=3)).stop_reason, "max_tokens")
        stopped = CLIENT.messages.create(**body(stop_sequences=["8"]))
        self.assertEqual((stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", "8"))

    def test_beta(self):
        self.assertIn("85", CLIENT.beta.messages.create(**body()).content[0].text)

    def test_errors(self):
        with self.assertRaises(anthropic.BadRequestError) as refused:
            CLIENT.messages.create(**body(user([{"type": "image", "source": {}}])))
        self.assertIn("messages.0.content.0.type", str(refused.exception))
        with self.assertRaisesRegex(anthropic.BadRequestError, "'prompt is too long: [0-9]+ tokens"):
            CLIENT.messages.create(**body(user("word " * 5000)))


class Completions(unittest.TestCase):
    def test_a_text_goes_on(self):
        client = openai.OpenAI(base_url=SERVER.url + "/v1", api_key="none", max_retries=0)
        asked = {"model": "m", "prompt": "17 + 25 =", "max_tokens": 6, "temperature": 0}
        whole = client.completions.create(**asked, logprobs=1)
        self.assertEqual(len(whole.choices[0].logprobs.tokens), 6)
        streamed = client.completions.create(**asked, echo=True, stream=True)
        text = "".join(chunk.choices[0].text for chunk in streamed)
        self.assertEqual(text, asked["prompt"] + whole.choices[0].text)


if __name__ == "__main__":
    main()
