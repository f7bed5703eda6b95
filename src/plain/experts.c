// The mixture of experts: a router chooses a few of them for each token, and their answers are
// added by their shares.
#include "plain/state.h"

#include <math.h>
#include <string.h>

// The best K of logits [E], the lower index first where they are equal, and the softmax over them.
static void choose(const plain_state *plain, const float *logits, int32_t *chosen, float *share) {
    size_t k = plain->top_k;
    for (size_t rank = 0; rank < k; rank++) {
        int32_t best = -1;
        for (int32_t e = 0; e < (int32_t)plain->experts; e++) {
            bool taken = false;
            for (size_t i = 0; i < rank; i++)
                taken = taken || chosen[i] == e;
            if (!taken && (best < 0 || logits[e] > logits[best]))
                best = e;
        }
        chosen[rank] = best;
    }
    float total = 0;
    for (size_t rank = 0; rank < k; rank++)
        total += share[rank] = expf(logits[chosen[rank]] - logits[chosen[0]]);
    for (size_t rank = 0; rank < k; rank++)
        share[rank] /= total;
}

static void route(const plain_pass *pass, const plain_layer *layer) {
    plain_state *plain = pass->plain;
    plain_scratch *s = &plain->scratch;
    const plain_tensor *t = layer->tensors;
    plain_linear(plain, &t[PLAIN_ROUTER], &t[PLAIN_ROUTER_BIAS], s->normed, pass->n, s->router);
    for (size_t i = 0; i < pass->n; i++)
        choose(plain, s->router + i * plain->experts, s->chosen + i * plain->top_k,
               s->share + i * plain->top_k);
}

static float activate(const model_config *config, float gate, float up) {
    gate = fminf(gate, config->swiglu_limit);
    up = fmaxf(fminf(up, config->swiglu_limit), -config->swiglu_limit);
    return gate / (1 + expf(-config->swiglu_alpha * gate)) * (up + 1);
}

// scratch.input [n][H] -> scratch.output [n][H]
static void ask(plain_state *plain, const plain_layer *layer, size_t expert, size_t n) {
    plain_scratch *s = &plain->scratch;
    const plain_tensor *t = layer->tensors;
    size_t rows = 2 * plain->intermediate, hidden = plain->hidden;
    plain_tensor gate_up = plain_slice(&t[PLAIN_GATE_UP], expert * rows, rows);
    plain_tensor gate_up_bias = plain_slice(&t[PLAIN_GATE_UP_BIAS], expert, 1);
    plain_tensor down = plain_slice(&t[PLAIN_DOWN], expert * hidden, hidden);
    plain_tensor down_bias = plain_slice(&t[PLAIN_DOWN_BIAS], expert, 1);
    plain_linear(plain, &gate_up, &gate_up_bias, s->input, n, s->gate_up);
    for (size_t i = 0; i < n * plain->intermediate; i++)
        s->hidden[i] = activate(plain->config, s->gate_up[2 * i], s->gate_up[2 * i + 1]);
    plain_linear(plain, &down, &down_bias, s->hidden, n, s->output);
}

// Asks an expert about the tokens in scratch.member[n].
static void ask_about(const plain_pass *pass, const plain_layer *layer, size_t expert, size_t n) {
    plain_state *plain = pass->plain;
    plain_scratch *s = &plain->scratch;
    size_t hidden = plain->hidden, bytes = hidden * sizeof(float);
    for (size_t i = 0; i < n; i++) {
        size_t token = (size_t)s->member[i] / plain->top_k;
        memcpy(s->input + i * hidden, s->normed + token * hidden, bytes);
    }
    ask(plain, layer, expert, n);
    for (size_t i = 0; i < n; i++)
        memcpy(s->mixed + (size_t)s->member[i] * hidden, s->output + i * hidden, bytes);
}

// Each token asks its experts: an expert's weights are read again for every one.
static void ask_token_by_token(const plain_pass *pass, const plain_layer *layer) {
    plain_scratch *s = &pass->plain->scratch;
    for (size_t i = 0; i < pass->n * pass->plain->top_k; i++) {
        s->member[0] = (int32_t)i;
        ask_about(pass, layer, (size_t)s->chosen[i], 1);
    }
}

// Each expert is asked once, about all of its tokens.
static void ask_expert_by_expert(const plain_pass *pass, const plain_layer *layer) {
    plain_scratch *s = &pass->plain->scratch;
    for (size_t e = 0; e < pass->plain->experts; e++) {
        size_t n = 0;
        for (size_t i = 0; i < pass->n * pass->plain->top_k; i++) {
            if (s->chosen[i] == (int32_t)e)
                s->member[n++] = (int32_t)i;
        }
        if (n > 0)
            ask_about(pass, layer, e, n);
    }
}

void plain_experts(const plain_pass *pass, const plain_layer *layer) {
    const plain_state *plain = pass->plain;
    const plain_scratch *s = &plain->scratch;
    route(pass, layer);
    if (plain->step->groups_tokens)
        ask_expert_by_expert(pass, layer);
    else
        ask_token_by_token(pass, layer);
    for (size_t i = 0; i < pass->n * plain->top_k; i++) {
        float *x = s->x + i / plain->top_k * plain->hidden;
        for (size_t d = 0; d < plain->hidden; d++)
            x[d] += s->share[i] * s->mixed[i * plain->hidden + d];
    }
}
