// Attention: queries, keys and values, rotary embedding, and softmax with a sink.
#include "plain/state.h"

#include <math.h>
#include <string.h>

// Turns lane i of each head with lane i + dim / 2; x [n][heads][dim]
static void rotate(const plain_pass *pass, float *x, size_t heads) {
    const plain_scratch *s = &pass->plain->scratch;
    size_t dim = pass->plain->dim, half = dim / 2;
    for (size_t i = 0; i < pass->n; i++) {
        const float *cosine = s->cos + i * half, *sine = s->sin + i * half;
        for (size_t h = 0; h < heads; h++) {
            float *head = x + (i * heads + h) * dim;
            for (size_t d = 0; d < half; d++) {
                float a = head[d], b = head[d + half];
                head[d] = a * cosine[d] - b * sine[d];
                head[d + half] = b * cosine[d] + a * sine[d];
            }
        }
    }
}

// [n][kv_heads][dim] -> [n][heads][dim] in place, from the end: every query head gets a copy of the
// head that its group shares.
static void repeat(const plain_pass *pass, float *x) {
    const plain_state *plain = pass->plain;
    size_t dim = plain->dim, group = plain->heads / plain->kv_heads;
    for (size_t i = pass->n * plain->heads; i-- > 0;)
        memmove(x + i * dim, x + i / group * dim, dim * sizeof *x);
}

// What a page holds of one layer: keys [BACKEND_PAGE][W], then values.
static float *cached(const plain_pass *pass, const plain_layer *layer, size_t position) {
    const backend_pages *pages = &pass->plain->pages;
    size_t width = pass->plain->key_heads * pass->plain->dim;
    size_t page = (size_t)pass->pages[layer->group][position / BACKEND_PAGE];
    float *content = (float *)(pages->memory[layer->group] + page * pages->bytes[layer->group]);
    return content + layer->group_index * 2 * BACKEND_PAGE * width +
           position % BACKEND_PAGE * width;
}

static size_t first_seen(const plain_pass *pass, const plain_layer *layer, size_t position) {
    size_t window = (size_t)pass->plain->config->window;
    return layer->group == BACKEND_SLIDING && position >= window ? position - window + 1 : 0;
}

// Finds each position's keys and values: with a cache in pages, where the new ones are put, without
// one among those that were just computed, which are all.
static void find_keys(const plain_pass *pass, const plain_layer *layer) {
    plain_scratch *s = &pass->plain->scratch;
    size_t width = pass->plain->key_heads * pass->plain->dim;
    if (!pass->plain->step->caches) {
        for (size_t p = 0; p < pass->n; p++) {
            s->keys[p] = s->k + p * width;
            s->values[p] = s->v + p * width;
        }
        return;
    }
    for (size_t i = 0; i < pass->n; i++) {
        float *page = cached(pass, layer, pass->first + i);
        memcpy(page, s->k + i * width, width * sizeof *page);
        memcpy(page + BACKEND_PAGE * width, s->v + i * width, width * sizeof *page);
    }
    for (size_t p = first_seen(pass, layer, pass->first); p < pass->first + pass->n; p++) {
        s->keys[p] = cached(pass, layer, p);
        s->values[p] = s->keys[p] + BACKEND_PAGE * width;
    }
}

// One query head at one position; the sink joins the softmax and has no value.
static void attend(const plain_pass *pass, const plain_layer *layer, size_t token, size_t head,
                   float sink) {
    const plain_state *plain = pass->plain;
    const plain_scratch *s = &plain->scratch;
    size_t dim = plain->dim, position = pass->first + token;
    size_t first = first_seen(pass, layer, position);
    size_t key_head = head / (plain->heads / plain->key_heads) * dim;
    const float *q = s->q + (token * plain->heads + head) * dim;
    float *out = s->attended + (token * plain->heads + head) * dim;
    float scale = 1 / sqrtf((float)dim), maximum = sink;
    for (size_t p = first; p <= position; p++) {
        s->scores[p] = plain_dot(q, s->keys[p] + key_head, dim) * scale;
        maximum = fmaxf(maximum, s->scores[p]);
    }
    float total = expf(sink - maximum);
    memset(out, 0, dim * sizeof *out);
    for (size_t p = first; p <= position; p++) {
        float weight = expf(s->scores[p] - maximum);
        total += weight;
        for (size_t d = 0; d < dim; d++)
            out[d] += weight * s->values[p][key_head + d];
    }
    for (size_t d = 0; d < dim; d++)
        out[d] /= total;
}

static void attend_all(const plain_pass *pass, const plain_layer *layer) {
    plain_state *plain = pass->plain;
    const float *sinks = plain_row(&layer->tensors[PLAIN_SINKS], 0, plain->scratch.row);
    double start = base_seconds();
    size_t seen = 0;
    for (size_t token = 0; token < pass->n; token++) {
        for (size_t head = 0; head < plain->heads; head++)
            attend(pass, layer, token, head, sinks[head]);
        size_t position = pass->first + token;
        seen += position + 1 - first_seen(pass, layer, position);
    }
    size_t first = first_seen(pass, layer, pass->first), end = pass->first + pass->n;
    plain_profile_add(plain, PLAIN_PART_ATTENTION, start,
                      (end - first) * 2 * plain->key_heads * plain->dim * sizeof(float),
                      seen * 2 * plain->heads * plain->dim);
}

void plain_attention(const plain_pass *pass, const plain_layer *layer) {
    plain_state *plain = pass->plain;
    plain_scratch *s = &plain->scratch;
    const plain_tensor *t = layer->tensors;
    plain_linear(plain, &t[PLAIN_Q], &t[PLAIN_Q_BIAS], s->normed, pass->n, s->q);
    plain_linear(plain, &t[PLAIN_K], &t[PLAIN_K_BIAS], s->normed, pass->n, s->k);
    plain_linear(plain, &t[PLAIN_V], &t[PLAIN_V_BIAS], s->normed, pass->n, s->v);
    rotate(pass, s->q, plain->heads);
    rotate(pass, s->k, plain->kv_heads);
    if (!plain->step->shares_keys) {
        repeat(pass, s->k);
        repeat(pass, s->v);
    }
    find_keys(pass, layer);
    attend_all(pass, layer);
    plain_linear(plain, &t[PLAIN_O], &t[PLAIN_O_BIAS], s->attended, pass->n, s->output);
    for (size_t i = 0; i < pass->n * plain->hidden; i++)
        s->x[i] += s->output[i];
}
