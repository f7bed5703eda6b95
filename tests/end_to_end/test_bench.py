"""gptoss bench: what tests are called, what the document holds, and that its numbers fit together."""
import json
import re
import statistics
import unittest

from harness import DEMO, Case, Terminal, main


class Names(Case):
    def test_what_is_no_test(self):
        for name in ("foo", "pp", "pp0", "tg-1", "pp12x", "tg4b", "tg4@d", "pp4@d1b2", "", "tg4,,pp4",
                     "pp4,", "tg16777217", "tg1b1025", "pp99999999999999999999"):
            self.assert_fails("bench", "--test", name, status=2, says="is no test: pp512 is")
        self.assert_fails("bench", "--test", ",".join(["tg1"] * 65), status=2, says="64")

    def test_context(self):
        longest = json.loads((DEMO / "config.json").read_text())["max_position_embeddings"]
        self.assert_fails("bench", "--test", f"tg4,pp{longest}", says=f"the model has {longest}")
        self.assert_fails("bench", "--test", "pp90@d20", "--context", 100,
                          says="pp90@d20 needs a context of 111 positions, --context gives 100")

    def test_repeat(self):
        self.assert_fails("bench", "--repeat", 0, status=2, says="--repeat")
        self.assert_fails("bench", "--prompt", 20, status=2, says="unknown option")


class Document(Case):
    def document(self, *options):
        return json.loads(self.output("bench", "--json", "--threads", 1, *options))

    def test_shape(self):
        shown = self.document("--test", "pp20,tg5@d70,tg4b3,pp9b2@d3", "--repeat", 3)
        for limit in ("read_gb_s", "int8_gmac_s", "f32_gmac_s"):
            self.assertGreater(shown["machine"][limit], 0.01)
        self.assertEqual(shown["machine"]["threads"], 1)
        self.assertEqual(shown["model"]["precision"], "fast")
        self.assertGreater(shown["resident_most_bytes"], 1 << 20)
        self.assertGreater(shown["load_s"], 0)
        self.assertGreater(shown["first_token_s"], 0)
        described = [(t["test"], t["kind"], t["tokens"], t["batch"], t["depth"])
                     for t in shown["tests"]]
        self.assertEqual(described, [("pp20", "prompt", 20, 1, 0), ("tg5@d70", "decode", 5, 1, 70),
                                     ("tg4b3", "decode", 4, 3, 0), ("pp9b2@d3", "prompt", 9, 2, 3)])
        for test in shown["tests"]:
            rates = test["tokens_per_s"]
            self.assertEqual(len(rates), 3)
            self.assertAlmostEqual(test["median_tokens_per_s"], statistics.median(rates), places=2)
            self.assertAlmostEqual(test["reached"], statistics.median(test["shares"]), places=2)

    def test_the_bound_is_bytes_or_products_over_the_limits(self):
        shown = self.document("--test", "pp200,tg5", "--repeat", 1)
        for test, by in zip(shown["tests"], ("arithmetic", "memory")):
            for limit in ("read_gb_s", "int8_gmac_s", "f32_gmac_s"):
                self.assertEqual(len(test[limit]), 1)
                self.assertLessEqual(test[limit][0], shown["machine"][limit] * 1.001)
            times = {"memory": test["bytes_per_token"] / test["read_gb_s"][0] * 1e-9,
                     "arithmetic": test["macs_per_token"] / test["int8_gmac_s"][0] * 1e-9}
            self.assertEqual(test["bound_by"], by)
            self.assertEqual(max(times, key=times.get), by)
            self.assertAlmostEqual(test["bound_tokens_per_s"] * times[by], 1, places=2)
            self.assertAlmostEqual(test["tokens_per_s"][0] * times[by], test["shares"][0], places=2)

    def test_repetitions_compute_the_same_work_and_the_context_once(self):
        tests = self.document("--test", "pp20@d150,tg5@d150,tg4b3@d9", "--repeat", 2,
                              "--profile")["tests"]
        steps = {(t["test"], kind): (t["profile"][kind]["steps"], t["profile"][kind]["tokens"])
                 for t in tests for kind in ("prompt", "decode")}
        self.assertEqual(steps, {("pp20@d150", "prompt"): (2, 40), ("pp20@d150", "decode"): (0, 0),
                                 ("tg5@d150", "prompt"): (0, 0), ("tg5@d150", "decode"): (10, 10),
                                 ("tg4b3@d9", "prompt"): (0, 0), ("tg4b3@d9", "decode"): (8, 24)})
        for test in tests:
            seconds = sum(test["seconds"])
            shown = [test["profile"][kind] for kind in ("prompt", "decode")]
            parts = sum(part["seconds"] for kind in shown for part in kind["parts"])
            self.assertAlmostEqual(parts, sum(kind["seconds"] for kind in shown), places=4)
            self.assertLessEqual(parts, seconds * 1.001)

    def test_without_profile_there_is_none(self):
        self.assertNotIn("profile", self.document("--test", "tg1", "--repeat", 1)["tests"][0])

    def test_exact(self):
        shown = self.document("--test", "pp100", "--repeat", 1, "--precision", "exact")
        test = shown["tests"][0]
        self.assertEqual(shown["model"]["precision"], "exact")
        self.assertAlmostEqual(test["bound_tokens_per_s"] * test["macs_per_token"],
                               test["f32_gmac_s"][0] * 1e9, delta=1e9)

    def test_config(self):
        shown = self.document("--test", "pp8", "--repeat", 1, "--config", "baseline")
        self.assertEqual(shown["model"]["config"], "baseline")
        self.assertIn("baseline", shown["machine"]["kernels"])
        self.assertLess(shown["tests"][0]["reached"], 0.5)
        self.assert_fails("bench", "--config", "best", says="no config 'best', only: baseline")

    def test_all_configs(self):
        shown = json.loads(self.output("bench", "--json", "--test", "pp40,tg8", "--repeat", 2, "--config", "all"))
        reports = {r["model"]["config"]: r for r in shown["configs"]}
        self.assertEqual(list(reports), ["baseline", "grouped-query", "mapped-weights", "token-grouping",
                                         "cache", "kernels", "integers", "optimized"])
        attention = {name: r["model"]["attention_bytes"] for name, r in reports.items()}
        self.assertEqual(attention["baseline"], 2 * attention["cache"])  # 4 query heads share 2
        self.assertEqual(attention["cache"], 2 * attention["integers"])  # float32, bf16
        for report in reports.values():
            self.assertEqual([t["test"] for t in report["tests"]], ["pp40", "tg8"])
            self.assertGreater(report["load_s"], report["weights_s"])
        macs = {name: r["tests"][1]["macs_per_token"] for name, r in reports.items()}
        self.assertGreater(macs["token-grouping"], 3 * macs["cache"])  # 4.5 tokens in the place of one
        self.assertEqual(macs["cache"], macs["kernels"])
        self.assertGreater(reports["baseline"]["weights_s"], reports["cache"]["weights_s"])

    def test_lower_instruction_set(self):
        out = self.output("bench", "--json", "--test", "tg1", "--repeat", 1, GPTOSS_CPU="scalar")
        self.assertEqual(json.loads(out)["machine"]["kernels"], "scalar")


