// Attention: rotary embedding, the cache, and softmax with a sink over pages of keys.
//
// Pages are met in order of position, in spans of CPU_SPAN positions: each span is summed by itself
// and added to those before it. Where pages and spans begin is the same for every query, so that a
// query's sums depend neither on the queries that are computed with it nor on who computes a span.
#include "cpu/state.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/kernels/math.h"

// Keys, then values, of one head of one layer in one page.
static uint8_t *cache_head(const cpu_state *cpu, const cpu_layer *layer, int32_t page,
                           size_t head) {
    const cpu_cache *cache = &cpu->cache;
    return cache->pages.memory[layer->group] + (size_t)page * cache->pages.bytes[layer->group] +
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

static int first_key(const cpu_state *cpu, const cpu_layer *layer, int position) {
    int window = cpu->config->window;
    return layer->group == BACKEND_SLIDING && position >= window ? position - window + 1 : 0;
}

static size_t group_heads(const cpu_state *cpu) {
    return (size_t)(cpu->config->heads / cpu->config->kv_heads);
}

// Rows of running softmaxes for a tile of queries and one key head: those of token t of the tile
// are row + t * stride .., one for each query head of the group.
typedef struct softmax_rows {
    const cpu_softmax *softmax;
    size_t row, stride;
} softmax_rows;

// A span starts as if nothing had been seen. The first one that a query sees starts with the sink,
// which joins the softmax as a key without a value.
static void begin_span(const cpu_step *step, const cpu_layer *layer, const cpu_query_tile *tile,
                       size_t head, int span, const softmax_rows *rows) {
    const cpu_state *cpu = step->cpu;
    size_t group = group_heads(cpu);
    for (size_t t = 0; t < (size_t)tile->count; t++) {
        int position = cpu->scratch.position[(size_t)tile->first + t];
        bool first = first_key(cpu, layer, position) / CPU_SPAN == span;
        size_t row = rows->row + t * rows->stride;
        for (size_t g = 0; g < group; g++) {
            rows->softmax->maximum[row + g] = first ? layer->sinks[head * group + g] : -FLT_MAX;
            rows->softmax->total[row + g] = first;
        }
        memset(rows->softmax->output + row * cpu->padded_dim, 0,
               group * cpu->padded_dim * sizeof(float));
    }
}

// Adds what `from` has seen to what `to` has seen before it.
static void merge_row(const cpu_state *cpu, const cpu_softmax *to, size_t row,
                      const cpu_softmax *from, size_t from_row) {
    float a = to->maximum[row], b = from->maximum[from_row];
    float maximum = b > a ? b : a;
    float keep = math_exp(a - maximum), add = math_exp(b - maximum);
    to->maximum[row] = maximum;
    to->total[row] = to->total[row] * keep + from->total[from_row] * add;
    float *output = to->output + row * cpu->padded_dim;
    const float *more = from->output + from_row * cpu->padded_dim;
    for (size_t d = 0; d < cpu->padded_dim; d++)
        output[d] = output[d] * keep + more[d] * add;
}

static void finish_row(const cpu_state *cpu, const cpu_softmax *softmax, size_t row, size_t token,
                       size_t query_head) {
    size_t dim = (size_t)cpu->config->head_dim;
    const cpu_inputs *attended = &cpu->scratch.attended;
    float *to = attended->f32 + token * attended->stride + query_head * dim;
    const float *from = softmax->output + row * cpu->padded_dim;
    for (size_t d = 0; d < dim; d++)
        to[d] = from[d] / softmax->total[row];
}

// One page of keys of one key head meets a tile of queries.
static void attend_page(const cpu_step *step, const cpu_layer *layer, const cpu_query_tile *tile,
                        size_t head, int page_index, const softmax_rows *rows,
                        const uint8_t *ahead) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    size_t group = group_heads(cpu);
    const int32_t *pages = step->batch->runs[tile->run].pages[layer->group];
    const uint8_t *keys = cache_head(cpu, layer, pages[page_index], head);
    int base = page_index * CPU_PAGE;
    cpu_page page = {
        .head_dim = cpu->config->head_dim,
        .padded_dim = (int)cpu->padded_dim,
        .n_heads = (int)group,
        .k = keys,
        .v = keys + cpu->cache.key_count * cpu->cache.element_bytes,
        .ahead = ahead,
    };
    for (size_t t = 0; t < (size_t)tile->count; t++) {
        size_t token = (size_t)tile->first + t, row = rows->row + t * rows->stride;
        int from = first_key(cpu, layer, s->position[token]) - base;
        int to = s->position[token] - base;
        page.first = from > 0 ? from : 0;
        page.last = to < CPU_PAGE ? to : CPU_PAGE - 1;
        if (page.first > page.last)
            continue;
        page.q = s->qkv + token * (cpu->q_width + 2 * cpu->kv_width) +
                 head * group * (size_t)cpu->config->head_dim;
        page.maximum = rows->softmax->maximum + row;
        page.total = rows->softmax->total + row;
        page.output = rows->softmax->output + row * cpu->padded_dim;
        if (cpu->precision == BACKEND_EXACT)
            cpu->kernels.attend_f32(&page);
        else
            cpu->kernels.attend_bf16(&page);
        page.ahead = NULL;
    }
}

