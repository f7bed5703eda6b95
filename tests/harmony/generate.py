"""Conversations, schemas and token streams made from a seed, with every feature of the format."""

import math

from openai_harmony import (
    Author,
    ChannelConfig,
    Conversation,
    DeveloperContent,
    Message,
    ReasoningEffort,
    Role,
    SystemContent,
    TextContent,
    ToolDescription,
    ToolNamespaceConfig,
)

WORDS = (
    "the of and in weather city search query find open a I user's 42 3.14 -7 \u00e9t\u00e9 na\u00efve "
    "\u4f60\u597d \u0645\u0631\u062d\u0628\u0627 \U0001f680 \U0001f469\u200d\U0001f4bb "
    "e\u0301 <b> & \"quoted\" 'single' \\back / // null true {x} [y] `code` a,b; \u200b \u00a0 "
    "\u2028 =>"
).split(" ")
SPECIAL_TEXTS = ["<|end|>", "<|start|>", "<|message|>", "<|channel|>final", "<|constrain|>",
                 "<|endoftext|>", "<|call|>", "<|return|>", "<|reserved_200015|>"]
NAMES = ["get_weather", "search", "f", "lookup_order", "add", "\u540d\u524d", "with space", "x-y.z"]
KEYS = ["city", "unit", "n", "items", "options", "a_b", "\u043a\u043b\u044e\u0447", "to", "type",
        "with space", "", "9", "null", "\"q\""]
FLOATS = [0.0, -0.0, 1.5, 1e10, 1e15, 1e16, 1e17, 1e21, 123456789.125, 0.1, 0.30000000000000004,
          1e-5, 1e-6, 1.5e-7, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -2.5e-10,
          math.pi, 2.0**-44, 2.0**70, 9007199254740993.0, 1e22, 1e23, 0.00001234]
INTEGERS = [0, -0, 1, -1, 7, 10**6, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1, 2**64,
            -(2**63) - 1, 10**25, -(10**30)]


def text(r, longest=12, special=True):
    parts = [r.choice(WORDS) for _ in range(r.randrange(longest + 1))]
    if special and parts and r.random() < 0.15:
        parts[r.randrange(len(parts))] = r.choice(SPECIAL_TEXTS)
    joined = ""
    for part in parts:
        joined += part + r.choice([" "] * 12 + ["\n", "\n\n", "\r\n", "\t", "", "  ", ".\n"])
    return joined if r.random() < 0.5 else joined.strip()


def number(r):
    kind = r.randrange(4)
    if kind == 0:
        return r.choice(INTEGERS)
    if kind == 1:
        return r.choice(FLOATS)
    if kind == 2:
        return r.uniform(-1, 1) * 10.0 ** r.randrange(-30, 31)
    return r.randrange(-1000, 1000)


def value(r, depth=2):
    kind = r.randrange(8 if depth else 5)
    if kind == 0:
        return number(r)
    if kind in (1, 2):
        return text(r, 3) + r.choice(["", "", "\"", "\\", "\x01", "\x7f", "\b\f"])
    if kind == 3:
        return r.choice([True, False])
    if kind == 4:
        return None
    if kind == 5:
        return {r.choice(KEYS): value(r, depth - 1) for _ in range(r.randrange(3))}
    return [value(r, depth - 1) for _ in range(r.randrange(4))]


def maybe(r, chance, make):
    return make() if r.random() < chance else None


def strings(r, empty=0.1):
    if r.random() < empty:
        return []
    return [r.choice([text(r, 2), "celsius", "integer", 3, None]) for _ in range(r.randrange(1, 4))]


def annotate(r, schema):
    if r.random() < 0.4:
        schema["description"] = r.choice([text(r), text(r), 5, None])
    if r.random() < 0.2:
        schema["title"] = r.choice([text(r, 3), 1])
    if r.random() < 0.3:
        schema["default"] = value(r)
    if r.random() < 0.15:
        schema["nullable"] = r.choice([True, True, False, "yes"])
    if r.random() < 0.15:
        schema["examples"] = r.choice([[], [text(r, 2), 5], [1], "x", [text(r, 2)] * 2])
    if r.random() < 0.15:
        schema["enum"] = r.choice([strings(r), strings(r), "x"])
    if r.random() < 0.05:
        schema[r.choice(["const", "$ref", "minimum", "format", "anyOf"])] = value(r)
    items = list(schema.items())
    r.shuffle(items)
    return dict(items)


def variants(r, depth):
    made = [schema(r, depth - 1) for _ in range(r.randrange(4))]
    if made and isinstance(made[0], dict) and r.random() < 0.3:
        made[0]["description"] = "the same"
    return made


