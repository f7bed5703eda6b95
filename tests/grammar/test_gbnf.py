"""GBNF: every piece of llama.cpp's form on texts that hold to it and that don't, and errors with the
place. If this fails, a grammar that works there means something else here."""
import sys

from driver import BAD_INPUT, UNSUPPORTED, Driver

driver = Driver(sys.argv[1])

JSON = r'''
# any JSON
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::= "[" ws (
            value
    ("," ws value)*
  )? "]" ws
string ::= "\"" (
    [^"\\\x7F\x00-\x1F] |
    "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) # escapes
  )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
'''

HOLDS = [
    (JSON, ['{}', '{"a": [1, -2.5e+1, {"b": null}], "c": "x\\u00e9\\n"}', '{"é": true}'],
     ['', '[]', '{"a"}', '{"a": 01}', '{"a": "\n"}', '{"a": 1,}']),
    ('root ::= "a" | "b"\n  | "c"\n\n', ["a", "b", "c"], ["", "ab"]),
    ('root ::= x{2} y{1,} z{,2} ([ab] w){0,1}\nx ::= "x"\ny::="y"\nz ::= "z"\nw ::= "w"',
     ["xxy", "xxyyzz", "xxyaw"], ["xy", "xxyzzz", "xxyawaw"]),
    ('root ::= expr "=" num\nexpr ::= num | "(" expr ")" | expr "+" expr\nnum ::= [0-9]+',
     ["1+2=3", "((1)+2)+3=6"], ["1+=2", "(1=1"]),
    (r'root ::= "\x41\u00e9\U0001F600\n\"" [\]\-^a] .', ['Aé😀\n"]x', 'Aé😀\n"-😀', 'Aé😀\n"^\n'],
     ['Aé😀\n"b', 'Aé😀\n"]']),
    ('root ::= ws "x"\nws ::= ([ \\t] ws)?', ["x", "   \tx"], [" \n x"]),
    ('root ::= [^a-c]+ # no a to c\n', ["xyz", "日本"], ["", "xa"]),
    ('root ::= un-der_score9\r\nun-der_score9 ::= "x"\r\n', ["x"], [""]),
]

ERRORS = [
    ("", BAD_INPUT, "no rule named root"), ("x ::= \"a\"", BAD_INPUT, "no rule named root"),
    ("root ::= y", BAD_INPUT, "line 1, column 10: y is used but not defined"),
    ("root ::= \"a\"\nroot ::= \"b\"", BAD_INPUT, "line 2, column 1: this rule is defined twice"),
    ("root ::= \"a", BAD_INPUT, "no end"), ("root ::= [a", BAD_INPUT, "no end"),
    ("root ::= (\"a\"", BAD_INPUT, "no end"), ("root := \"a\"", BAD_INPUT, "::="),
    ("root ::= [z-a]", BAD_INPUT, "backwards"), ("root ::= \"a\"{3,2}", BAD_INPUT, "counts"),
    ("root ::= \"\\q\"", BAD_INPUT, "escape"), ("root ::= <think>", UNSUPPORTED, "tokens"),
    ("root ::= \"a\" %", BAD_INPUT, "column 14"), ("root ::= root", BAD_INPUT, "no text"),
    ("root ::= a \"x\"\na ::= b \"y\" | \"z\"\nb ::= c | \"w\"\nc ::= a | b \"v\"", UNSUPPORTED,
     "left recursion"),
    ("root ::= " + "(" * 500 + ")" * 500, UNSUPPORTED, "deeply"),
]

for grammar, good, bad in HOLDS:
    answer = driver.form("gbnf", grammar)
    assert answer == "ok", f"{grammar}: {answer}"
    for text in good:
        assert driver.holds(text), f"{grammar}: {text!r} is refused"
    for text in bad:
        assert not driver.holds(text), f"{grammar}: {text!r} is taken"
for grammar, status, says in ERRORS:
    answer = driver.form("gbnf", grammar)
    assert answer.startswith(status) and says in answer, f"{grammar[:60]!r}: {answer}"
driver.close()
