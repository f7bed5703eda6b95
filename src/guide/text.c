// Free text: UTF-8 as a machine over bytes, and its bitsets of tokens.
#include "guide/text.h"

// The bytes that may come at a place, and where they lead; the commonest first.
typedef struct text_range {
    unsigned char first, last, place, next;
} text_range;

static const text_range ranges[] = {
    {0x00, 0x7f, TEXT_BETWEEN, TEXT_BETWEEN},  {0xc2, 0xdf, TEXT_BETWEEN, TEXT_LACKS_1},
    {0xe0, 0xe0, TEXT_BETWEEN, TEXT_AFTER_E0}, {0xe1, 0xec, TEXT_BETWEEN, TEXT_LACKS_2},
    {0xed, 0xed, TEXT_BETWEEN, TEXT_AFTER_ED}, {0xee, 0xef, TEXT_BETWEEN, TEXT_LACKS_2},
    {0xf0, 0xf0, TEXT_BETWEEN, TEXT_AFTER_F0}, {0xf1, 0xf3, TEXT_BETWEEN, TEXT_LACKS_3},
    {0xf4, 0xf4, TEXT_BETWEEN, TEXT_AFTER_F4}, {0x80, 0xbf, TEXT_LACKS_1, TEXT_BETWEEN},
    {0x80, 0xbf, TEXT_LACKS_2, TEXT_LACKS_1},  {0x80, 0xbf, TEXT_LACKS_3, TEXT_LACKS_2},
    {0xa0, 0xbf, TEXT_AFTER_E0, TEXT_LACKS_1}, {0x80, 0x9f, TEXT_AFTER_ED, TEXT_LACKS_1},
    {0x90, 0xbf, TEXT_AFTER_F0, TEXT_LACKS_2}, {0x80, 0x8f, TEXT_AFTER_F4, TEXT_LACKS_2},
};

static int step(int place, unsigned char byte) {
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].place == place && byte >= ranges[i].first && byte <= ranges[i].last)
            return ranges[i].next;
    }
    return -1;
}

int text_walk(int place, const char *bytes, size_t length) {
    for (size_t i = 0; i < length && place >= 0; i++)
        place = step(place, (unsigned char)bytes[i]);
    return place;
}

gptoss_status text_tokens_create(const tokenizer *t, text_tokens *tokens_out, gptoss_error *error) {
    int32_t size = tokenizer_size(t);
    text_tokens tokens = {.n_words = ((size_t)size + 31) / 32};
    for (int place = 0; place < N_TEXT_PLACES; place++) {
        tokens.allowed[place] = base_alloc_zero(tokens.n_words, sizeof(uint32_t));
        if (!tokens.allowed[place]) {
            text_tokens_free(&tokens);
            return base_fail_memory(error, tokens.n_words * sizeof(uint32_t));
        }
    }
    for (int32_t id = 0; id < size; id++) {
        size_t length;
        const char *bytes = tokenizer_bytes(t, id, &length);
        if (!bytes || !length || tokenizer_is_special(t, id))
            continue;
        for (int place = 0; place < N_TEXT_PLACES; place++) {
            if (text_walk(place, bytes, length) >= 0)
                tokens.allowed[place][id / 32] |= 1u << id % 32;
        }
    }
    *tokens_out = tokens;
    return GPTOSS_OK;
}

void text_tokens_free(text_tokens *tokens) {
    for (int place = 0; place < N_TEXT_PLACES; place++)
        base_free(tokens->allowed[place]);
    *tokens = (text_tokens){0};
}
