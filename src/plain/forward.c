// One forward pass over one sequence: embedding, layers, unembedding.
#include "plain/state.h"

#include <math.h>
#include <string.h>

float plain_dot(const float *a, const float *b, size_t n) {
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

void plain_linear(plain_state *plain, const plain_tensor *weight, const plain_tensor *bias,
                  const float *x, size_t n, float *out) {
    const plain_scratch *s = &plain->scratch;
    const float *add = bias && bias->rows ? plain_row(bias, 0, s->bias) : NULL;
    double start = base_seconds();
    for (size_t r = 0; r < weight->rows; r++) {
        const float *row = plain_row(weight, r, s->row);
        for (size_t i = 0; i < n; i++)
            out[i * weight->rows + r] =
                plain_dot(row, x + i * weight->columns, weight->columns) + (add ? add[r] : 0);
    }
    plain_profile_add(plain, weight->part, start, plain_tensor_bytes(weight),
                      n * weight->rows * weight->columns);
}

// to = from / rms(from) * weight, one token
static void norm(const plain_state *plain, const float *weight, const float *from, float *to) {
    size_t hidden = plain->hidden;
    float mean = plain_dot(from, from, hidden) / (float)hidden;
    float scale = 1 / sqrtf(mean + plain->config->rms_eps);
    for (size_t i = 0; i < hidden; i++)
        to[i] = from[i] * scale * weight[i];
}

static void norm_all(const plain_pass *pass, const plain_tensor *tensor) {
    const plain_scratch *s = &pass->plain->scratch;
    const float *weight = plain_row(tensor, 0, s->row);
    size_t hidden = pass->plain->hidden;
    for (size_t i = 0; i < pass->n; i++)
        norm(pass->plain, weight, s->x + i * hidden, s->normed + i * hidden);
}

// ids -> scratch.x behind the last layer
static void compute(const plain_pass *pass) {
    plain_state *plain = pass->plain;
    plain_scratch *s = &plain->scratch;
    model_rope_table(&plain->rope, (int)pass->first, (int)pass->n, s->cos, s->sin);
    for (size_t i = 0; i < pass->n; i++) {
        const float *row = plain_row(&plain->embedding, (size_t)pass->ids[i], s->row);
        memcpy(s->x + i * plain->hidden, row, plain->hidden * sizeof *row);
    }
    for (int i = 0; i < plain->config->layers; i++) {
        const plain_layer *layer = &plain->layers[i];
        norm_all(pass, &layer->tensors[PLAIN_ATTENTION_NORM]);
        plain_attention(pass, layer);
        norm_all(pass, &layer->tensors[PLAIN_MLP_NORM]);
        plain_experts(pass, layer);
    }
}

// Without a cache, a page holds the ids of its positions.
static int32_t *cached_id(const plain_state *plain, const backend_run *run, size_t position) {
    const backend_pages *pages = &plain->pages;
    size_t page = (size_t)run->pages[BACKEND_FULL][position / BACKEND_PAGE];
    return (int32_t *)(pages->memory[BACKEND_FULL] + page * pages->bytes[BACKEND_FULL]) +
           position % BACKEND_PAGE;
}

// What has to be computed of a run: with a cache its tokens, without one all up to them, and
// nothing where no logits are wanted.
static plain_pass prepare(plain_state *plain, const backend_batch *batch, const backend_run *run,
                          int32_t n_rows) {
    size_t first = (size_t)run->position, count = (size_t)run->count;
    const int32_t *ids = batch->ids + run->first;
    if (plain->step->caches)
        return (plain_pass){plain, ids, count, first, run->pages};
    for (size_t i = 0; i < count; i++)
        *cached_id(plain, run, first + i) = ids[i];
    size_t n = n_rows > 0 ? first + count : 0;
    for (size_t p = 0; p < n; p++)
        plain->scratch.ids[p] = *cached_id(plain, run, p);
    return (plain_pass){plain, plain->scratch.ids, n, 0, run->pages};
}

// Logits of tokens rows[n_rows] of the run; logits [n_rows][V]
static void unembed(const plain_pass *pass, const backend_run *run, const int32_t *rows,
                    int32_t n_rows, float *logits) {
    plain_state *plain = pass->plain;
    plain_scratch *s = &plain->scratch;
    const float *weight = plain_row(&plain->final_norm, 0, s->row);
    for (int32_t i = 0; i < n_rows; i++) {
        size_t position = (size_t)(run->position + rows[i] - run->first);
        norm(plain, weight, s->x + (position - pass->first) * plain->hidden,
             s->normed + (size_t)i * plain->hidden);
    }
    const plain_tensor *last = plain->unembedding.rows ? &plain->unembedding : &plain->embedding;
    plain_linear(plain, last, NULL, s->normed, (size_t)n_rows, logits);
}

gptoss_status plain_forward(void *handle, const backend_batch *batch, float *logits,
                            gptoss_error *error) {
    plain_state *plain = handle;
    gptoss_status status =
        backend_check_batch(&plain->options, plain->config, &plain->pages, batch, error);
    if (status)
        return status;
    plain_profile_begin(plain, batch);
    int32_t row = 0; // the next one that is asked for
    for (int32_t i = 0; i < batch->n_runs; i++) {
        const backend_run *run = &batch->runs[i];
        int32_t begin = row;
        while (row < batch->n_rows && batch->rows[row] < run->first + run->count)
            row++;
        plain_pass pass = prepare(plain, batch, run, row - begin);
        if (pass.n == 0)
            continue;
        compute(&pass);
        if (row > begin)
            unembed(&pass, run, batch->rows + begin, row - begin,
                    logits + (size_t)begin * (size_t)plain->config->vocabulary);
    }
    plain_profile_end(plain);
    return GPTOSS_OK;
}
