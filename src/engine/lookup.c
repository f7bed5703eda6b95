// The index of runs: hash chains as in a Lempel-Ziv compressor.
#include "engine/lookup.h"

// 2^32 / golden ratio (Knuth, The Art of Computer Programming 3, 6.4): spreads consecutive ids.
static const uint32_t GOLDEN = 0x9e3779b1;

static int bits_for(int32_t capacity) {
    int bits = 4;
    while (bits < 30 && (int32_t)1 << bits < capacity)
        bits++;
    return bits;
}

size_t lookup_bytes(int32_t capacity) {
    return (((size_t)1 << bits_for(capacity)) + (size_t)capacity + 1) * sizeof(int32_t);
}

bool lookup_reserve(lookup *index, const int32_t *ids, int32_t capacity) {
    if (index->latest && capacity <= index->capacity)
        return true;
    int bits = bits_for(capacity);
    lookup larger = {
        .shift = 32 - bits,
        .capacity = capacity,
        .latest = base_alloc_zero((size_t)1 << bits, sizeof *larger.latest),
        .earlier = base_alloc((size_t)capacity + 1, sizeof *larger.earlier),
    };
    if (!larger.latest || !larger.earlier) {
        lookup_free(&larger);
        return false;
    }
    lookup_extend(&larger, ids, index->length);
    lookup_free(index);
    *index = larger;
    return true;
}

void lookup_free(lookup *index) {
    base_free(index->latest);
    base_free(index->earlier);
    *index = (lookup){0};
}

// The chain of the run that ends before ids[end].
static int32_t *chain(const lookup *index, const int32_t *ids, int32_t end) {
    uint32_t hash = 0;
    for (int32_t i = end - LOOKUP_GRAM; i < end; i++)
        hash = (hash ^ (uint32_t)ids[i]) * GOLDEN;
    return &index->latest[(hash ^ hash >> 15) * GOLDEN >> index->shift];
}

void lookup_extend(lookup *index, const int32_t *ids, int32_t length) {
    for (int32_t end = index->length + 1; end <= length; end++) {
        if (end < LOOKUP_GRAM)
            continue;
        int32_t *latest = chain(index, ids, end);
        index->earlier[end] = *latest;
        *latest = end;
    }
    if (length > index->length)
        index->length = length;
}

void lookup_cut(lookup *index, const int32_t *ids, int32_t length) {
    // Backwards, so that each run is the latest of its chain when it is taken out.
    for (; index->length > length; index->length--) {
        if (index->length >= LOOKUP_GRAM)
            *chain(index, ids, index->length) = index->earlier[index->length];
    }
}

// Tokens before `end` that equal the last ones of the text.
static int32_t agreeing(const int32_t *ids, int32_t length, int32_t end) {
    int32_t n = 0;
    while (n < LOOKUP_LONGEST && n < end && ids[end - 1 - n] == ids[length - 1 - n])
        n++;
    return n;
}

lookup_match lookup_find(const lookup *index, const int32_t *ids, int32_t length) {
    lookup_match best = {0, LOOKUP_GRAM - 1};
    int32_t end = length < LOOKUP_GRAM ? 0 : *chain(index, ids, length);
    for (int places = 0; end > 0 && places < LOOKUP_PLACES; end = index->earlier[end]) {
        if (end >= length)
            continue; // the text's own end
        int32_t n = agreeing(ids, length, end);
        places += n >= LOOKUP_GRAM; // the others only share its hash
        if (n > best.length)
            best = (lookup_match){end, n};
    }
    return best.length < LOOKUP_GRAM ? (lookup_match){0, 0} : best;
}
