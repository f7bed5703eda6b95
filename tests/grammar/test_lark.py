"""Lark: every piece of its form that is understood, on texts that hold to it and that don't, and
errors with the place. If this fails, a custom tool's grammar means something else here."""
import sys

from driver import BAD_INPUT, UNSUPPORTED, Driver

driver = Driver(sys.argv[1])

ARITHMETIC = r'''
// sums and products, left-recursive as Lark's manual has them
?start: sum
?sum: product
    | sum "+" product   -> add
    | sum "-" product   -> sub
?product: atom
    | product "*" atom  -> mul
?atom: NUMBER           -> number
     | "-" atom         -> neg
     | "(" sum ")"

%import common.NUMBER
%import common.WS_INLINE
%ignore WS_INLINE
'''

SQL = r'''
start: "SELECT"i column_list "FROM"i NAME where?
column_list: "*" | NAME ("," NAME)*
where: "WHERE"i NAME OP (NAME | NUMBER | STRING)
OP.2: "=" | "<" | ">="
NAME: /[a-z_][a-z0-9_]*/i
STRING: /'[^']*'/
NUMBER: ("0".."9")+
%import common.WS
%ignore WS
%ignore /--[^\n]*/
'''

HOLDS = [
    (ARITHMETIC, ["1", " 1 + 2*(3-4) ", "-1.5e3", "1-1-1"], ["", "1+", "(1", "1\n+1"]),
    (SQL, ["select a, b from t", "SELECT * FROM t WHERE x >= 'y z' -- end", "select*from t"],
     ["select from t", "select a b from t", "select 'a' from t"]),
    ('start: A B? C* D+ E~2 F~1..2 [G] (H | I)\nA: "a"\nB: "b"\nC: "c"\nD: "d"\nE: "e"\nF: "f"\n'
     'G: "g"\nH: "h"\nI: "i"', ["adeefh", "abccddeeffgi"], ["adefh", "adeefffh", "adeefgg"]),
    ('start: "a\\n\\x41\\u00e9\\"" /b\\/./s', ['aA'[0] + '\nAé"b/\n'], ['a\nAé"b/']),
    ("start: X\nX: /a.c/i | Y\nY: \"q\"\n", ["abc", "AbC", "q"], ["a\nc", "Q"]),
    ("%import common (INT, WORD -> W)\nstart: INT W\n", ["12ab"], ["ab", "12"]),
    ("%import common.ESCAPED_STRING\nstart: ESCAPED_STRING", ['"a\\"b"', '""'], ['"a"b"', '"\\"']),
    ("%import common.C_COMMENT\nstart: C_COMMENT", ["/* a **/", "/***/"], ["/*/", "/* */ */"]),
    ("!start.-1: _x\n_x: \"a\"\n\n | \"b\" // or\n", ["a", "b"], ["ab"]),
]

ERRORS = [
    ("", BAD_INPUT, "no rule named start"), ("start: x", BAD_INPUT, "column 8: x is used"),
    ("start: \"a\"\nstart: \"b\"", BAD_INPUT, "line 2, column 1: start is defined twice"),
    ("start: \"a", BAD_INPUT, "no end"), ("start: /a", BAD_INPUT, "no end"),
    ("start: (A\nA: \"a\"", BAD_INPUT, "no"), ("start \"a\"", BAD_INPUT, "expected :"),
    ("start: \"b\"..\"a\"", BAD_INPUT, "range"), ("start: \"a\"~3..2", BAD_INPUT, "counts"),
    ("start: X\nX: y\ny: \"a\"", BAD_INPUT, "can't use a rule"),
    ("start: /(?=a)/", UNSUPPORTED, "lookahead"), ("start: <|end|>", UNSUPPORTED, "tokens"),
    ("start: /a/x", UNSUPPORTED, "flag x"), ("start: t{X}", UNSUPPORTED, "templates"),
    ("%import python.NAME\nstart: NAME", UNSUPPORTED, "common"),
    ("%import common.NONE\nstart: NONE", UNSUPPORTED, "NONE"),
    ("%declare X\nstart: X", UNSUPPORTED, "%declare"),
    ("start: %json {}", UNSUPPORTED, "%json"), ("start: \"a\" )", BAD_INPUT, "not understood"),
]

for grammar, good, bad in HOLDS:
    answer = driver.form("lark", grammar)
    assert answer == "ok", f"{grammar}: {answer}"
    for text in good:
        assert driver.holds(text), f"{grammar}: {text!r} is refused"
    for text in bad:
        assert not driver.holds(text), f"{grammar}: {text!r} is taken"
for grammar, status, says in ERRORS:
    answer = driver.form("lark", grammar)
    assert answer.startswith(status) and says in answer, f"{grammar!r}: {answer}"
driver.close()
