"""OpenAI's text completions against OpenAI's own types: what is read, and random turns as streams
and as documents.

usage: check_completions.py DRIVER [TURNS]"""
import json
import random
import sys

from openai.types import Completion

from dialects import Driver, parse_stream
from events import cut, random_text, random_tokens

BASE = {"model": "gpt-oss-20b", "prompt": "Once"}

# body fields, what the request must have
READ = [
    ({}, {"kind": "raw", "prompt": "Once", "ids": [], "max_tokens": 16, "n_choices": 1}),
    ({"prompt": ["Twice"]}, {"prompt": "Twice"}),
    ({"prompt": [1, 2]}, {"prompt": None, "ids": [1, 2]}),
    ({"prompt": [[3]]}, {"ids": [3]}),
    ({"echo": True, "n": 2, "best_of": 2}, {"echo": True, "n_choices": 2}),
    ({"logprobs": 0}, {"logprobs": True, "n_logprobs": 0}),
    ({"stop": "x"}, {"stops": ["x"]}),
    ({"stream": True, "stream_options": {"include_usage": True}, "later": 1},
     {"stream": True, "stream_usage": True, "ignored": ["later"]}),
]
# body fields, the field that the error must name
FAULTS = [
    ({"prompt": None}, "prompt"), ({"prompt": ["a", "b"]}, "prompt"), ({"prompt": [1, "b"]}, "prompt"),
    ({"prompt": [-1]}, "prompt"), ({"prompt": []}, "prompt"), ({"suffix": "end"}, "suffix"),
    ({"n": 2, "best_of": 3}, "best_of"), ({"n": 0}, "n"), ({"max_tokens": 0}, "max_tokens"),
    ({"logprobs": 21}, "logprobs"), ({"prompt": [1], "echo": True}, "echo"), ({"stop": [""]}, "stop"),
    ({"logit_bias": {"x": 1}}, "logit_bias"), ({"temperature": 9}, "temperature"),
]


def check(condition, what, *details):
    if not condition:
        raise SystemExit(f"{what}: {' '.join(map(str, details))}")


def check_reading(driver):
    for more, expected in READ:
        read = driver.read({**BASE, **more})
        for key, value in expected.items():
            check(read.get(key) == value, f"{more}: {key} must be {value}", read)
    for more, field in FAULTS:
        read = driver.read({**BASE, **more})
        check("problem" in read, f"{more} must be refused", read)
        error = json.loads(read["problem"]["printed"])["error"]
        check(error["param"] == field and error["type"] == "invalid_request_error",
              f"{more} must name {field}", error)


def choice_events(rng, index, top):
    text = random_text(rng)
    common = {"choice": index, "item": 0, "item_kind": "answer"}
    events = [{**common, "kind": "open"}]
    for piece in cut(rng, text):
        tokens = {} if top is None else {"tokens": random_tokens(rng, rng.randrange(1, 4), top)}
        events.append({**common, "kind": "delta", "text": piece, **tokens})
    finish = rng.choice(["stop", "length", "context", "loop"])
    return events + [{**common, "kind": "close", "text": text},
                     {"kind": "choice", "choice": index, "finish": finish}]


def check_logprobs(events, logprobs, text):
    tokens = [token for event in events for token in event.get("tokens", [])]
    if not tokens:
        check(logprobs is None, "no tokens, no log-probabilities", logprobs)
        return
    lists = [logprobs.tokens, logprobs.token_logprobs, logprobs.top_logprobs, logprobs.text_offset]
    check({len(one) for one in lists} == {len(tokens)}, "one entry for each token", logprobs)
    check(logprobs.text_offset == sorted(logprobs.text_offset) and
          logprobs.text_offset[-1] <= len(text), "offsets grow within the text", logprobs, text)


def check_turn(driver, rng):
    n, echo = rng.choice([1, 1, 3]), rng.random() < 0.3
    top = None if echo or rng.random() < 0.5 else rng.randrange(3)
    body = {**BASE, "n": n, "echo": echo, "stream": True, "stream_options": {"include_usage": True}}
    if top is not None:
        body["logprobs"] = top
    choices = [choice_events(rng, i, top) for i in range(n)]
    usage = {"prompt_tokens": 7, "cached_tokens": 3, "completion_tokens": 5}
    events = [{"kind": "begin", "usage": usage}, *(event for one in choices for event in one),
              {"kind": "done", "usage": usage}]
    sent, document = driver.answer(body, events)
    check(sent[-1] == (None, "[DONE]"), "a stream's last word", sent[-1])
    whole = Completion.model_validate(document)
    chunks = [data for _, data in sent[:-1]]
    for chunk in chunks:  # finish_reason may be null while a choice goes on, whatever the type says
        Completion.model_validate({**chunk, "choices": [
            {**choice, "finish_reason": choice["finish_reason"] or "stop"}
            for choice in chunk["choices"]]})
    check(chunks[-1]["choices"] == [] and chunks[-1]["usage"]["total_tokens"] == 12, "usage", chunks)
    for i, one in enumerate(choices):
        text = ("Once" if echo else "") + one[-2]["text"]
        reason = "stop" if one[-1]["finish"] == "stop" else "length"
        mine = [c for chunk in chunks for c in chunk["choices"] if c["index"] == i]
        check("".join(c["text"] for c in mine) == text == whole.choices[i].text, "the text", one)
        check(mine[-1]["finish_reason"] == reason == whole.choices[i].finish_reason, "the end", one)
        check_logprobs(one, whole.choices[i].logprobs, text)


def main():
    driver, turns = Driver(sys.argv[1], "completions"), int(sys.argv[2]) if len(sys.argv) > 2 else 500
    check_reading(driver)
    rng = random.Random(turns)
    for _ in range(turns):
        check_turn(driver, rng)
    check(driver.close() == 0, "the driver's exit")
    print(f"{turns} turns")


main()
