// The mixture of experts: router, choice, and the two products of each chosen expert.
//
// Tokens are sorted by expert; a piece of work is some rows of one expert with all of its tokens.
// Weights are read from the checkpoint as it lies: straight for few tokens, unpacked into a panel
// that stays in cache for many. Both give the same bits.
#include "cpu/state.h"

#include <string.h>

#include "cpu/kernels/math.h"

static size_t router_chunks(const cpu_state *cpu) {
    return ((size_t)cpu->config->experts + CPU_ROUTER_ROWS - 1) / CPU_ROUTER_ROWS;
}

size_t cpu_router_items(const cpu_step *step) {
    return router_chunks(step->cpu) * ((step->n + CPU_TOKEN_TILE - 1) / CPU_TOKEN_TILE);
}

// In both precisions the router is exact: a small error there chooses another expert.
void cpu_router(const cpu_step *step, int layer_index, size_t item) {
    const cpu_state *cpu = step->cpu;
    const cpu_layer *layer = &cpu->layers[layer_index];
    const cpu_scratch *s = &cpu->scratch;
    size_t experts = (size_t)cpu->config->experts, hidden = (size_t)cpu->config->hidden;
    size_t row = item % router_chunks(cpu) * CPU_ROUTER_ROWS;
    size_t rows = experts - row < CPU_ROUTER_ROWS ? experts - row : CPU_ROUTER_ROWS;
    size_t token = item / router_chunks(cpu) * CPU_TOKEN_TILE;
    size_t tokens = step->n - token < CPU_TOKEN_TILE ? step->n - token : CPU_TOKEN_TILE;
    cpu->kernels.dots_f32(layer->router + row * hidden, rows, hidden, s->norm.f32, s->norm.stride,
                          s->identity + token, tokens, s->router + token * experts + row, experts);
}

// The best experts, the lower index first where logits are equal, and the softmax over them.
void cpu_choose(const cpu_step *step, int layer_index, size_t token) {
    const cpu_state *cpu = step->cpu;
    const cpu_layer *layer = &cpu->layers[layer_index];
    const cpu_scratch *s = &cpu->scratch;
    int experts = cpu->config->experts, k = cpu->config->experts_per_token;
    float *logits = s->router + token * (size_t)experts;
    int32_t *chosen = s->chosen + token * (size_t)k;
    float *share = s->share + token * (size_t)k;
    for (int e = 0; e < experts; e++)
        logits[e] += layer->router_bias[e];
    for (int rank = 0; rank < k; rank++) {
        int best = -1;
        for (int e = 0; e < experts; e++) {
            bool taken = false;
            for (int i = 0; i < rank; i++)
                taken = taken || chosen[i] == e;
            if (!taken && (best < 0 || logits[e] > logits[best]))
                best = e;
        }
        chosen[rank] = best;
    }
    float total = 0;
    for (int rank = 0; rank < k; rank++) {
        share[rank] = math_exp(logits[chosen[rank]] - logits[chosen[0]]);
        total += share[rank];
    }
    for (int rank = 0; rank < k; rank++)
        share[rank] /= total;
}

// Sorts the entries by expert, in order of tokens.
void cpu_group(cpu_step *step) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    size_t experts = (size_t)cpu->config->experts, k = (size_t)cpu->config->experts_per_token;
    memset(s->begin, 0, (experts + 1) * sizeof *s->begin);
    for (size_t entry = 0; entry < step->n * k; entry++)
        s->begin[s->chosen[entry] + 1]++;
    step->n_active = 0;
    for (size_t e = 0; e < experts; e++) {
        if (s->begin[e + 1])
            s->active[step->n_active++] = (int32_t)e;
        s->begin[e + 1] += s->begin[e];
    }
    // begin[e] walks to the end of its expert, then everything moves up by one place.
    for (size_t entry = 0; entry < step->n * k; entry++) {
        int32_t slot = s->begin[s->chosen[entry]]++;
        s->slot_entry[slot] = (int32_t)entry;
        s->slot_token[slot] = (int32_t)(entry / k);
    }
    memmove(s->begin + 1, s->begin, experts * sizeof *s->begin);
    s->begin[0] = 0;
}

// Consecutive rows of one expert, in the published layout.
typedef struct expert_rows {
    const uint8_t *blocks, *scales;
    size_t n_rows, n_blocks; // n_rows: a multiple of CPU_PANEL, at most CPU_EXPERT_ROWS
} expert_rows;

