"""Conversations rendered in three ways, and written as JSON, must equal openai-harmony's, id for id.

usage: compare_render.py DRIVER [CONVERSATIONS [SEED]]
"""

import random
import sys

import reference

encoding = reference.load(sys.argv[1])
import generate  # noqa: E402  (openai_harmony finds its vocabulary in load)
from openai_harmony import RenderConversationConfig, Role  # noqa: E402

count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
r = random.Random(seed)
conversations = [generate.conversation(r) for _ in range(count)]


def expect(conversation, purpose, drop):
    config = RenderConversationConfig(auto_drop_analysis=drop == reference.DROP_REFERENCE)
    if purpose == reference.COMPLETION:
        return encoding.render_conversation_for_completion(conversation, Role.ASSISTANT, config)
    if purpose == reference.TRAINING:
        return encoding.render_conversation_for_training(conversation, config)
    return encoding.render_conversation(conversation, config)


ways = [(purpose, drop) for purpose in range(3)
        for drop in (reference.DROP_REFERENCE, reference.DROP_NONE)]
jobs = [(c, purpose, drop) for c in conversations for purpose, drop in ways]
lines = [f"{purpose} {drop} {c.to_json()}" for c, purpose, drop in jobs]
failures = 0
tokens = 0
for (c, purpose, drop), answer in zip(jobs, reference.run(sys.argv[1], "render", lines)):
    wanted = expect(c, purpose, drop)
    tokens += len(wanted)
    if answer != " ".join(map(str, wanted)):
        failures += 1
        if failures <= 3:
            print(f"purpose {purpose}, drop {drop}: {c.to_json()}")
            print("expected:", encoding.decode(wanted))
            got = answer if answer.startswith("error") else encoding.decode(
                [int(x) for x in answer.split()])
            print("got:     ", got)
written = reference.run(sys.argv[1], "json", [c.to_json() for c in conversations])
for c, answer in zip(conversations, written):
    if answer != c.to_json():
        failures += 1
        print("expected:", c.to_json(), "\ngot:     ", answer)
print(f"{count} conversations, {len(jobs)} renderings, {tokens} ids, {failures} differences")
sys.exit(failures > 0)
