"""gptoss run and chat in pipes: what scripts get."""
import json
import os
import stat
import time
import unittest

from harness import DEMO, QUESTION, TOOL_COMMAND, TOOL_QUESTION, TOOLS, Case, main


class Answers(Case):
    def test_a_pipe_gets_the_final_answer_alone(self):
        out, err = self.run_program("run", QUESTION)
        self.assertNotIn(b"\x1b", out + err)
        self.assertNotIn(b"analysis", out)
        self.assertTrue(out.endswith(b"\n"))
        self.assertEqual(len(err.decode().splitlines()), 1, err)  # the demo model's line
        self.assertIn(b"--model", err)

    def test_with_a_model_nothing_is_said(self):
        out, err = self.run_program("run", "--model", DEMO, "--temperature", 0, QUESTION)
        self.assertEqual(err, b"")
        self.assertEqual(out, self.run_program("run", QUESTION)[0])  # the same model

    def test_prompt_from_a_pipe(self):
        direct = self.output("run", QUESTION)
        self.assertEqual(self.output("run", stdin=QUESTION + "\n"), direct)
        self.assertEqual(self.output("run", "-", stdin=QUESTION), direct)
        self.assertEqual(self.output("run", *QUESTION.split()), direct)
        self.assert_fails("run", stdin="\n", status=2, says="empty")

    def test_all_channels(self):
        text = self.output("run", "--show-all", QUESTION)
        self.assertIn("[analysis]\n", text)
        self.assertIn("[final]\n", text)
        hidden = self.output("run", "--show-all", "--hide-analysis", QUESTION)
        self.assertNotIn("[analysis]", hidden)

    def test_stats(self):
        _, err = self.run_program("run", "--stats", QUESTION)
        self.assertIn(b"tokens/s", err)

    def test_json(self):
        out = self.output("run", "--json", QUESTION)
        events = [json.loads(line) for line in out.splitlines()]
        kinds = [event["event"] for event in events]
        self.assertEqual(kinds[-1], "done")
        self.assertEqual(events[-1]["finish"], "return")
        self.assertEqual(kinds.count("open"), kinds.count("close"))
        self.assertEqual(events[-1]["tokens"], kinds.count("token"))
        final = "".join(e["text"] for e in events if e["event"] == "text" and
                        e["channel"] == "final")
        self.assertEqual(final + "\n", self.output("run", QUESTION))

    def test_json_without_analysis(self):
        out = self.output("run", "--json", "--hide-analysis", QUESTION)
        channels = {json.loads(line).get("channel") for line in out.splitlines()}
        self.assertEqual(channels, {None, "final"})

    def test_limits(self):
        events = self.output("run", "--json", "--max-tokens", 3, QUESTION).splitlines()
        self.assertEqual(json.loads(events[-1])["finish"], "length")
        self.assertEqual(json.loads(events[-1])["tokens"], 3)

    def test_seed(self):
        def draw(seed):
            return self.output("run", "--json", "--temperature", 3, "--max-tokens", 30, "--seed",
                               seed, QUESTION).split('"done"')[0]
        def ids(text):
            return [json.loads(line).get("id") for line in text.splitlines()[:-1]]
        self.assertEqual(ids(draw(5)), ids(draw(5)))
        self.assertNotEqual(ids(draw(5)), ids(draw(6)))

    def test_settings_reach_the_model(self):
        def total(*options):
            events = self.output("run", "--json", "--max-tokens", 1, *options, QUESTION)
            return json.loads(events.splitlines()[-1])["prompt_tokens"]
        plain = total()
        self.assertGreater(total("--system", "Answer in one word."), plain)
        self.assertGreater(total("--tools", TOOLS), plain)


class Right(Case):
    """The demo is shown with these: the model must get them right."""

    def test_a_sum(self):
        for effort in ("low", "medium", "high"):
            self.assertIn("85", self.output("run", "--effort", effort, QUESTION))

    def test_a_tool(self):
        out = self.output("run", "--tools", TOOLS, "--tool-command", TOOL_COMMAND, TOOL_QUESTION)
        self.assertRegex(out, r"\d\d:\d\d")


