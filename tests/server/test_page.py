"""The page at /: its files and headers; and in Chromium, where playwright and a browser are installed
(GPTOSS_CHROMIUM names the browser; GPTOSS_SCREENSHOTS a folder that gets pictures)."""
import json
import os
import re
import shutil
import unittest

from harness import CLOCK, CLOCK_TOOL, ROOT, SUM, Server, chat_body, main

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None

BROWSER = os.environ.get("GPTOSS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
KEY = "key-of-the-page"
SERVER = Server("--api-key", KEY)
FILES = {"/": ("text/html; charset=utf-8", "index.html"),
         "/style.css": ("text/css; charset=utf-8", "style.css"),
         "/app.js": ("text/javascript; charset=utf-8", "app.js"),
         "/markdown.js": ("text/javascript; charset=utf-8", "markdown.js"),
         "/icon.svg": ("image/svg+xml", "icon.svg")}


class Files(unittest.TestCase):
    def test_each_is_served_as_it_lies_there_without_a_key(self):
        for path, (kind, name) in FILES.items():
            status, headers, text = SERVER.call("GET", path)
            self.assertEqual((status, headers["Content-Type"]), (200, kind), path)
            self.assertEqual(text, (ROOT / "web" / name).read_text(), path)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(SERVER.call("HEAD", path)[0], 200)
            self.assertEqual(SERVER.call("POST", path, {}, Authorization=f"Bearer {KEY}")[0], 405)
        self.assertEqual(SERVER.call("GET", "/index.html", Authorization=f"Bearer {KEY}")[0], 404)

    def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline(self):
        for path in FILES:
            policy = SERVER.call("GET", path)[1]["Content-Security-Policy"]
            rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
            self.assertEqual(rules.pop("default-src"), "'self'")
            self.assertEqual(set(rules.values()), {"'none'"}) # no other source is opened
            self.assertLessEqual({"base-uri", "frame-ancestors", "form-action"}, set(rules))

    def test_the_page_keeps_to_its_policy(self):
        page = (ROOT / "web" / "index.html").read_text()
        self.assertIsNone(re.search(r"<style|\bstyle=|\bon\w+=|<script>|https?:", page))
        for name in ("app.js", "markdown.js"):
            script = (ROOT / "web" / name).read_text()
            self.assertIsNone(re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b",
                                        script), name)

    def test_names_of_strangers_are_refused(self):
        self.assertEqual(SERVER.call("GET", "/", Host="evil.example")[0], 403)

    def test_pieces(self):
        asked = {"Authorization": f"Bearer {KEY}"}
        _, _, found = SERVER.call("POST", "/apply-template", chat_body(SUM), **asked)
        _, _, text = SERVER.call("POST", "/detokenize", {"tokens": found["tokens"], "pieces": True}, **asked)
        self.assertEqual(len(text["pieces"]), found["count"])
        self.assertEqual("".join(text["pieces"]), found["prompt"])
        self.assertEqual(text["pieces"][0], "<|start|>")


