// One forward pass: every thread walks through the same phases, takes pieces of work from each
// phase's counter, and waits for the others where the next phase needs all of it.
#include "cpu/state.h"

#include "number/number.h"

static void load_embedding(const cpu_step *step, size_t token) {
    const cpu_state *cpu = step->cpu;
    size_t hidden = (size_t)cpu->config->hidden;
    cpu->kernels.decode_bf16(cpu->weights->embedding + (size_t)step->batch->ids[token] * hidden,
                             hidden, cpu->scratch.x + token * hidden);
}

// Residual stream -> normed inputs.
static void norm_token(const cpu_step *step, const float *weight, size_t token) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    size_t hidden = (size_t)cpu->config->hidden;
    cpu_norm(cpu, s->x + token * hidden, weight, s->norm.f32 + token * s->norm.stride);
    cpu_encode_row(cpu, &s->norm, token, hidden);
}

// What a piece of work of a dense product covers. Panels are innermost: the inputs of a tile stay
// in the second-level cache while the weights stream past.
typedef struct dense_piece {
    size_t panel, row, n_rows; // rows of the panel that exist
    size_t first, n;           // inputs
} dense_piece;

static size_t dense_items(const cpu_matrix *matrix, size_t n) {
    size_t panels = (matrix->rows + CPU_PANEL - 1) / CPU_PANEL;
    return panels * ((n + CPU_TOKEN_TILE - 1) / CPU_TOKEN_TILE);
}

static dense_piece dense_item(const cpu_matrix *matrix, size_t n, size_t item) {
    size_t panels = (matrix->rows + CPU_PANEL - 1) / CPU_PANEL;
    dense_piece piece = {.panel = item % panels, .first = item / panels * CPU_TOKEN_TILE};
    piece.row = piece.panel * CPU_PANEL;
    piece.n_rows = matrix->rows - piece.row < CPU_PANEL ? matrix->rows - piece.row : CPU_PANEL;
    piece.n = n - piece.first < CPU_TOKEN_TILE ? n - piece.first : CPU_TOKEN_TILE;
    return piece;
}

static void qkv_item(const cpu_step *step, int layer, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    const cpu_matrix *matrix = &cpu->layers[layer].qkv;
    dense_piece p = dense_item(matrix, step->n, item);
    cpu_linear(cpu, thread, matrix, p.panel, &s->norm, s->identity + p.first, p.n, thread->tile,
               CPU_PANEL);
    for (size_t t = 0; t < p.n; t++) {
        float *to = s->qkv + (p.first + t) * matrix->rows + p.row;
        for (size_t r = 0; r < p.n_rows; r++)
            to[r] = thread->tile[t * CPU_PANEL + r] + matrix->bias[p.row + r];
    }
}

static void o_item(const cpu_step *step, int layer, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    const cpu_matrix *matrix = &cpu->layers[layer].o;
    dense_piece p = dense_item(matrix, step->n, item);
    cpu_linear(cpu, thread, matrix, p.panel, &s->attended, s->identity + p.first, p.n, thread->tile,
               CPU_PANEL);
    for (size_t t = 0; t < p.n; t++) {
        float *to = s->x + (p.first + t) * matrix->rows + p.row;
        for (size_t r = 0; r < p.n_rows; r++)
            to[r] += thread->tile[t * CPU_PANEL + r] + matrix->bias[p.row + r];
    }
}

static void unembed_item(const cpu_step *step, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_matrix *matrix = &cpu->unembedding;
    dense_piece p = dense_item(matrix, (size_t)step->batch->n_rows, item);
    cpu_linear(cpu, thread, matrix, p.panel, &cpu->scratch.norm, step->batch->rows + p.first, p.n,
               thread->tile, CPU_PANEL);
    for (size_t t = 0; t < p.n; t++) {
        float *to = step->logits + (p.first + t) * matrix->rows + p.row;
        for (size_t r = 0; r < p.n_rows; r++)
            to[r] = thread->tile[t * CPU_PANEL + r];
    }
}

#define EACH(phase, items) for (size_t item; cpu_take(step, thread, layer, phase, items, &item);)

// Waits until all threads have done their part of the phase.
static void finish(cpu_step *step, int layer, cpu_thread *thread, cpu_phase phase) {
    base_pool_barrier(step->cpu->pool);
    if (thread == step->cpu->scratch.threads)
        cpu_profile_phase(step, layer, phase);
}

