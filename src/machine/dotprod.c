// What Arm's dot products reach between registers.
#include "machine/peaks.h"

#include <arm_neon.h>

#define UNKNOWN(x) MACHINE_UNKNOWN("w", x)
#define NEEDED(x) MACHINE_NEEDED("w", x)

static size_t multiply_int8(size_t rounds) {
    enum { SUMS = 24, LANES = 16 };
    int32x4_t sum[SUMS];
    int8x16_t w = vdupq_n_s8(0), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = vdupq_n_s32(0);
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        UNKNOWN(w);
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++)
            sum[i] = vdotq_s32(sum[i], w, x);
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * LANES;
}

const machine_peaks machine_dotprod = {"dotprod", BASE_CPU_NEON | BASE_CPU_DOTPROD,
                                       machine_neon_read, multiply_int8, machine_neon_f32};
