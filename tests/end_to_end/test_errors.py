"""Every way to be wrong ends in one line on stderr and the right exit status, never in a signal."""
import subprocess
import unittest

from harness import PROGRAM, Case, environment, main

COMMANDS = ["run", "chat", "inspect", "bench", "tokenize", "detokenize", "harmony render",
            "harmony parse", "generate", "logits"]


class Help(Case):
    def test_every_command_explains_itself(self):
        for command in COMMANDS:
            text = self.output(*command.split(), "--help")
            self.assertTrue(text.startswith(f"usage: gptoss {command}"), text)
            self.assertLessEqual(max(map(len, text.splitlines())), 110, command)

    def test_overview_names_every_command(self):
        text = self.output("--help")
        self.assertEqual(text, self.output("help"))
        for command in COMMANDS:
            self.assertIn(f"  {command.split()[0]} ", text)
        self.assertEqual(self.output("help", "logits"), self.output("logits", "--help"))

    def test_version(self):
        self.assertRegex(self.output("--version"), r"^gptoss \d+\.\d+\.\d+\n$")


class Usage(Case):
    def test_commands(self):
        self.assert_fails(status=2, says="gptoss --help")
        self.assert_fails("answer", status=2, says="answer")
        self.assert_fails("help", "answer", status=2, says="answer")
        self.assert_fails("harmony", status=2, says="gptoss harmony --help")
        self.assert_fails("harmony", "sing", status=2)

    def test_unknown_options(self):
        for command in COMMANDS:
            self.assert_fails(*command.split(), "--colour", status=2,
                              says=f"unknown option --colour (see gptoss {command} --help)")

    def test_values(self):
        self.assert_fails("run", "--threads", "many", "hi", status=2, says="--threads")
        self.assert_fails("run", "--threads", "-1", "hi", status=2)
        self.assert_fails("run", "--threads", "1.5", "hi", status=2)
        self.assert_fails("run", "--temperature", "nan", "hi", status=2)
        self.assert_fails("run", "--effort", "most", "hi", status=2, says="low|medium|high")
        self.assert_fails("run", "--date", "tomorrow", "hi", status=2, says="YYYY-MM-DD")
        self.assert_fails("run", "--seed", "-4", "hi", status=2)
        self.assert_fails("run", "--stats=yes", "hi", status=2, says="takes no value")
        self.assert_fails("run", "--model", status=2, says="needs a value")
        self.assert_fails("run", "", status=2, says="empty")
        self.assert_fails("generate", status=2, says="--tokens")
        self.assert_fails("logits", status=2, says="--output")
        self.assert_fails("tokenize", "file", status=2, says="unexpected")


class Wrong(Case):
    def test_missing_model(self):
        for command in (["run", "hi"], ["inspect"], ["generate", "--tokens", "1"],
                        ["logits", "--output", self.folder / "x.npy"], ["bench"], ["tokenize"]):
            self.assert_fails(*command, "--model", self.folder / "nowhere", stdin="1",
                              says="nowhere")

    def test_not_a_model(self):
        (self.folder / "config.json").write_text("{}")
        self.assert_fails("run", "--model", self.folder, "hi")
        self.assert_fails("inspect", self.folder)

    def test_ids(self):
        for command in ("detokenize", "harmony parse", "generate --tokens 1"):
            self.assert_fails(*command.split(), stdin="1 2 x3", says='"x3"')
            self.assert_fails(*command.split(), stdin="-1", says='"-1"')
            self.assert_fails(*command.split(), stdin="99999999999", says='"99999999999"')
        self.assert_fails("detokenize", stdin="201089")
        self.assert_fails("generate", "--tokens", "1", stdin="2000000")
        self.assert_fails("generate", "--tokens", "1", stdin="", says="no token ids")

    def test_hostile_words_do_not_reach_the_terminal(self):
        line = self.assert_fails("detokenize", stdin=b"\x1b[31mred")
        self.assertNotIn("\x1b", line)

    def test_conversations(self):
        self.assert_fails("harmony", "render", stdin="{")
        self.assert_fails("harmony", "render", stdin='{"messages": 3}')
        self.assert_fails("harmony", "parse", "--role", "nobody", stdin="1")

    def test_tools(self):
        (self.folder / "tools.json").write_text("not JSON")
        self.assert_fails("run", "--tools", self.folder / "tools.json", "hi")
        self.assert_fails("run", "--tools", self.folder / "none.json", "hi", says="none.json")

    def test_instruction_set(self):
        self.assert_fails("run", "hi", GPTOSS_CPU="abacus", says="abacus")

    def test_prompt_longer_than_context(self):
        self.assert_fails("run", "--context", "8", "hi")
        self.assert_fails("generate", "--context", "4", "--tokens", "9", stdin="1 2", status=1,
                          says="context")


class Pipes(Case):
    def shell(self, line, stdin=b""):
        done = subprocess.run(["bash", "-c", f"{line}; echo ${{PIPESTATUS[@]}}"], input=stdin,
                              capture_output=True, timeout=60, env=environment(P=PROGRAM))
        return done.stdout.decode().split("\n")[-2].split(), done.stderr.decode()

    def test_a_reader_that_leaves_is_no_error(self):
        text = b"word " * 200000
        for command in ("tokenize", "tokenize | cat | $P detokenize"):
            status, err = self.shell(f'"$P" {command} | head -c 1 >/dev/null', text)
            self.assertEqual((status[0], err), ("0", ""), command)
        for command in ("run 'What is 27 + 58?'", "run --json hi", "inspect",
                        "generate --tokens 50 <<<'1 2 3'"):
            status, err = self.shell(f'"$P" {command} | head -c 1 >/dev/null')
            self.assertEqual(status[0], "0", (command, err))
            self.assertNotIn("gptoss:", err)

    def test_a_full_disk_is_one(self):
        for command in ("tokenize <<<hi", "run 'What is 27 + 58?'", "inspect",
                        "generate --tokens 2 <<<1", "logits --output /dev/full <<<'1 2'"):
            status, err = self.shell(f'"$P" {command} >/dev/full')
            self.assertEqual(status[0], "1", (command, err))
            self.assertIn("No space left", err)

    def test_closed_stdin(self):
        status, err = self.shell('"$P" tokenize <&-')
        self.assertEqual(status[0], "1", err)


if __name__ == "__main__":
    main()
