// Every byte that the backend will allocate, counted and laid out by the same code.
#include "cpu/state.h"

enum { ALIGNMENT = 64 };

void *cpu_arena_take(cpu_arena *arena, size_t count, size_t size) {
    // model.h bounds every dimension and open bounds max_tokens: products stay far below 2^63.
    size_t at = arena->used;
    arena->used += cpu_round_up(count * size, ALIGNMENT);
    return arena->base ? arena->base + at : NULL;
}

static float *take_floats(cpu_arena *arena, size_t count) {
    return cpu_arena_take(arena, count, sizeof(float));
}

static void plan_matrix(const cpu_state *cpu, cpu_arena *arena, cpu_matrix *matrix,
                        size_t columns) {
    size_t rows = 0;
    for (int i = 0; i < CPU_MATRIX_PARTS; i++)
        rows += matrix->part[i].rows;
    matrix->rows = rows;
    matrix->columns = columns;
    size_t panels = cpu_round_up(rows, CPU_PANEL) / CPU_PANEL;
    size_t blocks = cpu_round_up(columns, CPU_BLOCK) / CPU_BLOCK;
    matrix->bias = take_floats(arena, panels * CPU_PANEL);
    if (cpu->precision == BACKEND_FAST) {
        matrix->codes = cpu_arena_take(arena, panels * blocks, CPU_PANEL * CPU_BLOCK);
        matrix->scales = cpu_arena_take(arena, panels * blocks, CPU_PANEL * sizeof(uint16_t));
    }
}

void cpu_plan_weights(cpu_state *cpu, cpu_arena *arena) {
    const model_config *config = cpu->config;
    size_t hidden = (size_t)config->hidden;
    size_t in_group[BACKEND_GROUPS] = {0};
    for (int i = 0; i < config->layers; i++) {
        cpu_layer *layer = &cpu->layers[i];
        const model_layer *stored = &cpu->weights->layers[i];
        layer->stored = stored;
        layer->group = config->is_sliding[i] ? BACKEND_SLIDING : BACKEND_FULL;
        layer->group_index = in_group[layer->group]++;
        layer->qkv.part[0].weight = stored->q_weight, layer->qkv.part[0].bias = stored->q_bias;
        layer->qkv.part[1].weight = stored->k_weight, layer->qkv.part[1].bias = stored->k_bias;
        layer->qkv.part[2].weight = stored->v_weight, layer->qkv.part[2].bias = stored->v_bias;
        layer->qkv.part[0].rows = cpu->q_width;
        layer->qkv.part[1].rows = layer->qkv.part[2].rows = cpu->kv_width;
        plan_matrix(cpu, arena, &layer->qkv, hidden);
        layer->o.part[0].weight = stored->o_weight, layer->o.part[0].bias = stored->o_bias;
        layer->o.part[0].rows = hidden;
        plan_matrix(cpu, arena, &layer->o, cpu->q_width);
        layer->attention_norm = take_floats(arena, hidden);
        layer->mlp_norm = take_floats(arena, hidden);
        layer->sinks = take_floats(arena, (size_t)config->heads);
        layer->router = take_floats(arena, (size_t)config->experts * hidden);
        layer->router_bias = take_floats(arena, (size_t)config->experts);
    }
    cpu->final_norm = take_floats(arena, hidden);
    cpu->unembedding.part[0].weight = cpu->weights->unembedding;
    cpu->unembedding.part[0].rows = (size_t)config->vocabulary;
    plan_matrix(cpu, arena, &cpu->unembedding, hidden);
}

