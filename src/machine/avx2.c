// What AVX2 and FMA reach: 256-bit loads, and products between registers.
#include "machine/peaks.h"

#include <immintrin.h>

#define UNKNOWN(x) MACHINE_UNKNOWN("x", x)
#define NEEDED(x) MACHINE_NEEDED("x", x)

// Two streams: some memory gives a little more that way.
uint64_t machine_avx2_read(const void *data, size_t bytes) {
    enum { AT_ONCE = 4 };
    size_t half = bytes / 2 / sizeof(__m256i);
    const __m256i *from = data, *end = from + half;
    __m256i sum[2 * AT_ONCE];
    for (int i = 0; i < 2 * AT_ONCE; i++)
        sum[i] = _mm256_setzero_si256();
    for (; from < end; from += AT_ONCE) {
#pragma GCC unroll 4
        for (int i = 0; i < AT_ONCE; i++) {
            sum[2 * i] = _mm256_xor_si256(sum[2 * i], _mm256_load_si256(from + i));
            sum[2 * i + 1] = _mm256_xor_si256(sum[2 * i + 1], _mm256_load_si256(from + half + i));
        }
    }
    for (int i = 1; i < 2 * AT_ONCE; i++)
        sum[0] = _mm256_xor_si256(sum[0], sum[i]);
    uint64_t words[sizeof(__m256i) / sizeof(uint64_t)], result = 0;
    _mm256_storeu_si256((__m256i *)words, sum[0]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        result ^= words[i];
    return result;
}

// Small codes: four products of pairs are added in 16 bits before they are widened.
static size_t multiply_int8(size_t rounds) {
    enum { SUMS = 4, PRODUCTS = 4, LANES = 32 };
    __m256i sum[SUMS], w = _mm256_setzero_si256(), x = w, ones = _mm256_set1_epi16(1);
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = _mm256_setzero_si256();
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
#pragma GCC unroll 4
        for (int i = 0; i < SUMS; i++) {
            UNKNOWN(w);
            __m256i pairs = _mm256_maddubs_epi16(w, x);
#pragma GCC unroll 3
            for (int k = 1; k < PRODUCTS; k++) {
                UNKNOWN(w);
                pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(w, x));
            }
            sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(pairs, ones));
        }
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * PRODUCTS * LANES;
}

size_t machine_avx2_f32(size_t rounds) {
    enum { SUMS = 12, LANES = 8 };
    __m256 sum[SUMS], w = _mm256_setzero_ps(), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = _mm256_setzero_ps();
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        UNKNOWN(w);
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm256_fmadd_ps(w, x, sum[i]);
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * LANES;
}

const machine_peaks machine_avx2 = {"avx2", BASE_CPU_AVX2, machine_avx2_read, multiply_int8,
                                    machine_avx2_f32};
