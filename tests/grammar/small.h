// small.h: a vocabulary small enough to ask the oracle about every token, random numbers, and
// checks of a state against the oracle.
#ifndef TESTS_GRAMMAR_SMALL_H
#define TESTS_GRAMMAR_SMALL_H

#include <string.h>

#include "grammar/compile.h"
#include "grammar/earley.h"
#include "support/check.h"
#include "tokenizer/sample_json.h"

typedef struct small {
    tokenizer *tokenizer;
    grammar_vocabulary *vocabulary;
    size_t n_words; // of masks, one more than the vocabulary needs
} small;

// Single bytes, and the strings listed, each as it would be written within JSON quotes.
static inline small small_create(const char *const *strings, size_t n) {
    base_buffer added = {0}, json = {0};
    CHECK(base_buffer_text(&added, "{\"id\":300,\"content\":\"<|x|>\",\"special\":true}"),
          "memory");
    for (size_t i = 0; i < n; i++)
        CHECK(base_buffer_format(&added, ",{\"id\":%zu,\"content\":\"%s\",\"special\":false}",
                                 301 + i, strings[i]),
              "out of memory");
    CHECK(sample_build(&(sample_json){.added = added.data}, &json), "out of memory");
    small s = {0};
    gptoss_error error;
    CHECK(!tokenizer_open_json(json.data, json.length, "small", &s.tokenizer, &error), "%s",
          error.message);
    CHECK(!grammar_vocabulary_create(s.tokenizer, &s.vocabulary, &error), "%s", error.message);
    s.n_words = ((size_t)tokenizer_size(s.tokenizer) + 31) / 32 + 1;
    base_buffer_free(&added);
    base_buffer_free(&json);
    return s;
}

static inline void small_free(small *s) {
    grammar_vocabulary_free(s->vocabulary);
    tokenizer_close(s->tokenizer);
}

// SplitMix64 (Steele, Lea and Flood 2014), below n.
static inline size_t small_random(uint64_t *seed, size_t n) {
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (size_t)((z ^ z >> 31) % n);
}

static inline bool small_allows(const uint32_t *mask, int32_t id) {
    return mask[id / 32] >> (id % 32) & 1;
}

// Any of the ids below n_ids that are allowed; -1: none is.
static inline int32_t small_choose(const uint32_t *mask, size_t n_ids, uint64_t *seed) {
    size_t start = small_random(seed, n_ids);
    for (size_t i = 0; i < n_ids; i++) {
        int32_t id = (int32_t)((start + i) % n_ids);
        if (small_allows(mask, id))
            return id;
    }
    return -1;
}

// The mask of a state that has read `text`, and whether the text may end, are what the oracle,
// which has read it too, says.
static inline void small_check(const small *s, earley *oracle, grammar_state *state,
                               const base_buffer *text, uint32_t *mask) {
    gptoss_error error;
    memset(mask, 0xff, s->n_words * sizeof *mask);
    CHECK(!grammar_mask(state, mask, s->n_words, &error), "%s", error.message);
    CHECK(grammar_may_end(state) == earley_accepts_now(oracle), "after \"%s\": may end is %d",
          text->data, grammar_may_end(state));
    for (int32_t id = 0; id < (int32_t)s->n_words * 32; id++) {
        size_t length = 0;
        const char *bytes = tokenizer_bytes(s->tokenizer, id, &length);
        bool right = false;
        if (bytes && length && !tokenizer_is_special(s->tokenizer, id)) {
            earley_push(oracle, bytes, length);
            right = earley_viable_now(oracle);
            earley_cut(oracle, text->length);
        }
        CHECK(small_allows(mask, id) == right, "after \"%s\": token %d \"%.*s\" is %s", text->data,
              id, (int)length, bytes ? bytes : "", right ? "forbidden" : "allowed");
    }
}

// Reads up to `steps` random tokens, checking the state before each and at the end.
static inline void small_follow(const small *s, const rules *r, grammar *g, int steps,
                                uint64_t *seed) {
    grammar_state *state;
    gptoss_error error;
    CHECK(!grammar_state_create(g, &state, &error), "%s", error.message);
    earley *oracle = earley_create(r);
    uint32_t *mask = calloc(s->n_words, sizeof *mask);
    base_buffer text = {0};
    CHECK(mask && base_buffer_text(&text, ""), "out of memory");
    for (int step = 0; step < steps; step++) {
        small_check(s, oracle, state, &text, mask);
        int32_t allowed[2000], n = 0;
        for (int32_t id = 0; id < (int32_t)s->n_words * 32; id++) {
            if (small_allows(mask, id) && n < 2000)
                allowed[n++] = id;
            else if (id % 7 == step % 7)
                CHECK(grammar_accept(state, id, &error) == GPTOSS_BAD_INPUT,
                      "token %d was taken against the mask", id);
        }
        if (!n)
            break;
        int32_t id = allowed[small_random(seed, (size_t)n)];
        CHECK(!grammar_accept(state, id, &error), "%s", error.message);
        size_t length;
        const char *bytes = tokenizer_bytes(s->tokenizer, id, &length);
        CHECK(base_buffer_append(&text, bytes, length), "out of memory");
        earley_push(oracle, bytes, length);
    }
    earley_free(oracle);
    base_buffer_free(&text);
    free(mask);
    grammar_state_free(state);
}

#endif