@unittest.skipUnless(sync_playwright and BROWSER, "no playwright or no Chromium here")
class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()

    # The page with the key given; errors are what the browser complains of.
    def open(self, scheme="dark", width=1000, height=600):
        context = self.browser.new_context(color_scheme=scheme,
                                           viewport={"width": width, "height": height})
        self.addCleanup(context.close)
        page = context.new_page()
        page.set_default_timeout(30000)
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: m.type == "error" and "401" not in m.text
                and self.errors.append(m.text))
        page.goto(SERVER.url)
        page.fill("#secret", KEY)
        page.press("#secret", "Enter")
        page.wait_for_selector("#key", state="hidden")
        page.wait_for_selector("#model:not(:empty)", state="attached") # asked for again, with the key
        page.click("#more")
        page.fill("#temperature", "0")
        page.click("#more")
        return page

    def ask(self, page, words):
        page.fill("#prompt", words)
        page.press("#prompt", "Enter")
        page.wait_for_selector("article:last-child .foot:not(:empty)")

    def shoot(self, page, name):
        if os.environ.get("GPTOSS_SCREENSHOTS"):
            page.screenshot(path=os.path.join(os.environ["GPTOSS_SCREENSHOTS"], name))

    def test_a_conversation(self):
        page = self.open()
        self.ask(page, SUM)
        self.assertIn("85", page.inner_text("article:last-child .final"))
        self.assertRegex(page.inner_text("article:last-child .foot"), r"^\d+ tokens, [\d.]+ tokens/s$")
        self.assertFalse(page.is_visible(".analysis .body"))
        page.click(".analysis summary")
        self.assertTrue(page.inner_text(".analysis .body"))
        page.hover("article:last-child .final .t:last-child")
        self.assertRegex(page.inner_text("#tip .chosen"), r"\d %")
        self.assertEqual(page.locator("#tip .row").count(), 5)
        page.click("#tokens")
        page.wait_for_selector(".chip")
        self.assertEqual(page.locator(".harmony[data-kind=user]").count(), 1)
        self.assertEqual(page.inner_text(".harmony:last-child"), "<|start|>assistant")
        page.click("#tokens")
        page.reload()
        self.assertIn("85", page.inner_text("article:last-child .final")) # history, and the key
        self.assertFalse(page.is_visible("#key"))
        page.click("#list .cross")
        self.assertEqual(page.locator("article").count(), 0)
        page.reload()
        self.assertEqual(page.locator("#list li").count(), 0)
        self.assertEqual(self.errors, [])

    def test_a_call_and_its_result(self):
        page = self.open()
        page.click("#more")
        page.fill("#tools", json.dumps([CLOCK_TOOL]))
        page.click("#more")
        self.ask(page, CLOCK)
        self.assertIn("Tokyo", page.inner_text(".call pre"))
        self.assertIn("tokens/s", page.inner_text("article:last-child .foot")) # reasoning counts
        page.fill(".call textarea", '{"time": "14:05"}')
        page.click(".call button")
        page.wait_for_function("document.querySelectorAll('article.assistant').length === 2")
        page.wait_for_selector("article:last-child .foot:not(:empty)")
        self.assertIn("14:05", page.inner_text("article:last-child .final"))
        page.hover("article:last-child .final .t:last-child")
        self.shoot(page, "page.png")
        self.assertEqual(self.errors, [])

    def test_on_a_phone_nothing_is_wider_than_the_screen(self):
        page = self.open("light", 390, 780)
        self.ask(page, SUM)
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 390)
        self.assertEqual(page.evaluate("getComputedStyle(document.body).backgroundColor"),
                         "rgb(255, 255, 255)")
        page.click("#tokens")
        page.wait_for_selector(".chip")
        self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 390)
        self.shoot(page, "page-phone.png")

    def test_shift_enter_breaks_the_line(self):
        page = self.open()
        page.fill("#prompt", "a")
        page.press("#prompt", "Shift+Enter")
        self.assertEqual(page.input_value("#prompt"), "a\n")
        self.assertEqual(page.locator("article").count(), 0)

    def test_escape_stops(self):
        page = self.open()
        held = []
        page.route("**/v1/chat/completions", lambda route: held.append(route)) # never answered
        page.fill("#prompt", SUM)
        page.press("#prompt", "Enter")
        page.wait_for_selector("#stop:visible")
        page.keyboard.press("Escape")
        page.wait_for_selector("#send:visible")
        self.assertIn("stopped", page.inner_text("article:last-child .foot"))
        held[0].abort()

    def test_markdown_is_text_whatever_it_says(self):
        page = self.open()
        show = """async (source) => {
            const { renderMarkdown } = await import("/markdown.js");
            const box = document.createElement("div");
            box.append(renderMarkdown(source, (from, to) => document.createTextNode(source.slice(from, to))));
            return box.innerHTML; }"""
        for source, wanted in (
                ("**a** *b* `c*` ~~d~~", "<p><strong>a</strong> <em>b</em> <code>c*</code> <del>d</del></p>"),
                ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
                ("[a](javascript:alert)", "<p>[a](javascript:alert)</p>"),
                ("- a\n  - b\n- c", "<ul><li>a\n<ul><li>b</li></ul></li><li>c</li></ul>"),
                ("# t\n> q", "<h1>t</h1><blockquote><p>q</p></blockquote>"),
                ("a_b_c 2 * 3 * 4", "<p>a_b_c 2 * 3 * 4</p>")):
            self.assertEqual(page.evaluate(show, source).replace("a\n<ul>", "a<ul>"),
                             wanted.replace("a\n<ul>", "a<ul>"), source)
        link = page.evaluate(show, "see https://example.org/a.")
        self.assertIn('href="https://example.org/a"', link)
        self.assertIn("noopener", link)
        for hostile in ("> " * 20000, "*" * 20000, "[" * 20000, "`a``" * 5000, "_a " * 20000, "- " * 20000):
            page.evaluate(show, hostile) # ends, and does not overflow the stack


if __name__ == "__main__":
    main()
