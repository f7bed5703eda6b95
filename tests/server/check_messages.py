"""Anthropic's dialect against Anthropic's own client: what it reads, and random turns as streams and
as messages, held to the client's types and put together by it.

usage: check_messages.py DRIVER [TURNS]"""
import json
import random
import sys

import httpx2
from anthropic import Anthropic
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.beta import BetaMessage, BetaRawMessageStreamEvent
from pydantic import TypeAdapter

from dialects import Driver, parse_stream
from events import random_text, random_turn

USER = {"role": "user", "content": "hi"}
BASE = {"model": "gpt-oss-20b", "max_tokens": 100, "messages": [USER]}
WEATHER = {"name": "get_weather", "description": "The weather",
           "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}


def item(kind, text, call_id=None, name=None, failed=False):
    return {"kind": kind, "text": text, "name": name, "call_id": call_id, "failed": failed}


# ---- reading ------------------------------------------------------------------------------------

def said(*messages, **more):
    return {**BASE, "messages": list(messages), **more}


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks):
    return {"role": "assistant", "content": list(blocks)}


def words(text, **more):
    return {"type": "text", "text": text, **more}


USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Bonn"}}

CONVERSATIONS = [
    ("a string", said(USER), [item("user", "hi")]),
    ("blocks of one message are one item",
     said(user(words("a", cache_control={"type": "ephemeral"}), words(""), words("b"))),
     [item("user", "a\n\nb")]),
    ("a call, its result and more words",
     said(USER, assistant({"type": "thinking", "thinking": "hm", "signature": "of another"},
                          words("I'll look."), USE),
          user({"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True,
                "content": [words("no"), words("such city")]}, words("well?"))),
     [item("user", "hi"), item("reasoning", "hm"), item("preamble", "I'll look."),
      item("call", '{"city":"Bonn"}', "toolu_1", "get_weather"),
      item("result", "no\n\nsuch city", "toolu_1", failed=True), item("user", "well?")]),
    ("words without a call are an answer; each block is one",
     said(USER, assistant(words("a"), words("b")), USER),
     [item("user", "hi"), item("answer", "a"), item("answer", "b"), item("user", "hi")]),
    ("what a signature says", said(USER, assistant(
        {"type": "thinking", "thinking": "", "signature": "gptoss:reasoning:deep"},
        {"type": "thinking", "thinking": "look", "signature": "gptoss:preamble:"},
        {"type": "redacted_thinking", "data": "EncryptedElsewhere"},
        {"type": "thinking", "thinking": "", "signature": ""}), USER),
     [item("user", "hi"), item("reasoning", "deep"), item("preamble", "look"),
      item("user", "hi")]),
    ("words of the operator in between",
     said(USER, {"role": "system", "content": [words("be brief")]}),
     [item("user", "hi"), item("system", "be brief")]),
    ("documents that are text",
     said(user({"type": "document", "title": "T", "source":
                {"type": "text", "media_type": "text/plain", "data": "D"}},
               {"type": "search_result", "title": "S", "source": "http://s", "content": [words("R")]})),
     [item("user", "T\n\nD\n\nS\n\nhttp://s\n\nR")]),
    ("results of a service", said(USER, assistant(
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}), USER),
     [item("user", "hi"), item("call", "{}", "s1", "web_search"), item("result", "[]", "s1"),
      item("user", "hi")]),
    ("an image that a tool read",
     said(USER, assistant(USE), user({"type": "tool_result", "tool_use_id": "toolu_1", "content":
                                      [{"type": "image", "source": {}}]})),
     [item("user", "hi"), item("call", '{"city":"Bonn"}', "toolu_1", "get_weather"),
      item("result", "[This result can't be shown: the model reads text only.]", "toolu_1")]),
]

# body fields, what the request must have
PARAMETERS = [
    ({}, {"effort": "medium", "max_tokens": 100, "max_reasoning_tokens": 0, "stream": False,
          "choice": "auto", "parallel_calls": True, "instructions": None}),
    ({"system": "be kind"}, {"instructions": "be kind"}),
    ({"system": [words("x-anthropic-billing-header: v=1; x=2;"), words("a"), words("b")]},
     {"instructions": "a\n\nb"}),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}},
     {"effort": "low", "max_reasoning_tokens": 2000}),
    ({"thinking": {"type": "enabled", "budget_tokens": 31999}},
     {"effort": "high", "max_reasoning_tokens": 31999}),
    ({"thinking": {"type": "disabled"}}, {"effort": "low"}),
    ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, {"effort": "high"}),
    ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
     {"answer": {"kind": "json_schema", "name": None, "description": None,
                 "text": '{"type":"object"}'}}),
    ({"stop_sequences": ["a", "b"]}, {"stops": ["a", "b"]}),
    ({"metadata": {"user_id": "u"}}, {"user": "u"}),
    ({"stream": True, "service_tier": "auto", "context_management": {"edits": []}},
     {"stream": True, "ignored": ["service_tier", "context_management"]}),
    ({"tools": [WEATHER], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
     {"choice": "required", "parallel_calls": False}),
    ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "get_weather"}},
     {"choice": "named", "chosen_tool": "get_weather"}),
    ({"tools": [WEATHER], "tool_choice": {"type": "none"}}, {"choice": "none"}),
]

