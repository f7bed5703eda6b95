// Building conversations through C, sharing them, what may be left out of them, and errors. If this
// fails, a program that embeds the library sends the model something else than it meant.
#include "harmony/harmony.h"

#include <string.h>

#include "support/check.h"
#include "tokenizer/sample_json.h"

static tokenizer *bpe;
static harmony *format;

static void add(harmony_conversation *conversation, harmony_role role, const char *channel,
                const char *text) {
    CHECK(!harmony_conversation_add_text(conversation, role, channel, text, strlen(text), NULL),
          "no memory");
}

// The rendered conversation as text, with special tokens by name.
static void render(const harmony_conversation *conversation, harmony_render_options options,
                   base_buffer *text) {
    base_ids ids = {0};
    CHECK(!harmony_render(format, conversation, &options, &ids, NULL), "rendering failed");
    text->length = 0;
    for (size_t i = 0; i < ids.length; i++) {
        size_t length;
        const char *bytes = tokenizer_bytes(bpe, ids.data[i], &length);
        CHECK(base_buffer_append(text, bytes, length), "no memory");
    }
    base_ids_free(&ids);
}

static void expect(const harmony_conversation *conversation, harmony_render_options options,
                   const char *expected) {
    base_buffer text = {0};
    render(conversation, options, &text);
    CHECK(!strcmp(text.data, expected), "expected: %s\ngot:      %s", expected, text.data);
    base_buffer_free(&text);
}

static harmony_conversation *create(void) {
    harmony_conversation *conversation;
    CHECK(!harmony_conversation_create(&conversation, NULL), "no memory");
    return conversation;
}

static void test_building(void) {
    harmony_conversation *c = create();
    harmony_system system = harmony_system_default();
    system.reasoning_effort = HARMONY_EFFORT_HIGH;
    system.conversation_start_date = harmony_text_of("2025-06-28");
    CHECK(!harmony_conversation_add_system(c, &system, NULL), "no memory");
    const char *functions = "[{\"type\":\"function\",\"function\":{\"name\":\"now\"}},"
                            "{\"name\":\"add\",\"description\":\"Adds.\",\"parameters\":"
                            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}}]";
    CHECK(!harmony_conversation_add_functions(c, "Be brief.", functions, strlen(functions), NULL),
          "functions as the HTTP APIs have them are refused");
    add(c, HARMONY_USER, NULL, "<|end|>");
    CHECK(!harmony_conversation_add_tool_result(c, "functions.now", "12:00", 5, NULL), "no memory");
    expect(c, (harmony_render_options){0},
           "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
           "Knowledge cutoff: 2024-06\nCurrent date: 2025-06-28\n\nReasoning: high\n\n"
           "# Valid channels: analysis, commentary, final. Channel must be included for every "
           "message.\nCalls to these tools must go to the commentary channel: 'functions'.<|end|>"
           "<|start|>developer<|message|># Instructions\n\nBe brief.\n\n# Tools\n\n## functions\n\n"
           "namespace functions {\n\ntype now = () => any;\n\n// Adds.\ntype add = (_: {\n"
           "a?: number,\n}) => any;\n\n} // namespace functions<|end|><|start|>user<|message|>"
           "<|end|><|end|><|start|>functions.now to=assistant<|channel|>commentary<|message|>12:00"
           "<|end|><|start|>assistant");
    harmony_conversation_free(c);
}

static void test_response_format(void) {
    harmony_conversation *c = create(), *again;
    harmony_format list = {harmony_text_of("list"), harmony_text_of("What to buy."),
                           harmony_text_of("{\"type\":\"array\"}")};
    harmony_developer developer = {
        .instructions = harmony_text_of("Help."), .formats = &list, .n_formats = 1};
    CHECK(!harmony_conversation_add_developer(c, &developer, NULL), "no memory");
    const char *expected = "<|start|>developer<|message|># Instructions\n\nHelp.\n\n"
                           "# Response Formats\n\n## list\n\n// What to buy.\n"
                           "{\"type\":\"array\"}<|end|>";
    expect(c, (harmony_render_options){.purpose = HARMONY_CONVERSATION}, expected);
    base_buffer json = {0};
    CHECK(!harmony_conversation_to_json(c, &json, NULL), "no memory");
    CHECK(!harmony_conversation_from_json(json.data, json.length, &again, NULL), "%s", json.data);
    expect(again, (harmony_render_options){.purpose = HARMONY_CONVERSATION},
           "<|start|>developer<|message|># Instructions\n\nHelp.\n\n# Response Formats\n\n## list"
           "\n\n// What to buy.\n{\"type\": \"array\"}<|end|>");
    base_buffer_free(&json);
    harmony_conversation_free(again);
    harmony_conversation_free(c);
}

