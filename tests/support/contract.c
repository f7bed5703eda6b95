// The contract of backend.h, held against any backend.
#include "support/contract.h"

#include <stdlib.h>
#include <string.h>

#include "number/number.h"
#include "support/check.h"

enum { HIDDEN = 32, VOCABULARY = CONTRACT_VOCABULARY, CONTEXT = 200, LAYERS = 2 };

backend_options contract_options(const contract *c) {
    return (backend_options){c->precision, c->threads, 16, CONTEXT, c->set};
}

static uint32_t state = 1;

// The model's arrays live as long as the test.
static void *arrays[64];
static int n_arrays;

static void *keep(size_t bytes) {
    CHECK(n_arrays < 64 && (arrays[n_arrays] = malloc(bytes)), "out of room for the model");
    return arrays[n_arrays++];
}

static void *random_bytes(size_t n, unsigned below, unsigned add) {
    uint8_t *x = keep(n);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (uint8_t)((state >> 16) % below + add);
    }
    return x;
}

static uint16_t *random_bf16(size_t n) {
    uint16_t *x = keep(n * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = number_f32_to_bf16((float)(int32_t)state * 0x1p-32f);
    }
    return x;
}

void contract_model(model_config *config, model_weights *weights) {
    *config = (model_config){.hidden = HIDDEN,
                             .layers = LAYERS,
                             .heads = 4,
                             .kv_heads = 2,
                             .head_dim = 6,
                             .experts = 3,
                             .experts_per_token = 2,
                             .intermediate = 64,
                             .vocabulary = VOCABULARY,
                             .window = 5,
                             .max_positions = CONTEXT,
                             .is_sliding = {true, false},
                             .attention_bias = false,
                             .rms_eps = 1e-5f,
                             .swiglu_limit = 7,
                             .swiglu_alpha = 1.702f,
                             .rope = {.theta = 10000, .attention_scaling = 1}};
    *weights =
        (model_weights){random_bf16(VOCABULARY * HIDDEN), random_bf16(HIDDEN),
                        random_bf16(VOCABULARY * HIDDEN), keep(LAYERS * sizeof(model_layer))};
    for (int i = 0; i < LAYERS; i++)
        weights->layers[i] = (model_layer){.attention_norm = random_bf16(HIDDEN),
                                           .q_weight = random_bf16(24 * HIDDEN),
                                           .k_weight = random_bf16(12 * HIDDEN),
                                           .v_weight = random_bf16(12 * HIDDEN),
                                           .o_weight = random_bf16(HIDDEN * 24),
                                           .sinks = random_bf16(4),
                                           .mlp_norm = random_bf16(HIDDEN),
                                           .router_weight = random_bf16(3 * HIDDEN),
                                           .router_bias = random_bf16(3),
                                           .gate_up_blocks = random_bytes(3 * 128 * 16, 256, 0),
                                           .gate_up_scales = random_bytes(3 * 128, 6, 120),
                                           .gate_up_bias = random_bf16(3 * 128),
                                           .down_blocks = random_bytes(3 * HIDDEN * 2 * 16, 256, 0),
                                           .down_scales = random_bytes(3 * HIDDEN * 2, 6, 120),
                                           .down_bias = random_bf16(3 * HIDDEN)};
}

void contract_model_free(void) {
    while (n_arrays > 0)
        free(arrays[--n_arrays]);
}

static gptoss_error error;

static void *open_backend(const contract *c) {
    void *handle;
    backend_options options = contract_options(c);
    CHECK(c->backend->open(&options, c->config, c->weights, &handle, &error) == GPTOSS_OK, "%s",
          error.message);
    CHECK(c->backend->load(handle, NULL, NULL, &error) == GPTOSS_OK, "%s", error.message);
    CHECK(c->backend->cache_create(handle, (int32_t[]){8, 8}, &error) == GPTOSS_OK, "%s",
          error.message);
    return handle;
}

typedef struct change {
    const char *what;
    backend_batch batch;
} change;

