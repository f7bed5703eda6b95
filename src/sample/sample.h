// sample: one row of logits -> one token.
//
// The order of operations: penalties and bias, the caller's mask, temperature, top-k, top-p, min-p,
// the draw. The draw uses a number that depends on (seed, stream, position) alone, so a result does
// not depend on what else runs. All sums run in one fixed order; ties go to the lower id.
#ifndef SAMPLE_SAMPLE_H
#define SAMPLE_SAMPLE_H

#include "base/base.h"

// Checks the parameters' ranges (GPTOSS_BAD_ARGUMENT names the one that is wrong).
gptoss_status sample_check(const gptoss_sampling *sampling, int32_t vocabulary,
                           gptoss_error *error);

typedef struct sampler sampler;

// Working memory for rows of `vocabulary` logits.
gptoss_status sampler_create(int32_t vocabulary, sampler **sampler_out, gptoss_error *error);
void sampler_free(sampler *sampler);

// What one draw depends on, beside the logits.
typedef struct sample_context {
    const gptoss_sampling *sampling; // checked
    const int32_t *ids; // [n_ids] tokens of the sequence so far: penalties look at them
    size_t n_ids;
    size_t n_prompt; // of those, the ones that were not sampled: the mask is not shown them
} sample_context;

typedef struct sample_result {
    int32_t id;
    float logprob; // ln of the softmax of the logits as they came
} sample_result;

// logits[vocabulary]. top[n_top] (n_top <= vocabulary) receives the most probable tokens.
// GPTOSS_BAD_INPUT when the mask leaves nothing, or when the logits hold NaN.
gptoss_status sample_token(sampler *sampler, const sample_context *context, const float *logits,
                           gptoss_logprob *top, int32_t n_top, sample_result *result_out,
                           gptoss_error *error);

// A uniform number in [0, 1) with 53 bits: Philox4x32-10 (Salmon et al., SC 2011), keyed by seed,
// counting (stream, position).
double sample_uniform(uint64_t seed, uint64_t stream, uint64_t position);

#endif
