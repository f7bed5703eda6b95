// A grammar that holds a text to be one literal: enough to see that a guide asks for it, and when.
#include "grammar/grammar.h"

#include <string.h>

struct grammar_vocabulary {
    const tokenizer *tokenizer;
};
struct grammar {
    const tokenizer *tokenizer;
    char *text;
    size_t length;
};
struct grammar_state {
    const grammar *grammar;
    size_t at;
};

gptoss_status grammar_vocabulary_create(const tokenizer *t, grammar_vocabulary **vocabulary_out,
                                        gptoss_error *error) {
    grammar_vocabulary *v = *vocabulary_out = base_alloc(1, sizeof *v);
    if (!v)
        return base_fail_memory(error, sizeof *v);
    v->tokenizer = t;
    return GPTOSS_OK;
}
void grammar_vocabulary_free(grammar_vocabulary *v) {
    base_free(v);
}
gptoss_status grammar_create(grammar_vocabulary *v, grammar_kind kind, const char *text,
                             size_t length, grammar **grammar_out, gptoss_error *error) {
    *grammar_out = NULL;
    if (kind == GRAMMAR_JSON_OBJECT) {
        text = "{}";
        length = 2;
    }
    if (length && text[0] == '?')
        return base_fail(error, GPTOSS_UNSUPPORTED, "a question mark");
    grammar *g = base_alloc(1, sizeof *g);
    char *copy = base_copy_string(text, length);
    if (!g || !copy) {
        base_free(g);
        base_free(copy);
        return base_fail_memory(error, length);
    }
    *g = (grammar){v->tokenizer, copy, length};
    *grammar_out = g;
    return GPTOSS_OK;
}
void grammar_free(grammar *g) {
    if (g)
        base_free(g->text);
    base_free(g);
}
gptoss_status grammar_state_create(grammar *g, grammar_state **state_out, gptoss_error *error) {
    grammar_state *s = *state_out = base_alloc(1, sizeof *s);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    *s = (grammar_state){g, 0};
    return GPTOSS_OK;
}
void grammar_state_free(grammar_state *s) {
    base_free(s);
}
static size_t fits(const grammar_state *s, int32_t id) {
    size_t length;
    const char *bytes = tokenizer_bytes(s->grammar->tokenizer, id, &length);
    bool good = bytes && length && !tokenizer_is_special(s->grammar->tokenizer, id) &&
                length <= s->grammar->length - s->at &&
                !memcmp(bytes, s->grammar->text + s->at, length);
    return good ? length : 0;
}
gptoss_status grammar_accept(grammar_state *s, int32_t id, gptoss_error *error) {
    size_t length = fits(s, id);
    if (!length)
        return base_fail(error, GPTOSS_BAD_INPUT, "no");
    s->at += length;
    return GPTOSS_OK;
}
bool grammar_may_end(const grammar_state *s) {
    return s->at == s->grammar->length && (!s->at || s->grammar->text[s->at - 1] != '!');
}
gptoss_status grammar_mask(grammar_state *s, uint32_t *allowed, size_t n_words,
                           gptoss_error *error) {
    (void)error;
    for (int32_t id = 0; (size_t)id < n_words * 32; id++) {
        if (!fits(s, id))
            allowed[id / 32] &= ~(1u << id % 32);
    }
    return GPTOSS_OK;
}
