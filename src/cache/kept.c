// Kept states: taken, found, adopted, evicted.
#include "cache/tree.h"

#include <assert.h>
#include <string.h>

// ---- by last use ----------------------------------------------------------------------------

static void unlink_kept(cache *c, kept *k) {
    *(k->newer ? &k->newer->older : &c->newest) = k->older;
    *(k->older ? &k->older->newer : &c->oldest) = k->newer;
}

static void link_newest(cache *c, kept *k) {
    k->newer = NULL;
    k->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = k;
    c->newest = k;
}

// A state that was used stays longest. With it stay those that several texts began with, or will:
// where the tree branches, and the first one on the way (the head of a conversation).
static void touch(cache *c, kept *used) {
    kept *first = NULL;
    for (node *n = used->node; n->parent; n = n->parent) {
        if (n->state)
            first = n->state;
    }
    for (node *n = used->node; n->parent; n = n->parent) {
        bool branches = n->child && n->child->sibling;
        if (n->state && n->state != used && (branches || n->state == first)) {
            unlink_kept(c, n->state);
            link_newest(c, n->state);
        }
    }
    unlink_kept(c, used);
    link_newest(c, used);
}

static void drop(cache *c, kept *k) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = 0; i < k->n_pages[g]; i++)
            page_drop(&c->sets[g], k->pages[g][i], false);
    }
    unlink_kept(c, k);
    c->n_kept--;
    tree_remove(k->node);
    base_free(k->pages[0]);
    base_free(k);
}

bool kept_evict(cache *c) {
    if (!c->oldest)
        return false;
    drop(c, c->oldest);
    c->evicted++;
    return true;
}

void cache_forget(cache *c) {
    while (c->oldest)
        drop(c, c->oldest);
}

// ---- taking ---------------------------------------------------------------------------------

// A state with room for its page numbers.
static kept *make_kept(const cache *c, int32_t length, int32_t first_sliding) {
    kept *k = base_alloc_zero(1, sizeof *k);
    if (!k)
        return NULL;
    k->length = length;
    k->first_sliding = first_sliding;
    k->first_page[BACKEND_SLIDING] = first_sliding / BACKEND_PAGE;
    size_t total = 0;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        if (c->sets[g].n_pages)
            k->n_pages[g] = pages_for(length) - k->first_page[g];
        total += (size_t)k->n_pages[g];
    }
    k->pages[0] = base_alloc(total, sizeof(int32_t));
    if (!k->pages[0]) {
        base_free(k);
        return NULL;
    }
    k->pages[1] = k->pages[0] + k->n_pages[0];
    return k;
}

void cache_keep(cache *c, const cache_sequence *s, const int32_t *ids, int32_t length) {
    assert(length <= s->length);
    if (length <= 0 || c->most_kept == 0)
        return;
    // One position more than the window, to be able to compute the last token again.
    int32_t first = window_start(c, length - 1) / BACKEND_PAGE * BACKEND_PAGE;
    if (s->first_sliding > first)
        first = s->first_sliding;
    if (first > window_start(c, length))
        return;
    tree_place place = tree_walk(&c->root, ids, length);
    if (place.depth == length && place.below->end == length && place.below->state) {
        touch(c, place.below->state);
        return;
    }
    if (c->n_kept == c->most_kept)
        kept_evict(c);
    kept *k = make_kept(c, length, first);
    if (!k)
        return;
    k->node = tree_node(&c->root, ids, length);
    if (!k->node) {
        base_free(k->pages[0]);
        base_free(k);
        return;
    }
    k->node->state = k;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = 0; i < k->n_pages[g]; i++) {
            k->pages[g][i] = s->pages[g][k->first_page[g] + i];
            page_refer(&c->sets[g], k->pages[g][i], false);
        }
    }
    c->n_kept++;
    link_newest(c, k);
    touch(c, k);
}

// ---- finding --------------------------------------------------------------------------------

typedef struct found {
    kept *state;
    int32_t length; // positions of it that can be taken over
} found;

// The next node of the part of the tree below `top`, parents first, leaving out what is below n
// where `deeper` is false; NULL: none.
static node *next_below(const node *top, node *n, bool deeper) {
    if (deeper && n->child)
        return n->child;
    while (n != top && !n->sibling)
        n = n->parent;
    return n == top ? NULL : n->sibling;
}

// A state in the tree from `top` on whose windows reach back to `length` positions, which it
// shares.
static kept *reaching(const cache *c, node *top, int32_t length) {
    // What begins behind this has let go of the window before `length`.
    int32_t last = (length > c->window ? length : c->window) + 2 * BACKEND_PAGE;
    node *n = top;
    while (n) {
        if (n->state && n->state->length >= length &&
            n->state->first_sliding <= window_start(c, length))
            return n->state;
        n = next_below(top, n, !c->window || n->end <= last);
    }
    return NULL;
}

static found find(const cache *c, const int32_t *ids, int32_t n_ids) {
    tree_place place = tree_walk(&c->root, ids, n_ids);
    int32_t length = place.depth;
    // From the longest beginning that was ever computed to shorter ones.
    for (node *n = place.below; n->parent; n = n->parent, length = n->end) {
        kept *state = reaching(c, n, length);
        if (state)
            return (found){state, length};
    }
    return (found){NULL, 0};
}

int32_t cache_find(const cache *c, const int32_t *ids, int32_t n_ids) {
    return find(c, ids, n_ids).length;
}

int32_t cache_adopt(cache *c, cache_sequence *s, const int32_t *ids, int32_t n_ids) {
    found f = find(c, ids, n_ids);
    if (f.length <= s->length)
        return s->length;
    touch(c, f.state);
    cache_truncate(c, s, 0);
    const kept *k = f.state;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = k->first_page[g]; i < pages_for(f.length) && c->sets[g].n_pages; i++) {
            s->pages[g][i] = k->pages[g][i - k->first_page[g]];
            page_refer(&c->sets[g], s->pages[g][i], true);
        }
    }
    s->first_sliding = k->first_sliding;
    s->length = f.length;
    return s->length;
}

// ---- counting -------------------------------------------------------------------------------

cache_counts cache_count(const cache *c) {
    cache_counts counts = {.kept = c->n_kept, .evicted = c->evicted};
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        const page_set *set = &c->sets[g];
        counts.free_pages[g] = set->n_free;
        counts.kept_pages[g] = set->n_pages - set->n_free - set->n_living;
    }
    return counts;
}

size_t cache_kept_bytes(const model_config *config, const cache_options *o) {
    int32_t n_pages[BACKEND_GROUPS];
    cache_plan(config, o, n_pages);
    size_t states = (size_t)o->kept_states;
    // Each token of the tree has its place in a page of its own.
    size_t positions = n_pages[BACKEND_FULL] ? (size_t)n_pages[BACKEND_FULL] * BACKEND_PAGE
                                             : states * (size_t)o->context;
    size_t table = (size_t)pages_for(o->context) + (size_t)pages_for(config->window) + 2;
    return states ? positions * sizeof(int32_t) +
                        states * (sizeof(kept) + 2 * sizeof(node) + table * sizeof(int32_t))
                  : 0;
}
