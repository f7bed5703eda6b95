"""Random turns as the contract of server/turn.h allows them, for every dialect.

random_turn(rng, ...) is the list of events of one turn, as dialect_driver reads them. What a test
needs to know beside them (the texts, the calls) is in the events themselves: CLOSE has all of it."""
import random

ALPHABETS = [
    "abcdefghij klmnop\n", "0123456789{}[]\":,. ", "äöüßéñ", "日本語中文", "😀🎉👩‍🚀",
    "\\\"'/<>&\t\r", "<|channel|>final<|end|>", "\u2028\u2029\x7f\x01\x1b",
]
FINISHES = ["stop", "length", "context", "loop", "cancelled", "failed"]
VOCABULARY = 201088


def random_text(rng, longest=40):
    alphabet = rng.choice(ALPHABETS)
    return "".join(rng.choice(alphabet) for _ in range(rng.randrange(longest + 1)))


def cut(rng, text):
    """The text in pieces of whole characters, none empty."""
    pieces = []
    while text:
        size = rng.randrange(1, 12)
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def random_tokens(rng, count, top):
    def one():
        return rng.randrange(VOCABULARY), rng.choice([-rng.random() * 20, 0.0, -1e30])
    tokens = []
    for _ in range(count):
        token, logprob = one()
        tokens.append({"id": token, "logprob": logprob, "top": [list(one()) for _ in range(top)]})
    return tokens


def item_events(rng, common, text, top):
    """OPEN, DELTA ..., CLOSE of one item. top: None, or how many log-probabilities."""
    common = {**common, "repaired": rng.random() < 0.1}
    events = [{**common, "kind": "open"}]
    for piece in cut(rng, text):
        delta = {**common, "kind": "delta", "text": piece}
        if top is not None and common["item_kind"] == "answer":
            delta["tokens"] = random_tokens(rng, rng.randrange(1, 4), top)
        events.append(delta)
        if rng.random() < 0.05:
            events.append({"kind": "wait"})
    events.append({**common, "kind": "close", "text": text})
    return events


def random_call(rng, tools, call_id):
    """The fields of a call: of a declared tool [(name, kind)], or now and then of an unknown one."""
    if tools and rng.random() < 0.9:
        name, kind = rng.choice(tools)
        return {"name": name, "tool_kind": kind, "call_id": call_id}
    return {"name": "nowhere_" + str(rng.randrange(9)), "tool_kind": "function",
            "call_id": call_id, "unknown_tool": True}


def choice_events(rng, choice, tools, top, builtin):
    """One choice: reasoning, preambles, calls (some answered by the server itself), an answer."""
    plans, number = [], 0
    for _ in range(rng.randrange(6)):
        plans.append(rng.choice(["reasoning", "preamble", "call", "builtin" if builtin else "call"]))
    if rng.random() < 0.7:
        plans.append("answer")
    events = []

    def add(kind, text, **fields):
        nonlocal number
        common = {"choice": choice, "item": number, "item_kind": kind, **fields}
        events.append(item_events(rng, common, text, top))
        number += 1

    for plan in plans:
        call_id = f"call_{choice}_{number}"
        if plan == "builtin":
            name = rng.choice(["python", "browser.search", "files.read"])
            fields = {"name": name, "tool_kind": "builtin", "call_id": call_id}
            add("call", random_text(rng), **fields)
            if rng.random() < 0.9:  # the turn may end before the tool did
                add("result", random_text(rng), name=name, call_id=call_id)
        elif plan == "call":
            add("call", rng.choice(["{}", '{"a": 1}', random_text(rng)]),
                **random_call(rng, tools, call_id))
        else:
            add(plan, random_text(rng))
    finish = rng.choice(FINISHES) if rng.random() < 0.5 else "stop"
    if finish == "stop" and plans and plans[-1] == "call":
        finish = "calls"
    end = {"kind": "choice", "choice": choice, "finish": finish}
    if finish == "stop" and rng.random() < 0.3:
        end["stop"] = random_text(rng, 5)
    if finish not in ("stop", "calls"):
        end["details"] = rng.choice([None, random_text(rng)])
    return [event for item in events for event in item] + [end]


def merge(rng, lists):
    """The lists' events in some order that keeps each list's own."""
    lists = [list(one) for one in lists]
    merged = []
    while any(lists):
        one = rng.choice([one for one in lists if one])
        merged.append(one.pop(0))
    return merged


def random_turn(rng=random, tools=(), n_choices=1, top=None, builtin=False):
    """tools: [(name, "function" | "custom")] of the request; top: number of log-probabilities
    asked for, None for none; builtin: the server's own tools are on."""
    tools = list(tools)
    prompt = rng.randrange(1, 100000)
    sampled = rng.randrange(5000)
    usage = {"prompt_tokens": prompt, "cached_tokens": rng.randrange(prompt + 1)}
    done = {**usage, "completion_tokens": sampled, "reasoning_tokens": rng.randrange(sampled + 1)}
    choices = [choice_events(rng, i, tools, top, builtin) for i in range(n_choices)]
    warnings = [random_text(rng) for _ in range(rng.randrange(3))] if rng.random() < 0.2 else []
    return ([{"kind": "wait"}] * rng.randrange(2) + [{"kind": "begin", "usage": usage}] +
            merge(rng, choices) + [{"kind": "done", "usage": done, "warnings": warnings}])
