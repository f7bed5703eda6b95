// Attention: rotary embedding, the cache, and softmax with a sink over pages of keys.
//
// Pages are met in order of position, and where one begins is the same for every query, so that a
// query's sums do not depend on which queries are computed with it.
#include "cpu/state.h"

#include <math.h>
#include <string.h>

// Keys, then values, of one head of one layer in one page.
static uint8_t *cache_head(const cpu_state *cpu, const cpu_layer *layer, int32_t page,
                           size_t head) {
    const cpu_cache *cache = &cpu->cache;
    return cache->pages[layer->group] + (size_t)page * cache->page_bytes[layer->group] +
           (layer->group_index * (size_t)cpu->config->kv_heads + head) * cache->head_bytes;
}

static void rotate(float *x, size_t half, const float *cosine, const float *sine, float scale) {
    for (size_t i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];
        x[i] = (a * cosine[i] - b * sine[i]) * scale;
        x[i + half] = (b * cosine[i] + a * sine[i]) * scale;
    }
}

static void store_head(const cpu_state *cpu, uint8_t *head, size_t at, const float *k,
                       const float *v) {
    size_t dim = (size_t)cpu->config->head_dim, padded = cpu->padded_dim;
    if (cpu->precision == BACKEND_EXACT) {
        float *keys = (float *)head, *values = keys + cpu->cache.key_count + at * padded;
        for (size_t d = 0; d < dim; d++)
            keys[d * CPU_PAGE + at] = k[d];
        memcpy(values, v, dim * sizeof *v);
        memset(values + dim, 0, (padded - dim) * sizeof *values);
        return;
    }
    uint16_t *keys = (uint16_t *)head, *values = keys + cpu->cache.key_count + at * padded;
    uint16_t rounded[MODEL_MAX_HEAD_DIM];
    cpu->kernels.encode_bf16(k, dim, rounded);
    for (size_t d = 0; d < dim; d++)
        keys[d * CPU_PAGE + at] = rounded[d];
    cpu->kernels.encode_bf16(v, dim, values);
    memset(values + dim, 0, (padded - dim) * sizeof *values);
}

static const backend_run *run_of(const backend_batch *batch, int32_t token) {
    int32_t low = 0, high = batch->n_runs - 1; // the last run that begins at or before token
    while (low < high) {
        int32_t middle = (low + high + 1) / 2;
        if (batch->runs[middle].first <= token)
            low = middle;
        else
            high = middle - 1;
    }
    return &batch->runs[low];
}

void cpu_rope_and_store(const cpu_step *step, int layer_index, size_t token) {
    const cpu_state *cpu = step->cpu;
    const cpu_layer *layer = &cpu->layers[layer_index];
    const cpu_scratch *s = &cpu->scratch;
    size_t dim = (size_t)cpu->config->head_dim, half = dim / 2;
    const float *cosine = s->cos + token * half, *sine = s->sin + token * half;
    float *q = s->qkv + token * (cpu->q_width + 2 * cpu->kv_width);
    float *k = q + cpu->q_width, *v = k + cpu->kv_width;
    float scale = 1.0f / sqrtf((float)dim);
    for (size_t h = 0; h < (size_t)cpu->config->heads; h++)
        rotate(q + h * dim, half, cosine, sine, scale);
    int32_t position = s->position[token];
    int32_t page = run_of(step->batch, (int32_t)token)->pages[layer->group][position / CPU_PAGE];
    for (size_t h = 0; h < (size_t)cpu->config->kv_heads; h++) {
        rotate(k + h * dim, half, cosine, sine, 1);
        store_head(cpu, cache_head(cpu, layer, page, h), (size_t)(position % CPU_PAGE), k + h * dim,
                   v + h * dim);
    }
}

// The sink joins the softmax as a first key without a value.
static void start(const cpu_state *cpu, const cpu_layer *layer, size_t head, size_t count,
                  cpu_thread *thread) {
    size_t group = (size_t)(cpu->config->heads / cpu->config->kv_heads);
    for (size_t i = 0; i < count * group; i++) {
        thread->maximum[i] = layer->sinks[head * group + i % group];
        thread->total[i] = 1;
    }
    memset(thread->output, 0, count * group * cpu->padded_dim * sizeof(float));
}

static void finish(const cpu_state *cpu, const cpu_query_tile *tile, size_t head,
                   cpu_thread *thread) {
    size_t dim = (size_t)cpu->config->head_dim;
    size_t group = (size_t)(cpu->config->heads / cpu->config->kv_heads);
    const cpu_inputs *attended = &cpu->scratch.attended;
    for (size_t i = 0; i < (size_t)tile->count * group; i++) {
        size_t token = (size_t)tile->first + i / group;
        float *to = attended->f32 + token * attended->stride + (head * group + i % group) * dim;
        const float *from = thread->output + i * cpu->padded_dim;
        for (size_t d = 0; d < dim; d++)
            to[d] = from[d] / thread->total[i];
    }
}

static int first_key(const cpu_state *cpu, const cpu_layer *layer, int position) {
    int window = cpu->config->window;
    return layer->group == BACKEND_SLIDING && position >= window ? position - window + 1 : 0;
}

void cpu_attend(const cpu_step *step, int layer_index, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_layer *layer = &cpu->layers[layer_index];
    const cpu_scratch *s = &cpu->scratch;
    size_t head = item % (size_t)cpu->config->kv_heads;
    const cpu_query_tile *tile = &s->tiles[item / (size_t)cpu->config->kv_heads];
    size_t group = (size_t)(cpu->config->heads / cpu->config->kv_heads);
    const int32_t *pages = step->batch->runs[tile->run].pages[layer->group];
    int begin = first_key(cpu, layer, s->position[tile->first]);
    int end = s->position[tile->first] + tile->count - 1;
    cpu_page page = {.head_dim = cpu->config->head_dim,
                     .padded_dim = (int)cpu->padded_dim,
                     .n_heads = (int)group};
    void (*attend)(const cpu_page *) =
        cpu->precision == BACKEND_EXACT ? cpu->kernels.attend_f32 : cpu->kernels.attend_bf16;
    start(cpu, layer, head, (size_t)tile->count, thread);
    for (int p = begin / CPU_PAGE; p <= end / CPU_PAGE; p++) {
        int base = p * CPU_PAGE;
        const uint8_t *keys = cache_head(cpu, layer, pages[p], head);
        page.k = keys;
        page.v = keys + cpu->cache.key_count * cpu->cache.element_bytes;
        for (int t = 0; t < tile->count; t++) {
            size_t token = (size_t)(tile->first + t);
            int from = first_key(cpu, layer, s->position[token]) - base;
            int to = s->position[token] - base;
            page.first = from > 0 ? from : 0;
            page.last = to < CPU_PAGE ? to : CPU_PAGE - 1;
            if (page.first > page.last)
                continue;
            size_t row = (size_t)t * group;
            page.q = s->qkv + token * (cpu->q_width + 2 * cpu->kv_width) +
                     head * group * (size_t)cpu->config->head_dim;
            page.maximum = thread->maximum + row;
            page.total = thread->total + row;
            page.output = thread->output + row * cpu->padded_dim;
            attend(&page);
        }
    }
    finish(cpu, tile, head, thread);
}
