// Rotary frequencies: plain, or YaRN (arXiv 2309.00071). Each operation is rounded to float32 where
// transformers' modeling_rope_utils.py rounds it: a frequency that differs in its last bit is an
// angle that differs by 0.01 at position 131,072.
#include "model/model.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

// The lane (a fraction) whose wave turns `rotations` times over the original context.
static double lane_of_rotations(const model_rope_config *rope, int head_dim, double rotations) {
    return head_dim * log(rope->original_context / (rotations * 2 * pi)) / (2 * log(rope->theta));
}

// The lanes between which frequencies go over from plain to interpolated.
static void ramp_bounds(const model_rope_config *rope, int head_dim, double *low, double *high) {
    *low = lane_of_rotations(rope, head_dim, rope->beta_fast);
    *high = lane_of_rotations(rope, head_dim, rope->beta_slow);
    if (rope->truncate) {
        *low = floor(*low);
        *high = ceil(*high);
    }
    *low = fmax(*low, 0);
    *high = fmin(*high, head_dim - 1);
    if (*low == *high) {
        *high += 0.001; // as the reference, against a division by zero
    }
}

void model_rope_init(const model_config *config, model_rope *rope_out) {
    const model_rope_config *rope = &config->rope;
    *rope_out =
        (model_rope){.half = config->head_dim / 2, .scaling = (float)rope->attention_scaling};
    double low = 0, high = 0;
    if (rope->yarn) {
        ramp_bounds(rope, config->head_dim, &low, &high);
    }
    for (int lane = 0; lane < rope_out->half; lane++) {
        float exponent = (float)(2 * lane) / (float)config->head_dim;
        float wave = (float)pow(rope->theta, (double)exponent);
        float plain = 1.0f / wave;
        if (!rope->yarn) {
            rope_out->inverse[lane] = plain;
            continue;
        }
        float ramp = fminf(fmaxf(((float)lane - (float)low) / (float)(high - low), 0), 1);
        float kept = 1.0f - ramp;
        float interpolated = 1.0f / ((float)rope->factor * wave);
        rope_out->inverse[lane] = interpolated * (1.0f - kept) + plain * kept;
    }
}

void model_rope_table(const model_rope *rope, int first, int count, float *cos_out,
                      float *sin_out) {
    for (int i = 0; i < count; i++) {
        for (int lane = 0; lane < rope->half; lane++) {
            float angle = (float)(first + i) * rope->inverse[lane];
            *cos_out++ = (float)cos((double)angle) * rope->scaling;
            *sin_out++ = (float)sin((double)angle) * rope->scaling;
        }
    }
}
