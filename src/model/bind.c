// Tensors of the checkpoint -> typed pointers, each checked for presence, dtype and exact shape;
// and the bytes of the model by kind, from the same table of names and shapes.
#include "model/model.h"

#include <stdio.h>
#include <string.h>

enum { MAX_RANK = 4 };

typedef enum kind { EMBEDDING, EXPERT, DENSE } kind;

// One row of the table: a tensor that the model calls for.
typedef struct wanted {
    const char *name; // below "model.layers.N." for a layer's tensor
    size_t offset;    // of the pointer in model_layer or model_weights
    checkpoint_dtype dtype;
    kind kind;
    bool only_with_bias;    // absent without attention_bias
    size_t shape[MAX_RANK]; // ends at the first 0
} wanted;

enum { N_LAYER = 19, N_OUTER = 3 };

static void list_layer(const model_config *c, wanted out[N_LAYER]) {
    size_t hidden = (size_t)c->hidden, inner = (size_t)c->intermediate;
    size_t experts = (size_t)c->experts;
    size_t q = (size_t)c->heads * (size_t)c->head_dim,
           kv = (size_t)c->kv_heads * (size_t)c->head_dim;
#define AT(field) offsetof(model_layer, field)
#define BF16(name, field, ...)                                                                     \
    {                                                                                              \
        name, AT(field), CHECKPOINT_BF16, DENSE, false, {                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define BIAS(name, field, ...)                                                                     \
    {                                                                                              \
        name, AT(field), CHECKPOINT_BF16, DENSE, true, {                                           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define PART(name, field, dtype, ...)                                                              \
    {                                                                                              \
        name, AT(field), dtype, EXPERT, false, {                                                   \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
    const wanted rows[N_LAYER] = {
        BF16("input_layernorm.weight", attention_norm, hidden),
        BF16("self_attn.q_proj.weight", q_weight, q, hidden),
        BIAS("self_attn.q_proj.bias", q_bias, q),
        BF16("self_attn.k_proj.weight", k_weight, kv, hidden),
        BIAS("self_attn.k_proj.bias", k_bias, kv),
        BF16("self_attn.v_proj.weight", v_weight, kv, hidden),
        BIAS("self_attn.v_proj.bias", v_bias, kv),
        BF16("self_attn.o_proj.weight", o_weight, hidden, q),
        BIAS("self_attn.o_proj.bias", o_bias, hidden),
        BF16("self_attn.sinks", sinks, (size_t)c->heads),
        BF16("post_attention_layernorm.weight", mlp_norm, hidden),
        BF16("mlp.router.weight", router_weight, experts, hidden),
        BF16("mlp.router.bias", router_bias, experts),
        PART("mlp.experts.gate_up_proj_blocks", gate_up_blocks, CHECKPOINT_U8, experts, 2 * inner,
             hidden / 32, 16),
        PART("mlp.experts.gate_up_proj_scales", gate_up_scales, CHECKPOINT_U8, experts, 2 * inner,
             hidden / 32),
        PART("mlp.experts.gate_up_proj_bias", gate_up_bias, CHECKPOINT_BF16, experts, 2 * inner),
        PART("mlp.experts.down_proj_blocks", down_blocks, CHECKPOINT_U8, experts, hidden,
             inner / 32, 16),
        PART("mlp.experts.down_proj_scales", down_scales, CHECKPOINT_U8, experts, hidden,
             inner / 32),
        PART("mlp.experts.down_proj_bias", down_bias, CHECKPOINT_BF16, experts, hidden),
    };
#undef AT
#undef BF16
#undef BIAS
#undef PART
    memcpy(out, rows, sizeof rows);
}

static int list_outer(const model_config *c, wanted out[N_OUTER]) {
    size_t hidden = (size_t)c->hidden, vocabulary = (size_t)c->vocabulary;
    const wanted rows[N_OUTER] = {
        {"model.embed_tokens.weight",
         offsetof(model_weights, embedding),
         CHECKPOINT_BF16,
         EMBEDDING,
         false,
         {vocabulary, hidden}},
        {"model.norm.weight",
         offsetof(model_weights, final_norm),
         CHECKPOINT_BF16,
         DENSE,
         false,
         {hidden}},
        {"lm_head.weight",
         offsetof(model_weights, unembedding),
         CHECKPOINT_BF16,
         EMBEDDING,
         false,
         {vocabulary, hidden}},
    };
    memcpy(out, rows, sizeof rows);
    return c->tied_embeddings ? 2 : 3;
}

static int rank_of(const wanted *w) {
    int rank = 0;
    while (rank < MAX_RANK && w->shape[rank]) {
        rank++;
    }
    return rank;
}

// ---- binding --------------------------------------------------------------------------------

static void print_shape(const size_t *shape, int rank, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "[");
    for (int i = 0; i < rank && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, i ? ", %zu" : "%zu", shape[i]);
    }
    if (used < size) {
        snprintf(text + used, size - used, "]");
    }
}

static gptoss_status check_tensor(const checkpoint *source, const checkpoint_tensor *tensor,
                                  const wanted *w, gptoss_error *error) {
    const char *path = checkpoint_path(source);
    if (tensor->dtype != w->dtype) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s/%s: tensor %s: dtype is %s, expected %s", path,
                         tensor->file, tensor->name, checkpoint_dtype_name(tensor->dtype),
                         checkpoint_dtype_name(w->dtype));
    }
    int rank = rank_of(w);
    if (tensor->rank != rank ||
        memcmp(tensor->shape, w->shape, (size_t)rank * sizeof *w->shape) != 0) {
        char is[200], should[100];
        print_shape(tensor->shape, tensor->rank, is, sizeof is);
        print_shape(w->shape, rank, should, sizeof should);
        return base_fail(error, GPTOSS_BAD_FILE,
                         "%s/%s: tensor %s: shape is %s, expected %s by config.json", path,
                         tensor->file, tensor->name, is, should);
    }
    return GPTOSS_OK;
}

// Experts in plain bf16 have the blocks' name without its suffix.
static bool is_plain_expert(const checkpoint *source, const char *name) {
    static const char suffix[] = "_blocks";
    size_t length = strlen(name), tail = sizeof suffix - 1;
    char plain[128];
    if (length < tail || length >= sizeof plain || strcmp(name + length - tail, suffix) != 0) {
        return false;
    }
    snprintf(plain, sizeof plain, "%.*s", (int)(length - tail), name);
    return checkpoint_find(source, plain) != NULL;
}

// prefix is "" or "model.layers.N."; base is the struct whose pointers are set.
static gptoss_status bind_rows(const model_config *config, const checkpoint *source,
                               const wanted *rows, int n_rows, const char *prefix, void *base,
                               gptoss_error *error) {
    for (int i = 0; i < n_rows; i++) {
        const wanted *w = &rows[i];
        if (w->only_with_bias && !config->attention_bias) {
            continue;
        }
        char name[128];
        snprintf(name, sizeof name, "%s%s", prefix, w->name);
        const checkpoint_tensor *tensor = checkpoint_find(source, name);
        if (!tensor && is_plain_expert(source, name)) {
            return base_fail(error, GPTOSS_UNSUPPORTED,
                             "%s: tensor %s: expected; experts in plain bf16 are not supported, "
                             "only MXFP4",
                             checkpoint_path(source), name);
        }
        if (!tensor) {
            return base_fail(error, GPTOSS_BAD_FILE, "%s: tensor %s: missing",
                             checkpoint_path(source), name);
        }
        gptoss_status status = check_tensor(source, tensor, w, error);
        if (status != GPTOSS_OK) {
            return status;
        }
        memcpy((char *)base + w->offset, &tensor->data, sizeof tensor->data);
    }
    return GPTOSS_OK;
}

gptoss_status model_bind(const model_config *config, const checkpoint *source,
                         model_weights *weights_out, gptoss_error *error) {
    *weights_out = (model_weights){0};
    size_t layers = (size_t)config->layers;
    weights_out->layers = base_alloc_zero(layers, sizeof *weights_out->layers);
    if (!weights_out->layers) {
        return base_fail_memory(error, layers * sizeof *weights_out->layers);
    }
    wanted outer[N_OUTER], rows[N_LAYER];
    int n_outer = list_outer(config, outer);
    list_layer(config, rows);
    gptoss_status status = bind_rows(config, source, outer, n_outer, "", weights_out, error);
    for (int i = 0; i < config->layers && status == GPTOSS_OK; i++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "model.layers.%d.", i);
        status = bind_rows(config, source, rows, N_LAYER, prefix, &weights_out->layers[i], error);
    }
    if (status != GPTOSS_OK) {
        model_weights_free(weights_out);
        return status;
    }
    if (config->tied_embeddings) {
        weights_out->unembedding = weights_out->embedding;
    }
    return GPTOSS_OK;
}

void model_weights_free(model_weights *weights) {
    base_free(weights->layers);
    *weights = (model_weights){0};
}

// ---- counting -------------------------------------------------------------------------------

static uint64_t elements(const wanted *w) {
    uint64_t count = 1;
    for (int i = 0; i < rank_of(w); i++) {
        count *= w->shape[i];
    }
    return count;
}

// Weights, as opposed to stored elements: a byte of blocks holds two, a scale none.
static uint64_t weights_in(const wanted *w) {
    if (w->dtype != CHECKPOINT_U8) {
        return elements(w);
    }
    return rank_of(w) == 4 ? 2 * elements(w) : 0;
}

// Adds `copies` tensors like w to the totals.
static void count(const model_config *c, const wanted *w, uint64_t copies, model_bytes *total) {
    uint64_t bytes = copies * elements(w) * checkpoint_dtype_size(w->dtype);
    uint64_t parameters = copies * weights_in(w);
    uint64_t chosen = (uint64_t)c->experts_per_token, of = (uint64_t)c->experts;
    uint64_t *by_kind[] = {&total->embeddings, &total->experts, &total->dense};
    *by_kind[w->kind] += bytes;
    total->total += bytes;
    total->parameters += parameters;
    total->per_token += w->kind == EXPERT ? bytes / of * chosen : bytes;
    total->active_parameters += w->kind == EXPERT ? parameters / of * chosen : parameters;
}

model_bytes model_count_bytes(const model_config *config) {
    model_bytes total = {0};
    wanted outer[N_OUTER], rows[N_LAYER];
    int n_outer = list_outer(config, outer);
    for (int i = 0; i < n_outer; i++) {
        count(config, &outer[i], 1, &total);
    }
    list_layer(config, rows);
    for (int i = 0; i < N_LAYER; i++) {
        if (config->attention_bias || !rows[i].only_with_bias) {
            count(config, &rows[i], (uint64_t)config->layers, &total);
        }
    }
    if (!config->tied_embeddings) { // of the embedding, a token reads one row
        uint64_t hidden = (uint64_t)config->hidden, others = (uint64_t)config->vocabulary - 1;
        total.per_token -= others * hidden * sizeof(uint16_t);
        total.active_parameters -= others * hidden;
    }
    return total;
}
