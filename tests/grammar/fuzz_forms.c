// Fuzz target: the first byte says which kind of form, the others are its text. Reading must end in
// a status and a message; what is understood is followed for a few tokens, each allowed by the mask
// before it, which the state must then take.
#include <stdlib.h>

#include "grammar/small.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void follow(const small *s, grammar_state *state, uint64_t seed) {
    enum { TOKENS = 8, MAX_WORDS = 64 };
    uint32_t mask[MAX_WORDS];
    size_t n_ids = (size_t)tokenizer_size(s->tokenizer);
    gptoss_error error = {0};
    if (s->n_words > MAX_WORDS)
        abort();
    for (int i = 0; i < TOKENS; i++) {
        memset(mask, 0xff, sizeof mask);
        gptoss_status status = grammar_mask(state, mask, s->n_words, &error);
        if (status == GPTOSS_UNSUPPORTED) // more work than a mask may take
            return;
        int32_t id = status ? -1 : small_choose(mask, n_ids, &seed);
        if (status || (id < 0 && !grammar_may_end(state)))
            abort(); // nothing may come, and the end may not either
        if (id < 0)
            return;
        status = grammar_accept(state, id, &error);
        if (status == GPTOSS_UNSUPPORTED)
            return;
        if (status)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const words[] = {"aa", "true", "\\\"a", "{\\\"", "12", "bca", "\\\":"};
    static small s;
    if (!s.tokenizer)
        s = small_create(words, sizeof words / sizeof words[0]);
    if (size == 0)
        return 0;
    grammar_kind kind = (grammar_kind)(data[0] % (GRAMMAR_LARK + 1));
    grammar *g = NULL;
    grammar_state *state = NULL;
    gptoss_error error = {0};
    gptoss_status status =
        grammar_create(s.vocabulary, kind, (const char *)data + 1, size - 1, &g, &error);
    if (!status != !error.message[0] || !status != (g != NULL) || status == GPTOSS_NO_MEMORY)
        abort();
    if (!status && !grammar_state_create(g, &state, &error))
        follow(&s, state, size);
    grammar_state_free(state);
    grammar_free(g);
    return 0;
}
