"""gptoss on a terminal: colours, Ctrl-C, the chat with its line editing."""
import json
import os
import signal
import subprocess
import time
import unittest

from harness import PROGRAM, QUESTION, TOOL_QUESTION, TOOLS, Case, Terminal, environment, main

DIM = b"\x1b[2m"
HOT = ("--temperature", "100")  # a hot model babbles: it seldom stops soon
PROMPT = "> "


class Seen(Case):
    def open(self, *arguments, **changes):
        return Terminal(*arguments, **{"HOME": str(self.folder), "XDG_STATE_HOME": "",
                                       "LC_ALL": "C.UTF-8"} | changes)

    def chat(self, *options, **changes):
        terminal = self.open("run", *options, **changes)
        terminal.expect("Ctrl-D leaves.")
        terminal.expect(PROMPT)
        return terminal


class OneAnswer(Seen):
    def test_channels_in_colour(self):
        status, seen = self.open("run", QUESTION).end()
        self.assertEqual(status, 0)
        for wanted in (b"[analysis]", DIM, b"tokens/s"):
            self.assertIn(wanted, seen)

    def test_no_color(self):
        for changes in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            status, seen = self.open("run", QUESTION, **changes).end()
            self.assertEqual(status, 0)
            self.assertIn(b"[analysis]", seen)
            self.assertNotIn(DIM, seen)

    def test_hidden_analysis(self):
        _, seen = self.open("run", "--hide-analysis", QUESTION).end()
        self.assertNotIn(b"[analysis]", seen)

    def test_output_cannot_command_the_terminal(self):
        _, seen = self.open("run", "--max-tokens", "400", *HOT, "--seed", "3", "hi", NO_COLOR="1").end()
        for line in seen.split(b"\r\n"):
            self.assertNotRegex(line.replace(b"\r\x1b[K", b""), rb"[\x00-\x08\x0b-\x1f\x7f]")

    def test_ctrl_c_ends_it(self):
        for seed in range(10):  # babble may end before the interrupt comes
            terminal = self.open("run", *HOT, "--seed", seed, "hi")
            terminal.expect("No --model")
            terminal.expect("\x1b")
            terminal.interrupt()
            status, seen = terminal.end()
            self.assertNotIn(b"gptoss:", seen)
            self.assertIn(status, (0, 130), seen)
            if status == 130:
                return
        self.fail("ten interrupts had no effect")

    def test_the_person_answers_a_call(self):
        terminal = self.open("run", "--tools", TOOLS, TOOL_QUESTION)
        terminal.expect("call functions.get_time")
        terminal.expect("result> ")
        terminal.type('{"time":"21:43"}\n')
        status, seen = terminal.end()
        self.assertEqual(status, 0, seen)


class Interrupts(Seen):
    def test_while_reading_a_pipe(self):
        process = subprocess.Popen([PROGRAM, "tokenize"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.assertEqual(process.stderr.read(), b"")
        process.communicate()

    def test_while_generating(self):
        process = subprocess.Popen([PROGRAM, "generate", "--tokens", "100000",
                                    "--precision", "exact"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environment())
        process.stdin.write(b"1 2 3")
        process.stdin.close()
        process.stderr.readline()  # the demo model's line
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.assertNotIn(b"gptoss:", process.stderr.read())
        process.stdout.close()
        process.stderr.close()


class Chat(Seen):
    def test_two_questions(self):
        terminal = self.chat()
        terminal.type(QUESTION + "\n")
        terminal.expect("tokens/s")
        terminal.expect(PROMPT)
        terminal.type("What is 12 + 7?\n")
        terminal.expect("tokens/s")
        terminal.expect(PROMPT)
        terminal.type("/quit\n")
        self.assertEqual(terminal.end()[0], 0)

    def test_ctrl_d_leaves(self):
        terminal = self.chat()
        time.sleep(0.5)  # until the line editor has the terminal
        terminal.type(b"\x04")
        self.assertEqual(terminal.end()[0], 0)

    def test_ctrl_c_stops_the_answer_and_keeps_the_chat(self):
        terminal = self.chat(*HOT, "--precision", "exact", "--threads", "1")
        for attempt in range(1, 41):  # babble may end before the interrupt comes
            terminal.type("hi\n")
            terminal.expect("\n")
            terminal.expect("\x1b")
            terminal.interrupt()
            stopped = terminal.expect_either(b"[stopped]", PROMPT.encode())
            if stopped:
                terminal.expect(PROMPT)
                break
            time.sleep(0.3)  # at the prompt it only says how to leave
        self.assertTrue(stopped)
        path = self.folder / "talk.json"
        terminal.type(f"/save {path}\n")
        terminal.expect("saved")
        terminal.type("/quit\n")
        self.assertEqual(terminal.end()[0], 0)
        roles = [m["role"] for m in json.loads(path.read_text())["messages"]]
        self.assertEqual(roles.count("user"), attempt)

    def test_ctrl_c_at_the_prompt_keeps_the_chat(self):
        terminal = self.chat()
        terminal.type("half a line")
        time.sleep(0.2)
        terminal.interrupt()
        terminal.expect("/quit leaves")
        terminal.expect(PROMPT)
        terminal.type("/effort\n")
        terminal.expect("effort: medium")
        terminal.type("/quit\n")
        self.assertEqual(terminal.end()[0], 0)

    def test_errors_keep_the_chat(self):
        terminal = self.chat()
        for line in ("/dance", "/load nowhere.json", "/retry"):
            terminal.type(line + "\n")
            terminal.expect("gptoss: ")
            terminal.expect(PROMPT)
        terminal.type("/quit\n")
        self.assertEqual(terminal.end()[0], 0)

    def test_retry(self):
        terminal = self.chat()
        terminal.type(QUESTION + "\n")
        terminal.expect("tokens/s")
        terminal.type("/retry\n")
        terminal.expect("tokens/s")
        terminal.type("/quit\n")
        self.assertEqual(terminal.end()[0], 0)

    def test_umlauts_can_be_typed(self):
        path = self.folder / "talk.json"
        terminal = self.chat("--max-tokens", "5")
        terminal.type("Grüße, 世界\n")
        terminal.expect("tokens/s")
        terminal.type(f"/save {path}\n/quit\n")
        self.assertEqual(terminal.end()[0], 0)
        self.assertIn("Grüße, 世界", json.dumps(json.loads(path.read_text()), ensure_ascii=False))


@unittest.skipUnless(os.path.exists("/usr/include/histedit.h"), "built without libedit")
class History(Seen):
    def test_lines_come_back_in_the_next_session(self):
        for changes, kept in (({"XDG_STATE_HOME": ""}, ".local/state/gptoss/history"),
                              ({"XDG_STATE_HOME": str(self.folder / "state")},
                               "state/gptoss/history")):
            terminal = self.chat(**changes)
            terminal.type("/effort high\n")
            terminal.expect(PROMPT)
            terminal.type("/quit\n")
            self.assertEqual(terminal.end()[0], 0)
            history = self.folder / kept
            self.assertEqual(history.stat().st_mode & 0o777, 0o600)
            terminal = self.chat(**changes)
            terminal.type(b"\x10\x10\n")  # two lines up, past /quit
            terminal.expect("/effort high")
            terminal.type("/effort\n")
            terminal.expect("effort: high")
            terminal.type("/quit\n")
            self.assertEqual(terminal.end()[0], 0)


if __name__ == "__main__":
    main()
