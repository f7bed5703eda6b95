"""Damaged and hostile JSON. What openai-harmony reads must render equal, what it refuses we refuse
too; only repeated keys of a message are an error there and not here.

usage: compare_json.py DRIVER [TEXTS [SEED]]
"""

import random
import sys

import reference

encoding = reference.load(sys.argv[1])
import generate  # noqa: E402  (openai_harmony finds its vocabulary in load)

count = int(sys.argv[2]) if len(sys.argv) > 2 else 2500
r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)

TOKENS = ["{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "0", "-", "1e999", "\\u0000",
          "\\ud800", "\\ud83d\\ude80", "\u00e9", "\x01", " ", "1.0", "{}", "[]", "\"role\"", "NaN",
          "\"content\":", "\"messages\"", "\\/", "1E5", "-0", "01", "1.", "18446744073709551616"]


def damage(text):
    for _ in range(r.choice([1, 1, 2])):
        at = r.randrange(len(text) + 1)
        end = at + r.choice([0, 0, 1, 1, 2, 5, 50])
        text = text[:at] + r.choice(TOKENS + [""] * 8) + text[end:]
    return text


def nested(depth):
    """A conversation with depth arrays in each other; a function's schema holds them."""
    schema = '{"type":"object","properties":{"a":{"default":' + "[" * depth + "]" * depth + "}}}"
    return conversation(schema)


def conversation(schema):
    return ('{"messages":[{"role":"developer","content":[{"type":"developer_content","tools":'
            '{"functions":{"name":"functions","tools":[{"name":"f","description":"d","parameters":'
            + schema + "}]}}}]}]}")


NUMBERS = ["1e400", "-1e400", "1e-400", "0e999999999999", "1e99999999999", "1e-99999999999",
           "18446744073709551615", "18446744073709551616", "18446744073709551616.5",
           "-9223372036854775808", "-9223372036854775809", "123456789012345678901234567890.125e-5",
           "0." + "0" * 400 + "1", "1" + "0" * 300, "1" + "0" * 400, "9007199254740993", "-0",
           "-0.0", "0.1e1", "1.7976931348623157e308", "1.7976931348623159e308", "4.9e-324",
           "2.4703282292062327e-324", "0." + "123456789" * 5, "5e-324", "1E+5", "1e+05"]
texts = [conversation('{"type":"object","properties":{"a":{"default":' + n + "}}}")
         for n in NUMBERS]
texts += [conversation('{"type":"object","properties":{"a":{"default":%r}}}' %
                       (r.randrange(10**r.randrange(1, 25)) * 10.0**r.randrange(-40, 40)))
          for _ in range(count // 4)]
texts += [nested(depth) for depth in (1, 50, 100, 110, 112, 113, 114, 115, 116, 117, 118, 119,
                                         120, 121, 127, 128, 129, 1000, 100000)]
texts += [conversation('{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"},'
                       '"a":{"type":"boolean"},"c":5,"b":{}}, "required":["a"], "required":["b"]}')]
texts += ["", " ", "null", "[]", "{}", '{"messages":null}', '{"messages":{}}', '{"messages":[1]}',
          '{"messages":[]} x', '{"messages":[],"other":[1,{"a":null}]}',
          '{"messages":[{"role":"user","content":"hi","extra":1}]}',
          '{"messages":[{"role":"user","content":["hi"]}]}',
          '{"messages":[{"role":"tool","content":"hi"}]}',
          '{"messages":[{"role":"user","content":[{"type":"system_content"}]}]}']
texts += [damage(generate.conversation(r).to_json()) for _ in range(count)]
texts = [t for t in texts if "\n" not in t]

both = refused = failures = laxer = 0
for text, answer in zip(texts, reference.run(sys.argv[1], "render", ["2 2 " + t for t in texts])):
    try:
        wanted = encoding._inner.render_conversation(text, {"auto_drop_analysis": False})
    except Exception as error:
        if answer.startswith("error"):
            refused += 1
        else:
            laxer += 1
            if "duplicate field" not in str(error):
                failures += 1
                print("we read:", text[:2000], "\nreference:", error)
        continue
    if answer.startswith("error"):
        print("we refuse:", text[:2000], answer)
        failures += 1
    elif answer != " ".join(map(str, wanted)):
        failures += 1
        print("differs:", text[:2000], "\nexpected:", encoding.decode(wanted), "\ngot:",
              encoding.decode([int(x) for x in answer.split()]))
    else:
        both += 1
print(f"{len(texts)} texts: {both} read by both, {refused} refused by both, {laxer} with repeated "
      f"keys that we alone read; {failures} differences")
sys.exit(failures > 0)
