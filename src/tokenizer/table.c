// The tokenizer's hash tables (open addressing, at most half full) and its list of tokens.
#include "tokenizer/parts.h"

#include <stdlib.h>

static inline uint64_t mix(uint64_t x) {
    x *= 0x9e3779b97f4a7c15u; // 2^64 / golden ratio, odd
    return x ^ x >> 32;
}

static inline uint64_t load(const char *bytes, size_t length) { // length <= 8
    uint64_t word = 0;
    if (length >= 4) {
        uint32_t low, high; // they overlap below 8
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + length - 4, 4);
        return low | (uint64_t)high << 32;
    }
    for (size_t i = 0; i < length; i++)
        word |= (uint64_t)(uint8_t)bytes[i] << 8 * i;
    return word;
}

static inline uint64_t hash_bytes(const char *bytes, size_t length) {
    uint64_t hash = length;
    while (length > 8) {
        hash = mix(hash ^ load(bytes, 8));
        bytes += 8;
        length -= 8;
    }
    return mix(mix(hash ^ load(bytes, length)));
}

static inline uint64_t hash_pair(int32_t left, int32_t right) {
    return mix(mix((uint64_t)(uint32_t)left << 32 | (uint32_t)right));
}

static size_t table_size(size_t count) {
    size_t size = 16;
    while (size < 2 * count)
        size *= 2;
    return size;
}

int32_t bpe_find(const tokenizer *t, const char *bytes, size_t length) {
    uint64_t hash = hash_bytes(bytes, length);
    uint32_t tag = (uint32_t)(hash >> 32);
    for (size_t i = hash & t->slot_mask;; i = (i + 1) & t->slot_mask) {
        bpe_slot slot = t->slots[i];
        if (!slot.id_and_one)
            return -1;
        int32_t id = slot.id_and_one - 1;
        if (slot.tag == tag && t->tokens[id].length == length &&
            !memcmp(bpe_text(t, id), bytes, length))
            return id;
    }
}

gptoss_status bpe_slots_create(tokenizer *t, size_t count, gptoss_error *error) {
    size_t size = table_size(count);
    t->slots = base_alloc_zero(size, sizeof *t->slots);
    if (!t->slots)
        return base_fail_memory(error, size * sizeof *t->slots);
    t->slot_mask = size - 1;
    return GPTOSS_OK;
}

void bpe_slots_insert(tokenizer *t, int32_t id) {
    size_t length = t->tokens[id].length;
    uint64_t hash = hash_bytes(bpe_text(t, id), length);
    size_t i = hash & t->slot_mask;
    while (t->slots[i].id_and_one)
        i = (i + 1) & t->slot_mask;
    t->slots[i] = (bpe_slot){.tag = (uint32_t)(hash >> 32), .id_and_one = id + 1};
    if (length > t->longest)
        t->longest = (uint32_t)length;
}

static bpe_pair *pair_slot(const tokenizer *t, int32_t left, int32_t right) {
    size_t i = hash_pair(left, right) & t->pair_mask;
    while (t->pairs[i].id_and_one && (t->pairs[i].left != left || t->pairs[i].right != right))
        i = (i + 1) & t->pair_mask;
    return &t->pairs[i];
}

const bpe_pair *bpe_pair_find(const tokenizer *t, int32_t left, int32_t right) {
    const bpe_pair *pair = pair_slot(t, left, right);
    return pair->id_and_one ? pair : NULL;
}

gptoss_status bpe_pairs_create(tokenizer *t, size_t count, gptoss_error *error) {
    size_t size = table_size(count);
    t->pairs = base_alloc_zero(size, sizeof *t->pairs);
    if (!t->pairs)
        return base_fail_memory(error, size * sizeof *t->pairs);
    t->pair_mask = size - 1;
    return GPTOSS_OK;
}

// A pair that comes twice keeps the later rank, as in Hugging Face tokenizers.
void bpe_pairs_insert(tokenizer *t, int32_t left, int32_t right, int32_t rank, int32_t id) {
    *pair_slot(t, left, right) =
        (bpe_pair){.left = left, .right = right, .rank = rank, .id_and_one = id + 1};
}

gptoss_status bpe_set_token(tokenizer *t, int32_t id, const char *bytes, size_t length,
                            unsigned flags, gptoss_error *error) {
    if (t->bytes.length + length > UINT32_MAX)
        return base_fail(error, GPTOSS_UNSUPPORTED, "the vocabulary is larger than 4 GB");
    size_t start = t->bytes.length;
    if (!base_buffer_append(&t->bytes, bytes, length))
        return base_fail_memory(error, length);
    t->tokens[id].start = (uint32_t)start;
    t->tokens[id].length = (unsigned)length & 0xffffff;
    t->tokens[id].flags = (flags | BPE_PRESENT) & 0xff;
    return GPTOSS_OK;
}

// qsort has no context argument: what it sorts carries the text.
typedef struct added_text {
    const char *text;
    size_t length;
    bpe_added added;
} added_text;

static int compare_added(const void *left, const void *right) {
    const added_text *a = left, *b = right;
    int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

gptoss_status bpe_finish_added(tokenizer *t, gptoss_error *error) {
    added_text *sorted = base_alloc(t->n_added, sizeof *sorted);
    if (!sorted)
        return base_fail_memory(error, t->n_added * sizeof *sorted);
    for (size_t i = 0; i < t->n_added; i++) {
        int32_t id = t->added[i].id;
        sorted[i] = (added_text){bpe_text(t, id), t->tokens[id].length, t->added[i]};
        int level = t->added[i].level;
        t->has_level[level][!!(t->tokens[id].flags & BPE_SPECIAL)] = true;
        t->first[level][(uint8_t)*sorted[i].text] = true;
    }
    qsort(sorted, t->n_added, sizeof *sorted, compare_added);
    for (size_t i = 0; i < t->n_added; i++)
        t->added[i] = sorted[i].added;
    base_free(sorted);
    return GPTOSS_OK;
}

gptoss_status bpe_use_o200k_classes(tokenizer *t, gptoss_error *error) {
    t->classes = base_alloc(BPE_CODE_POINTS, 1);
    if (!t->classes)
        return base_fail_memory(error, BPE_CODE_POINTS);
    bpe_fill_classes(t->classes);
    return GPTOSS_OK;
}