void contract_check_malformed(const contract *c) {
    void *handle = open_backend(c);
    static const int32_t pages[] = {0, 1, 2, 3}, bad_pages[] = {8, 1}, ids[16] = {1, 2, 3};
    static const int32_t bad_ids[] = {1, VOCABULARY, 2}, negative[] = {1, -1, 2};
    static const int32_t rows[] = {0, 2}, twice[] = {1, 1}, beyond[] = {3};
#define RUN(...)                                                                                   \
    (backend_run[]) {                                                                              \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
    const change cases[] = {
        {"no token", {0, ids, 0, NULL, 0, NULL}},
        {"too many tokens", {17, ids, 1, RUN(0, 17, 0, {pages, pages}), 0, NULL}},
        {"an id past the vocabulary", {3, bad_ids, 1, RUN(0, 3, 0, {pages, pages}), 0, NULL}},
        {"a negative id", {3, negative, 1, RUN(0, 3, 0, {pages, pages}), 0, NULL}},
        {"tokens without a run", {3, ids, 1, RUN(0, 2, 0, {pages, pages}), 0, NULL}},
        {"a run past the tokens", {3, ids, 1, RUN(0, 4, 0, {pages, pages}), 0, NULL}},
        {"a run that skips", {3, ids, 1, RUN(1, 2, 0, {pages, pages}), 0, NULL}},
        {"a huge count", {3, ids, 1, RUN(0, INT32_MAX, 0, {pages, pages}), 0, NULL}},
        {"an empty run", {3, ids, 1, RUN(0, 0, 0, {pages, pages}), 0, NULL}},
        {"a negative position", {3, ids, 1, RUN(0, 3, -1, {pages, pages}), 0, NULL}},
        {"a position past the context",
         {3, ids, 1, RUN(0, 3, CONTEXT - 2, {pages, pages}), 0, NULL}},
        {"a huge position", {3, ids, 1, RUN(0, 3, INT32_MAX, {pages, pages}), 0, NULL}},
        {"a page past the cache", {3, ids, 1, RUN(0, 3, 0, {bad_pages, pages}), 0, NULL}},
        {"no pages", {3, ids, 1, RUN(0, 3, 0, {pages, NULL}), 0, NULL}},
        {"a row twice", {3, ids, 1, RUN(0, 3, 0, {pages, pages}), 2, twice}},
        {"a row past the tokens", {3, ids, 1, RUN(0, 3, 0, {pages, pages}), 1, beyond}},
    };
    float logits[2 * VOCABULARY];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(c->backend->forward(handle, &cases[i].batch, logits, &error) == GPTOSS_BAD_ARGUMENT,
              "a batch with %s is accepted", cases[i].what);
    backend_batch good = {3, ids, 1, RUN(0, 3, 0, {pages, pages}), 2, rows};
    CHECK(c->backend->forward(handle, &good, logits, &error) == GPTOSS_OK, "%s", error.message);
    CHECK(c->backend->page_copy(handle, BACKEND_FULL, 0, 8, &error) == GPTOSS_BAD_ARGUMENT,
          "page 8");
    c->backend->close(handle);
}

// A sequence that goes on in copied, and in written, pages gives the same logits.
void contract_check_pages(const contract *c) {
    void *handle = open_backend(c);
    backend_description d;
    c->backend->describe(handle, &d);
    static const int32_t ids[] = {3, 1, 4, 1, 5, 9, 2, 6}, last[] = {7}, row[] = {0};
    static const int32_t here[] = {0, 1}, copied[] = {5, 6}, written[] = {3, 4};
    float expected[VOCABULARY], logits[VOCABULARY];
    for (int32_t position = 0; position < 72; position += 8) {
        backend_batch batch = {8, ids, 1, RUN(0, 8, position, {here, here}), 0, NULL};
        CHECK(c->backend->forward(handle, &batch, NULL, &error) == GPTOSS_OK, "%s", error.message);
    }
    for (int group = 0; group < BACKEND_GROUPS; group++) {
        void *bytes = malloc(d.page_bytes[group]);
        for (int i = 0; i < 2; i++) {
            gptoss_status status =
                c->backend->page_copy(handle, (backend_group)group, here[i], copied[i], &error);
            status |= c->backend->page_read(handle, (backend_group)group, here[i], bytes, &error);
            status |=
                c->backend->page_write(handle, (backend_group)group, written[i], bytes, &error);
            CHECK(status == GPTOSS_OK, "%s", error.message);
        }
        free(bytes);
    }
    backend_batch next = {1, last, 1, RUN(0, 1, 72, {here, here}), 1, row};
    CHECK(c->backend->forward(handle, &next, expected, &error) == GPTOSS_OK, "%s", error.message);
    const int32_t *others[] = {copied, written};
    for (int i = 0; i < 2; i++) {
        next.runs = RUN(0, 1, 72, {others[i], others[i]});
        CHECK(c->backend->forward(handle, &next, logits, &error) == GPTOSS_OK, "%s", error.message);
        CHECK(memcmp(logits, expected, sizeof logits) == 0, "pages changed on their way (%d)", i);
    }
    c->backend->close(handle);
}

static bool refuse(void *context, double share) {
    (void)context;
    return share < 0.4;
}

void contract_check_loading(const contract *c) {
    void *handle;
    backend_options options = contract_options(c);
    CHECK(c->backend->open(&options, c->config, c->weights, &handle, &error) == GPTOSS_OK, "%s",
          error.message);
    CHECK(c->backend->load(handle, refuse, NULL, &error) == GPTOSS_CANCELLED, "load goes on");
    c->backend->close(handle);
    c->backend->close(NULL);
    CHECK(c->backend->open(&options, c->config, c->weights, &handle, &error) == GPTOSS_OK, "%s",
          error.message);
    CHECK(c->backend->load(handle, NULL, NULL, &error) == GPTOSS_OK, "%s", error.message);
    CHECK(c->backend->load(handle, NULL, NULL, &error) == GPTOSS_BAD_ARGUMENT, "loads twice");
    c->backend->close(handle);
}

void contract_check_refused(const contract *c, backend_options options, gptoss_status status,
                            const char *says) {
    void *handle = &options;
    CHECK(c->backend->open(&options, c->config, c->weights, &handle, &error) == status,
          "opened, or failed for another reason: %s", error.message);
    CHECK(!handle && strstr(error.message, says), "'%s' is not in: %s", says, error.message);
}