def schema(r, depth=3):
    kind = r.choice(["object", "object", "string", "number", "integer", "boolean", "array", "list",
                     "oneOf", "odd"] if depth else ["string", "number", "integer", "boolean", "odd"])
    made = {"type": kind}
    if kind == "object":
        if r.random() < 0.9:
            made["properties"] = {r.choice(KEYS): schema(r, depth - 1)
                                  for _ in range(r.randrange(5))}
        if r.random() < 0.6:
            made["required"] = r.choice([[r.choice(KEYS) for _ in range(r.randrange(5))],
                                         list(made.get("properties", {})), "city", [1, None]])
    elif kind == "array":
        if r.random() < 0.8:
            made["items"] = schema(r, depth - 1)
    elif kind == "list":
        made["type"] = r.choice([["string", "null"], ["integer", "number", "x"], [], [1],
                                 ["string"], [None, "boolean"]])
    elif kind == "oneOf":
        made = {"oneOf": variants(r, depth)}
        if r.random() < 0.3:
            made["type"] = r.choice(["object", ["string", "null"]])
        if r.random() < 0.3:
            made["description"] = r.choice(["the same", text(r)])
    elif kind == "odd":
        made = r.choice([{}, {"type": "weird"}, {"type": None}, {"oneOf": "x"}, {"type": 5},
                         {"anyOf": [{"type": "string"}]}, {"const": 5}, {"$ref": "#/x"},
                         {"oneOf": {}, "type": "string"}, {"enum": [1, 2], "type": "integer"}])
        made = dict(made)
        if depth == 0 and r.random() < 0.2:
            return r.choice([True, None, "x", 5, []])
    return annotate(r, made)


def tool(r):
    parameters = maybe(r, 0.8, lambda: schema(r))
    if not isinstance(parameters, dict):
        parameters = None
    return ToolDescription.new(r.choice(NAMES), text(r), parameters)


def namespace(r, name):
    return ToolNamespaceConfig(name=name, description=maybe(r, 0.6, lambda: text(r)),
                               tools=[tool(r) for _ in range(r.randrange(4))])


def tools(r):
    if r.random() < 0.1:
        return {}
    made = {}
    for _ in range(r.randrange(1, 4)):
        key = r.choice(["functions", "functions", "browser", "a", "B", "\u00e9", "python"])
        made[key] = r.choice([namespace(r, key), namespace(r, "other"),
                              ToolNamespaceConfig.browser(), ToolNamespaceConfig.python()])
    return made


def system(r):
    if r.random() < 0.1:
        return SystemContent.new()
    return SystemContent(
        model_identity=maybe(r, 0.8, lambda: text(r)),
        reasoning_effort=maybe(r, 0.8, lambda: r.choice(list(ReasoningEffort))),
        conversation_start_date=maybe(r, 0.5, lambda: r.choice(["2025-06-28", text(r, 2)])),
        knowledge_cutoff=maybe(r, 0.8, lambda: r.choice(["2024-06", text(r, 2)])),
        channel_config=maybe(r, 0.8, lambda: ChannelConfig(
            valid_channels=[r.choice(["analysis", "commentary", "final", text(r, 1)])
                            for _ in range(r.randrange(4))],
            channel_required=r.choice([True, False]))),
        tools=maybe(r, 0.5, lambda: tools(r)))


def developer(r):
    return DeveloperContent(instructions=maybe(r, 0.7, lambda: text(r, 30)),
                            tools=maybe(r, 0.6, lambda: tools(r)))


def message(r, role, special=True):
    contents = [TextContent(text=text(r, 20, special)) for _ in range(r.choice([1] * 8 + [0, 2, 3]))]
    if role == Role.SYSTEM and r.random() < 0.8:
        contents.insert(r.randrange(len(contents) + 1), system(r))
    if role == Role.DEVELOPER and r.random() < 0.8:
        contents.insert(r.randrange(len(contents) + 1), developer(r))
    name = maybe(r, 1.0 if role == Role.TOOL else 0.1,
                 lambda: r.choice(["functions." + r.choice(NAMES), "python", "browser.open"]))
    made = Message(author=Author(role=role, name=name), content=contents)
    if role in (Role.ASSISTANT, Role.TOOL) and r.random() < 0.85:
        made.channel = r.choice(["analysis", "analysis", "commentary", "final", "final",
                                 text(r, 1, special)])
    if r.random() < 0.3:
        made.recipient = r.choice(["all", "assistant", "functions." + r.choice(NAMES), "python", ""])
    if r.random() < 0.25:
        made.content_type = r.choice(["<|constrain|>json", "json", "<|constrain|>", "code",
                                      "<|constrain|> json", text(r, 1, special)])
    return made


def conversation(r, special=True):
    roles = r.choice([[Role.SYSTEM, Role.DEVELOPER], [Role.SYSTEM], [Role.DEVELOPER], []])
    roles = roles + [r.choice([Role.USER, Role.ASSISTANT, Role.ASSISTANT, Role.ASSISTANT, Role.TOOL,
                               r.choice(list(Role))]) for _ in range(r.randrange(9))]
    return Conversation.from_messages([message(r, role, special) for role in roles])
