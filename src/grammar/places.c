// Places: what a frame's ops, followed all at once, come to.
#include <stdlib.h>
#include <string.h>

#include "grammar/array.h"
#include "grammar/automaton.h"

static int compare(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

// Follows splits from what lies on op_stack; leaves the rest in op_list and returns how many.
static size_t follow(automaton *a, size_t n_stack) {
    const op *ops = a->program->ops;
    size_t n = 0;
    while (n_stack) {
        int32_t at = a->op_stack[--n_stack];
        const op *o = &ops[at];
        if (o->kind != OP_SPLIT) {
            if (o->kind != OP_DEAD)
                a->op_list[n++] = at;
            continue;
        }
        const int32_t next[] = {o->b, o->a};
        for (int i = 0; i < 2; i++) {
            if (a->op_stamp[next[i]] != a->stamp) {
                a->op_stamp[next[i]] = a->stamp;
                a->op_stack[n_stack++] = next[i];
            }
        }
        a->work++;
    }
    return n;
}

// What a new place, whose ops are in op_list, is.
static void describe(automaton *a, int32_t place, size_t n) {
    place_info info = {0};
    for (size_t i = 0; i < n; i++) {
        const op *o = &a->program->ops[a->op_list[i]];
        info.accepts = info.accepts || o->kind == OP_ACCEPT;
        info.takes = info.takes || o->kind == OP_BYTE;
        info.calls_known = info.calls_known || o->kind == OP_CALL;
    }
    info.calls_known = !info.calls_known;
    a->places[place] = info;
    a->item_at[place] = 0;
}

int32_t automaton_place(automaton *a, const int32_t *ops, size_t n_ops) {
    size_t n_stack = 0;
    if (++a->stamp == 0) { // wrapped around
        memset(a->op_stamp, 0, a->program->n_ops * sizeof *a->op_stamp);
        a->stamp = 1;
    }
    for (size_t i = 0; i < n_ops; i++) {
        if (a->op_stamp[ops[i]] != a->stamp) {
            a->op_stamp[ops[i]] = a->stamp;
            a->op_stack[n_stack++] = ops[i];
        }
    }
    size_t n = follow(a, n_stack);
    if (!n)
        return AUTOMATON_DEAD;
    if (!automaton_work(a, n))
        return AUTOMATON_FAILED;
    qsort(a->op_list, n, sizeof *a->op_list, compare);
    size_t before = a->place_lists.n_lists;
    if (!ARRAY_RESERVE(a->places, a->place_capacity, before + 1) ||
        !ARRAY_RESERVE(a->item_at, a->item_at_capacity, before + 1))
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    int32_t place = interner_find(&a->place_lists, a->op_list, n);
    if (place < 0)
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    if (a->place_lists.n_lists > before)
        describe(a, place, n);
    return place;
}

int32_t automaton_place_step(automaton *a, int32_t place, int32_t class) {
    int32_t **next = &a->places[place].next;
    size_t n_classes = (size_t)a->program->n_classes;
    if (!*next) {
        if (!automaton_hold(a, n_classes * sizeof **next))
            return AUTOMATON_FAILED;
        *next = base_alloc(n_classes, sizeof **next);
        if (!*next)
            return automaton_fail(a, GPTOSS_NO_MEMORY);
        for (size_t i = 0; i < n_classes; i++)
            (*next)[i] = AUTOMATON_UNKNOWN;
    }
    if ((*next)[class] != AUTOMATON_UNKNOWN)
        return (*next)[class];
    uint32_t n, n_moved = 0;
    const int32_t *list = interner_items(&a->place_lists, place, &n);
    uint8_t byte = a->program->samples[class];
    for (uint32_t i = 0; i < n; i++) {
        const op *o = &a->program->ops[list[i]];
        if (o->kind == OP_BYTE && o->low <= byte && byte <= o->high)
            a->op_list[n_moved++] = o->a;
    }
    if (!automaton_work(a, n))
        return AUTOMATON_FAILED;
    int32_t found = automaton_place(a, a->op_list, n_moved);
    if (found != AUTOMATON_FAILED)
        a->places[place].next[class] = found;
    return found;
}

// ---- calls ----------------------------------------------------------------------------------

static int32_t frame_start(automaton *a, int32_t frame) {
    int32_t *start = &a->frame_starts[frame];
    if (*start == AUTOMATON_UNKNOWN) {
        int32_t found = automaton_place(a, &a->program->frames[frame].entry, 1);
        if (found == AUTOMATON_FAILED)
            return found;
        *start = found;
    }
    return *start;
}

// Nothing but the end of its frame is left.
static bool only_ends(const automaton *a, int32_t place) {
    const place_info *info = &a->places[place];
    return info->accepts && a->place_lists.lists[place].count == 1;
}

typedef struct pending_call {
    int32_t frame, next;
} pending_call;

static int compare_calls(const void *a, const void *b) {
    const pending_call *x = a, *y = b;
    return (x->frame > y->frame) - (x->frame < y->frame);
}

// One call for each frame, returning to wherever any op that calls it does.
static bool group_calls(automaton *a, pending_call *pending, size_t n, place_call *calls,
                        uint32_t *n_calls) {
    qsort(pending, n, sizeof *pending, compare_calls);
    for (size_t i = 0; i < n;) {
        size_t n_next = 0, first = i;
        for (; i < n && pending[i].frame == pending[first].frame; i++)
            a->op_list[n_next++] = pending[i].next;
        int32_t returned = automaton_place(a, a->op_list, n_next);
        int32_t start =
            returned == AUTOMATON_FAILED ? AUTOMATON_FAILED : frame_start(a, pending[first].frame);
        if (start == AUTOMATON_FAILED)
            return false;
        if (start != AUTOMATON_DEAD && returned != AUTOMATON_DEAD)
            calls[(*n_calls)++] = (place_call){start, returned, only_ends(a, returned)};
    }
    return true;
}

bool automaton_know_calls(automaton *a, int32_t place) {
    if (a->places[place].calls_known)
        return true;
    uint32_t n, n_calls = 0;
    const int32_t *list = interner_items(&a->place_lists, place, &n);
    pending_call *pending = base_alloc(n, sizeof *pending);
    place_call *calls = base_alloc(n, sizeof *calls);
    bool done = pending && calls && automaton_hold(a, n * sizeof *calls);
    if (!pending || !calls)
        automaton_fail(a, GPTOSS_NO_MEMORY);
    if (done) {
        size_t n_pending = 0;
        for (uint32_t i = 0; i < n; i++) {
            const op *o = &a->program->ops[list[i]];
            if (o->kind == OP_CALL)
                pending[n_pending++] = (pending_call){o->a, o->b};
        }
        done = group_calls(a, pending, n_pending, calls, &n_calls);
    }
    base_free(pending);
    if (!done) {
        base_free(calls);
        return false;
    }
    place_info *info = &a->places[place];
    info->calls = calls;
    info->n_calls = n_calls;
    info->calls_known = true;
    return true;
}
