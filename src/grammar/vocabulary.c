// The trie of all ordinary tokens.
#include "grammar/vocabulary.h"

gptoss_status grammar_vocabulary_create(const tokenizer *t, grammar_vocabulary **vocabulary_out,
                                        gptoss_error *error) {
    *vocabulary_out = NULL;
    size_t size = (size_t)tokenizer_size(t), n = 0;
    grammar_vocabulary *v = base_alloc_zero(1, sizeof *v);
    trie_entry *entries = base_alloc(size, sizeof *entries);
    if (!v || !entries)
        goto no_memory;
    v->tokenizer = t;
    v->n_words = (size + 31) / 32;
    for (size_t id = 0; id < size; id++) {
        size_t length;
        const char *bytes = tokenizer_bytes(t, (int32_t)id, &length);
        if (bytes && length && length <= TRIE_MAX_DEPTH && !tokenizer_is_special(t, (int32_t)id))
            entries[n++] = (trie_entry){bytes, (uint32_t)length, (int32_t)id};
    }
    if (!trie_build(&v->trie, entries, n))
        goto no_memory;
    base_free(entries);
    *vocabulary_out = v;
    return GPTOSS_OK;

no_memory:
    base_free(entries);
    grammar_vocabulary_free(v);
    return base_fail_memory(error, size * sizeof *entries);
}

void grammar_vocabulary_free(grammar_vocabulary *v) {
    if (!v)
        return;
    trie_free(&v->trie);
    base_free(v);
}
