// Closing a tokenizer and asking about its ids.
#include "tokenizer/parts.h"

void tokenizer_close(tokenizer *t) {
    if (!t)
        return;
    base_buffer_free(&t->bytes);
    base_free(t->tokens);
    base_free(t->slots);
    base_free(t->pairs);
    base_free(t->added);
    base_free(t->classes);
    bpe_pattern_destroy(t->pattern);
    base_free(t);
}

static bool present(const tokenizer *t, int32_t id) {
    return id >= 0 && id < t->size && t->tokens[id].flags & BPE_PRESENT;
}

const char *tokenizer_bytes(const tokenizer *t, int32_t id, size_t *length_out) {
    *length_out = 0;
    if (!present(t, id))
        return NULL;
    *length_out = t->tokens[id].length;
    return bpe_text(t, id);
}

bool tokenizer_is_special(const tokenizer *t, int32_t id) {
    return present(t, id) && t->tokens[id].flags & BPE_SPECIAL;
}

int32_t tokenizer_find(const tokenizer *t, const char *bytes, size_t length) {
    int32_t id = length && length <= t->longest ? bpe_find(t, bytes, length) : -1;
    return tokenizer_is_special(t, id) ? -1 : id;
}

int32_t tokenizer_special(const tokenizer *t, const char *text) {
    size_t length = strlen(text), low = 0, high = t->n_added;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int32_t id = t->added[middle].id;
        size_t there = t->tokens[id].length, shared = there < length ? there : length;
        int order = memcmp(bpe_text(t, id), text, shared);
        if (!order)
            order = (there > length) - (there < length);
        if (!order)
            return t->tokens[id].flags & BPE_SPECIAL ? id : -1;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int32_t tokenizer_size(const tokenizer *t) {
    return t->size;
}