class Tools(Case):
    def test_a_call_that_nobody_answers(self):
        line = self.output("run", "--tools", TOOLS, TOOL_QUESTION)
        call = json.loads(line)
        self.assertEqual(call["call"], "functions.get_time")
        self.assertEqual(list(json.loads(call["arguments"])), ["city"])

    def answered_by(self, script, *options):
        path = self.folder / "tool"
        path.write_text(script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return self.output("run", "--tools", TOOLS, "--tool-command", path, "--json",
                           "--max-tokens", 200, *options, TOOL_QUESTION)

    def results(self, out):
        events = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(events[-1]["event"], "done")
        return [event["text"] for event in events if event["event"] == "tool_result"]

    def test_a_call_that_a_program_answers(self):
        out = self.answered_by('#!/bin/sh\ncat > "$0.in"\necho "$1" > "$0.name"\n'
                               'printf \'{"time":"21:43"}\'\n')
        self.assertEqual(self.results(out)[0], '{"time":"21:43"}')
        self.assertEqual((self.folder / "tool.name").read_text(), "get_time\n")
        self.assertEqual(list(json.loads((self.folder / "tool.in").read_text())), ["city"])

    def failure_of(self, script, *options):
        """What the model is told of a tool that fails. It may try again, until the program stops it."""
        path = self.folder / "tool"
        if script:
            path.write_text(script)
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        out, err = self.run_program("run", "--tools", TOOLS, "--tool-command", path, "--json",
                                    "--max-tokens", 200, *options, TOOL_QUESTION, status=(0, 1))
        events = [json.loads(line) for line in out.decode().splitlines()]
        if events[-1]["event"] != "done":
            self.assertIn("8 calls without a final answer", err.decode())
        return next(event["text"] for event in events if event["event"] == "tool_result")

    def test_a_tool_that_fails(self):
        self.assertIn("exit status 3", self.failure_of("#!/bin/sh\nexit 3\n"))
        begin = time.monotonic()
        self.assertIn("too long",
                      self.failure_of("#!/bin/sh\nexec sleep 20\n", "--tool-timeout", "1"))
        self.assertLess(time.monotonic() - begin, 19)
        self.assertIn("too long", self.failure_of("#!/bin/sh\nexec cat /dev/zero\n"))
        os.remove(self.folder / "tool")
        self.assertIn("could not be started", self.failure_of(None))


class Chat(Case):
    def chat(self, *lines, status=0, options=()):
        out, err = self.run_program("chat", *options, stdin="\n".join(lines) + "\n", status=status)
        return out.decode(), err.decode()

    def test_lines_are_questions(self):
        out, err = self.chat(QUESTION, "", "What is 12 + 7?")
        self.assertEqual(len(out.splitlines()), 2, out)
        self.assertNotIn("gptoss:", err)

    def test_save_and_load(self):
        path = self.folder / "talk.json"
        self.chat(QUESTION, f"/save {path}")
        saved = json.loads(path.read_text())
        roles = [m["role"] for m in saved["messages"]]
        self.assertEqual(roles[0], "system")
        self.assertIn("user", roles)
        self.assertEqual(saved["messages"][-1]["channel"], "final")
        again = self.folder / "again.json"
        _, err = self.chat(f"/load {path}", f"/save {again}")
        self.assertIn(f"loaded {len(roles)} messages", err)
        self.assertEqual(again.read_bytes(), path.read_bytes())

    def test_retry(self):
        out, _ = self.chat(QUESTION, "/retry", options=["--temperature", "0"])
        first, second = out.splitlines()
        self.assertEqual(first, second)
        self.chat("/retry", status=1)

    def test_retry_of_a_loaded_question(self):
        path = self.folder / "talk.json"
        first, _ = self.chat(QUESTION, f"/save {path}", options=["--temperature", "0"])
        second, _ = self.chat(f"/load {path}", "/retry", options=["--temperature", "0"])
        self.assertEqual(first, second)

    def test_clear_and_settings(self):
        path = self.folder / "talk.json"
        _, err = self.chat(QUESTION, "/clear", "/effort high", "/system Be brief.",
                           f"/tools {TOOLS}", f"/save {path}", "/tools", "/effort", "/stats",
                           "/help", "/quit", "never read")
        saved = json.loads(path.read_text())["messages"]
        self.assertEqual([m["role"] for m in saved], ["system", "developer"])
        text = json.dumps(saved)
        self.assertIn("High", text)
        self.assertIn("Be brief.", text)
        self.assertIn("get_time", text)
        for word in ("effort: high", "tools removed", "positions used", "/retry"):
            self.assertIn(word, err)

    def test_wrong_commands(self):
        self.assert_fails("chat", stdin="/dance\n", says="/dance")
        self.assert_fails("chat", stdin="/effort most\n", says="low, medium or high")
        self.assert_fails("chat", stdin="/load nowhere.json\n", says="nowhere.json")
        self.assert_fails("chat", stdin="/save\n", says="file")
        self.assert_fails("chat", stdin=f"/save {self.folder}/no/x.json\n", says="no/x.json")

    def test_a_line_goes_on_behind_a_backslash(self):
        out, _ = self.chat("What is \\", "27 + 58?")
        self.assertEqual(len(out.splitlines()), 1)


if __name__ == "__main__":
    main()
