// interner.h: lists of numbers, each kept once and known by its own number, so that comparing two
// is comparing two numbers.
#ifndef GRAMMAR_INTERNER_H
#define GRAMMAR_INTERNER_H

#include "base/base.h"

typedef struct interner_list {
    size_t first; // in pool
    uint32_t count, hash;
} interner_list;

// Start with {0}.
typedef struct interner {
    int32_t *pool;
    size_t n_pool, pool_capacity;
    interner_list *lists; // [n_lists]
    size_t n_lists, list_capacity;
    int32_t *slots; // [n_slots], a power of two; -1: free
    size_t n_slots;
} interner;

// The number of this list, new or not; -1 when memory is short. Numbers count up from 0. items may
// not lie in the interner's own pool.
int32_t interner_find(interner *in, const int32_t *items, size_t count);
void interner_free(interner *in);
size_t interner_bytes(const interner *in); // memory that it takes

static inline const int32_t *interner_items(const interner *in, int32_t list, uint32_t *count_out) {
    *count_out = in->lists[list].count;
    return in->pool + in->lists[list].first;
}

#endif
