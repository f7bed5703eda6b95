// What the files of this backend share. Sizes: H = hidden, Q = heads * head_dim, KV = kv_heads *
// head_dim, E = experts, K = experts per token, I = intermediate, V = vocabulary, C = max_context;
// W = width of a position's keys: Q when they are repeated for each query head, else KV;
// P = positions of one pass: max_tokens with a cache, C without.
#ifndef PLAIN_STATE_H
#define PLAIN_STATE_H

#include "backend/backend.h"

// What a step does better than the one before it (steps.c).
typedef struct plain_step {
    const char *name;
    bool shares_keys;   // query heads read the keys of their group, else each has a copy
    bool maps_weights;  // weights are read as stored, else made float32 when loaded
    bool groups_tokens; // an expert meets all of its tokens at once, else one after another
    bool caches;        // pages hold keys and values, else token ids, and all is computed anew
} plain_step;

// NULL for a name that no step has.
const plain_step *plain_find_step(const char *name);
void plain_list_steps(char *text, size_t size); // "baseline, grouped-query, ..."

// ---- weights ---------------------------------------------------------------------------------

// Where time is counted (profile.c), by the names that the cpu backend uses too.
typedef enum plain_part {
    PLAIN_PART_OTHER, // norms, rotary embedding, activation, adding up
    PLAIN_PART_QKV,
    PLAIN_PART_ATTENTION,
    PLAIN_PART_O,
    PLAIN_PART_ROUTER,
    PLAIN_PART_GATE_UP,
    PLAIN_PART_DOWN,
    PLAIN_PART_UNEMBED,
    PLAIN_PARTS,
} plain_part;

// A matrix, or a vector as its only row. rows is 0 where the model has no such tensor.
typedef struct plain_tensor {
    plain_part part; // that its products count for
    size_t rows, columns;
    const uint16_t *bf16;           // [rows][columns], or NULL for
    const uint8_t *blocks, *scales; // [rows][columns / 32][16] and [rows][columns / 32]: MXFP4
    float *values;                  // [rows][columns] when it was made float32
} plain_tensor;

// A layer's tensors. Those of all experts lie one after another, as stored.
enum {
    PLAIN_ATTENTION_NORM, // [1][H]
    PLAIN_Q,              // [Q][H]
    PLAIN_Q_BIAS,         // [1][Q]
    PLAIN_K,              // [KV][H]
    PLAIN_K_BIAS,         // [1][KV]
    PLAIN_V,              // [KV][H]
    PLAIN_V_BIAS,         // [1][KV]
    PLAIN_O,              // [H][Q]
    PLAIN_O_BIAS,         // [1][H]
    PLAIN_SINKS,          // [1][heads]
    PLAIN_MLP_NORM,       // [1][H]
    PLAIN_ROUTER,         // [E][H]
    PLAIN_ROUTER_BIAS,    // [1][E]
    PLAIN_GATE_UP,        // [E * 2I][H]: row 2i of an expert is gate i, row 2i + 1 is up i
    PLAIN_GATE_UP_BIAS,   // [E][2I]
    PLAIN_DOWN,           // [E * H][I]
    PLAIN_DOWN_BIAS,      // [E][H]
    PLAIN_TENSORS,
};

typedef struct plain_layer {
    plain_tensor tensors[PLAIN_TENSORS];
    backend_group group;
    size_t group_index; // among the layers of its group
} plain_layer;

// ---- working memory --------------------------------------------------------------------------

typedef struct plain_scratch {
    int32_t *ids;                 // [P], without a cache: all of a sequence
    float *x;                     // [P][H], the residual stream
    float *normed;                // [P][H]
    float *q, *attended;          // [P][Q]
    float *k, *v;                 // [P][W]
    const float **keys, **values; // [C] where each position's [W] are
    float *scores;                // [C]
    float *cos, *sin;             // [P][head_dim / 2]
    float *router;                // [P][E]
    int32_t *chosen;              // [P][K], best first
    float *share;                 // [P][K]
    int32_t *member;              // [P] places (token * K + rank) of one expert
    float *input;                 // [P][H] of one expert's tokens
    float *gate_up;               // [P][2I]
    float *hidden;                // [P][I]
    float *output;                // [P][H]
    float *mixed;                 // [P][K][H] what each chosen expert says
    float *row, *bias;            // one row of a tensor each
} plain_scratch;

typedef struct plain_state {
    const plain_step *step;
    const model_config *config;
    backend_options options;
    model_rope rope;
    size_t heads, kv_heads, dim, hidden, experts, top_k, intermediate;
    size_t key_heads; // heads that a position's keys are kept for
    plain_tensor embedding, final_norm;
    plain_tensor unembedding; // no rows: the embedding is also the unembedding
    plain_layer *layers;      // [config->layers]
    backend_pages pages;
    size_t scratch_bytes, weight_bytes; // weights: those made float32
    void *scratch_memory;               // NULL until load
    plain_scratch scratch;
    gptoss_profile profile;
    gptoss_steps *steps;    // what the present step adds to
    double began, measured; // seconds: when it began, what its parts took so far
} plain_state;

// Consecutive positions of one sequence that are computed together.
typedef struct plain_pass {
    plain_state *plain;
    const int32_t *ids; // [n]
    size_t n;
    size_t first;                // position of ids[0]
    const int32_t *const *pages; // as in backend_run
} plain_pass;

// tensors.c
void plain_bind(plain_state *plain, const model_weights *weights);
gptoss_status plain_expand(plain_state *plain, bool (*progress)(void *, double), void *context,
                           gptoss_error *error);
size_t plain_expanded_bytes(plain_state *plain);
void plain_free_tensors(plain_state *plain);
// What the rows take as they are read.
size_t plain_tensor_bytes(const plain_tensor *tensor);
// Rows first .. first + rows - 1.
plain_tensor plain_slice(const plain_tensor *tensor, size_t first, size_t rows);
// One row as float32: where it is, or made in `buffer`.
const float *plain_row(const plain_tensor *tensor, size_t row, float *buffer);

// scratch.c: counts the bytes and, where base is not NULL, lays the arrays out in it.
size_t plain_lay_out(plain_state *plain, uint8_t *base);

// forward.c
gptoss_status plain_forward(void *handle, const backend_batch *batch, float *logits,
                            gptoss_error *error);
// out[i] = weight . x[i] + bias (a tensor of one row or none); x [n][columns], out [n][rows]
void plain_linear(plain_state *plain, const plain_tensor *weight, const plain_tensor *bias,
                  const float *x, size_t n, float *out);
float plain_dot(const float *a, const float *b, size_t n);

// profile.c
void plain_profile_init(gptoss_profile *profile_out);
void plain_profile_begin(plain_state *plain, const backend_batch *batch);
void plain_profile_end(plain_state *plain);
// What was done since `since` (base_seconds).
void plain_profile_add(plain_state *plain, plain_part part, double since, size_t bytes,
                       size_t macs);

// attention.c: scratch.normed -> what attention adds to the residual stream, added.
void plain_attention(const plain_pass *pass, const plain_layer *layer);

// experts.c: the same of the experts.
void plain_experts(const plain_pass *pass, const plain_layer *layer);

#endif
