// Every allocation of making and using a guide made to fail in turn: the status must be
// GPTOSS_NO_MEMORY and nothing left behind. If this fails, a server short of memory crashes or
// leaks with a request.
#include "walk.h"

#include "support/failing_malloc.h"

static tokenizer *t;
static harmony *h;

static const guide_tool tools[] = {
    {.recipient = {"functions.f", 11},
     .form = {true, GRAMMAR_JSON_SCHEMA, {"?", 1}}, // becomes any object, and a warning
     .json = true},
    {.recipient = {"functions.g", 11}, .form = {true, GRAMMAR_REGEX, {"{}", 2}}, .json = true},
};

static gptoss_status whole_turn(guide_library *library, gptoss_error *error) {
    static uint32_t allowed[8192];
    const guide_options options = {
        .tools = tools, .n_tools = 2, .answer = {true, GRAMMAR_REGEX, {"x", 1}}};
    static const char text[] = "assistant to=functions.g<|channel|>commentary json<|message|>{}";
    static int32_t ids[64];
    static size_t n_ids;
    if (!n_ids) {
        base_ids list = {0};
        CHECK(!tokenizer_encode(t, text, strlen(text), TOKENIZER_SPECIAL, &list, NULL), "memory");
        memcpy(ids, list.data, (n_ids = list.length) * sizeof *ids);
        base_ids_free(&list);
    }
    guide *g;
    guide_state *state = NULL;
    gptoss_status status = guide_create(library, &options, &g, error);
    CHECK((status == GPTOSS_OK) == (g != NULL), "a failed call left a guide");
    if (status == GPTOSS_OK)
        status = guide_state_create(g, &state, error);
    for (size_t i = 0; status == GPTOSS_OK && i < n_ids; i++) {
        status = guide_mask(state, allowed, tokenizer_size(t), error);
        if (status == GPTOSS_OK)
            status = guide_accept(state, ids[i], error);
    }
    guide_state_free(state);
    guide_free(g);
    return status;
}

// Everything with allocation number `failing` failing; true when it was never reached.
static bool run(long failing) {
    gptoss_error error = {0};
    guide_library *library;
    long before = live;
    until_failure = failing;
    gptoss_status status = guide_library_create(h, &library, &error);
    if (status == GPTOSS_OK)
        status = whole_turn(library, &error);
    guide_library_free(library);
    bool reached = until_failure < 0 && failing >= 0;
    until_failure = -1;
    CHECK(live == before, "%ld allocations leak when number %ld fails", live - before, failing);
    CHECK(status == (reached ? GPTOSS_NO_MEMORY : GPTOSS_OK),
          "allocation %ld fails, and the status is %d: %s", failing, (int)status, error.message);
    return !reached;
}

int main(void) {
    CHECK(!tokenizer_open_builtin(&t, NULL) && !harmony_open(t, &h, NULL), "no memory");
    run(-1);
    long n = 0;
    while (!run(n))
        n++;
    CHECK(n > 30, "only %ld allocations were made to fail", n);
    printf("%ld allocations failed in turn\n", n);
    harmony_close(h);
    tokenizer_close(t);
    return 0;
}
