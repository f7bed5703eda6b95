// Forms as long as grammars are not in the library: none can be held to.
#include "grammar/grammar.h"

#define WEAK __attribute__((weak))

WEAK gptoss_status grammar_vocabulary_create(const tokenizer *t,
                                             grammar_vocabulary **vocabulary_out,
                                             gptoss_error *error) {
    (void)t;
    *vocabulary_out = NULL;
    return base_fail(error, GPTOSS_UNSUPPORTED, "this build has no grammars");
}
WEAK void grammar_vocabulary_free(grammar_vocabulary *v) {
    (void)v;
}
WEAK gptoss_status grammar_create(grammar_vocabulary *v, grammar_kind kind, const char *text,
                                  size_t length, grammar **grammar_out, gptoss_error *error) {
    (void)v, (void)kind, (void)text, (void)length;
    *grammar_out = NULL;
    return base_fail(error, GPTOSS_UNSUPPORTED, "this build has no grammars");
}
WEAK void grammar_free(grammar *g) {
    (void)g;
}
WEAK gptoss_status grammar_state_create(grammar *g, grammar_state **state_out,
                                        gptoss_error *error) {
    (void)g;
    *state_out = NULL;
    return base_fail(error, GPTOSS_UNSUPPORTED, "this build has no grammars");
}
WEAK void grammar_state_free(grammar_state *s) {
    (void)s;
}
WEAK gptoss_status grammar_accept(grammar_state *s, int32_t id, gptoss_error *error) {
    (void)s, (void)id, (void)error;
    return GPTOSS_OK;
}
WEAK bool grammar_may_end(const grammar_state *s) {
    (void)s;
    return true;
}
WEAK gptoss_status grammar_mask(grammar_state *s, uint32_t *allowed, size_t n_words,
                                gptoss_error *error) {
    (void)s, (void)allowed, (void)n_words, (void)error;
    return GPTOSS_OK;
}