class Table(Case):
    def test_rows(self):
        text = self.output("bench", "--test", "pp20,tg5", "--repeat", 2)
        rows = [line.split() for line in text.splitlines() if re.match("(pp20|tg5) ", line)]
        self.assertEqual([row[0] for row in rows], ["pp20", "tg5"])
        for row in rows:
            median, least, most = float(row[1]), float(row[2]), float(row[4])
            self.assertTrue(0 < least <= median <= most, row)
        self.assertIn("GB/s", text)
        self.assertNotIn("gate_up", text)

    def test_profile(self):
        text = self.output("bench", "--test", "tg5", "--repeat", 1, "--profile")
        for part in ("qkv", "attention", "gate_up", "down", "unembed", "sample"):
            self.assertIn(part, text)

    def test_all_configs(self):
        text = self.output("bench", "--test", "tg3,pp9", "--repeat", 1, "--config", "all")
        self.assertRegex(text, r"(?m)^ +load ms +weights ms +tg3 +pp9 +attention B +MiB$")
        rows = {line.split()[0]: line.split() for line in text.splitlines()
                if re.match(r"[a-z-]+ +[\d.]+ ", line)}
        self.assertEqual(rows["baseline"][2::2][:5], ["1.0x"] * 5) # "disturbed" may follow
        self.assertEqual(len(rows), 8)
        self.assertIn("2.0x", rows["grouped-query"])

    def test_defaults(self):
        text = self.output("bench", "--repeat", 1)
        self.assertRegex(text, r"(?m)^pp512 ")
        self.assertRegex(text, r"(?m)^tg64 ")


class Interrupt(unittest.TestCase):
    def test_ctrl_c_ends_it(self):
        terminal = Terminal("bench", "--test", "pp100000", "--repeat", "1000", "--json")
        terminal.expect("test 1 of 1: pp100000")
        terminal.interrupt()
        status, seen = terminal.end()
        self.assertEqual(status, 130)
        self.assertNotIn(b"{", seen)
        self.assertNotIn(b"gptoss:", seen)


if __name__ == "__main__":
    main()
