// A whole vocabulary of exponentials for each sampled token: lanes that the compiler vectorizes.
#include "sample/log_sum.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { LANES = 16 };

// exp(x) for x <= 0: 2^n * exp(r), n = rint(x / ln 2), with the polynomial and the split of ln 2 of
// Cephes' expf (S. Moshier); relative error below 3e-7. Below -87 it is 0.
static inline float exp_of_negative(float x) {
    const float round = 12582912.0f; // 1.5 * 2^23: adding it leaves the integer in the low bits
    float clamped = x > -87.0f ? x : -87.0f;
    float shifted = clamped * 1.44269504088896341f + round;
    float n = shifted - round;
    float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 23) + 0x3f800000u;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x > -87.0f ? p * scale : 0.0f;
}

// The largest, or NaN when one is NaN.
static float largest(const float *x, int32_t n) {
    float top[LANES];
    int nan[LANES] = {0};
    for (int j = 0; j < LANES; j++)
        top[j] = -INFINITY;
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            top[j] = x[i + j] > top[j] ? x[i + j] : top[j];
            nan[j] |= x[i + j] != x[i + j];
        }
    }
    for (; i < n; i++) {
        top[i % LANES] = x[i] > top[i % LANES] ? x[i] : top[i % LANES];
        nan[i % LANES] |= x[i] != x[i];
    }
    float highest = -INFINITY;
    for (int j = 0; j < LANES; j++) {
        if (nan[j])
            return NAN;
        highest = top[j] > highest ? top[j] : highest;
    }
    return highest;
}

double log_sum(const float *logits, int32_t n) {
    float highest = largest(logits, n);
    if (!isfinite(highest))
        return NAN;
    double sums[LANES] = {0}, sum = 0;
    int32_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        float e[LANES];
        for (int j = 0; j < LANES; j++)
            e[j] = exp_of_negative(logits[i + j] - highest);
        for (int j = 0; j < LANES; j++)
            sums[j] += e[j];
    }
    for (; i < n; i++)
        sums[i % LANES] += exp_of_negative(logits[i] - highest);
    for (int j = 0; j < LANES; j++)
        sum += sums[j];
    return highest + log(sum);
}
