// Working memory: counted and laid out by the same code.
#include "plain/state.h"

typedef struct arena {
    uint8_t *base; // NULL: only count
    size_t used;
} arena;

static void *take(arena *a, size_t count, size_t size) {
    // model.h and the backend's options bound every factor: the sum stays below 2^63.
    enum { ALIGNMENT = 64 };
    size_t at = a->used;
    a->used += (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return a->base ? a->base + at : NULL;
}

static float *floats(arena *a, size_t rows, size_t columns) {
    return take(a, rows * columns, sizeof(float));
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t longest_row(const plain_state *plain) {
    size_t attention = larger(plain->heads * plain->dim, plain->hidden);
    return larger(larger(attention, 2 * plain->intermediate), plain->experts);
}

size_t plain_lay_out(plain_state *plain, uint8_t *base) {
    arena a = {.base = base};
    plain_scratch *s = &plain->scratch;
    size_t context = (size_t)plain->options.max_context, longest = longest_row(plain);
    size_t n = plain->step->caches ? (size_t)plain->options.max_tokens : context;
    size_t q = plain->heads * plain->dim, w = plain->key_heads * plain->dim;
    s->ids = take(&a, n, sizeof *s->ids);
    s->x = floats(&a, n, plain->hidden);
    s->normed = floats(&a, n, plain->hidden);
    s->q = floats(&a, n, q);
    s->attended = floats(&a, n, q);
    s->k = floats(&a, n, w);
    s->v = floats(&a, n, w);
    s->keys = take(&a, context, sizeof *s->keys);
    s->values = take(&a, context, sizeof *s->values);
    s->scores = floats(&a, context, 1);
    s->cos = floats(&a, n, plain->dim / 2);
    s->sin = floats(&a, n, plain->dim / 2);
    s->router = floats(&a, n, plain->experts);
    s->chosen = take(&a, n * plain->top_k, sizeof *s->chosen);
    s->share = floats(&a, n, plain->top_k);
    s->member = take(&a, n, sizeof *s->member);
    s->input = floats(&a, n, plain->hidden);
    s->gate_up = floats(&a, n, 2 * plain->intermediate);
    s->hidden = floats(&a, n, plain->intermediate);
    s->output = floats(&a, n, plain->hidden);
    s->mixed = floats(&a, n * plain->top_k, plain->hidden);
    s->row = floats(&a, longest, 1);
    s->bias = floats(&a, longest, 1);
    return a.used;
}
