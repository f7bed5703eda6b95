"""Answers that are held to a form, and reasoning with a budget, from the command line."""
import json
import os
import tempfile

from harness import DEMO, QUESTION, TOOL_QUESTION, TOOLS, Case, main

SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"],
          "additionalProperties": False}


class Guides(Case):
    def file(self, name, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def test_a_schema_holds_whatever_the_model_likes(self):
        path = self.file("s.json", json.dumps(SCHEMA))
        for seed in range(5):
            said = self.output("run", "--schema", path, "--temperature", 1, "--seed", seed, QUESTION)
            self.assertIsInstance(json.loads(said)["answer"], int)

    def test_reasoning_ends_at_its_budget(self):
        def reasoned(*options):
            events = [json.loads(line) for line in
                      self.output("run", "--json", *options, QUESTION).splitlines()]
            self.assertEqual(events[-1]["finish"], "return")
            return "".join(e["text"] for e in events
                           if e["event"] == "text" and e["channel"] == "analysis")
        whole, cut = reasoned(), reasoned("--max-reasoning", 4)
        self.assertTrue(whole.startswith(cut) and 0 < len(cut) < len(whole), cut)

    def test_generate_ends_with_its_answer(self):
        path = self.file("s.json", json.dumps(SCHEMA))
        text = f"<|start|>user<|message|>{QUESTION}<|end|><|start|>assistant"
        ids = self.output("tokenize", "--special", "--model", DEMO, stdin=text)
        said = self.output("generate", "--tokens", 300, "--schema", path, stdin=ids)
        self.assertLess(len(said.split()), 300)
        back = self.output("detokenize", "--model", DEMO, stdin=said)
        self.assertEqual(list(json.loads(back.rpartition("<|message|>")[2]
                                         .removesuffix("<|return|>"))), ["answer"])
        self.assert_fails("generate", "--tokens", 3, "--schema", path, stdin="100 101",
                          says="<|start|>assistant")

    def test_calls_are_guided(self):
        for seed in range(5):
            said = self.output("run", "--tools", TOOLS, "--temperature", 3, "--seed", seed,
                               "--json", "--max-tokens", 200, TOOL_QUESTION)
            for event in map(json.loads, said.splitlines()):
                self.assertIn(event.get("channel"), (None, "analysis", "commentary", "final"))

    def test_mistakes(self):
        broken = self.file("s.json", '{"type": 3')
        self.assert_fails("run", "--schema", broken, QUESTION, says="")
        self.assert_fails("run", "--schema", "no-such-file", QUESTION, says="no-such-file")
        self.assert_fails("run", "--schema", broken, "--regex", "x", QUESTION, status=2,
                          says="exclude")


if __name__ == "__main__":
    main()
