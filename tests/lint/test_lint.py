"""The rules of ./dev lint catch what they are for, and let through what is right. If this fails, the
house's rules are no longer held."""
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/lint"))
import modules  # noqa: E402
import text  # noqa: E402

MODULES = [
    ("src/base/a.c", '#include "base/base.h"', None),
    ("src/base/a.c", '#include "number/number.h"', "base may not depend on number"),
    ("src/base/a.c", '#include <stdio.h>', None),
    ("src/harmony/a.c", '#include "tokenizer/tokenizer.h"', None),
    ("src/harmony/a.c", '  #  include "tokenizer/parts.h"', "only tokenizer/tokenizer.h"),
    ("src/harmony/a.c", '#include "harmony/message.h"', None),
    ("src/harmony/a.c", '#include "message.h"', None),
    ("src/harmony/a.c", '#include "model/model.h"', "harmony may not depend on model"),
    ("src/engine/a.c", '#include "harmony/harmony.h"', "engine may not depend on harmony"),
    ("src/engine/a.c", '#include "cpu/cpu.h"', "engine may not depend on cpu"),
    ("src/api/a.c", '#include "cpu/cpu.h"', None),
    ("src/cpu/a.c", '#include "engine/engine.h"', "cpu may not depend on engine"),
    ("src/unheard/a.c", '#include "base/base.h"', "not in tools/lint/modules.py"),
    ("cli/a.c", '#include <gptoss/gptoss.h>', None),
    ("cli/a.c", '#include "cli/terminal.h"', None),
    ("cli/a.c", '#include "terminal.h"', None),
    ("cli/a.c", '#include "base/base.h"', "may include only <gptoss/gptoss.h>"),
    ("tests/cpu/a.c", '#include "cpu/kernels/kernels.h"', None),
]

LONG_FUNCTION = "static int long_one(int a,\n                    int b) {\n" + "    a++;\n" * 59 + "}\n"
FITTING_FUNCTION = "int fits(void) {\n" + "    a++;\n" * 58 + "}\n"
TEXTS = [
    (text.lengths, "a.c", "\n" * 601, "601 lines"),
    (text.lengths, "a.c", "\n" * 600, None),
    (text.lengths, "a.c", LONG_FUNCTION, "long_one has 62 lines"),
    (text.lengths, "a.c", FITTING_FUNCTION, None),
    (text.lengths, "a.c", "static int table[] = {\n" + "    1,\n" * 90 + "};\n", None),
    (text.foreign, "a.c", "// Copyright (c) 2020 Somebody\n", "third-party"),
    (text.foreign, "a.c", "/* SPDX-License-Identifier: MIT */\n", "third-party"),
    (text.foreign, "third_party/a.c", "int a;\n", "third-party"),
    (text.foreign, "src/base/cJSON.c", "int a;\n", "third-party"),
    (text.foreign, "a.c", "// rights and licences are a matter of words\n", None),
    (text.words, "a.c", "// TO" + "DO: later\n", "left behind"),
    (text.words, "a.md", "see /ho" + "me/somebody/notes\n", "left behind"),
    (text.words, "a.c", "// to do something, work/home balance\n", None),
]


def agree(case, breaches, expected):
    if expected is None:
        assert not breaches, f"{case}: let through before, now: {breaches}"
    else:
        assert len(breaches) == 1 and expected in breaches[0], f"{case}: {breaches}, not {expected}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)

        def write(name, content):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            return [pathlib.Path(name)]

        for name, line, expected in MODULES:
            agree((name, line), modules.check(root, write(name, f"// a file\n{line}\n")), expected)
        for rule, name, content, expected in TEXTS:
            agree((name, content[:40]), rule(root, write(name, content)), expected)
    print(f"{len(MODULES) + len(TEXTS)} cases are judged as they should be")


main()
