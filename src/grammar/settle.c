// What is done to a program after it was written: dead ends removed, calls that match nothing given
// a way around, left recursion turned into loops.
#include <string.h>

#include "grammar/array.h"
#include "grammar/program.h"

typedef struct ints {
    int32_t *data;
    size_t count, capacity;
} ints;

static bool push(ints *list, int32_t value) {
    if (!ARRAY_RESERVE(list->data, list->capacity, list->count + 1))
        return false;
    list->data[list->count++] = value;
    return true;
}

// ---- what reaches a frame's end -------------------------------------------------------------

// The ops whose reaching decides whether this one does; a call needs both.
static int successors(const program *p, const op *o, bool through_bytes, int32_t out[2]) {
    switch ((op_kind)o->kind) {
    case OP_BYTE:
        out[0] = o->a;
        return through_bytes;
    case OP_SPLIT:
        out[0] = o->a;
        out[1] = o->b;
        return 2;
    case OP_CALL:
        out[0] = p->frames[o->a].entry;
        out[1] = o->b;
        return 2;
    default:
        return 0;
    }
}

// Marks the ops from which the end of their frame is reached, with bytes or without any, going
// backwards from the ends. pending and first are scratch: [n_ops], [n_ops + 1]; before: [2 n_ops].
static void spread(const program *p, bool through_bytes, bool *reaches, int32_t *pending,
                   int32_t *first, int32_t *before) {
    int32_t next[2];
    size_t n_pending = 0;
    memset(first, 0, (p->n_ops + 1) * sizeof *first);
    for (size_t i = 0; i < p->n_ops; i++) {
        for (int n = successors(p, &p->ops[i], through_bytes, next); n > 0; n--)
            first[next[n - 1]]++;
    }
    for (size_t i = 1; i <= p->n_ops; i++)
        first[i] += first[i - 1];
    // Filled from the end of each op's part, so that first[] ends up at the beginnings.
    for (size_t i = 0; i < p->n_ops; i++) {
        for (int n = successors(p, &p->ops[i], through_bytes, next); n > 0; n--)
            before[--first[next[n - 1]]] = (int32_t)i;
        reaches[i] = p->ops[i].kind == OP_ACCEPT;
        if (reaches[i])
            pending[n_pending++] = (int32_t)i;
    }
    while (n_pending) {
        int32_t at = pending[--n_pending];
        for (int32_t i = first[at]; i < first[at + 1]; i++) {
            const op *o = &p->ops[before[i]];
            bool both = o->kind != OP_CALL || (reaches[p->frames[o->a].entry] && reaches[o->b]);
            if (both && !reaches[before[i]]) {
                reaches[before[i]] = true;
                pending[n_pending++] = before[i];
            }
        }
    }
}

// Gives calls that may match nothing a way around; false when memory is short or ops are too many.
static bool bypass(program *p, const bool *empty) {
    for (size_t i = 0, n = p->n_ops; i < n; i++) {
        op o = p->ops[i];
        if (o.kind != OP_CALL || !empty[p->frames[o.a].entry])
            continue;
        int32_t copy = program_add(p, o);
        if (copy < 0)
            return false;
        p->ops[i] = (op){.kind = OP_SPLIT, .a = copy, .b = o.b};
    }
    return true;
}

static gptoss_status prune(program *p, gptoss_error *error) {
    bool *reaches = base_alloc(p->n_ops, sizeof *reaches);
    int32_t *pending = base_alloc(p->n_ops, sizeof *pending);
    int32_t *first = base_alloc(p->n_ops + 1, sizeof *first);
    int32_t *before = base_alloc(p->n_ops, 2 * sizeof *before);
    gptoss_status status = GPTOSS_OK;
    if (!reaches || !pending || !first || !before) {
        status = base_fail_memory(error, p->n_ops * sizeof *before);
        goto done;
    }
    spread(p, true, reaches, pending, first, before);
    for (size_t i = 0; i < p->n_ops; i++) {
        if (!reaches[i])
            p->ops[i] = (op){.kind = OP_DEAD};
    }
    if (!reaches[p->frames[0].entry]) {
        status = base_fail(error, GPTOSS_BAD_INPUT, "no text can hold to this grammar");
        goto done;
    }
    spread(p, false, reaches, pending, first, before);
    p->takes_empty = reaches[p->frames[0].entry];
    if (!bypass(p, reaches))
        status = base_fail(error, GPTOSS_UNSUPPORTED, "the grammar is too large");

done:
    base_free(reaches);
    base_free(pending);
    base_free(first);
    base_free(before);
    return status;
}

// ---- left recursion -------------------------------------------------------------------------

typedef struct opening {
    int32_t frame;
    bool *seen;   // [n_ops]
    ints pending; // ops to look at
    ints leaves;  // bytes, and calls of other frames, that the frame may begin with
    ints targets; // what follows its calls of itself
    bool empty;   // its end is among what it may begin with
} opening;

