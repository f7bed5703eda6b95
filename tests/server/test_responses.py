"""The Responses dialect alone: what it reads, and what it prints, held to the openai package's types.

usage: test_responses.py DIALECT_DRIVER [TURNS]"""
import random
import sys

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

import events
from dialects import Driver

EVENT, RESPONSE = TypeAdapter(ResponseStreamEvent), TypeAdapter(Response)
ENDS = {"response.completed", "response.incomplete", "response.failed"}
TOOLS = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True},
    {"type": "custom", "name": "patch",
     "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a+/"}},
]


def body(**fields):
    return {"model": "gpt-oss-20b", "input": "hi", **fields}


def kept(read):
    return [(i["kind"], i["text"]) for i in read["items"]]


def check_read(driver):
    read = driver.read(body(input=[
        {"role": "developer", "content": "be brief"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"},
                                                        {"type": "input_text", "text": "b"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [],
         "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "aa"},
        {"type": "custom_tool_call_output", "call_id": "c2",
         "output": [{"type": "input_text", "text": "done"}]},
    ], tools=TOOLS + [{"type": "web_search"}], reasoning={"effort": "xhigh"}, unknown=1))
    assert kept(read) == [("system", "be brief"), ("user", "a\nb"), ("reasoning", "hm"),
                          ("preamble", "ok"), ("call", "{}"), ("result", "42"), ("call", "aa"),
                          ("result", "done")], read["items"]
    assert read["effort"] == "high" and read["ignored"] == ["unknown"]
    assert len(read["warnings"]) == 2, read["warnings"]
    assert [t["kind"] for t in read["tools"]] == ["function", "custom"]
    assert read["tools"][1]["grammar"]["kind"] == "lark"
    only = driver.read(body(tools=TOOLS, tool_choice={
        "type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}))
    assert [t["name"] for t in only["tools"]] == ["f"] and only["choice"] == "required"


def check_refused(driver):
    """Each wrong field is named."""
    picture = {"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}
    for fields, field in [
            ({"input": 3}, "input"), ({"input": [picture]}, "input[0].content[0]"),
            ({"temperature": 3}, "temperature"), ({"conversation": "c"}, "conversation"),
            ({"text": {"format": {"type": "json_schema"}}}, "text.format.name"),
            ({"tools": [{"type": "function"}]}, "tools[0].name"),
            ({"tool_choice": {"type": "function", "name": "g"}}, "tool_choice.name"),
            ({"background": True}, "background"),
            ({"reasoning": {"effort": "huge"}}, "reasoning.effort"), ({"include": ["x"]}, "include"),
            ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].id")]:
        read = driver.read(body(**fields))
        assert read.get("problem", {}).get("field") == field, (fields, read)


def rebuilt(stream):
    """The output as a client puts it together: texts from deltas, in the order of their items."""
    texts = {}
    for _, event in stream:
        if event["type"].endswith(".delta"):
            texts.setdefault(event["output_index"], []).append(event["delta"])
    return {index: "".join(pieces) for index, pieces in texts.items()}


def text_of(item):
    if "content" in item:
        return "".join(part["text"] for part in item["content"])
    return item.get("arguments", item.get("input", item.get("code")))


def check_turn(driver, rng):
    top = rng.choice([None, 0, 2])
    asked = body(tools=TOOLS, top_logprobs=top or 0, include=["reasoning.encrypted_content"] + (
        ["message.output_text.logprobs"] if top is not None else []))
    turn = events.random_turn(rng, [("f", "function"), ("patch", "custom")], top=top, builtin=True)
    stream, document = driver.answer(asked, turn)
    for number, (name, event) in enumerate(stream):
        EVENT.validate_python(event)
        assert name == event["type"] and event["sequence_number"] == number, event
    assert [event["type"] for _, event in stream][:2] == ["response.created", "response.in_progress"]
    assert [i for i, (name, _) in enumerate(stream) if name in ENDS] == [len(stream) - 1]
    RESPONSE.validate_python(document)
    last = dict(stream[-1][1]["response"])
    for moment in ("completed_at",):
        last.pop(moment), document.pop(moment)
    assert last == document, "a stream ends in the document"
    texts = rebuilt(stream)
    for index, item in enumerate(document["output"]):
        assert texts.get(index, "") == text_of(item), item
    done = {e["output_index"]: e["item"] for n, e in stream if n == "response.output_item.done"}
    assert [done[i] for i in range(len(done))] == document["output"]


def check_back(driver, rng):
    """What was answered is understood when it comes back, reasoning too where it is only sealed."""
    turn = events.random_turn(rng, [("f", "function"), ("patch", "custom")])
    _, document = driver.answer(body(tools=TOOLS, include=["reasoning.encrypted_content"]), turn)
    for item in document["output"]:
        if item["type"] == "reasoning" and rng.random() < 0.5:
            item.pop("content")
    read = driver.read(body(input=[{"role": "user", "content": "hi"}] + document["output"]))
    said = [(e["item_kind"], e["text"]) for e in turn if e["kind"] == "close"]
    said = [(kind, text) for kind, text in said if kind != "reasoning" or text]
    assert [t for _, t in kept(read)[1:]] == [t for _, t in said], (read["items"], said)
    assert [k for k, _ in kept(read)[1:] if k != "preamble"] == [
        k for k, (now, _) in zip([k for k, _ in said], kept(read)[1:]) if now != "preamble"]


def main():
    driver = Driver(sys.argv[1], "responses")
    rng = random.Random(6)
    check_read(driver)
    check_refused(driver)
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 300):
        check_turn(driver, rng)
        check_back(driver, rng)
    assert driver.close() == 0


main()