static void attention_phases(cpu_step *step, int layer, cpu_thread *thread) {
    cpu_state *cpu = step->cpu;
    const cpu_layer *weights = &cpu->layers[layer];
    size_t n = step->n;
    EACH(CPU_PHASE_START, n) {
        if (layer == 0)
            load_embedding(step, item);
        else
            cpu_combine(step, item);
        norm_token(step, weights->attention_norm, item);
    }
    finish(step, layer, thread, CPU_PHASE_START);
    EACH(CPU_PHASE_QKV, dense_items(&weights->qkv, n))
    qkv_item(step, layer, item, thread);
    finish(step, layer, thread, CPU_PHASE_QKV);
    EACH(CPU_PHASE_ROPE, n)
    cpu_rope_and_store(step, layer, item);
    finish(step, layer, thread, CPU_PHASE_ROPE);
    if (cpu_splits(step, layer)) {
        EACH(CPU_PHASE_ATTEND, cpu_split_items(step))
        cpu_attend_split(step, layer, item);
        finish(step, layer, thread, CPU_PHASE_ATTEND);
        EACH(CPU_PHASE_MERGE, n * (size_t)cpu->config->kv_heads)
        cpu_merge_split(step, item);
        finish(step, layer, thread, CPU_PHASE_MERGE);
    } else {
        EACH(CPU_PHASE_ATTEND, step->n_tiles * (size_t)cpu->config->kv_heads)
        cpu_attend(step, layer, item, thread);
        finish(step, layer, thread, CPU_PHASE_ATTEND);
    }
    if (cpu->precision == BACKEND_FAST) {
        EACH(CPU_PHASE_ATTENDED, n)
        cpu_encode_row(cpu, &cpu->scratch.attended, item, cpu->q_width);
        finish(step, layer, thread, CPU_PHASE_ATTENDED);
    }
    EACH(CPU_PHASE_O, dense_items(&weights->o, n))
    o_item(step, layer, item, thread);
    finish(step, layer, thread, CPU_PHASE_O);
}

static void expert_phases(cpu_step *step, int layer, cpu_thread *thread) {
    cpu_state *cpu = step->cpu;
    EACH(CPU_PHASE_NORM, step->n)
    norm_token(step, cpu->layers[layer].mlp_norm, item);
    finish(step, layer, thread, CPU_PHASE_NORM);
    EACH(CPU_PHASE_ROUTER, cpu_router_items(step))
    cpu_router(step, layer, item);
    finish(step, layer, thread, CPU_PHASE_ROUTER);
    EACH(CPU_PHASE_CHOOSE, step->n)
    cpu_choose(step, layer, item);
    finish(step, layer, thread, CPU_PHASE_CHOOSE);
    if (thread == cpu->scratch.threads)
        cpu_group(step);
    finish(step, layer, thread, CPU_PHASE_GROUP);
    EACH(CPU_PHASE_GATE_UP, cpu_gate_up_items(step))
    cpu_gate_up(step, layer, item, thread);
    finish(step, layer, thread, CPU_PHASE_GATE_UP);
    EACH(CPU_PHASE_DOWN, cpu_down_items(step))
    cpu_down(step, layer, item, thread);
    finish(step, layer, thread, CPU_PHASE_DOWN);
}

static void work(void *context, int thread_index, int n_threads) {
    (void)n_threads;
    cpu_step *step = context;
    cpu_state *cpu = step->cpu;
    cpu_thread *thread = &cpu->scratch.threads[thread_index];
    int layer = 0;
    for (; layer < cpu->config->layers; layer++) {
        attention_phases(step, layer, thread);
        expert_phases(step, layer, thread);
    }
    EACH(CPU_PHASE_START, (size_t)step->batch->n_rows) {
        size_t token = (size_t)step->batch->rows[item];
        cpu_combine(step, token);
        norm_token(step, cpu->final_norm, token);
    }
    finish(step, layer, thread, CPU_PHASE_START);
    EACH(CPU_PHASE_UNEMBED, dense_items(&cpu->unembedding, (size_t)step->batch->n_rows))
    unembed_item(step, item, thread);
}

void cpu_forward_step(cpu_step *step) {
    cpu_profile_begin(step);
    cpu_prepare(step);
    cpu_profile_phase(step, 0, CPU_PHASE_PREPARE);
    base_pool_run(step->cpu->pool, work, step);
    cpu_profile_phase(step, step->cpu->config->layers, CPU_PHASE_UNEMBED);
}
