"""Generated conversations in Harmony's text form, and the pieces of them that the model must produce."""
import json

import families

CHANNELS = "# Valid channels: analysis, commentary, final. Channel must be included for every message."
TOOLS = "\nCalls to these tools must go to the commentary channel: 'functions'."


def system(date, effort, tools):
    today = f"\nCurrent date: {date}" if date else ""
    return ("<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
            f"Knowledge cutoff: 2024-06{today}\n\nReasoning: {effort}\n\n{CHANNELS}{TOOLS if tools else ''}<|end|>")


def function_type(f):
    lines = [f"// {f.about}"]
    if f.parameters:
        lines.append(f"type {f.name} = (_: {{")
        for p in f.parameters:
            lines += [f"// {p.about}"] * bool(p.about) + [f"{p.name}: {p.type},"]
        lines.append("}) => any;")
    else:
        lines.append(f"type {f.name} = () => any;")
    return "\n".join(lines)


def developer(instructions, functions, schema):
    parts = []
    if instructions:
        parts.append(f"# Instructions\n\n{instructions}".strip())
    if functions:
        body = "\n\n".join(function_type(f) for f in functions)
        parts.append(f"# Tools\n\n## functions\n\nnamespace functions {{\n\n{body}\n\n}} // namespace functions")
    if schema:
        parts.append(f"# Response Formats\n\n## {schema[0]}\n\n{schema[1]}")
    return f"<|start|>developer<|message|>{(chr(10) * 2).join(parts)}<|end|>" if parts else ""


def call_text(turn):
    arguments = json.dumps(turn.arguments, separators=(",", ":"))
    return f" to=functions.{turn.function}<|channel|>commentary <|constrain|>json<|message|>{arguments}<|call|>"


def result_text(turn):
    return (f"<|start|>functions.{turn.function} to=assistant<|channel|>commentary<|message|>{turn.result}<|end|>"
            "<|start|>assistant")


def pieces(talk):
    """The conversation as (text, is the model's own) pairs; earlier turns lose their analysis, as Harmony says."""
    out = [(system(talk.date, talk.effort, bool(talk.functions))
            + developer(talk.instructions, talk.functions, talk.schema), False)]
    for n, turn in enumerate(talk.turns):
        last = n == len(talk.turns) - 1
        out.append((f"<|start|>user<|message|>{turn.user}<|end|><|start|>assistant", False))
        if last:
            out.append((f"<|channel|>analysis<|message|>{turn.analysis}<|end|>", True))
            out.append(("<|start|>assistant", True))
        if turn.function:
            out += [(call_text(turn), last), (result_text(turn), False)]
        end = "<|return|>" if last else "<|end|>"
        out.append((f"<|channel|>final<|message|>{turn.final}{end}", last))
    return out


def prompts(talk):
    """What is asked of the model in the last turn: (prompt, wanted text) once, or twice around a function's result."""
    asked, prompt, wanted = [], "", ""
    for text, own in pieces(talk):
        if not own and wanted:
            asked.append((prompt, wanted))
            prompt, wanted = prompt + wanted, ""
        if own:
            wanted += text
        else:
            prompt += text
    return asked + [(prompt, wanted)]


def shared_prefix(around):
    """What all conversations with this date and effort begin with, up to a border between tokens."""
    return system(*around, False).removesuffix(".<|end|>")


def make(rng, family=None, test=False, around=None):
    """One conversation of a family (a random one when training), set in random surroundings."""
    return families.talk(rng, family, test, around)
