"""Token streams parsed by us and by openai-harmony: whatever it parses without leaking the text of a
special token into a header or a content, must come out equal.

Streams are rendered conversations, completions as the model writes them, and both with ids inserted,
removed, doubled, swapped or replaced.

usage: compare_parse.py DRIVER [STREAMS [SEED]]
"""

import json
import random
import sys

import reference

encoding = reference.load(sys.argv[1])
import generate  # noqa: E402  (openai_harmony finds its vocabulary in load)
from openai_harmony import HarmonyError, Role  # noqa: E402

count = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)

SPECIALS = [200002, 200003, 200005, 200006, 200007, 200008, 200012]
RARE = [199998, 199999, 200000, 200013, 200015, 201087]
CONSTRAIN = "<|constrain|>"
# Words that make headers; "\xc2" and the like come from tokens of single bytes.
PIECES = ["assistant", "user", "tool", "system", "developer", " to=functions.f", " to=", "analysis",
          "commentary", "final", " json", " code", " ", "functions.f", ":bob", "<x", " a b", "\n",
          "\u00a0", "\x0b", "to=python", "analysis to=x", "Hello", " world", "\u00e9", "\U0001f680"]


def ordinary(text):
    return encoding.encode(text, disallowed_special=())


def piece():
    if r.random() < 0.1:
        return [r.randrange(256)]  # a token of one byte, mostly no character
    return ordinary(r.choice(PIECES))


def completion():
    """What a model may write after <|start|>assistant."""
    ids = []
    for i in range(r.randrange(1, 4)):
        if i:
            ids += [200006] + ordinary(r.choice(["assistant", "functions.f", "user", "assistant"]))
        header = r.choice(["", " to=functions.f"])
        ids += ordinary(header) + [200005] + ordinary(
            r.choice(["analysis", "commentary", "final", "commentary to=functions.f", "analysis "]))
        ids += r.choice([[], [], ordinary(" ") + [200003] + ordinary("json"), ordinary(" json"),
                         [200003] + ordinary("json")])
        ids += [200008] + ordinary(generate.text(r, 10, False)) + [r.choice([200002, 200007, 200012])]
    return ids if r.random() < 0.8 else ids[:-1]


def soup():
    """Headers put together from pieces without much sense."""
    ids = []
    for _ in range(r.randrange(1, 4)):
        ids.append(200006)
        ids += ordinary(r.choice(["assistant", "assistant", "user", "functions.f", "tool", ""]))
        for _ in range(r.randrange(4)):
            ids += r.choice([piece, piece, piece, lambda: [200005], lambda: [200003]])()
        ids += [200008] + [t for _ in range(r.randrange(4)) for t in piece()]
        ids.append(r.choice([200002, 200007, 200012]))
    return ids


def mutate(ids):
    ids = list(ids)
    for _ in range(r.choice([1, 1, 2, 3])):
        at = r.randrange(len(ids) + 1)
        what = r.randrange(6)
        if what == 0:
            ids.insert(at, r.choice(SPECIALS))
        elif what == 1:
            ids[at:at] = piece()
        elif what == 2:
            ids.insert(at, r.choice(RARE))
        elif what == 3:
            del ids[at:at + r.randrange(1, 4)]
        elif what == 4:
            ids[at:at] = ids[at:at + r.randrange(1, 5)]
        elif at < len(ids):
            ids[at] = r.choice(SPECIALS)
    return ids


def leaks(message):
    fields = [message.author.name, message.recipient, message.channel]
    fields += [content.text for content in message.content]
    kind = message.content_type
    fields.append(kind[len(CONSTRAIN):] if kind and kind.startswith(CONSTRAIN) else kind)
    return any("<|" in field and "|>" in field for field in fields if field)


streams = []
for i in range(count):
    kind = r.choice(["conversation", "completion", "completion", "soup"])
    if kind == "conversation":
        ids = encoding.render_conversation(generate.conversation(r, special=False))
        role = None
    elif kind == "completion":
        ids, role = completion(), Role.ASSISTANT
    else:
        ids, role = soup(), r.choice([None, None, Role.ASSISTANT, Role.TOOL])
        ids = ids[1:] if role and r.random() < 0.8 else ids
    streams.append((mutate(ids) if i % 2 else ids, role))

lines = [" ".join(map(str, [reference.ROLES.index(role.value) if role else -1] + ids))
         for ids, role in streams]
parsed = leaked = refused = failures = 0
for (ids, role), answer in zip(streams, reference.run(sys.argv[1], "parse", lines)):
    assert not answer.startswith("error"), answer
    ours = json.loads(answer)
    try:
        theirs = encoding.parse_messages_from_completion_tokens(ids, role)
    except (HarmonyError, ValueError):
        refused += 1
        continue
    if any(leaks(message) for message in theirs):
        leaked += 1
        continue
    parsed += 1
    wanted = [message.to_dict() for message in theirs]
    if ours["messages"] != wanted:
        failures += 1
        if failures <= 5:
            print("stream:  ", role, encoding.decode(ids), ids)
            print("expected:", json.dumps(wanted))
            print("got:     ", answer)
print(f"{count} streams: {parsed} that the reference parses, {leaked} where it leaks, "
      f"{refused} that it refuses; {failures} differences")
sys.exit(failures > 0 or parsed < count // 5)