// Fast, many tokens: panels are unpacked once, before all tiles of tokens.
static bool unpack(const cpu_state *cpu, cpu_thread *thread, const expert_rows *rows, size_t n) {
    if (cpu->precision == BACKEND_EXACT || n <= cpu->kernels.direct_tokens)
        return false;
    size_t panel_blocks = CPU_PANEL * rows->n_blocks;
    for (size_t p = 0; p * CPU_PANEL < rows->n_rows; p++)
        cpu->kernels.pack_mx(rows->blocks + p * panel_blocks * NUMBER_MXFP4_BLOCK_BYTES,
                             rows->scales + p * panel_blocks, rows->n_blocks,
                             thread->panel_codes + p * panel_blocks * CPU_BLOCK,
                             thread->panel_scales + p * panel_blocks);
    return true;
}

static void multiply_exact(const cpu_state *cpu, cpu_thread *thread, const expert_rows *rows,
                           const cpu_inputs *inputs, const int32_t *index, size_t n) {
    size_t columns = rows->n_blocks * CPU_BLOCK;
    for (size_t row = 0; row < rows->n_rows; row += CPU_EXACT_ROWS) {
        cpu->kernels.decode_mxfp4(rows->blocks + row * rows->n_blocks * NUMBER_MXFP4_BLOCK_BYTES,
                                  rows->scales + row * rows->n_blocks,
                                  CPU_EXACT_ROWS * rows->n_blocks, thread->weight_rows);
        cpu->kernels.dots_f32(thread->weight_rows, CPU_EXACT_ROWS, columns, inputs->f32,
                              inputs->stride, index, n, thread->tile + row, CPU_EXPERT_ROWS);
    }
}

// thread->tile [n][CPU_EXPERT_ROWS] = rows . inputs[index]. The rows that follow in memory are most
// likely the next ones: with first set, they are fetched meanwhile.
static void multiply(const cpu_state *cpu, cpu_thread *thread, const expert_rows *rows,
                     bool unpacked, bool first, const cpu_inputs *inputs, const int32_t *index,
                     size_t n) {
    if (cpu->precision == BACKEND_EXACT) {
        multiply_exact(cpu, thread, rows, inputs, index, n);
        return;
    }
    size_t panel_blocks = CPU_PANEL * rows->n_blocks;
    size_t panel_bytes = panel_blocks * NUMBER_MXFP4_BLOCK_BYTES;
    for (size_t p = 0; p * CPU_PANEL < rows->n_rows; p++) {
        const uint8_t *blocks = rows->blocks + p * panel_bytes;
        float *out = thread->tile + p * CPU_PANEL;
        cpu_panel panel = {
            .n_blocks = rows->n_blocks,
            .codes = thread->panel_codes + p * panel_blocks * CPU_BLOCK,
            .scales = thread->panel_scales + p * panel_blocks,
            .ahead = blocks + rows->n_rows / CPU_PANEL * panel_bytes,
            .ahead_bytes = first ? panel_bytes : 0,
        };
        if (unpacked)
            cpu->kernels.panel_mx(&panel, &inputs->q8, index, n, out, CPU_EXPERT_ROWS);
        else
            cpu->kernels.rows_mxfp4(blocks, rows->scales + p * panel_blocks, rows->n_blocks,
                                    &inputs->q8, index, n, out, CPU_EXPERT_ROWS);
    }
}

// Rows `row` .. of expert `expert` in a tensor of total_rows per expert.
static expert_rows select_rows(const uint8_t *blocks, const uint8_t *scales, size_t expert,
                               size_t total_rows, size_t row, size_t n_rows, size_t n_blocks) {
    size_t first = (expert * total_rows + row) * n_blocks;
    return (expert_rows){blocks + first * NUMBER_MXFP4_BLOCK_BYTES, scales + first, n_rows,
                         n_blocks};
}

static void activate(const cpu_state *cpu, const float *sums, const uint16_t *bias, size_t slot,
                     size_t row) {
    const cpu_inputs *hidden = &cpu->scratch.hidden;
    float biased[CPU_EXPERT_ROWS], result[CPU_BLOCK];
    for (size_t i = 0; i < CPU_EXPERT_ROWS; i++)
        biased[i] = sums[i] + number_bf16_to_f32(bias[i]);
    bool exact = cpu->precision == BACKEND_EXACT;
    float *to = exact ? hidden->f32 + slot * hidden->stride + row / 2 : result;
    cpu->kernels.swiglu(biased, CPU_BLOCK, cpu->config->swiglu_limit, cpu->config->swiglu_alpha,
                        to);
    if (exact)
        return;
    cpu->kernels.encode_q8(result, row / CPU_EXPERT_ROWS, 1, &hidden->q8, slot);
}