static bool look_at(const program *p, opening *o, int32_t at) {
    if (o->seen[at])
        return true;
    o->seen[at] = true;
    const op *here = &p->ops[at];
    switch ((op_kind)here->kind) {
    case OP_SPLIT:
        return push(&o->pending, here->b) && push(&o->pending, here->a);
    case OP_BYTE:
        return push(&o->leaves, at);
    case OP_CALL:
        return push(here->a == o->frame ? &o->targets : &o->leaves,
                    here->a == o->frame ? here->b : at);
    case OP_ACCEPT:
        o->empty = true;
        return true;
    case OP_DEAD:
        return true;
    }
    return true;
}

// Finds what a frame may begin with. Where the frame may be empty, so may the part of it that a
// call of itself stands for: then it may also begin with what follows such a call.
static bool open_frame(const program *p, opening *o) {
    size_t followed = 0;
    if (!push(&o->pending, p->frames[o->frame].entry))
        return false;
    for (;;) {
        while (o->pending.count) {
            if (!look_at(p, o, o->pending.data[--o->pending.count]))
                return false;
        }
        if (!o->empty || followed == o->targets.count)
            return true;
        if (!push(&o->pending, o->targets.data[followed++]))
            return false;
    }
}

// An op that leads to each of a list; -1 when there is no room.
static int32_t any_of(program *p, const ints *list) {
    int32_t all = list->count ? list->data[list->count - 1] : program_add(p, (op){.kind = OP_DEAD});
    for (size_t i = list->count; i-- > 1 && all >= 0;)
        all = program_add(p, (op){.kind = OP_SPLIT, .a = list->data[i - 1], .b = all});
    return all;
}

// A = A x | y becomes y x x ...: the call of itself goes away, and the frame's end leads also to
// what followed the call.
static bool rewrite_frame(program *p, opening *o) {
    program_frame *frame = &p->frames[o->frame];
    int32_t begin = any_of(p, &o->leaves);
    if (begin < 0)
        return false;
    p->ops[frame->entry] = (op){.kind = OP_SPLIT, .a = begin, .b = o->empty ? frame->exit : begin};
    frame->entry = begin;
    if (!o->targets.count)
        return true;
    int32_t again = any_of(p, &o->targets);
    int32_t end = again < 0 ? -1 : program_add(p, (op){.kind = OP_ACCEPT});
    if (end < 0)
        return false;
    p->ops[frame->exit] = (op){.kind = OP_SPLIT, .a = end, .b = again};
    return true;
}

// Whether frames begin with each other in a circle. The edges of frame f are edges[first[f]] and
// on, up to a -1; first moves along as they are followed. Depth first, with the way here in `path`.
static bool has_circle(const ints *edges, size_t *first, size_t n_frames, uint8_t *state,
                       int32_t *path) {
    for (size_t start = 0; start < n_frames; start++) {
        size_t depth = 0;
        if (state[start])
            continue;
        state[start] = 1;
        path[depth++] = (int32_t)start;
        while (depth) {
            int32_t at = path[depth - 1];
            int32_t to = edges->data[first[at]];
            if (to < 0) {
                state[at] = 2;
                depth--;
                continue;
            }
            first[at]++;
            if (state[to] == 1)
                return true;
            if (state[to] == 0) {
                state[to] = 1;
                path[depth++] = to;
            }
        }
    }
    return false;
}

static gptoss_status unwind(program *p, gptoss_error *error) {
    size_t n_frames = p->n_frames;
    bool circle = false, done = false;
    opening o = {.seen = base_alloc_zero(p->n_ops, sizeof *o.seen)};
    ints edges = {0};
    size_t *first = base_alloc(n_frames, sizeof *first);
    uint8_t *state = base_alloc_zero(n_frames, 1);
    int32_t *path = base_alloc(n_frames, sizeof *path);
    if (!o.seen || !first || !state || !path)
        goto done;
    for (size_t f = 0; f < n_frames; f++) {
        o.frame = (int32_t)f;
        o.leaves.count = o.targets.count = 0;
        o.empty = false;
        first[f] = edges.count;
        if (!open_frame(p, &o))
            goto done;
        for (size_t i = 0; i < o.leaves.count; i++) {
            const op *leaf = &p->ops[o.leaves.data[i]];
            if (leaf->kind == OP_CALL && !push(&edges, leaf->a))
                goto done;
        }
        // Ops that this adds belong to no other frame, so that `seen` need not grow.
        if (!push(&edges, -1) || !rewrite_frame(p, &o))
            goto done;
    }
    done = true;
    circle = has_circle(&edges, first, n_frames, state, path);

done:
    base_free(o.seen);
    base_free(o.pending.data);
    base_free(o.leaves.data);
    base_free(o.targets.data);
    base_free(edges.data);
    base_free(first);
    base_free(state);
    base_free(path);
    if (circle)
        return base_fail(error, GPTOSS_UNSUPPORTED,
                         "left recursion through several rules: a rule begins with another that "
                         "begins with it");
    return done ? GPTOSS_OK : base_fail_memory(error, p->n_ops * sizeof(op));
}

gptoss_status program_settle(program *p, gptoss_error *error) {
    gptoss_status status = prune(p, error);
    return status ? status : unwind(p, error);
}
