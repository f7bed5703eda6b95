"""The commands that other programs call: tokenize, detokenize, harmony, generate, logits, inspect."""
import json
import struct
import unittest

from harness import DEMO, Case, main

CONVERSATION = {"messages": [
    {"role": "user", "content": [{"type": "text", "text": "Who are you?"}]},
    {"role": "assistant", "channel": "analysis", "content": [{"type": "text", "text": "Simple."}]},
    {"role": "assistant", "channel": "final", "content": [{"type": "text", "text": "Me."}]},
]}


class Tokens(Case):
    def test_round_trip(self):
        for text in ("Hello, world", "", " \n\n tabs\t", "Grüße, 世界 🎉", "x" * 5000):
            for model in ([], ["--model", DEMO]):
                ids = self.output("tokenize", *model, stdin=text)
                self.assertEqual(self.output("detokenize", *model, stdin=ids), text)

    def test_bytes_stay_bytes(self):
        data = bytes(range(256)) * 3
        ids = self.run_program("tokenize", stdin=data)[0]
        self.assertEqual(self.run_program("detokenize", stdin=ids)[0], data)

    def test_known_ids(self):
        self.assertEqual(self.output("tokenize", stdin="Hello world"), "13225 2375\n")
        self.assertEqual(self.output("detokenize", stdin=" 13225\n2375 "), "Hello world")

    def test_special_only_where_asked(self):
        self.assertEqual(self.output("tokenize", "--special", stdin="<|end|>"), "200007\n")
        self.assertGreater(len(self.output("tokenize", stdin="<|end|>").split()), 1)
        self.assertEqual(self.output("detokenize", "--special", stdin="200007"), "<|end|>")


class Harmony(Case):
    def test_render_and_parse(self):
        rendered = {}
        for purpose in ("completion", "training", "conversation"):
            ids = self.output("harmony", "render", "--for", purpose, stdin=json.dumps(CONVERSATION))
            rendered[purpose] = self.output("detokenize", stdin=ids)
        self.assertEqual(
            rendered["conversation"],
            "<|start|>user<|message|>Who are you?<|end|>"
            "<|start|>assistant<|channel|>final<|message|>Me.<|end|>")
        self.assertEqual(rendered["completion"], rendered["conversation"] + "<|start|>assistant")
        self.assertTrue(rendered["training"].endswith("Me.<|return|>"))
        self.assertEqual(
            self.output("harmony", "render", stdin=json.dumps(CONVERSATION)),
            self.output("harmony", "render", "--for", "completion", stdin=json.dumps(CONVERSATION)))

    def test_parse(self):
        ids = self.output("harmony", "render", "--for", "conversation",
                          stdin=json.dumps(CONVERSATION))
        parsed = json.loads(self.output("harmony", "parse", stdin=ids))
        self.assertEqual([m["role"] for m in parsed["messages"]], ["user", "assistant"])
        self.assertFalse(parsed["irregular"])

    def test_parse_a_completion(self):
        ids = self.output("tokenize", "--special",
                          stdin="<|channel|>final<|message|>Hi<|return|>")
        parsed = json.loads(self.output("harmony", "parse", "--role", "assistant", stdin=ids))
        self.assertEqual(len(parsed["messages"]), 1)
        self.assertEqual(parsed["messages"][0]["channel"], "final")

    def test_parse_never_fails(self):
        parsed = json.loads(self.output("harmony", "parse", stdin="200008 200008 1 200005 999999999"))
        self.assertTrue(parsed["irregular"])


class Compute(Case):
    def test_generate_counts(self):
        ids = self.output("tokenize", "--model", DEMO, stdin="What is")
        for n in (1, 7, 40):
            out = self.output("generate", "--model", DEMO, "--tokens", n, stdin=ids)
            self.assertEqual(len(out.split()), n)
            self.assertTrue(out.endswith("\n"))
            self.assertTrue(all(word.isdigit() for word in out.split()))

    def test_seed(self):
        def draw(seed):
            return self.output("generate", "--tokens", 30, "--temperature", 1.5, "--seed", seed,
                               stdin="1 2 3")
        self.assertEqual(draw(1), draw(1))
        self.assertNotEqual(draw(1), draw(2))

    def read_npy(self, path):
        data = path.read_bytes()
        self.assertEqual(data[:8], b"\x93NUMPY\x01\x00")
        length = struct.unpack("<H", data[8:10])[0]
        self.assertEqual((10 + length) % 64, 0)
        header = eval(data[10:10 + length].decode())  # a literal, as NumPy writes it
        self.assertEqual((header["descr"], header["fortran_order"]), ("<f4", False))
        rows, columns = header["shape"]
        values = struct.unpack(f"<{rows * columns}f", data[10 + length:])
        return [values[i * columns:(i + 1) * columns] for i in range(rows)]

    def test_logits(self):
        path = self.folder / "l.npy"
        vocabulary = json.loads((DEMO / "config.json").read_text())["vocab_size"]
        for precision in ("exact", "fast"):
            self.run_program("logits", "--model", DEMO, "--output", path, "--precision", precision,
                             stdin="1 2 3 4 5")
            rows = self.read_npy(path)
            self.assertEqual((len(rows), len(rows[0])), (5, vocabulary))
            best = rows[-1].index(max(rows[-1]))
            following = self.output("generate", "--model", DEMO, "--tokens", 1, "--precision",
                                    precision, stdin="1 2 3 4 5")
            self.assertEqual(following, f"{best}\n")
        self.assertEqual([p.name for p in self.folder.iterdir()], ["l.npy"])

    def test_failed_logits_leave_the_old_file(self):
        path = self.folder / "l.npy"
        path.write_text("old")
        self.assert_fails("logits", "--output", path, stdin="1 2 2000000")
        self.assertEqual(path.read_text(), "old")
        self.assertEqual([p.name for p in self.folder.iterdir()], ["l.npy"])
        self.assert_fails("logits", "--output", self.folder / "no" / "l.npy", stdin="1")


class Inspect(Case):
    def test_json(self):
        shown = json.loads(self.output("inspect", DEMO, "--json", "--context", 512,
                                       "--sequences", 3))
        config = json.loads((DEMO / "config.json").read_text())
        plan = shown["plan"]
        self.assertEqual(plan["layers"], config["num_hidden_layers"])
        self.assertEqual((plan["context"], plan["sequences"]), (512, 3))
        self.assertEqual(plan["total_bytes"], sum(
            plan[k] for k in ("mapped_bytes", "weight_bytes", "cache_bytes", "scratch_bytes")))
        self.assertEqual(sum(t["bytes"] for t in shown["tensors"]),
                         sum(shown["bytes_by_kind"].values()))
        names = {t["name"] for t in shown["tensors"]}
        self.assertIn("model.embed_tokens.weight", names)

    def test_text(self):
        text = self.output("inspect", DEMO)
        for word in ("model.norm.weight", "experts", "BF16", "keys and values", "kernels"):
            self.assertIn(word, text)

    def test_built_in_is_the_same_model(self):
        tensors = [json.loads(self.output("inspect", "--json", *path))["tensors"]
                   for path in ([], [DEMO])]
        self.assertEqual([(t["name"], t["shape"]) for t in tensors[0]],
                         [(t["name"], t["shape"]) for t in tensors[1]])


if __name__ == "__main__":
    main()