SEARCH = {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
LATER = {**WEATHER, "name": "later", "defer_loading": True}


def change(kind, **tool):
    return {"role": "system", "content": [{"type": "tool_" + kind, "tool": tool}]}


# tools, further messages, the names that the model is told, number of warnings
TOOLS = [
    ([WEATHER], [], ["get_weather"], 0),
    ([{"type": "bash_20250124", "name": "bash"}, {"type": "text_editor_20250728",
      "name": "str_replace_based_edit_tool"}, {"type": "memory_20250818", "name": "memory"}], [],
     ["bash", "str_replace_based_edit_tool", "memory"], 0),
    ([{"type": "web_search_20250305", "name": "web_search"}, WEATHER,
      {"type": "computer_toolset_20260801"}], [], ["get_weather"], 2),
    ([WEATHER, LATER], [], ["get_weather"], 0),
    ([WEATHER, LATER, SEARCH], [], ["get_weather", "later"], 1),
    ([LATER], [assistant(USE), user({"type": "tool_result", "tool_use_id": "toolu_1", "content": [
        {"type": "tool_reference", "tool_name": "later"}]})], ["later"], 0),
    ([WEATHER, LATER], [change("addition", type="tool_reference", name="later"),
                        change("removal", type="tool_reference", name="get_weather")], ["later"], 0),
    ([WEATHER], [change("addition", type="tool_definition",
                        definition={**WEATHER, "name": "inline"})], ["get_weather", "inline"], 0),
]

PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}

# body fields, the field that the error must name
FAULTS = [
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": "9"}, "max_tokens"),
    ({"model": None}, "model"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": [3]}, "messages.0"),
    ({"messages": [{"role": "tool", "content": ""}]}, "messages.0.role"),
    ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [user({"text": "x"})]}, "messages.0.content.0.type"),
    ({"messages": [user(words("a"), PICTURE)]}, "messages.0.content.1.type"),
    ({"messages": [user({"type": "document", "source": {"type": "base64"}})]},
     "messages.0.content.0.source.type"),
    ({"messages": [USER, assistant({"type": "tool_use", "name": "x", "input": {}}), USER]},
     "messages.1.content.0.id"),
    ({"messages": [USER, assistant(words("It is"))]}, "messages"),
    ({"system": 3}, "system"),
    ({"system": [PICTURE]}, "system.0.type"),
    ({"temperature": 3}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"top_k": 0.5}, "top_k"),
    ({"stop_sequences": [""]}, "stop_sequences"),
    ({"stop_sequences": "x"}, "stop_sequences"),
    ({"stream": 1}, "stream"),
    ({"thinking": {"type": "sometimes"}}, "thinking.type"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"output_config": {"effort": "some"}}, "output_config.effort"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ({"tools": {}}, "tools"),
    ({"tools": [{"name": "x"}]}, "tools.0.input_schema"),
    ({"tools": [WEATHER, WEATHER]}, "tools.1.name"),
    ({"tool_choice": {"type": "any"}}, "tool_choice.type"),
    ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice.name"),
    ({"metadata": {"user_id": 3}}, "metadata.user_id"),
    ({"mcp_servers": [{"url": "http://x"}]}, "mcp_servers"),
    ({"container": "c"}, "container"),
]


def check(condition, what, *details):
    if not condition:
        raise SystemExit(f"{what}: {' '.join(map(str, details))}")


def check_reading(driver):
    for what, body, expected in CONVERSATIONS:
        read = driver.read(body)
        check(read.get("items") == expected, what, read)
    for more, expected in PARAMETERS:
        read = driver.read({**BASE, **more})
        for key, value in expected.items():
            check(read.get(key) == value, f"{more}: {key} must be {value}", read)
    for tools, messages, names, warnings in TOOLS:
        read = driver.read({**BASE, "messages": [USER, *messages], "tools": tools})
        check([tool["name"] for tool in read["tools"]] == names, f"tools of {tools}", read)
        check(len(read["warnings"]) == warnings, f"warnings of {tools}", read)


