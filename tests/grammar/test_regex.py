"""Regular expressions against Python's re: random ones on random texts, and what is refused. If
this fails, a text that should match doesn't, or the other way round."""
import json
import random
import re
import sys

from driver import BAD_INPUT, UNSUPPORTED, Driver

driver = Driver(sys.argv[1])
rng = random.Random(6)
ALPHABET = "abA01_ -.é日\n😀"


def pick_atom(depth):
    kind = rng.randrange(9 if depth else 6)
    if kind < 3:
        return re.escape(rng.choice(ALPHABET))
    if kind == 3:
        return rng.choice([r"\d", r"\w", r"\D", ".", r"\n", r"\x61", r"\u00e9", "[^a-z]"])
    if kind == 4:
        return "[" + rng.choice(["", "^"]) + rng.choice(["a-c", "ab", r"\d_", "é-日", r"\-.", "A-Z0"]) + "]"
    if kind == 5:
        return rng.choice("abé")
    return "(" + rng.choice(["", "?:", "?P<n%d>" % rng.randrange(10**9)]) + pick(depth - 1) + ")"


def pick(depth):
    ways = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        way = ""
        for _ in range(rng.randrange(4)):
            way += pick_atom(depth) + rng.choice(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?", "+?"])
        ways.append(way)
    return "|".join(ways)


def pick_text():
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(7)))


def check(kind, regex, text, expected):
    got = driver.holds(json.dumps(text, ensure_ascii=False)[1:-1] if kind == "json" else text)
    assert got == expected, f"{kind} {regex!r} on {text!r}: {got}"


matched = 0
for _ in range(1500):
    regex = pick(2)
    try:
        # What \w and \d are in every dialect.
        compiled = re.compile(regex, re.ASCII)
    except (re.error, RecursionError):
        continue
    for kind in "regex", "search", "json":
        answer = driver.form(kind, regex)
        assert answer == "ok", f"{regex!r}: {answer}"
        texts = [pick_text() for _ in range(12)] + ["", "a", "ab"]
        for text in texts:
            expected = bool(compiled.fullmatch(text) if kind == "regex" else compiled.search(text))
            matched += expected
            check(kind, regex, text, expected)
assert matched > 5000, "the texts match too little"

for regex, text, expected in [
    ("^a$", "xa", False), ("^a", "ax", True), ("a$", "xa", True), ("^a|b$", "ax", True),
    ("^a|b$", "xb", True), ("^a|b$", "xax", False), ("(^a$)|(^b$)", "b", True),
    ("(^a$)|(^b$)", "bb", False), ("^(a|b)$", "a", True), ("^$", "", True), ("^$", "x", False),
    (r"^\S+@\S+$", "a@b", True), (r"^\S+$", "a\u3000", False), (r"^[^\s]$", "\u00a0", False),
    (r'^"\\/?$', '"\\/', True), (r"^\x00\t\u{1f600}$", "\x00\t\U0001f600", True),
    (r"^\ud83d\ude00$", "\U0001f600", True), (r"^a{,2}$", "aa", True), ("^x{$", "x{", True),
]:
    for kind in "search", "json":
        assert driver.form(kind, regex) == "ok", regex
        check(kind, regex, text, expected)

for regex, status, says in [
    ("(?=a)", UNSUPPORTED, "lookahead"), ("(?<!a)b", UNSUPPORTED, "lookbehind"),
    (r"(a)\1", UNSUPPORTED, "backreferences"), (r"\ba", UNSUPPORTED, "word boundaries"),
    (r"\p{L}", UNSUPPORTED, "Unicode properties"), ("a++", UNSUPPORTED, "possessive"),
    ("(a", BAD_INPUT, "no end"), ("a)", BAD_INPUT, "without"), ("[b-a]", BAD_INPUT, "backwards"),
    ("a\n*b\n c*(", BAD_INPUT, "line 3, column 4"), ("*", BAD_INPUT, "nothing to repeat"),
    ("a{3,2}", BAD_INPUT, "backwards"), ("x^", UNSUPPORTED, "beginning"),
    ("a{99999999}", UNSUPPORTED, "too long"), ("(" * 1000 + ")" * 1000, UNSUPPORTED, "deeply"),
    ("[", BAD_INPUT, "no end"), (b"\xff", BAD_INPUT, "UTF-8"),
]:
    answer = driver.form("regex", regex)
    assert answer.startswith(status) and says in answer, f"{regex!r}: {answer}"

# What is large when written out is called instead.
for regex in "(a{1000}){1000}", "((a{100}){100}){100}", "(a|aa){1000}", "(a?){1000}(a*)*b":
    assert driver.form("regex", regex) == "ok", regex
    assert not driver.holds("aaac")
driver.close()
