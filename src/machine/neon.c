// What NEON reaches on any 64-bit Arm processor: 128-bit loads, and products between registers.
#include "machine/peaks.h"

#include <arm_neon.h>

#define UNKNOWN(x) MACHINE_UNKNOWN("w", x)
#define NEEDED(x) MACHINE_NEEDED("w", x)

uint64_t machine_neon_read(const void *data, size_t bytes) {
    enum { AT_ONCE = 8, WORDS = 2 };
    const uint64_t *from = data, *end = from + bytes / sizeof *from;
    uint64x2_t sum[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++)
        sum[i] = vdupq_n_u64(0);
    for (; from < end; from += AT_ONCE * WORDS) {
#pragma GCC unroll 8
        for (int i = 0; i < AT_ONCE; i++)
            sum[i] = veorq_u64(sum[i], vld1q_u64(from + WORDS * i));
    }
    for (int i = 1; i < AT_ONCE; i++)
        sum[0] = veorq_u64(sum[0], sum[i]);
    return vgetq_lane_u64(sum[0], 0) ^ vgetq_lane_u64(sum[0], 1);
}

size_t machine_neon_f32(size_t rounds) {
    enum { SUMS = 24, LANES = 4 };
    float32x4_t sum[SUMS], w = vdupq_n_f32(0), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = vdupq_n_f32(0);
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        UNKNOWN(w);
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++)
            sum[i] = vfmaq_f32(sum[i], w, x);
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * LANES;
}

// Small codes: four products are added in 16 bits before they are widened.
static size_t multiply_int8(size_t rounds) {
    enum { SUMS = 8, LANES = 32 };
    int32x4_t sum[SUMS];
    int8x16_t w = vdupq_n_s8(0), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = vdupq_n_s32(0);
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 8
        for (int i = 0; i < SUMS; i++) {
            UNKNOWN(w);
            int16x8_t products = vmull_s8(vget_low_s8(w), vget_low_s8(x));
            products = vmlal_high_s8(products, w, x);
            UNKNOWN(w);
            products = vmlal_s8(products, vget_low_s8(w), vget_low_s8(x));
            products = vmlal_high_s8(products, w, x);
            sum[i] = vpadalq_s16(sum[i], products);
        }
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * LANES;
}

const machine_peaks machine_neon = {"neon", BASE_CPU_NEON, machine_neon_read, multiply_int8,
                                    machine_neon_f32};
