// Every allocation of opening and encoding made to fail in turn: the status must be
// GPTOSS_NO_MEMORY, results cleared, ids as they were, and nothing left behind. If this fails, a
// machine short of memory crashes or leaks while it reads a prompt.
#include "tokenizer/tokenizer.h"

#include <jansson.h>
#include <string.h>

#include "support/check.h"
#include "support/failing_malloc.h"
#include "tokenizer/sample_json.h"

static bool from_library; // the allocation that failed was one that a library may do without

static void *jansson_malloc(size_t size) {
    void *memory = malloc(size);
    from_library = from_library || !memory;
    return memory;
}

typedef struct attempt {
    const char *json; // NULL: the built-in vocabulary
    size_t length;
    const char *text;
    size_t text_length;
} attempt;

// Opens and encodes with allocation number `failing` failing; true when it was never reached.
static bool run(const attempt *a, long failing) {
    gptoss_error error = {0};
    tokenizer *t;
    base_ids ids = {0};
    long before = live;
    from_library = false;
    until_failure = failing;
    gptoss_status status = a->json ? tokenizer_open_json(a->json, a->length, "sample", &t, &error)
                                   : tokenizer_open_builtin(&t, &error);
    CHECK((status == GPTOSS_OK) == (t != NULL), "a failed open left a result");
    if (!status) {
        status = tokenizer_encode(t, a->text, a->text_length, TOKENIZER_SPECIAL, &ids, &error);
        CHECK(!status || !ids.length, "a failed call left %zu ids", ids.length);
    }
    bool reached = until_failure < 0;
    until_failure = -1;
    // jansson 2.14 calls an allocation that fails inside its lexer a syntax error, or drops a
    // letter of a key; PCRE2 does without machine code, or without its stack.
    CHECK(!status || status == GPTOSS_NO_MEMORY || from_library,
          "allocation %ld failed and the status is %d: %s", failing, (int)status, error.message);
    CHECK(!status || error.message[0], "allocation %ld: no message", failing);
    tokenizer_close(t);
    base_ids_free(&ids);
    CHECK(live == before, "allocation %ld: %ld not released", failing, live - before);
    return !reached;
}

static void run_all(const attempt *a, const char *what) {
    long failing = 0;
    while (!run(a, failing))
        failing++;
    printf("%s: %ld allocations failed in turn\n", what, failing);
    CHECK(failing > 5, "only %ld allocations: the test does not reach them", failing);
}

int main(void) {
    json_set_alloc_funcs(jansson_malloc, free);
    static char text[20000];
    memset(text, 'a', sizeof text);
    memcpy(text, "It's <|x|><|end|> ab\xff", 21);
    run_all(&(attempt){.text = text, .text_length = sizeof text}, "built-in");
    static const char *const patterns[] = {SAMPLE_BYTE_LEVEL("true"), SAMPLE_BYTE_LEVEL("false")};
    for (int i = 0; i < 2; i++) {
        base_buffer json = {0};
        CHECK(sample_build(&(sample_json){.pre = patterns[i]}, &json), "out of memory");
        attempt a = {json.data, json.length, text, sizeof text};
        run_all(&a, i ? "without a pattern" : "GPT-2's pattern");
        base_buffer_free(&json);
    }
    return 0;
}