static size_t gate_up_chunks(const cpu_state *cpu) {
    return (size_t)cpu->config->intermediate * 2 / CPU_EXPERT_ROWS;
}

size_t cpu_gate_up_items(const cpu_step *step) {
    return step->n_active * gate_up_chunks(step->cpu);
}

void cpu_gate_up(const cpu_step *step, int layer_index, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    const model_layer *stored = cpu->layers[layer_index].stored;
    size_t expert = (size_t)s->active[item / gate_up_chunks(cpu)];
    size_t row = item % gate_up_chunks(cpu) * CPU_EXPERT_ROWS;
    size_t total = (size_t)cpu->config->intermediate * 2;
    expert_rows rows = select_rows(stored->gate_up_blocks, stored->gate_up_scales, expert, total,
                                   row, CPU_EXPERT_ROWS, (size_t)cpu->config->hidden / CPU_BLOCK);
    const uint16_t *bias = stored->gate_up_bias + expert * total + row;
    size_t begin = (size_t)s->begin[expert], end = (size_t)s->begin[expert + 1];
    bool unpacked = unpack(cpu, thread, &rows, end - begin);
    for (size_t slot = begin; slot < end; slot += CPU_TOKEN_TILE) {
        size_t n = end - slot < CPU_TOKEN_TILE ? end - slot : CPU_TOKEN_TILE;
        multiply(cpu, thread, &rows, unpacked, slot == begin, &s->norm, s->slot_token + slot, n);
        for (size_t i = 0; i < n; i++)
            activate(cpu, thread->tile + i * CPU_EXPERT_ROWS, bias, slot + i, row);
    }
}

static size_t down_chunks(const cpu_state *cpu) {
    return (size_t)cpu->config->hidden / CPU_PANEL;
}

size_t cpu_down_items(const cpu_step *step) {
    return step->n_active * down_chunks(step->cpu);
}

void cpu_down(const cpu_step *step, int layer_index, size_t item, cpu_thread *thread) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    const model_layer *stored = cpu->layers[layer_index].stored;
    size_t expert = (size_t)s->active[item / down_chunks(cpu)];
    size_t row = item % down_chunks(cpu) * CPU_PANEL, hidden = (size_t)cpu->config->hidden;
    expert_rows rows = select_rows(stored->down_blocks, stored->down_scales, expert, hidden, row,
                                   CPU_PANEL, (size_t)cpu->config->intermediate / CPU_BLOCK);
    const uint16_t *bias = stored->down_bias + expert * hidden + row;
    size_t begin = (size_t)s->begin[expert], end = (size_t)s->begin[expert + 1];
    bool unpacked = unpack(cpu, thread, &rows, end - begin);
    for (size_t slot = begin; slot < end; slot += CPU_TOKEN_TILE) {
        size_t n = end - slot < CPU_TOKEN_TILE ? end - slot : CPU_TOKEN_TILE;
        multiply(cpu, thread, &rows, unpacked, slot == begin, &s->hidden, s->identity + slot, n);
        for (size_t i = 0; i < n; i++) {
            float *to = s->down + (size_t)s->slot_entry[slot + i] * hidden + row;
            for (size_t r = 0; r < CPU_PANEL; r++)
                to[r] = thread->tile[i * CPU_EXPERT_ROWS + r] + number_bf16_to_f32(bias[r]);
        }
    }
}

// Adds the chosen experts' results to the residual stream, best first.
void cpu_combine(const cpu_step *step, size_t token) {
    const cpu_state *cpu = step->cpu;
    const cpu_scratch *s = &cpu->scratch;
    size_t k = (size_t)cpu->config->experts_per_token, hidden = (size_t)cpu->config->hidden;
    float *x = s->x + token * hidden;
    const float *down = s->down + token * k * hidden, *share = s->share + token * k;
    for (size_t i = 0; i < hidden; i++) {
        float sum = share[0] * down[i];
        for (size_t rank = 1; rank < k; rank++)
            sum += share[rank] * down[rank * hidden + i];
        x[i] += sum;
    }
}
