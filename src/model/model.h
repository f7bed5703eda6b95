// model: what is true of a gpt-oss model on every backend: its hyperparameters, the names, types
// and shapes of its tensors, its rotary frequencies, its bytes.
//
// Values here are checked once, on the way in: whoever holds a model_config that came out of
// model_config_parse may multiply its dimensions in size_t without checking for overflow.
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "checkpoint/checkpoint.h"

enum {
    MODEL_MAX_LAYERS = 256,
    MODEL_MAX_HIDDEN = 1 << 16, // hidden and intermediate
    MODEL_MAX_HEADS = 1 << 10,
    MODEL_MAX_HEAD_DIM = 512,
    MODEL_MAX_EXPERTS = 1 << 12,
    MODEL_MAX_VOCABULARY = 1 << 22,
    MODEL_MAX_POSITIONS = 1 << 24, // exact as float32
    MODEL_MAX_EOS = 16,
};

typedef struct model_rope_config {
    bool yarn;               // false: plain rotary embedding, the fields after theta are unused
    double theta;            // > 1
    double factor;           // >= 1
    double original_context; // positions, >= 1
    double beta_fast, beta_slow;
    bool truncate;            // ramp bounds rounded to whole lanes
    double attention_scaling; // multiplies cos and sin; 1 when plain
} model_rope_config;

typedef struct model_config {
    int hidden; // multiple of 32
    int layers;
    int heads, kv_heads; // query heads, a multiple of key/value heads
    int head_dim;        // even
    int experts;
    int experts_per_token; // 1 .. experts
    int intermediate;      // of one expert; multiple of 32
    int vocabulary;
    int window; // positions that a sliding layer sees, the current one included; 0 if
                // there is no sliding layer
    int max_positions;
    bool is_sliding[MODEL_MAX_LAYERS]; // [layers]
    bool attention_bias;               // q, k, v and o have one
    bool tied_embeddings;              // the unembedding is the embedding
    float rms_eps;
    float swiglu_limit; // clamps gate (above) and up (both sides)
    float swiglu_alpha; // gate * sigmoid(alpha * gate)
    model_rope_config rope;
    int n_eos; // 0 when the file names none
    int32_t eos[MODEL_MAX_EOS];
} model_config;

// Reads config.json as transformers 4.55 .. 5 write it. What it asks for and this program can't do
// (another architecture, activation or rope_type) is GPTOSS_UNSUPPORTED; what makes no sense is
// GPTOSS_BAD_FILE. name stands in messages ("dir/config.json").
gptoss_status model_config_parse(const char *json, size_t length, const char *name,
                                 model_config *config_out, gptoss_error *error);

// One layer's weights where the checkpoint has them. Linear weights are [out][in]; bf16 as
// uint16_t, aligned to 2; MXFP4 blocks are bytes without alignment. Sizes: q = heads * head_dim, kv
// = kv_heads * head_dim, E = experts, H = hidden, I = intermediate.
typedef struct model_layer {
    const uint16_t *attention_norm; // [H]
    const uint16_t *q_weight;       // [q][H]
    const uint16_t *q_bias;         // [q]; all four biases NULL without attention_bias
    const uint16_t *k_weight;       // [kv][H]
    const uint16_t *k_bias;         // [kv]
    const uint16_t *v_weight;       // [kv][H]
    const uint16_t *v_bias;         // [kv]
    const uint16_t *o_weight;       // [H][q]
    const uint16_t *o_bias;         // [H]
    const uint16_t *sinks;          // [heads]
    const uint16_t *mlp_norm;       // [H]
    const uint16_t *router_weight;  // [E][H]
    const uint16_t *router_bias;    // [E]
    const uint8_t *gate_up_blocks;  // [E][2I][H/32][16]; row 2i is gate i, row 2i + 1 is up i
    const uint8_t *gate_up_scales;  // [E][2I][H/32]
    const uint16_t *gate_up_bias;   // [E][2I]
    const uint8_t *down_blocks;     // [E][H][I/32][16]
    const uint8_t *down_scales;     // [E][H][I/32]
    const uint16_t *down_bias;      // [E][H]
} model_layer;

typedef struct model_weights {
    const uint16_t *embedding;   // [vocabulary][H]
    const uint16_t *final_norm;  // [H]
    const uint16_t *unembedding; // [vocabulary][H]; equals embedding when tied
    model_layer *layers;         // [config.layers], owned
} model_weights;

// Finds every tensor that the config calls for and checks dtype and exact shape. Tensors beyond
// those are ignored. The pointers live as long as the checkpoint. Experts in plain bf16 are
// GPTOSS_UNSUPPORTED.
gptoss_status model_bind(const model_config *config, const checkpoint *checkpoint,
                         model_weights *weights_out, gptoss_error *error);
void model_weights_free(model_weights *weights);

// Rotary embedding: lane i of a head turns with lane i + head_dim / 2 by position * inverse[i].
typedef struct model_rope {
    int half;                              // head_dim / 2
    float scaling;                         // multiplies cos and sin
    float inverse[MODEL_MAX_HEAD_DIM / 2]; // [half], radians per position
} model_rope;

void model_rope_init(const model_config *config, model_rope *rope_out);

// cos and sin, [count][half] each, of positions first .. first + count - 1, scaling included. The
// angle is the float32 product position * inverse (as transformers computes it), its cosine is
// taken in double and rounded once. 0 <= first, first + count <= MODEL_MAX_POSITIONS.
void model_rope_table(const model_rope *rope, int first, int count, float *cos_out, float *sin_out);

// Bytes of the weights by kind, as stored.
typedef struct model_bytes {
    uint64_t embeddings; // embedding and unembedding (once when tied)
    uint64_t experts;    // blocks, scales and biases
    uint64_t dense;      // all else: attention, norms, routers
    uint64_t total;
    uint64_t per_token; // read for one token: dense, chosen experts, one embedding row, unembedding
    uint64_t parameters, active_parameters; // counted in weights, not bytes
} model_bytes;

model_bytes model_count_bytes(const model_config *config);

#endif
