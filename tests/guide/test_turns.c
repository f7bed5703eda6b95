// Random walks through whole turns: whatever is drawn from the masks, the parser must find nothing
// irregular, and what the options forbid must not be there. If this fails, a server shows markup,
// calls of tools that nobody declared, or a turn that breaks off.
#include "walk.h"

typedef struct rule_set {
    const char *name;
    guide_options options;
} rule_set;

static const guide_tool tools[] = {
    {.recipient = {"functions.get", 13}, .json = true, .form = {.held = true}},
    {.recipient = {"functions.get_weather", 21}, .json = true, .form = {.held = true}},
    {.recipient = {"functions.patch", 15}},
    {.recipient = {"functions.json", 14}, .json = true},
    {.recipient = {"analysis", 8}, .json = true}, // confusing, but a name
    {.recipient = {"python", 6}, .in_analysis = true},
    {.recipient = {"browser.search", 14}, .json = true, .in_analysis = true},
    {.recipient = {"m\xc3\xa9t\xc3\xa9o", 7}, .json = true},
};
enum { N_TOOLS = sizeof tools / sizeof *tools };

static const rule_set sets[] = {
    {"nothing", {.max_calls = 1}},
    {"tools", {.tools = tools, .n_tools = N_TOOLS}},
    {"parallel", {.tools = tools, .n_tools = N_TOOLS, .max_calls = 3}},
    {"none", {.tools = tools, .n_tools = N_TOOLS, .choice = GUIDE_NONE, .max_calls = 3}},
    {"required", {.tools = tools, .n_tools = N_TOOLS, .choice = GUIDE_REQUIRED}},
    {"named",
     {.tools = tools,
      .n_tools = N_TOOLS,
      .choice = GUIDE_NAMED,
      .chosen = {"functions.get", 13},
      .max_calls = 2}},
    {"object", {.answer = {.held = true}, .max_reasoning = 20}},
    {"no reasoning", {.tools = tools, .n_tools = 3, .answer = {.held = true}, .max_reasoning = -1}},
    {"spent, required",
     {.tools = tools, .n_tools = 6, .choice = GUIDE_REQUIRED, .max_reasoning = 5}},
};
enum { N_SETS = sizeof sets / sizeof *sets };

static const guide_tool *tool_of(harmony_text recipient) {
    for (size_t i = 0; i < N_TOOLS; i++) {
        if (tools[i].recipient.length == recipient.length &&
            !memcmp(tools[i].recipient.data, recipient.data, recipient.length))
            return &tools[i];
    }
    return NULL;
}

static void check_call(const rule_set *set, const harmony_message *m) {
    const guide_tool *tool = tool_of(m->recipient);
    CHECK(tool, "%s: %.*s was called", set->name, (int)m->recipient.length, m->recipient.data);
    CHECK(set->options.choice != GUIDE_NONE, "%s: a tool was called", set->name);
    if (set->options.choice == GUIDE_NAMED)
        CHECK(text_is(m->recipient, "functions.get"), "%s: another tool was called", set->name);
    CHECK((size_t)(tool - tools) < set->options.n_tools, "%s: not declared here", set->name);
    bool analysis = text_is(m->channel, "analysis");
    CHECK(analysis ? tool->in_analysis : text_is(m->channel, "commentary"),
          "%s: %.*s was called in %.*s", set->name, (int)m->recipient.length, m->recipient.data,
          (int)m->channel.length, m->channel.data);
}

// What the messages of a turn say is what the options allow.
static void check_messages(const rule_set *set, const walk *w) {
    const harmony_conversation *talk = harmony_parser_messages(w->parser);
    size_t n = harmony_conversation_length(talk), n_calls = 0;
    CHECK(n > 0, "%s: an empty turn", set->name);
    for (size_t i = 0; i < n; i++) {
        const harmony_message *m = harmony_conversation_message(talk, i);
        CHECK(m->role == HARMONY_ASSISTANT, "%s: a message of role %d", set->name, m->role);
        CHECK(m->channel.data, "%s: a message without a channel", set->name);
        if (m->recipient.data) {
            check_call(set, m);
            n_calls++;
            continue;
        }
        CHECK(n_calls == 0, "%s: a message behind a call", set->name);
        bool final = text_is(m->channel, "final");
        CHECK(final == (i + 1 == n), "%s: message %zu of %zu in %.*s", set->name, i, n,
              (int)m->channel.length, m->channel.data);
        CHECK(!final || set->options.choice <= GUIDE_NONE, "%s: an answer", set->name);
        CHECK(set->options.max_reasoning >= 0 || final, "%s: reasoning", set->name);
    }
    size_t most = set->options.max_calls > 1 ? (size_t)set->options.max_calls : 1;
    CHECK(n_calls <= most, "%s: %zu calls", set->name, n_calls);
}

static void check_irregular(const rule_set *set, const walk *w) {
    const char *what = irregular_of(w);
    if (!what)
        return;
    base_buffer json = {0};
    harmony_parse_to_json(w->harmony, w->ids.data, w->ids.length, -1, &json, NULL);
    CHECK(false, "%s: %s in %s", set->name, what, json.data);
}

static size_t walks(const harmony *h, guide_library *library, uint64_t n_seeds) {
    size_t n_tokens = 0, n_several = 0;
    for (size_t i = 0; i < N_SETS; i++) {
        guide *g;
        gptoss_error error = {0};
        CHECK(!guide_create(library, &sets[i].options, &g, &error), "%s", error.message);
        for (uint64_t seed = 0; seed < n_seeds * N_TASTES; seed++) {
            walk w;
            walk_turn(&w, h, g, seed, (taste)(seed % N_TASTES));
            check_irregular(&sets[i], &w);
            check_messages(&sets[i], &w);
            n_tokens += w.ids.length;
            n_several += harmony_conversation_length(harmony_parser_messages(w.parser)) > 1;
            walk_end(&w);
        }
        guide_free(g);
    }
    CHECK(n_several > n_seeds, "turns of several messages are not tried");
    return n_tokens;
}

int main(int argc, char **argv) {
    uint64_t n_seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 25;
    for (int own = 0; own < 2; own++) {
        tokenizer *t;
        base_buffer json = {0};
        gptoss_error error = {0};
        if (own) {
            CHECK(argc > 1 && !base_read_file(argv[1], 1 << 24, &json, &error), "%s",
                  error.message);
            CHECK(!tokenizer_open_json(json.data, json.length, "demo", &t, &error), "%s",
                  error.message);
        } else {
            CHECK(!tokenizer_open_builtin(&t, &error), "%s", error.message);
        }
        harmony *h;
        guide_library *library;
        CHECK(!harmony_open(t, &h, &error), "%s", error.message);
        CHECK(!guide_library_create(h, &library, &error), "%s", error.message);
        size_t n = walks(h, library, n_seeds);
        printf("%s: %zu tokens in sound turns\n", own ? "demo" : "o200k", n);
        guide_library_free(library);
        harmony_close(h);
        tokenizer_close(t);
        base_buffer_free(&json);
    }
    return 0;
}