def check_faults(driver):
    client = Anthropic(api_key="x", max_retries=0)
    for more, field in FAULTS:
        body = {**BASE, **more}
        printed = driver.read(body)
        check("problem" in printed, f"{more} must be refused", printed)
        error = json.loads(printed["problem"]["printed"])
        check(error["error"]["message"].startswith(field + ": "), f"{more} must name {field}", error)
        check(error["type"] == "error" and error["error"]["type"] == "invalid_request_error",
              "Anthropic's form of an error", error)
        check(parse_stream(printed["problem"]["in_stream"]) == [("error", error)],
              "an error in a stream", printed)
    client.close()


# ---- answering ----------------------------------------------------------------------------------

class Replay:
    """Anthropic's client, answered with the stream or document that the driver printed."""

    def __init__(self):
        self.client = Anthropic(api_key="x", base_url="http://test", max_retries=0,
                                http_client=httpx2.Client(transport=httpx2.MockTransport(self.reply)))
        self.kind = self.content = ""

    def reply(self, request):
        return httpx2.Response(200, headers={"content-type": self.kind}, content=self.content)

    def messages(self, beta):
        return self.client.beta.messages if beta else self.client.messages

    def stream(self, stream, beta):
        self.kind, self.content = "text/event-stream", stream.encode()
        with self.messages(beta).stream(**BASE) as events:
            return events.get_final_message()

    def create(self, document, beta):
        self.kind, self.content = "application/json", document.encode()
        return self.messages(beta).create(**BASE)


STREAM_TYPES = {False: TypeAdapter(RawMessageStreamEvent), True: TypeAdapter(BetaRawMessageStreamEvent)}
MESSAGE_TYPES = {False: Message, True: BetaMessage}


def check_order(sent):
    """message_start, blocks one after the other, message_delta, message_stop; pings anywhere."""
    names = [name for name, _ in sent if name != "ping"]
    check(names[0] == "message_start", "the first event", names)
    check(names[-2:] == ["message_delta", "message_stop"] or names[-1] == "error", "the end", names)
    check(all(data["type"] == name for name, data in sent), "an event's name is its type", sent)
    index, is_open = 0, False
    for name, data in sent:
        if name == "content_block_start":
            check(not is_open and data["index"] == index, "blocks come one by one", sent)
            is_open = True
        elif name in ("content_block_delta", "content_block_stop"):
            check(is_open and data["index"] == index, f"{name} belongs to the open block", sent)
            if name == "content_block_stop":
                is_open, index = False, index + 1
        elif name in ("message_delta", "message_stop"):
            check(not is_open, "every block is closed", sent)


def expected_input(event):
    """Of a call: the object that its arguments are, or how other text is shown; None: a piece."""
    text, python = event.get("text", ""), event["name"] == "python"
    if event["tool_kind"] == "builtin" and python:
        return {"code": text} if text else {}
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            return value
    except ValueError:
        pass
    if text.lstrip(" \t\r\n").startswith("{"):
        return None
    return {"input": text} if text else {}


def expected_blocks(events, thinking):
    """What a client must see of the turn: (type, content) of each block."""
    blocks = []
    for event in events:
        if event["kind"] != "close":
            continue
        kind, text = event["item_kind"], event["text"]
        if kind == "reasoning" and thinking in ("adaptive", "omitted"):
            if thinking == "omitted":
                blocks.append(("thinking", "", "gptoss:reasoning:" + text))
            elif text:
                blocks.append(("thinking", text, "gptoss:reasoning:"))
        elif kind == "preamble" and thinking == "between_tools":
            if text:
                blocks.append(("thinking", text, "gptoss:preamble:"))
        elif kind in ("preamble", "answer") and text:
            blocks.append(("text", text))
        elif kind == "call":
            blocks.append(("call", event["call_id"], expected_input(event)))
        elif kind == "result":
            blocks.append(("result", event["call_id"], text))
    return blocks


def seen_block(block):
    if block.type == "text":
        return ("text", block.text)
    if block.type == "thinking":
        return ("thinking", block.thinking, block.signature)
    if block.type.endswith("tool_use"):
        return ("call", block.id, block.input)
    content = block.content
    text = content.stdout if block.type == "code_execution_tool_result" else content[0].text
    return ("result", block.tool_use_id, text)


def check_seen(message, expected, what):
    seen = [seen_block(block) for block in message.content]
    check(len(seen) == len(expected), what, seen, expected)
    for got, wanted in zip(seen, expected):
        if wanted[0] == "call" and wanted[2] is None:  # it was cut: some of its members
            check(got[:2] == wanted[:2] and isinstance(got[2], dict), what, got, wanted)
        else:
            check(got == wanted, what, got, wanted)


