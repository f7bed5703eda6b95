// exp and what follows from it, by the same operations in every instruction set.
#ifndef CPU_KERNELS_MATH_H
#define CPU_KERNELS_MATH_H

#include "number/number.h"

// exp(x) = 2^n * exp(r), n = rint(x / ln 2): the polynomial and the split of ln 2 are those of
// Cephes' expf (S. Moshier), error below 2 units in the last place. Below LOW the result is 0,
// above HIGH it stays exp(HIGH), which is finite. NaN stays NaN.
#define MATH_EXP_LOW -87.0f
#define MATH_EXP_HIGH 88.0f
#define MATH_LOG2_E 1.44269504088896341f
#define MATH_LN2_HIGH 0.693359375f
#define MATH_LN2_LOW -2.12194440e-4f
#define MATH_ROUND 12582912.0f // 1.5 * 2^23: adding it leaves the integer in the low bits
#define MATH_EXP_C0 1.9875691500e-4f
#define MATH_EXP_C1 1.3981999507e-3f
#define MATH_EXP_C2 8.3334519073e-3f
#define MATH_EXP_C3 4.1665795894e-2f
#define MATH_EXP_C4 1.6666665459e-1f
#define MATH_EXP_C5 5.0000001201e-1f

static inline float math_exp(float x) {
    float c = MATH_EXP_LOW > x ? MATH_EXP_LOW : x;
    c = MATH_EXP_HIGH < c ? MATH_EXP_HIGH : c;
    float shifted = __builtin_fmaf(c, MATH_LOG2_E, MATH_ROUND);
    float n = shifted - MATH_ROUND;
    float r = __builtin_fmaf(n, -MATH_LN2_HIGH, c);
    r = __builtin_fmaf(n, -MATH_LN2_LOW, r);
    float p = MATH_EXP_C0;
    p = __builtin_fmaf(p, r, MATH_EXP_C1);
    p = __builtin_fmaf(p, r, MATH_EXP_C2);
    p = __builtin_fmaf(p, r, MATH_EXP_C3);
    p = __builtin_fmaf(p, r, MATH_EXP_C4);
    p = __builtin_fmaf(p, r, MATH_EXP_C5);
    p = __builtin_fmaf(p, r * r, r) + 1.0f;
    float scale = number_f32_of_bits((number_f32_bits(shifted) << 23) + 0x3f800000u);
    return x < MATH_EXP_LOW ? 0.0f : p * scale;
}

// gate * sigmoid(alpha * gate) * (up + 1), gate clamped from above, up on both sides
static inline float math_swiglu(float gate, float up, float limit, float alpha) {
    gate = limit < gate ? limit : gate;
    up = limit < up ? limit : up;
    up = -limit > up ? -limit : up;
    float sigmoid = 1.0f / (1.0f + math_exp(-(alpha * gate)));
    return gate * sigmoid * (up + 1.0f);
}

// The bf16 pattern of 2^(byte - 128): an e8m0 scale halved, since the codes are doubled. Exact.
static inline uint16_t math_half_e8m0(uint8_t byte) {
    if (byte >= 2)
        return byte == NUMBER_E8M0_NAN ? 0x7fc0 : (uint16_t)((byte - 1) << 7);
    return byte == 1 ? 0x0040 : 0x0020;
}

#endif
