// What the files of the cache share.
#ifndef CACHE_INTERNAL_H
#define CACHE_INTERNAL_H

#include "cache/cache.h"

// Free pages are a stack of page numbers; a page is in it exactly when nobody refers to it.
typedef struct page_set {
    int32_t n_pages, n_free, n_living;
    int32_t *free;       // [n_pages], the first n_free are in use as the stack
    int32_t *references; // [n_pages] of sequences and kept states
    int32_t *living;     // [n_pages] of those, sequences; n_living pages have any
} page_set;

// A beginning of texts that were computed: tokens `start` to `end`, behind those of its parent.
// Siblings differ in their first token. A node without a state has at least two children.
typedef struct node {
    struct node *parent, *child, *sibling;
    int32_t start, end;
    int32_t *ids;       // [end - start]
    struct kept *state; // at `end`; NULL: none
} node;

typedef struct kept {
    node *node;
    struct kept *newer, *older; // by last use
    int32_t length, first_sliding;
    // [group][i] holds positions from first_page[group] + i on; one allocation.
    int32_t first_page[BACKEND_GROUPS], n_pages[BACKEND_GROUPS];
    int32_t *pages[BACKEND_GROUPS];
} kept;

struct cache {
    const backend_table *backend;
    void *handle;
    int32_t window;   // 0: no sliding layers
    int32_t capacity; // pages of the longest sequence
    page_set sets[BACKEND_GROUPS];
    node root;             // of no tokens
    kept *newest, *oldest; // [n_kept]
    int32_t n_kept, most_kept;
    uint64_t evicted;
};

static inline int32_t pages_for(int32_t positions) {
    return positions / BACKEND_PAGE + (positions % BACKEND_PAGE != 0);
}

// The first position that sliding layers must keep of a sequence, so that it can go on behind
// `length` positions.
static inline int32_t window_start(const cache *c, int32_t length) {
    return c->window && length > c->window ? length - c->window : 0;
}

void page_refer(page_set *set, int32_t page, bool living);
void page_drop(page_set *set, int32_t page, bool living);

// Forgets the state that was not used for the longest time; false when there is none.
bool kept_evict(cache *cache);

#endif