REASONS = {"stop": "end_turn", "calls": "tool_use", "context": "model_context_window_exceeded"}


def check_end(message, events, what):
    end, done = events[-2], events[-1]["usage"]
    reason = "stop_sequence" if end.get("stop") is not None else REASONS.get(end["finish"], "max_tokens")
    check(message.stop_reason == reason, f"{what}: stop_reason", message.stop_reason, end)
    check(message.stop_sequence == end.get("stop"), f"{what}: stop_sequence", message, end)
    usage = message.usage
    check(usage.input_tokens + usage.cache_read_input_tokens == done["prompt_tokens"] and
          usage.cache_read_input_tokens == done["cached_tokens"] and
          usage.output_tokens == done["completion_tokens"] and
          usage.output_tokens_details.thinking_tokens == done["reasoning_tokens"],
          f"{what}: usage", usage, done)


THINKING = {"none": {}, "disabled": {"thinking": {"type": "disabled"}},
            "adaptive": {"thinking": {"type": "adaptive"}},
            "between_tools": {"thinking": {"type": "between_tools"}},
            "omitted": {"thinking": {"type": "adaptive", "display": "omitted"}}}


def check_turn(driver, replay, rng):
    builtin, thinking = rng.random() < 0.3, rng.choice(list(THINKING))
    body = {**BASE, **THINKING[thinking], "tools": [WEATHER]}
    events = random_turn(rng, tools=[("get_weather", "function")], builtin=builtin)
    raw = driver.job(request=body, events=events)
    sent = parse_stream(raw["stream"])
    check_order(sent)
    failed = events[-2]["finish"] == "failed"
    for name, data in sent:
        if name not in ("ping", "error"):
            STREAM_TYPES[builtin].validate_python(data)
    if failed:
        check(sent[-1][0] == "error" and json.loads(raw["document"])["type"] == "error",
              "a failure is an error in both forms", raw)
        return
    MESSAGE_TYPES[builtin].model_validate_json(raw["document"])
    streamed, whole = replay.stream(raw["stream"], builtin), replay.create(raw["document"], builtin)
    expected = expected_blocks(events, thinking)
    for what, message in (("streamed", streamed), ("whole", whole)):
        check_seen(message, expected, f"{what}, thinking {thinking}, {events}")
        check_end(message, events, what)
    for one, other in zip(streamed.content, whole.content):
        check(seen_block(one) == seen_block(other), "stream and document differ", one, other)


def check_cut_arguments(driver, replay, rng):
    """Arguments cut anywhere, or broken: the client gets the members that are complete."""
    value = {"path": random_text(rng), "n": [1, -2.5e3, {"deep": [True, None, random_text(rng)]}],
             "\U0001F600": {"x": False}, "last": ""}
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2]))
    cut = text[:rng.randrange(len(text) + 1)]
    if rng.random() < 0.3:
        cut += rng.choice(["}", "]", "x", "\n,", "\\u12"])
    common = {"item_kind": "call", "name": "get_weather", "tool_kind": "function", "call_id": "c"}
    usage = {"prompt_tokens": 9}
    events = [{"kind": "begin", "usage": usage}, {**common, "kind": "open"},
              *({**common, "kind": "delta", "text": c} for c in cut),
              {**common, "kind": "close", "text": cut},
              {"kind": "choice", "finish": "length"}, {"kind": "done", "usage": usage}]
    raw = driver.job(request={**BASE, "tools": [WEATHER]}, events=events)
    streamed, whole = replay.stream(raw["stream"], False), replay.create(raw["document"], False)
    sent = "".join(data["delta"]["partial_json"] for name, data in parse_stream(raw["stream"])
                   if name == "content_block_delta")
    check(cut.startswith(sent) or not cut.strip().startswith("{"), "what is sent was said", sent, cut)
    if cut.startswith(text):
        check(whole.content[0].input == value == streamed.content[0].input, "whole arguments", cut)
    for key, member in whole.content[0].input.items():
        if member not in ([], {}) and not isinstance(member, (dict, list)) and key in value:
            check(value[key] == member, "a member is complete or absent", key, member, cut)


def main():
    driver, turns = Driver(sys.argv[1], "messages"), int(sys.argv[2]) if len(sys.argv) > 2 else 400
    check_reading(driver)
    check_faults(driver)
    replay, rng = Replay(), random.Random(turns)
    for _ in range(turns):
        check_turn(driver, replay, rng)
        if rng.random() < 0.25:
            check_cut_arguments(driver, replay, rng)
    check(driver.close() == 0, "the driver's exit")
    print(f"{turns} turns")


main()