// The pages of one span for `count` key heads from `head` on; their rows lie next to each other.
// Pages are in the outer loop: the heads of a page lie together in memory.
static void attend_span(const cpu_step *step, const cpu_layer *layer, const cpu_query_tile *tile,
                        size_t head, size_t count, int span, const softmax_rows *rows) {
    const cpu_state *cpu = step->cpu;
    const int32_t *pages = step->batch->runs[tile->run].pages[layer->group];
    int begin = first_key(cpu, layer, cpu->scratch.position[tile->first]) / CPU_PAGE;
    int end = (cpu->scratch.position[tile->first] + tile->count - 1) / CPU_PAGE;
    int first = span * CPU_SPAN / CPU_PAGE, last = first + CPU_SPAN / CPU_PAGE - 1;
    first = begin > first ? begin : first;
    last = end < last ? end : last;
    for (size_t h = 0; h < count; h++) {
        softmax_rows own = *rows;
        own.row += h * group_heads(cpu);
        begin_span(step, layer, tile, head + h, span, &own);
    }
    for (int p = first; p <= last; p++) {
        for (size_t h = 0; h < count; h++) {
            softmax_rows own = *rows;
            own.row += h * group_heads(cpu);
            const uint8_t *ahead = NULL;
            if (h + 1 < count)
                ahead = cache_head(cpu, layer, pages[p], head + h + 1);
            else if (p < last)
                ahead = cache_head(cpu, layer, pages[p + 1], head);
            attend_page(step, layer, tile, head + h, p, &own, ahead);
        }
    }
}

// One tile and one key head, span after span.
void cpu_attend(const cpu_step *step, int layer_index, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_layer *layer = &cpu->layers[layer_index];
    const cpu_scratch *s = &cpu->scratch;
    size_t head = item % (size_t)cpu->config->kv_heads, group = group_heads(cpu);
    const cpu_query_tile *tile = &s->tiles[item / (size_t)cpu->config->kv_heads];
    int begin = first_key(cpu, layer, s->position[tile->first]) / CPU_SPAN;
    int end = (s->position[tile->first] + tile->count - 1) / CPU_SPAN;
    softmax_rows whole = {&thread->softmax, 0, group}, part = {&thread->part, 0, group};
    attend_span(step, layer, tile, head, 1, begin, &whole);
    for (int span = begin + 1; span <= end; span++) {
        attend_span(step, layer, tile, head, 1, span, &part);
        for (size_t i = 0; i < (size_t)tile->count * group; i++) {
            int position = s->position[(size_t)tile->first + i / group];
            if (position / CPU_SPAN < span)
                continue; // sees nothing of it
            if (first_key(cpu, layer, position) / CPU_SPAN == span)
                whole.softmax->total[i] = 0; // saw nothing before it
            merge_row(cpu, whole.softmax, i, part.softmax, i);
        }
    }
    for (size_t i = 0; i < (size_t)tile->count * group; i++)
        finish_row(cpu, whole.softmax, i, (size_t)tile->first + i / group,
                   head * group + i % group);
}

// ---- few queries, many keys: spans are computed by themselves ----------------------------------

bool cpu_splits(const cpu_step *step, int layer) {
    return step->n <= CPU_SPLIT_TOKENS && step->n_spans > 1 &&
           step->cpu->layers[layer].group == BACKEND_FULL;
}

// Key heads of one piece of work: all of them where there are enough spans for every thread.
static size_t split_heads(const cpu_step *step) {
    size_t heads = (size_t)step->cpu->config->kv_heads, chunks = 1;
    while (chunks < heads &&
           step->n_tiles * step->n_spans * chunks < CPU_SPLIT_PIECES * (size_t)step->cpu->n_threads)
        chunks++;
    return (heads + chunks - 1) / chunks;
}

static size_t split_chunks(const cpu_step *step) {
    size_t heads = (size_t)step->cpu->config->kv_heads, each = split_heads(step);
    return (heads + each - 1) / each;
}

size_t cpu_split_items(const cpu_step *step) {
    return step->n_tiles * step->n_spans * split_chunks(step);
}

static size_t split_row(const cpu_step *step, size_t token, size_t span, size_t head) {
    size_t heads = (size_t)step->cpu->config->heads;
    return (token * step->cpu->max_spans + span) * heads + head * group_heads(step->cpu);
}

void cpu_attend_split(const cpu_step *step, int layer_index, size_t item) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    size_t chunks = split_chunks(step), each = split_heads(step);
    size_t head = item % chunks * each, span = item / chunks % step->n_spans;
    size_t heads = (size_t)cpu->config->kv_heads;
    const cpu_query_tile *tile = &s->tiles[item / chunks / step->n_spans];
    if ((size_t)(s->position[tile->first] + tile->count - 1) / CPU_SPAN < span)
        return;
    softmax_rows rows = {&s->spans, split_row(step, (size_t)tile->first, span, head),
                         cpu->max_spans * (size_t)cpu->config->heads};
    attend_span(step, &cpu->layers[layer_index], tile, head,
                heads - head < each ? heads - head : each, (int)span, &rows);
}

void cpu_merge_split(const cpu_step *step, size_t item) {
    const cpu_state *cpu = step->cpu;
    const cpu_softmax *spans = &cpu->scratch.spans;
    size_t heads = (size_t)cpu->config->kv_heads, group = group_heads(cpu);
    size_t token = item / heads, head = item % heads;
    size_t end = (size_t)cpu->scratch.position[token] / CPU_SPAN;
    for (size_t g = 0; g < group; g++) {
        size_t row = split_row(step, token, 0, head) + g;
        for (size_t span = 1; span <= end; span++)
            merge_row(cpu, spans, row, spans, split_row(step, token, span, head) + g);
        finish_row(cpu, spans, row, token, head * group + g);
    }
}
