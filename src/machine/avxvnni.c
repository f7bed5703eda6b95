// What AVX-VNNI reaches between registers: dot products of 256 bits.
#include "machine/peaks.h"

#include <immintrin.h>

#define UNKNOWN(x) MACHINE_UNKNOWN("x", x)
#define NEEDED(x) MACHINE_NEEDED("x", x)

static size_t multiply_int8(size_t rounds) {
    enum { SUMS = 12, LANES = 32 };
    __m256i sum[SUMS], w = _mm256_setzero_si256(), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = _mm256_setzero_si256();
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        UNKNOWN(w);
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum[i]) : "x"(w), "x"(x));
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * LANES;
}

const machine_peaks machine_avxvnni = {"avxvnni", BASE_CPU_AVX2 | BASE_CPU_AVX_VNNI,
                                       machine_avx2_read, multiply_int8, machine_avx2_f32};
