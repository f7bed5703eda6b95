// A small random model in memory, and an engine over it.
#ifndef TESTS_ENGINE_RANDOM_MODEL_H
#define TESTS_ENGINE_RANDOM_MODEL_H

#include "cpu/cpu.h"
#include "engine/engine.h"
#include "number/number.h"

#include "support/check.h"

enum { VOCABULARY = 48, CONTEXT = 300 };

typedef struct random_model {
    model_config config;
    model_weights weights;
    void *arrays[96];
    int n_arrays;
    uint32_t state;
} random_model;

static inline uint32_t model_random(random_model *m) {
    m->state = m->state * 1664525u + 1013904223u;
    return m->state >> 16;
}

static inline void *model_keep(random_model *m, size_t bytes) {
    CHECK(m->n_arrays < 96 && (m->arrays[m->n_arrays] = malloc(bytes)), "no room for the model");
    return m->arrays[m->n_arrays++];
}

static inline uint8_t *model_bytes_of(random_model *m, size_t n, uint32_t below, uint32_t add) {
    uint8_t *x = model_keep(m, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)(model_random(m) % below + add);
    return x;
}

static inline uint16_t *model_bf16(random_model *m, size_t n) {
    uint16_t *x = model_keep(m, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = number_f32_to_bf16((float)model_random(m) / 65536 - 0.5f);
    return x;
}

// 4 experts of which 2 work; layers alternate, the first one sliding unless window is 0.
static inline void model_make(random_model *m, int layers, int window, uint32_t seed) {
    enum { H = 32, Q = 24, KV = 12, E = 4, I = 64 };
    *m = (random_model){.state = seed};
    m->config = (model_config){.hidden = H,
                               .layers = layers,
                               .heads = 4,
                               .kv_heads = 2,
                               .head_dim = 6,
                               .experts = E,
                               .experts_per_token = 2,
                               .intermediate = I,
                               .vocabulary = VOCABULARY,
                               .window = window,
                               .max_positions = CONTEXT,
                               .rms_eps = 1e-5f,
                               .swiglu_limit = 7,
                               .swiglu_alpha = 1.702f,
                               .rope = {.theta = 10000, .attention_scaling = 1}};
    m->weights.embedding = model_bf16(m, VOCABULARY * H);
    m->weights.final_norm = model_bf16(m, H);
    m->weights.unembedding = model_bf16(m, VOCABULARY * H);
    m->weights.layers = model_keep(m, (size_t)layers * sizeof(model_layer));
    for (int i = 0; i < layers; i++) {
        m->config.is_sliding[i] = window && i % 2 == 0;
        m->weights.layers[i] =
            (model_layer){.attention_norm = model_bf16(m, H),
                          .q_weight = model_bf16(m, Q * H),
                          .k_weight = model_bf16(m, KV * H),
                          .v_weight = model_bf16(m, KV * H),
                          .o_weight = model_bf16(m, H * Q),
                          .sinks = model_bf16(m, 4),
                          .mlp_norm = model_bf16(m, H),
                          .router_weight = model_bf16(m, E * H),
                          .router_bias = model_bf16(m, E),
                          .gate_up_blocks = model_bytes_of(m, E * 2 * I * 16, 256, 0),
                          .gate_up_scales = model_bytes_of(m, E * 2 * I, 6, 120),
                          .gate_up_bias = model_bf16(m, E * 2 * I),
                          .down_blocks = model_bytes_of(m, E * H * 2 * 16, 256, 0),
                          .down_scales = model_bytes_of(m, E * H * 2, 6, 120),
                          .down_bias = model_bf16(m, E * H)};
    }
}

static inline void model_free(random_model *m) {
    while (m->n_arrays > 0)
        free(m->arrays[--m->n_arrays]);
}

typedef struct open_engine {
    void *handle;
    engine *engine;
} open_engine;

// table: the cpu's, or one that watches it.
static inline open_engine engine_over(const random_model *m, const backend_table *table,
                                      backend_precision precision, engine_options options) {
    gptoss_error error = {0};
    open_engine o;
    backend_options backend = {precision, 1, options.batch_tokens, options.context, NULL};
    gptoss_status status = table->open(&backend, &m->config, &m->weights, &o.handle, &error);
    if (status == GPTOSS_OK)
        status = table->load(o.handle, NULL, NULL, &error);
    if (status == GPTOSS_OK)
        status = engine_open(table, o.handle, &m->config, &options, &o.engine, &error);
    CHECK(status == GPTOSS_OK, "%s", error.message);
    return o;
}

static inline void engine_end(open_engine *o, const backend_table *table) {
    engine_close(o->engine);
    table->close(o->handle);
}

#endif
