// Each rule of a guide by itself, and what is told where options make no sense.
#include "walk.h"

static tokenizer *t;
static harmony *h;
static guide_library *library;

static guide *make(guide_options o) {
    guide *g;
    gptoss_error error = {0};
    CHECK(!guide_create(library, &o, &g, &error), "%s", error.message);
    return g;
}

// Takes a text cut by the tokenizer; false at the first token that is refused.
static bool say(walk *w, const char *text) {
    base_ids ids = {0};
    CHECK(!tokenizer_encode(t, text, strlen(text), TOKENIZER_SPECIAL, &ids, NULL), "memory");
    bool good = true;
    for (size_t i = 0; good && i < ids.length; i++)
        good = !guide_accept(w->state, ids.data[i], NULL);
    base_ids_free(&ids);
    return good;
}

static bool only(walk *w, const char *special) {
    return walk_mask(w) == 1 && walk_allows(w, tokenizer_special(t, special));
}

static bool allows(walk *w, const char *text) {
    int32_t id = tokenizer_special(t, text);
    id = id >= 0 ? id : tokenizer_find(t, text, strlen(text));
    CHECK(id >= 0, "no token is %s", text);
    walk_mask(w);
    return walk_allows(w, id);
}

// Reasoning ends at its budget, inside of a character behind its last byte, and does not come
// again.
static void reasoning_has_a_budget(void) {
    guide *g = make((guide_options){.max_reasoning = 3});
    walk w;
    walk_begin(&w, h, g, 1, TASTE_UNIFORM);
    CHECK(say(&w, "assistant<|channel|>analysis<|message|> one two"), "a header");
    CHECK(!only(&w, "<|end|>"), "the budget is not spent");
    int32_t first = tokenizer_find(t, "\xf0", 1), last = tokenizer_find(t, "\x9f", 1);
    CHECK(!guide_accept(w.state, first, NULL), "a byte");
    for (int i = 0; i < 3; i++) {
        size_t n = walk_mask(&w);
        CHECK(n <= 64 && walk_allows(&w, last), "%zu tokens go on with a character", n);
        CHECK(!walk_allows(&w, tokenizer_special(t, "<|end|>")), "half a character may end");
        CHECK(!guide_accept(w.state, last, NULL), "a byte");
    }
    CHECK(only(&w, "<|end|>"), "reasoning goes on behind its budget");
    CHECK(say(&w, "<|end|><|start|>assistant<|channel|>"), "an end");
    CHECK(!allows(&w, "analysis"), "reasoning comes again");
    CHECK(!allows(&w, "comment"), "a preamble behind the budget");
    CHECK(allows(&w, "final"), "no answer behind the budget");
    walk_end(&w);
    guide_free(g);
}

