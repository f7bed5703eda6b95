// A walk through a turn: tokens drawn from a guide's mask by a random taste, and read by the parser
// as they come. What the tests of guides share.
#ifndef TESTS_GUIDE_WALK_H
#define TESTS_GUIDE_WALK_H

#include "guide/guide.h"

#include "support/check.h"

#include <string.h>

// What a walk likes best among the tokens that are allowed. None may lead to a turn that is not
// well-formed.
typedef enum taste {
    TASTE_UNIFORM,
    TASTE_SPECIAL, // markers wherever there is one
    TASTE_BYTES,   // the shortest tokens: names in their most unusual spelling
    TASTE_HEADERS, // tokens that headers are made of, also inside text
    N_TASTES,
} taste;

typedef struct walk {
    const tokenizer *tokenizer;
    const harmony *harmony;
    guide_state *state;
    harmony_parser *parser;
    uint64_t random;
    taste taste;
    int32_t vocabulary;
    uint32_t *allowed; // [words]
    base_ids ids;
    int most; // tokens of a text, after which it ends where it can
    int n_in_text;
} walk;

static inline uint64_t draw(uint64_t *random) { // xorshift64*
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * 0x2545f4914f6cdd1du;
}

static inline size_t walk_words(const walk *w) {
    return ((size_t)w->vocabulary + 31) / 32;
}

static inline bool walk_allows(const walk *w, int32_t id) {
    return w->allowed[id / 32] >> (id % 32) & 1;
}

// Fills w->allowed; the number of tokens in it, never 0.
static inline size_t walk_mask(walk *w) {
    gptoss_error error = {0};
    memset(w->allowed, 0xff, walk_words(w) * sizeof *w->allowed);
    CHECK(!guide_mask(w->state, w->allowed, w->vocabulary, &error), "%s", error.message);
    size_t n = 0;
    for (size_t i = 0; i < walk_words(w); i++)
        n += (size_t)__builtin_popcount(w->allowed[i]);
    CHECK(n > 0, "no token is allowed behind %zu tokens", w->ids.length);
    return n;
}

static inline int32_t walk_nth(const walk *w, size_t n) {
    for (size_t i = 0; i < walk_words(w); i++) {
        size_t here = (size_t)__builtin_popcount(w->allowed[i]);
        if (n >= here) {
            n -= here;
            continue;
        }
        uint32_t word = w->allowed[i];
        while (n--)
            word &= word - 1;
        return (int32_t)i * 32 + __builtin_ctz(word);
    }
    CHECK(false, "there is no such token");
    return -1;
}

static inline int32_t walk_marker(walk *w) {
    int32_t found[HARMONY_N_MARKERS];
    size_t n = 0;
    for (int i = 0; i < HARMONY_N_MARKERS; i++) {
        int32_t id = harmony_marker_id(w->harmony, (harmony_marker)i);
        if (walk_allows(w, id))
            found[n++] = id;
    }
    return n ? found[draw(&w->random) % n] : -1;
}

static inline int32_t walk_liked(walk *w) {
    static const char *const words[] = {"analysis", "final", " to", "=",         "functions",
                                        " json",    "<",     "|",   "assistant", "commentary",
                                        ">",        "end",   "\n",  "{",         "}"};
    size_t length;
    if (w->taste == TASTE_SPECIAL)
        return walk_marker(w);
    if (w->taste == TASTE_BYTES) {
        for (int tries = 0; tries < 64; tries++) {
            char byte = (char)draw(&w->random);
            int32_t id = tokenizer_find(w->tokenizer, &byte, 1);
            if (id >= 0 && walk_allows(w, id))
                return id;
        }
        for (int32_t id = 0; id < 300; id++) { // there are few in a header
            tokenizer_bytes(w->tokenizer, id, &length);
            if (length == 1 && walk_allows(w, id) && draw(&w->random) % 2)
                return id;
        }
    }
    if (w->taste == TASTE_HEADERS) {
        const char *word = words[draw(&w->random) % (sizeof words / sizeof *words)];
        int32_t id = tokenizer_find(w->tokenizer, word, strlen(word));
        return id >= 0 && walk_allows(w, id) ? id : -1;
    }
    return -1;
}

// The token that this walk takes next; w->allowed is filled.
static inline int32_t walk_choose(walk *w, size_t n_allowed) {
    int32_t id = -1;
    if (w->n_in_text > w->most)
        id = walk_marker(w);
    if (id < 0 && w->taste != TASTE_UNIFORM && draw(&w->random) % 8)
        id = walk_liked(w);
    return id >= 0 ? id : walk_nth(w, draw(&w->random) % n_allowed);
}

static inline void walk_take(walk *w, int32_t id) {
    gptoss_error error = {0};
    CHECK(!guide_accept(w->state, id, &error), "an allowed token is refused: %s", error.message);
    CHECK(base_ids_push(&w->ids, id), "no memory");
}

// The parser's reading of the tokens so far.
static inline void walk_parse(walk *w, int32_t id) {
    harmony_event event;
    CHECK(!harmony_parser_push(w->parser, id, NULL), "no memory");
    while (harmony_parser_next(w->parser, &event))
        ;
    w->n_in_text = harmony_parser_in_message(w->parser) ? w->n_in_text + 1 : 0;
}

static inline void walk_begin(walk *w, const harmony *h, const guide *g, uint64_t seed, taste t) {
    *w =
        (walk){.tokenizer = harmony_tokenizer(h), .harmony = h, .random = seed * 2 + 1, .taste = t};
    draw(&w->random);
    w->most = (int)(draw(&w->random) % 30);
    w->vocabulary = tokenizer_size(w->tokenizer) + 40; // models have rows beyond the vocabulary
    w->allowed = base_alloc(walk_words(w), sizeof *w->allowed);
    gptoss_error error = {0};
    CHECK(w->allowed && !guide_state_create(g, &w->state, &error), "%s", error.message);
    CHECK(!harmony_parser_create(h, -1, &w->parser, NULL), "no memory");
    walk_parse(w, harmony_marker_id(h, HARMONY_MARK_START));
}

static inline void walk_end(walk *w) {
    guide_state_free(w->state);
    harmony_parser_free(w->parser);
    base_ids_free(&w->ids);
    base_free(w->allowed);
}

// A whole turn. The tokens behind the last call's <|start|> are another's and are not parsed.
static inline void walk_turn(walk *w, const harmony *h, const guide *g, uint64_t seed, taste t) {
    walk_begin(w, h, g, seed, t);
    int32_t held = -1, call = harmony_marker_id(h, HARMONY_MARK_CALL), last = -1;
    while (!guide_ended(w->state)) {
        CHECK(w->ids.length < 100000, "the turn doesn't end");
        int32_t id = walk_choose(w, walk_mask(w));
        walk_take(w, id);
        if (last == call) {
            held = id;
        } else if (held < 0) {
            walk_parse(w, id);
        } else if (!guide_ended(w->state)) {
            walk_parse(w, held);
            walk_parse(w, id);
            held = -1;
        }
        last = id;
    }
    CHECK(!harmony_parser_finish(w->parser, NULL), "no memory");
}

static inline const char *irregular_of(const walk *w) {
    return harmony_parser_irregularities(w->parser)
               ? harmony_irregular_name(harmony_parser_irregularity(w->parser, 0).bit)
               : NULL;
}

static inline bool text_is(harmony_text text, const char *wanted) {
    return text.data && text.length == strlen(wanted) && !memcmp(text.data, wanted, text.length);
}

#endif
