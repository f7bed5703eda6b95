// Page tables: reference counts, copy on write, sliding windows.
#include "cache/cache.h"

#include <assert.h>
#include <string.h>

// Free pages are a stack of page numbers; a page is in it exactly when its count is 0.
typedef struct page_set {
    int32_t n_pages, n_free;
    int32_t *free;       // [n_pages], the first n_free are in use as the stack
    int32_t *references; // [n_pages]
} page_set;

struct cache {
    const backend_table *backend;
    void *handle;
    int32_t window;   // 0: no sliding layers
    int32_t capacity; // pages of the longest sequence
    page_set sets[BACKEND_GROUPS];
};

static int32_t pages_for(int32_t positions) {
    return positions / BACKEND_PAGE + (positions % BACKEND_PAGE != 0);
}

void cache_plan(const model_config *config, int32_t context, int32_t n_sequences,
                int32_t n_snapshots, int32_t max_tokens, int32_t n_pages_out[BACKEND_GROUPS]) {
    bool any[BACKEND_GROUPS] = {false, false};
    for (int i = 0; i < config->layers; i++)
        any[config->is_sliding[i] ? BACKEND_SLIDING : BACKEND_FULL] = true;
    int32_t whole = pages_for(context);
    // The window before a batch and the batch itself, each of which may start inside of a page.
    int32_t sliding = pages_for(config->window) + pages_for(max_tokens) + 2;
    if (sliding > whole)
        sliding = whole;
    // A snapshot holds its own last page, and the window before it.
    sliding += n_snapshots * (pages_for(config->window) + 2);
    whole += n_snapshots;
    n_pages_out[BACKEND_FULL] = any[BACKEND_FULL] ? whole * n_sequences : 0;
    n_pages_out[BACKEND_SLIDING] = any[BACKEND_SLIDING] ? sliding * n_sequences : 0;
}

gptoss_status cache_open(const backend_table *backend, void *handle,
                         const int32_t n_pages[BACKEND_GROUPS], int32_t window, int32_t context,
                         cache **cache_out, gptoss_error *error) {
    *cache_out = NULL;
    cache *c = base_alloc_zero(1, sizeof *c);
    if (!c)
        return base_fail_memory(error, sizeof *c);
    c->backend = backend;
    c->handle = handle;
    c->window = window;
    c->capacity = pages_for(context);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        page_set *set = &c->sets[g];
        size_t n = (size_t)n_pages[g];
        set->free = base_alloc(n, sizeof *set->free);
        set->references = base_alloc_zero(n, sizeof *set->references);
        if (!set->free || !set->references) {
            cache_close(c);
            return base_fail_memory(error, n * sizeof *set->free);
        }
        set->n_pages = set->n_free = n_pages[g];
        for (int32_t i = 0; i < n_pages[g]; i++)
            set->free[i] = n_pages[g] - 1 - i; // low numbers are taken first
    }
    *cache_out = c;
    return GPTOSS_OK;
}

void cache_close(cache *c) {
    if (!c)
        return;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        base_free(c->sets[g].free);
        base_free(c->sets[g].references);
    }
    base_free(c);
}

int32_t cache_free_pages(const cache *c, backend_group group) {
    return c->sets[group].n_free;
}

static int32_t take(page_set *set) {
    assert(set->n_free > 0);
    int32_t page = set->free[--set->n_free];
    set->references[page] = 1;
    return page;
}

static void drop(page_set *set, int32_t page) {
    assert(set->references[page] > 0);
    if (--set->references[page] == 0)
        set->free[set->n_free++] = page;
}

gptoss_status cache_sequence_init(const cache *c, cache_sequence *sequence_out,
                                  gptoss_error *error) {
    *sequence_out = (cache_sequence){.capacity = c->capacity};
    size_t bytes = (size_t)c->capacity * sizeof(int32_t);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        sequence_out->pages[g] = base_alloc((size_t)c->capacity, sizeof(int32_t));
        if (!sequence_out->pages[g]) {
            base_free(sequence_out->pages[0]);
            *sequence_out = (cache_sequence){0};
            return base_fail_memory(error, bytes);
        }
        memset(sequence_out->pages[g], 0xff, bytes); // all -1
    }
    return GPTOSS_OK;
}

