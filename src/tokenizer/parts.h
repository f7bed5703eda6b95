// The tokenizer's inside: what its files share. Nobody else includes this.
//
//   builtin.c, json.c, json_vocabulary.c   fill a tokenizer   table.c   its hash tables
//   encode.c   text -> pieces -> ids      scan.c, pattern.c   one piece      merge.c   one piece's
//   ids
#ifndef TOKENIZER_PARTS_H
#define TOKENIZER_PARTS_H

#include "tokenizer/tokenizer.h"

#include <string.h>

// ---- pieces ---------------------------------------------------------------------------------

// What the pattern of o200k asks about a code point. LETTER: neither upper nor lower case.
enum bpe_class {
    BPE_OTHER,
    BPE_UPPER,
    BPE_LOWER,
    BPE_LETTER,
    BPE_MARK,
    BPE_NUMBER,
    BPE_NEWLINE,
    BPE_SPACE,
    BPE_END // past the last code point of a text
};
enum { BPE_CODE_POINTS = 0x110000 };
void bpe_fill_classes(uint8_t *classes); // [BPE_CODE_POINTS]

extern const char bpe_o200k_pattern[]; // the regular expression that bpe_scan stands for
extern const char bpe_gpt2_pattern[];  // what ByteLevel with use_regex means

// The length of the first piece of text[0 .. length-1], well-formed UTF-8, length >= 1.
size_t bpe_scan(const uint8_t *classes, const char *text, size_t length);

// A compiled regular expression, immutable; and the working memory of one call that uses it.
typedef struct bpe_pattern bpe_pattern;
typedef struct bpe_matcher bpe_matcher;
gptoss_status bpe_pattern_create(const char *regex, size_t length, const char *name,
                                 bpe_pattern **pattern_out, gptoss_error *error);
void bpe_pattern_destroy(bpe_pattern *pattern);
gptoss_status bpe_matcher_create(const bpe_pattern *pattern, bpe_matcher **matcher_out,
                                 gptoss_error *error);
void bpe_matcher_destroy(bpe_matcher *matcher);
// The first non-empty match at or after start; *begin_out = *end_out = length when there is none.
gptoss_status bpe_matcher_next(bpe_matcher *matcher, const char *text, size_t length, size_t start,
                               size_t *begin_out, size_t *end_out, gptoss_error *error);

// ---- the vocabulary -------------------------------------------------------------------------

enum bpe_flag {
    BPE_PRESENT = 1, // the id has a token
    BPE_SPECIAL = 2,
    BPE_WHOLE = 4,    // a piece with exactly these bytes is this token, whatever the merges are
    BPE_ORDINARY = 8, // in the table of bytes: merging can make it
    BPE_ADDED = 16,   // in tokenizer.added
};
enum { BPE_MAX_TOKEN = 1 << 16, BPE_MAX_ADDED = 512 }; // bytes of a token, of an added token
enum { BPE_MAX_SIZE = 1 << 21 };                       // ids

typedef struct bpe_token {
    uint32_t start; // in tokenizer.bytes
    uint32_t length : 24;
    uint32_t flags : 8;
} bpe_token;

typedef struct bpe_slot { // of the table from bytes to ids
    uint32_t tag;         // upper half of the hash
    int32_t id_and_one;   // 0: empty
} bpe_slot;

typedef struct bpe_pair { // of the table from two ids to what they merge to
    int32_t left, right;
    int32_t rank; // order of merging: the smallest first
    int32_t id_and_one;
} bpe_pair;

// Added tokens of level 0 are cut out of a text before those of level 1 (Hugging Face: tokens that
// are not normalised, then those that are).
typedef struct bpe_added {
    int32_t id;
    int32_t level;
} bpe_added;

struct tokenizer {
    base_buffer bytes; // of all tokens
    bpe_token *tokens; // [size]
    int32_t size;
    uint32_t longest; // bytes of the longest token that a piece can become

    bpe_slot *slots; // [slot_mask + 1]: ordinary tokens by their bytes
    size_t slot_mask;
    // NULL for o200k: there any two neighbours merge whose bytes together are a token, and the
    // token's id is the rank.
    bpe_pair *pairs; // [pair_mask + 1]
    size_t pair_mask;
    int32_t byte_ids[256];

    bpe_added *added; // [n_added], sorted by bytes
    size_t n_added;
    bool has_level[2][2]; // [level][special]
    bool first[2][256];   // [level][first byte of an added token]

    uint8_t *classes;     // [BPE_CODE_POINTS], or NULL
    bpe_pattern *pattern; // or NULL; with neither a text is one piece
};

// The id of an ordinary token by its bytes, or -1.
int32_t bpe_find(const tokenizer *t, const char *bytes, size_t length);
// Makes the table for count tokens; then each is inserted (the first of two equal ones stays).
gptoss_status bpe_slots_create(tokenizer *t, size_t count, gptoss_error *error);
void bpe_slots_insert(tokenizer *t, int32_t id);

const bpe_pair *bpe_pair_find(const tokenizer *t, int32_t left, int32_t right); // or NULL
gptoss_status bpe_pairs_create(tokenizer *t, size_t count, gptoss_error *error);
void bpe_pairs_insert(tokenizer *t, int32_t left, int32_t right, int32_t rank, int32_t id);

// Appends bytes to t->bytes and makes them token id, with these flags and BPE_PRESENT.
gptoss_status bpe_set_token(tokenizer *t, int32_t id, const char *bytes, size_t length,
                            unsigned flags, gptoss_error *error);
// Sorts t->added and fills what depends on it.
gptoss_status bpe_finish_added(tokenizer *t, gptoss_error *error);
gptoss_status bpe_use_o200k_classes(tokenizer *t, gptoss_error *error);

static inline const char *bpe_text(const tokenizer *t, int32_t id) {
    return t->bytes.data + t->tokens[id].start;
}

// ---- merging --------------------------------------------------------------------------------

// Memory of one call of tokenizer_encode, reused from piece to piece. Start with {0}.
typedef struct bpe_scratch {
    struct bpe_node *nodes;
    uint64_t *heap;
    size_t capacity; // bytes of the longest piece that fits
} bpe_scratch;
void bpe_scratch_free(bpe_scratch *scratch);

// Appends the ids of one piece, length >= 1, by merging its bytes. False when memory is short.
bool bpe_merge(const tokenizer *t, const char *piece, size_t length, bpe_scratch *scratch,
               base_ids *ids);

#endif
