// Loading: small tensors become float32, dense matrices are packed to 8 bits in parallel (fast).
#include "cpu/state.h"

#include "number/number.h"

typedef struct packing {
    const cpu_state *cpu;
    const cpu_matrix *matrix;
    atomic_size_t next;
} packing;

static void pack_work(void *context, int thread, int n_threads) {
    (void)thread, (void)n_threads;
    packing *work = context;
    const cpu_matrix *matrix = work->matrix;
    size_t panels = cpu_round_up(matrix->rows, CPU_PANEL) / CPU_PANEL;
    size_t blocks = cpu_round_up(matrix->columns, CPU_BLOCK) / CPU_BLOCK;
    size_t panel;
    while ((panel = atomic_fetch_add_explicit(&work->next, 1, memory_order_relaxed)) < panels) {
        const uint16_t *rows[CPU_PANEL];
        for (size_t r = 0; r < CPU_PANEL; r++)
            rows[r] = cpu_stored_row(matrix, panel * CPU_PANEL + r);
        work->cpu->kernels.pack_q8(rows, matrix->columns,
                                   matrix->codes + panel * blocks * CPU_PANEL * CPU_BLOCK,
                                   matrix->scales + panel * blocks * CPU_PANEL);
    }
}

static void load_matrix(const cpu_state *cpu, cpu_matrix *matrix) {
    float *bias = matrix->bias;
    for (size_t i = 0; i < cpu_round_up(matrix->rows, CPU_PANEL); i++)
        bias[i] = 0;
    for (int i = 0; i < CPU_MATRIX_PARTS; bias += matrix->part[i++].rows) {
        if (matrix->part[i].bias)
            number_bf16_to_f32_row(matrix->part[i].bias, matrix->part[i].rows, bias);
    }
    if (cpu->precision == BACKEND_FAST) {
        packing work = {.cpu = cpu, .matrix = matrix};
        base_pool_run(cpu->pool, pack_work, &work);
    }
}

static void load_layer(const cpu_state *cpu, cpu_layer *layer) {
    const model_layer *stored = layer->stored;
    size_t hidden = (size_t)cpu->config->hidden, experts = (size_t)cpu->config->experts;
    load_matrix(cpu, &layer->qkv);
    load_matrix(cpu, &layer->o);
    number_bf16_to_f32_row(stored->attention_norm, hidden, layer->attention_norm);
    number_bf16_to_f32_row(stored->mlp_norm, hidden, layer->mlp_norm);
    number_bf16_to_f32_row(stored->sinks, (size_t)cpu->config->heads, layer->sinks);
    number_bf16_to_f32_row(stored->router_weight, experts * hidden, layer->router);
    number_bf16_to_f32_row(stored->router_bias, experts, layer->router_bias);
}

gptoss_status cpu_load_weights(cpu_state *cpu, bool (*progress)(void *, double), void *context,
                               gptoss_error *error) {
    // Shares by weights: reading them is what takes the time.
    size_t each = (cpu->q_width + cpu->kv_width) * 2 + (size_t)cpu->config->experts;
    double total = (double)each * cpu->config->layers + cpu->config->vocabulary;
    for (int i = 0; i < cpu->config->layers; i++) {
        if (progress && !progress(context, (double)each * i / total))
            return base_fail(error, GPTOSS_CANCELLED, "loading was cancelled");
        load_layer(cpu, &cpu->layers[i]);
    }
    if (progress && !progress(context, 1 - cpu->config->vocabulary / total))
        return base_fail(error, GPTOSS_CANCELLED, "loading was cancelled");
    number_bf16_to_f32_row(cpu->weights->final_norm, (size_t)cpu->config->hidden, cpu->final_norm);
    load_matrix(cpu, &cpu->unembedding);
    if (progress && !progress(context, 1))
        return base_fail(error, GPTOSS_CANCELLED, "loading was cancelled");
    return GPTOSS_OK;
}