static void test_dropping(void) {
    harmony_conversation *c = create();
    add(c, HARMONY_ASSISTANT, "analysis", "1");
    add(c, HARMONY_ASSISTANT, "final", "A");
    add(c, HARMONY_ASSISTANT, "analysis", "2");
    add(c, HARMONY_ASSISTANT, "final", "B");
    add(c, HARMONY_ASSISTANT, "analysis", "3");
    const struct {
        harmony_drop drop;
        size_t length; // of the conversation
        const char *kept;
    } cases[] = {{HARMONY_DROP_REFERENCE, 5, "1A2B3"}, {HARMONY_DROP_REFERENCE, 4, "A2B"},
                 {HARMONY_DROP_GUIDE, 5, "AB3"},       {HARMONY_DROP_GUIDE, 4, "AB"},
                 {HARMONY_DROP_NONE, 4, "1A2B"},       {HARMONY_DROP_GUIDE, 1, "1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        harmony_conversation *copy;
        CHECK(!harmony_conversation_copy(c, &copy, NULL), "no memory");
        harmony_conversation_truncate(copy, cases[i].length);
        base_buffer text = {0};
        char kept[16];
        size_t n = 0;
        render(copy, (harmony_render_options){HARMONY_CONVERSATION, 0, cases[i].drop}, &text);
        for (const char *at = text.data; (at = strstr(at, "<|message|>")); at++) {
            kept[n++] = at[strlen("<|message|>")];
        }
        kept[n] = 0;
        CHECK(!strcmp(kept, cases[i].kept), "case %zu: kept %s, not %s", i, kept, cases[i].kept);
        base_buffer_free(&text);
        harmony_conversation_free(copy);
    }
    harmony_conversation_free(c);
}

static void test_sharing(void) {
    harmony_conversation *a = create(), *b;
    add(a, HARMONY_USER, NULL, "hi");
    CHECK(!harmony_conversation_copy(a, &b, NULL), "no memory");
    add(b, HARMONY_ASSISTANT, "final", "ho");
    CHECK(harmony_conversation_length(a) == 1, "a copy's message appears in the original");
    harmony_conversation_free(a);
    CHECK(!strcmp(harmony_conversation_message(b, 0)->contents[0].text.data, "hi"),
          "a message dies with the first of its conversations");
    harmony_conversation_free(b);
}

static void test_errors(void) {
    harmony_conversation *c = create();
    base_ids ids = {0};
    gptoss_error error;
    base_ids_push(&ids, 7);
    harmony_message nameless = {.role = HARMONY_TOOL};
    CHECK(!harmony_conversation_add(c, &nameless, NULL), "no memory");
    CHECK(harmony_render(format, c, NULL, &ids, &error) == GPTOSS_BAD_INPUT &&
              strstr(error.message, "name") && ids.length == 1,
          "a tool without a name has no header");
    harmony_conversation_truncate(c, 0);
    harmony_system system = {0};
    harmony_content content = {.kind = HARMONY_CONTENT_SYSTEM, .system = &system};
    harmony_message wrong = {.role = HARMONY_USER, .contents = &content, .n_contents = 1};
    CHECK(!harmony_conversation_add(c, &wrong, NULL), "no memory");
    CHECK(harmony_render(format, c, NULL, &ids, &error) == GPTOSS_BAD_INPUT && ids.length == 1,
          "a user's message holds system content");
    harmony_conversation_truncate(c, 0);
    CHECK(harmony_conversation_add_functions(c, NULL, "[{]", 3, &error) == GPTOSS_BAD_INPUT &&
              !harmony_conversation_length(c),
          "functions that are no JSON");
    harmony_tool tool = {.name = harmony_text_of("f"), .parameters = harmony_text_of("{,}")};
    harmony_namespace space = {.key = harmony_text_of("functions"), .tools = &tool, .n_tools = 1};
    harmony_developer developer = {.has_tools = true, .tools = &space, .n_tools = 1};
    CHECK(harmony_conversation_add_developer(c, &developer, &error) == GPTOSS_BAD_INPUT,
          "parameters that are no JSON");
    add(c, HARMONY_USER, NULL,
        "a\xFF"
        "b");
    CHECK(!strcmp(harmony_conversation_message(c, 0)->contents[0].text.data, "a\xEF\xBF\xBD"
                                                                             "b"),
          "broken UTF-8 gets into a message");
    harmony_conversation_free(c);
    base_ids_free(&ids);
}

static void test_missing_markers(void) {
    sample_json parts = {.added = "{\"id\":300,\"content\":\"<|start|>\",\"special\":true}"};
    base_buffer json = {0};
    tokenizer *poor;
    harmony *none;
    gptoss_error error;
    CHECK(sample_build(&parts, &json), "no memory");
    CHECK(!tokenizer_open_json(json.data, json.length, "poor", &poor, &error), "%s", error.message);
    CHECK(harmony_open(poor, &none, &error) == GPTOSS_UNSUPPORTED && !none &&
              strstr(error.message, "<|message|>"),
          "the missing marker isn't named: %s", error.message);
    tokenizer_close(poor);
    base_buffer_free(&json);
}

int main(void) {
    gptoss_error error = {0};
    CHECK(!tokenizer_open_builtin(&bpe, &error) && !harmony_open(bpe, &format, &error), "%s",
          error.message);
    CHECK(harmony_stops(format, 200002) && harmony_stops(format, 200012) &&
              harmony_stops(format, 199999) && !harmony_stops(format, 200007),
          "sampling stops at the wrong tokens");
    test_building();
    test_response_format();
    test_dropping();
    test_sharing();
    test_errors();
    test_missing_markers();
    harmony_close(format);
    tokenizer_close(bpe);
    return 0;
}
