// Page tables: reference counts, copy on write, sliding windows.
#include "cache/internal.h"

#include <assert.h>
#include <string.h>

// Sliding pages that a sequence needs at rest: the window, which may start and end inside of a
// page.
static int32_t window_pages(const model_config *config) {
    return pages_for(config->window) + 2;
}

void cache_plan(const model_config *config, const cache_options *o,
                int32_t n_pages_out[BACKEND_GROUPS]) {
    bool any[BACKEND_GROUPS] = {false, false};
    for (int i = 0; i < config->layers; i++)
        any[config->is_sliding[i] ? BACKEND_SLIDING : BACKEND_FULL] = true;
    int32_t whole = pages_for(o->context), sliding = window_pages(config);
    int32_t full = whole * o->sequences + o->kept_pages;
    // The tokens of a batch are one sequence's or shared by many, and some may lie in a new page.
    int32_t slides =
        sliding < whole ? sliding * o->sequences + pages_for(o->max_tokens) : whole * o->sequences;
    slides += o->kept_states * sliding;
    n_pages_out[BACKEND_FULL] = any[BACKEND_FULL] ? full : 0;
    n_pages_out[BACKEND_SLIDING] = any[BACKEND_SLIDING] ? slides : 0;
}

gptoss_status cache_open(const backend_table *backend, void *handle, const model_config *config,
                         const cache_options *options, cache **cache_out, gptoss_error *error) {
    *cache_out = NULL;
    cache *c = base_alloc_zero(1, sizeof *c);
    if (!c)
        return base_fail_memory(error, sizeof *c);
    c->backend = backend;
    c->handle = handle;
    c->window = config->window;
    c->capacity = pages_for(options->context);
    c->most_kept = options->kept_states;
    int32_t n_pages[BACKEND_GROUPS];
    cache_plan(config, options, n_pages);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        page_set *set = &c->sets[g];
        size_t n = (size_t)n_pages[g];
        set->free = base_alloc(n, sizeof *set->free);
        set->references = base_alloc_zero(n, sizeof *set->references);
        set->living = base_alloc_zero(n, sizeof *set->living);
        if (!set->free || !set->references || !set->living) {
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
    cache_forget(c);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        base_free(c->sets[g].free);
        base_free(c->sets[g].references);
        base_free(c->sets[g].living);
    }
    base_free(c);
}

int32_t cache_free_pages(const cache *c, backend_group group) {
    return c->sets[group].n_free;
}

int32_t cache_available_pages(const cache *c, backend_group group) {
    return c->sets[group].n_pages - c->sets[group].n_living;
}

void page_refer(page_set *set, int32_t page, bool living) {
    set->references[page]++;
    if (living && set->living[page]++ == 0)
        set->n_living++;
}

void page_drop(page_set *set, int32_t page, bool living) {
    assert(set->references[page] > 0);
    if (living && --set->living[page] == 0)
        set->n_living--;
    if (--set->references[page] == 0)
        set->free[set->n_free++] = page;
}

static int32_t take(page_set *set) {
    assert(set->n_free > 0);
    int32_t page = set->free[--set->n_free];
    page_refer(set, page, true);
    return page;
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
            page_drop(&c->sets[group], s->pages[group][i], true);
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

// References to the last page where it is partly filled, so that writing behind it needs a copy
// unless there is one only: those of `counts`.
static int32_t last_shared(const cache_sequence *s, int group, const int32_t *counts) {
    if (s->length % BACKEND_PAGE == 0)
        return 0;
    int32_t page = s->pages[group][s->length / BACKEND_PAGE];
    return page >= 0 && counts[page] > 1;
}

int32_t cache_room(const cache *c, const cache_sequence *s) {
    int32_t in_page = pages_for(s->length) * BACKEND_PAGE - s->length;
    int32_t room = c->capacity * BACKEND_PAGE - s->length;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        const page_set *set = &c->sets[g];
        int32_t pages = set->n_pages - set->n_living - last_shared(s, g, set->living);
        int32_t positions = pages < 0 ? 0 : in_page + pages * BACKEND_PAGE;
        if (set->n_pages && positions < room)
            room = positions;
    }
    return room;
}

int32_t cache_missing(const cache *c, const cache_sequence *s, int32_t length,
                      backend_group group) {
    const page_set *set = &c->sets[group];
    if (!set->n_pages)
        return 0;
    int32_t first = s->first_sliding / BACKEND_PAGE, most = pages_for(c->window) + 2;
    int32_t held = pages_for(s->length) - (group == BACKEND_SLIDING ? first : 0);
    int32_t wanted = pages_for(length);
    if (group == BACKEND_SLIDING && wanted > most)
        wanted = most;
    int32_t missing = wanted > held ? wanted - held : 0;
    return missing + last_shared(s, group, set->living);
}

// Makes the pages free that are to be taken; there are as many.
static void evict_for(cache *c, const cache_sequence *s, int32_t n_new) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        page_set *set = &c->sets[g];
        while (set->n_pages && n_new + last_shared(s, g, set->references) > set->n_free) {
            bool evicted = kept_evict(c);
            assert(evicted);
            (void)evicted;
        }
    }
}

// Gives the sequence a last page of its own in each group.
static gptoss_status own_last(cache *c, cache_sequence *s, gptoss_error *error) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        page_set *set = &c->sets[g];
        if (!last_shared(s, g, set->references))
            continue;
        int32_t *last = &s->pages[g][s->length / BACKEND_PAGE];
        int32_t copy = take(set);
        gptoss_status status = c->backend->page_copy(c->handle, g, *last, copy, error);
        if (status != GPTOSS_OK) {
            page_drop(set, copy, true);
            return status; // a copy made for the other group stays: it is as good
        }
        page_drop(set, *last, true);
        *last = copy;
    }
    return GPTOSS_OK;
}

gptoss_status cache_extend(cache *c, cache_sequence *s, int32_t count, gptoss_error *error) {
    if (count < 0 || count > c->capacity * BACKEND_PAGE - s->length)
        return base_fail(error, GPTOSS_NO_MEMORY, "the context of %d positions is full",
                         c->capacity * BACKEND_PAGE);
    if (count == 0)
        return GPTOSS_OK;
    if (count > cache_room(c, s))
        return base_fail(error, GPTOSS_NO_MEMORY,
                         "the cache is full: sequences hold all pages of %d positions",
                         BACKEND_PAGE);
    int32_t begin = pages_for(s->length), end = pages_for(s->length + count);
    evict_for(c, s, end - begin);
    gptoss_status status = own_last(c, s, error);
    if (status != GPTOSS_OK)
        return status;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = begin; i < end && c->sets[g].n_pages; i++)
            s->pages[g][i] = take(&c->sets[g]);
    }
    s->length += count;
    return GPTOSS_OK;
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
                page_refer(&c->sets[g], page, true);
        }
    }
    copy->length = s->length;
    copy->first_sliding = s->first_sliding;
}