static void choices(void) {
    static const guide_tool tools[] = {{.recipient = {"functions.f", 11}, .json = true},
                                       {.recipient = {"functions.g", 11}, .json = true}};
    static const struct {
        guide_options options;
        bool answer, f, g;
    } rows[] = {
        {{.tools = tools, .n_tools = 2}, true, true, true},
        {{.tools = tools, .n_tools = 2, .choice = GUIDE_NONE}, true, false, false},
        {{.tools = tools, .n_tools = 2, .choice = GUIDE_REQUIRED}, false, true, true},
        {{.tools = tools, .n_tools = 2, .choice = GUIDE_NAMED, .chosen = {"functions.g", 11}},
         false,
         false,
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const char *const texts[] = {
            "assistant<|channel|>final<|message|>", "assistant to=functions.f<|channel|>",
            "assistant to=functions.g<|channel|>", "assistant<|channel|>analysis<|message|>"};
        bool wanted[] = {rows[i].answer, rows[i].f, rows[i].g, true};
        guide *g = make(rows[i].options);
        for (int k = 0; k < 4; k++) {
            walk w;
            walk_begin(&w, h, g, 1, TASTE_UNIFORM);
            CHECK(say(&w, texts[k]) == wanted[k], "choice %zu: %s", i, texts[k]);
            walk_end(&w);
        }
        guide_free(g);
    }
}

// A held text ends where it is complete, and nowhere else; one that runs into a dead end may end.
static void forms(void) {
    const guide_tool tools[] = {
        {.recipient = {"functions.f", 11}, .form = {true, GRAMMAR_REGEX, {"abc", 3}}},
        {.recipient = {"functions.g", 11}, .form = {true, GRAMMAR_REGEX, {"ab!", 3}}},
    };
    guide *g = make((guide_options){.tools = tools, .n_tools = 2});
    walk w;
    walk_begin(&w, h, g, 1, TASTE_UNIFORM);
    CHECK(say(&w, "assistant to=functions.f<|channel|>commentary<|message|>"), "a header");
    CHECK(allows(&w, "a") && !allows(&w, "b") && !allows(&w, "<|call|>"), "a form");
    CHECK(!say(&w, "<|call|>"), "a call without its text");
    CHECK(say(&w, "abc") && only(&w, "<|call|>"), "a complete form goes on");
    CHECK(say(&w, "<|call|>") && guide_ended(w.state), "a call is no end");
    walk_end(&w);
    walk_begin(&w, h, g, 1, TASTE_UNIFORM);
    CHECK(say(&w, "assistant to=functions.g<|channel|>commentary<|message|>ab!"), "a dead end");
    CHECK(only(&w, "<|call|>") && say(&w, "<|call|>"), "a form without a way on has no end");
    walk_end(&w);
    guide_free(g);
}

static void calls(void) {
    const guide_tool tools[] = {{.recipient = {"python", 6}, .in_analysis = true}};
    guide *g = make((guide_options){.tools = tools, .n_tools = 1, .max_calls = 2});
    walk w;
    walk_begin(&w, h, g, 1, TASTE_UNIFORM);
    const char *call = "assistant<|channel|>analysis to=python code<|message|>1<|call|>";
    CHECK(say(&w, call) && !guide_ended(w.state) && only(&w, "<|start|>"), "no place for a call");
    CHECK(say(&w, "<|start|>") && allows(&w, "assistant") && allows(&w, "python"), "who speaks");
    CHECK(!allows(&w, "<|channel|>"), "a marker says who speaks");
    CHECK(say(&w, "assistant") && !allows(&w, "<|message|>"), "another call");
    CHECK(say(&w, "<|channel|>") && !allows(&w, "final"), "an answer behind a call");
    CHECK(say(&w, "analysis") && !allows(&w, "<|message|>"), "reasoning behind a call");
    CHECK(say(&w, " to=python code<|message|>2<|call|>"), "a second call");
    CHECK(guide_ended(w.state), "a third call of two");
    walk_end(&w);
    walk_begin(&w, h, g, 1, TASTE_UNIFORM);
    CHECK(say(&w, call) && say(&w, "<|start|>python") && guide_ended(w.state), "the tool speaks");
    walk_end(&w);
    guide_free(g);
}

static void refuse(guide_options o, gptoss_status wanted, const char *said) {
    guide *g;
    gptoss_error error = {0};
    gptoss_status status = guide_create(library, &o, &g, &error);
    CHECK(status == wanted && !g && strstr(error.message, said), "%s: %d, %s", said, (int)status,
          error.message);
}

static void mistakes(void) {
    static const char *const names[] = {"", "a b", "a\n", "\xff", "x\xe3\x80\x80", "a\x7f"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const guide_tool bad = {.recipient = {names[i], strlen(names[i])}};
        refuse((guide_options){.tools = &bad, .n_tools = 1}, GPTOSS_BAD_INPUT, "tool 0");
    }
    refuse((guide_options){.choice = GUIDE_REQUIRED}, GPTOSS_BAD_ARGUMENT, "no tools");
    refuse((guide_options){.choice = GUIDE_NAMED, .chosen = {"x", 1}}, GPTOSS_BAD_ARGUMENT, "x");
    guide_tool odd = {.recipient = {"functions.f", 11},
                      .form = {true, GRAMMAR_JSON_SCHEMA, {"?", 1}},
                      .strict = true};
    refuse((guide_options){.tools = &odd, .n_tools = 1}, GPTOSS_UNSUPPORTED, "functions.f");
    refuse((guide_options){.answer = odd.form}, GPTOSS_UNSUPPORTED, "question mark");
    odd.strict = false;
    guide *g = make((guide_options){.tools = &odd, .n_tools = 1});
    const char *warning = guide_warning(g, 0);
    CHECK(warning && strstr(warning, "functions.f") && strstr(warning, "question mark"),
          "a form that is not held to, and no word of it");
    CHECK(!guide_warning(g, 1), "more than one warning");
    guide_free(g);
}

// Forms beyond what a library remembers, taken while guides still use the older ones.
static void many_forms(void) {
    enum { N = 300 };
    static guide *guides[N];
    for (int i = 0; i < N; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        guides[i] = make((guide_options){.answer = {true, GRAMMAR_REGEX, harmony_text_of(text)}});
    }
    for (int i = 0; i < N; i++) {
        char text[64];
        walk w;
        snprintf(text, sizeof text, "assistant<|channel|>final<|message|>%d<|return|>", i);
        walk_begin(&w, h, guides[i], 1, TASTE_UNIFORM);
        CHECK(say(&w, text) && guide_ended(w.state), "the form of guide %d is another's", i);
        walk_end(&w);
        guide_free(guides[i]);
    }
}

int main(void) {
    gptoss_error error = {0};
    CHECK(!tokenizer_open_builtin(&t, &error), "%s", error.message);
    CHECK(!harmony_open(t, &h, &error), "%s", error.message);
    CHECK(!guide_library_create(h, &library, &error), "%s", error.message);
    reasoning_has_a_budget();
    choices();
    forms();
    calls();
    mistakes();
    many_forms();
    guide_library_free(library);
    harmony_close(h);
    tokenizer_close(t);
    puts("the rules hold one by one");
    return 0;
}
