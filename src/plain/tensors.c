// The model's tensors: where the file has them, or made float32.
#include "plain/state.h"

#include "number/number.h"

static plain_tensor dense(const uint16_t *bf16, size_t rows, size_t columns) {
    return (plain_tensor){.rows = bf16 ? rows : 0, .columns = columns, .bf16 = bf16};
}

static plain_tensor mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t rows,
                          size_t columns) {
    return (plain_tensor){.rows = rows, .columns = columns, .blocks = blocks, .scales = scales};
}

static void bind_layer(const plain_state *plain, const model_layer *from, plain_tensor *to) {
    size_t hidden = plain->hidden, experts = plain->experts, gate_up = 2 * plain->intermediate;
    size_t q = plain->heads * plain->dim, kv = plain->kv_heads * plain->dim;
    to[PLAIN_ATTENTION_NORM] = dense(from->attention_norm, 1, hidden);
    to[PLAIN_Q] = dense(from->q_weight, q, hidden);
    to[PLAIN_Q_BIAS] = dense(from->q_bias, 1, q);
    to[PLAIN_K] = dense(from->k_weight, kv, hidden);
    to[PLAIN_K_BIAS] = dense(from->k_bias, 1, kv);
    to[PLAIN_V] = dense(from->v_weight, kv, hidden);
    to[PLAIN_V_BIAS] = dense(from->v_bias, 1, kv);
    to[PLAIN_O] = dense(from->o_weight, hidden, q);
    to[PLAIN_O_BIAS] = dense(from->o_bias, 1, hidden);
    to[PLAIN_SINKS] = dense(from->sinks, 1, plain->heads);
    to[PLAIN_MLP_NORM] = dense(from->mlp_norm, 1, hidden);
    to[PLAIN_ROUTER] = dense(from->router_weight, experts, hidden);
    to[PLAIN_ROUTER_BIAS] = dense(from->router_bias, 1, experts);
    to[PLAIN_GATE_UP] =
        mxfp4(from->gate_up_blocks, from->gate_up_scales, experts * gate_up, hidden);
    to[PLAIN_GATE_UP_BIAS] = dense(from->gate_up_bias, experts, gate_up);
    to[PLAIN_DOWN] =
        mxfp4(from->down_blocks, from->down_scales, experts * hidden, plain->intermediate);
    to[PLAIN_DOWN_BIAS] = dense(from->down_bias, experts, hidden);
    to[PLAIN_Q].part = to[PLAIN_K].part = to[PLAIN_V].part = PLAIN_PART_QKV;
    to[PLAIN_O].part = PLAIN_PART_O;
    to[PLAIN_ROUTER].part = PLAIN_PART_ROUTER;
    to[PLAIN_GATE_UP].part = PLAIN_PART_GATE_UP;
    to[PLAIN_DOWN].part = PLAIN_PART_DOWN;
}

void plain_bind(plain_state *plain, const model_weights *weights) {
    size_t vocabulary = (size_t)plain->config->vocabulary, in_group[BACKEND_GROUPS] = {0};
    for (int i = 0; i < plain->config->layers; i++) {
        plain_layer *layer = &plain->layers[i];
        layer->group = plain->config->is_sliding[i] ? BACKEND_SLIDING : BACKEND_FULL;
        layer->group_index = in_group[layer->group]++;
        bind_layer(plain, &weights->layers[i], layer->tensors);
    }
    plain->embedding = dense(weights->embedding, vocabulary, plain->hidden);
    plain->final_norm = dense(weights->final_norm, 1, plain->hidden);
    const uint16_t *own = plain->config->tied_embeddings ? NULL : weights->unembedding;
    plain->unembedding = dense(own, vocabulary, plain->hidden);
    plain->embedding.part = plain->unembedding.part = PLAIN_PART_UNEMBED;
}

size_t plain_tensor_bytes(const plain_tensor *t) {
    size_t count = t->rows * t->columns;
    if (t->values)
        return count * sizeof *t->values;
    return t->bf16 ? count * sizeof *t->bf16
                   : count / NUMBER_BLOCK * (NUMBER_MXFP4_BLOCK_BYTES + sizeof *t->scales);
}

plain_tensor plain_slice(const plain_tensor *t, size_t first, size_t rows) {
    size_t blocks = t->columns / NUMBER_BLOCK;
    return (plain_tensor){
        .part = t->part,
        .rows = rows,
        .columns = t->columns,
        .bf16 = t->bf16 ? t->bf16 + first * t->columns : NULL,
        .blocks = t->blocks ? t->blocks + first * blocks * NUMBER_MXFP4_BLOCK_BYTES : NULL,
        .scales = t->scales ? t->scales + first * blocks : NULL,
        .values = t->values ? t->values + first * t->columns : NULL,
    };
}

static void decode_rows(const plain_tensor *t, size_t first, size_t rows, float *to) {
    plain_tensor part = plain_slice(t, first, rows);
    if (part.bf16)
        number_bf16_to_f32_row(part.bf16, rows * t->columns, to);
    else
        number_mxfp4_decode(part.blocks, part.scales, rows * t->columns / NUMBER_BLOCK, to);
}

const float *plain_row(const plain_tensor *t, size_t row, float *buffer) {
    if (t->values)
        return t->values + row * t->columns;
    decode_rows(t, row, 1, buffer);
    return buffer;
}

// All tensors in the order of their use; NULL past the last.
static plain_tensor *tensor_at(plain_state *plain, size_t index) {
    size_t in_layers = (size_t)plain->config->layers * PLAIN_TENSORS;
    plain_tensor *others[] = {&plain->embedding, &plain->final_norm, &plain->unembedding};
    if (index < in_layers)
        return &plain->layers[index / PLAIN_TENSORS].tensors[index % PLAIN_TENSORS];
    return index - in_layers < 3 ? others[index - in_layers] : NULL;
}

size_t plain_expanded_bytes(plain_state *plain) {
    size_t bytes = 0;
    const plain_tensor *t;
    for (size_t i = 0; (t = tensor_at(plain, i)); i++)
        bytes += t->rows * t->columns * sizeof *t->values;
    return bytes;
}

gptoss_status plain_expand(plain_state *plain, bool (*progress)(void *, double), void *context,
                           gptoss_error *error) {
    double total = (double)plain_expanded_bytes(plain), done = 0;
    plain_tensor *t;
    for (size_t i = 0; (t = tensor_at(plain, i)); i++) {
        size_t count = t->rows * t->columns;
        if (progress && !progress(context, done / total))
            return base_fail(error, GPTOSS_CANCELLED, "loading was cancelled");
        if (count == 0)
            continue;
        float *values = base_alloc_aligned(count, sizeof *values);
        if (!values)
            return base_fail_memory(error, count * sizeof *values);
        decode_rows(t, 0, t->rows, values);
        t->values = values;
        done += (double)(count * sizeof *values);
    }
    return GPTOSS_OK;
}

void plain_free_tensors(plain_state *plain) {
    plain_tensor *t;
    for (size_t i = 0; (t = tensor_at(plain, i)); i++)
        base_free(t->values);
}