// Lets go of pages [begin, end) of a group where there are any.
static void drop_range(cache *c, cache_sequence *s, int group, int32_t begin, int32_t end) {
    for (int32_t i = begin; i < end; i++) {
        if (s->pages[group][i] >= 0) {
            drop(&c->sets[group], s->pages[group][i]);
            s->pages[group][i] = -1;
        }
    }
}

void cache_sequence_free(cache *c, cache_sequence *s) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        if (s->pages[g])
            drop_range(c, s, g, 0, s->capacity);
        base_free(s->pages[g]);
    }
    *s = (cache_sequence){0};
}

// Whether the last page is partly filled and shared, so that writing behind it needs a copy.
static bool shares_last(const cache *c, const cache_sequence *s, int group) {
    if (s->length % BACKEND_PAGE == 0)
        return false;
    int32_t page = s->pages[group][s->length / BACKEND_PAGE];
    return page >= 0 && c->sets[group].references[page] > 1;
}

gptoss_status cache_extend(cache *c, cache_sequence *s, int32_t count, gptoss_error *error) {
    if (count < 0 || count > c->capacity * BACKEND_PAGE - s->length)
        return base_fail(error, GPTOSS_NO_MEMORY, "the context of %d positions is full",
                         c->capacity * BACKEND_PAGE);
    int32_t begin = pages_for(s->length), end = pages_for(s->length + count);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        if (c->sets[g].n_pages && end - begin + shares_last(c, s, g) > c->sets[g].n_free)
            return base_fail(error, GPTOSS_NO_MEMORY,
                             "the cache is full: all %d pages of %d positions are in use",
                             c->sets[g].n_pages, BACKEND_PAGE);
    }
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        page_set *set = &c->sets[g];
        if (count > 0 && shares_last(c, s, g)) {
            int32_t *last = &s->pages[g][s->length / BACKEND_PAGE];
            int32_t copy = take(set);
            gptoss_status status = c->backend->page_copy(c->handle, g, *last, copy, error);
            if (status != GPTOSS_OK) {
                drop(set, copy);
                return status; // a copy made for the other group stays: it is as good
            }
            drop(set, *last);
            *last = copy;
        }
    }
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = begin; i < end && c->sets[g].n_pages; i++)
            s->pages[g][i] = take(&c->sets[g]);
    }
    s->length += count;
    return GPTOSS_OK;
}

// The first position that sliding layers must keep of a sequence, so that it can go on behind
// `length` positions.
static int32_t window_start(const cache *c, int32_t length) {
    return c->window && length > c->window ? length - c->window : 0;
}

void cache_trim(cache *c, cache_sequence *s, int32_t length) {
    int32_t first = window_start(c, length);
    if (first <= s->first_sliding)
        return;
    drop_range(c, s, BACKEND_SLIDING, s->first_sliding / BACKEND_PAGE, first / BACKEND_PAGE);
    s->first_sliding = first / BACKEND_PAGE * BACKEND_PAGE; // its page is still here, whole
}

int32_t cache_truncate(cache *c, cache_sequence *s, int32_t length) {
    if (length >= s->length)
        return s->length;
    if (window_start(c, length) < s->first_sliding)
        length = 0;
    for (int g = 0; g < BACKEND_GROUPS; g++)
        drop_range(c, s, g, pages_for(length), pages_for(s->length));
    s->length = length;
    if (length == 0)
        s->first_sliding = 0;
    return length;
}

void cache_fork(cache *c, const cache_sequence *s, cache_sequence *copy) {
    assert(copy->length == 0 && copy->capacity == s->capacity);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = 0; i < s->capacity; i++) {
            int32_t page = s->pages[g][i];
            copy->pages[g][i] = page;
            if (page >= 0)
                c->sets[g].references[page]++;
        }
    }
    copy->length = s->length;
    copy->first_sliding = s->first_sliding;
}