static void plan_inputs(const cpu_state *cpu, cpu_arena *arena, cpu_inputs *inputs, size_t rows,
                        size_t columns, bool keep_floats) {
    size_t blocks = cpu_round_up(columns, CPU_BLOCK) / CPU_BLOCK;
    bool fast = cpu->precision == BACKEND_FAST;
    inputs->stride = blocks * CPU_BLOCK;
    if (keep_floats || !fast)
        inputs->f32 = take_floats(arena, rows * inputs->stride);
    if (fast) {
        cpu_q8_rows *q8 = &inputs->q8;
        q8->groups = cpu_round_up(blocks, CPU_GROUP) / CPU_GROUP;
        q8->codes = cpu_arena_take(arena, rows * q8->groups, CPU_GROUP_BYTES);
        q8->scales = take_floats(arena, rows * q8->groups * CPU_GROUP);
        q8->q8_starts = cpu_arena_take(arena, rows * q8->groups * CPU_GROUP, sizeof(int32_t));
        q8->mx_starts = cpu_arena_take(arena, rows * q8->groups * CPU_GROUP, sizeof(int32_t));
        q8->mx_pair_starts = cpu_arena_take(arena, rows * q8->groups * CPU_GROUP, sizeof(int32_t));
    }
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static cpu_softmax take_softmax(const cpu_state *cpu, cpu_arena *arena, size_t rows) {
    cpu_softmax softmax = {.maximum = take_floats(arena, rows)};
    softmax.total = take_floats(arena, rows);
    softmax.output = take_floats(arena, rows * cpu->padded_dim);
    return softmax;
}

static void plan_thread(const cpu_state *cpu, cpu_arena *arena, cpu_thread *thread) {
    const model_config *config = cpu->config;
    size_t width = larger((size_t)config->hidden, (size_t)config->intermediate);
    size_t group = (size_t)(config->heads / config->kv_heads);
    cpu_thread t = {.tile = take_floats(arena, (size_t)CPU_TOKEN_TILE * CPU_EXPERT_ROWS)};
    if (cpu->precision == BACKEND_FAST) {
        t.panel_codes = cpu_arena_take(arena, 2 * width, CPU_PANEL);
        t.panel_scales = cpu_arena_take(arena, 2 * width / CPU_BLOCK, CPU_PANEL * sizeof(uint16_t));
    } else {
        t.weight_rows = take_floats(arena, CPU_EXACT_ROWS * larger(width, cpu->q_width));
    }
    t.softmax = take_softmax(cpu, arena, CPU_QUERY_TILE * group);
    t.part = take_softmax(cpu, arena, CPU_QUERY_TILE * group);
    if (arena->base)
        *thread = t;
}

void cpu_plan_scratch(cpu_state *cpu, cpu_arena *arena) {
    const model_config *config = cpu->config;
    cpu_scratch *s = &cpu->scratch;
    size_t n = (size_t)cpu->max_tokens, hidden = (size_t)config->hidden;
    size_t entries = n * (size_t)config->experts_per_token, experts = (size_t)config->experts;
    s->x = take_floats(arena, n * hidden);
    plan_inputs(cpu, arena, &s->norm, n, hidden, true);
    s->qkv = take_floats(arena, n * (cpu->q_width + 2 * cpu->kv_width));
    plan_inputs(cpu, arena, &s->attended, n, cpu->q_width, true);
    s->cos = take_floats(arena, n * (size_t)cpu->rope.half);
    s->sin = take_floats(arena, n * (size_t)cpu->rope.half);
    s->router = take_floats(arena, n * experts);
    s->chosen = cpu_arena_take(arena, entries, sizeof(int32_t));
    s->share = take_floats(arena, entries);
    s->position = cpu_arena_take(arena, n, sizeof(int32_t));
    s->identity = cpu_arena_take(arena, entries, sizeof(int32_t));
    s->tiles = cpu_arena_take(arena, n, sizeof(cpu_query_tile));
    s->slot_entry = cpu_arena_take(arena, entries, sizeof(int32_t));
    s->slot_token = cpu_arena_take(arena, entries, sizeof(int32_t));
    s->begin = cpu_arena_take(arena, experts + 1, sizeof(int32_t));
    s->active = cpu_arena_take(arena, experts, sizeof(int32_t));
    plan_inputs(cpu, arena, &s->hidden, entries, (size_t)config->intermediate, false);
    s->down = take_floats(arena, entries * hidden);
    size_t split = n < CPU_SPLIT_TOKENS ? n : CPU_SPLIT_TOKENS;
    s->spans = take_softmax(cpu, arena, split * cpu->max_spans * (size_t)config->heads);
    s->counters =
        cpu_arena_take(arena, ((size_t)config->layers + 1) * CPU_PHASES, sizeof(atomic_size_t));
    s->threads = cpu_arena_take(arena, (size_t)cpu->n_threads, sizeof(cpu_thread));
    for (int i = 0; i < cpu->n_threads; i++)
        plan_thread(cpu, arena, s->threads ? &s->threads[i] : NULL);
}

void cpu_plan_cache(cpu_state *cpu) {
    const model_config *config = cpu->config;
    cpu_cache *cache = &cpu->cache;
    cache->element_bytes = cpu->precision == BACKEND_FAST ? sizeof(uint16_t) : sizeof(float);
    cache->key_count = (size_t)config->head_dim * CPU_PAGE;
    cache->value_count = cpu->padded_dim * CPU_PAGE;
    cache->head_bytes = (cache->key_count + cache->value_count) * cache->element_bytes;
    for (int i = 0; i < config->layers; i++)
        cache->pages.bytes[config->is_sliding[i] ? BACKEND_SLIDING : BACKEND_FULL] +=
            (size_t)config->kv_heads * cache->head_bytes;
}
