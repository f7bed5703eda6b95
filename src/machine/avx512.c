// What AVX-512 with VNNI reaches: 512-bit loads, and products between registers.
#include "machine/peaks.h"

#include <immintrin.h>

#define UNKNOWN(x) MACHINE_UNKNOWN("v", x)
#define NEEDED(x) MACHINE_NEEDED("v", x)

enum { SUMS = 16 }; // more than latency times throughput of any processor

// Two streams: some memory gives a little more that way.
static uint64_t read_words(const void *data, size_t bytes) {
    enum { AT_ONCE = 4 };
    size_t half = bytes / 2 / sizeof(__m512i);
    const __m512i *from = data, *end = from + half;
    __m512i sum[2 * AT_ONCE];
    for (int i = 0; i < 2 * AT_ONCE; i++)
        sum[i] = _mm512_setzero_si512();
    for (; from < end; from += AT_ONCE) {
#pragma GCC unroll 4
        for (int i = 0; i < AT_ONCE; i++) {
            sum[2 * i] = _mm512_xor_si512(sum[2 * i], _mm512_load_si512(from + i));
            sum[2 * i + 1] = _mm512_xor_si512(sum[2 * i + 1], _mm512_load_si512(from + half + i));
        }
    }
    for (int i = 1; i < 2 * AT_ONCE; i++)
        sum[0] = _mm512_xor_si512(sum[0], sum[i]);
    uint64_t words[sizeof(__m512i) / sizeof(uint64_t)], result = 0;
    _mm512_storeu_si512(words, sum[0]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        result ^= words[i];
    return result;
}

static size_t multiply_int8(size_t rounds) {
    __m512i sum[SUMS], w = _mm512_setzero_si512(), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = _mm512_setzero_si512();
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        UNKNOWN(w);
#pragma GCC unroll 16
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_dpbusd_epi32(sum[i], w, x);
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * 64;
}

static size_t multiply_f32(size_t rounds) {
    __m512 sum[SUMS], w = _mm512_setzero_ps(), x = w;
    UNKNOWN(x);
    for (int i = 0; i < SUMS; i++) {
        sum[i] = _mm512_setzero_ps();
        UNKNOWN(sum[i]);
    }
    for (size_t round = 0; round < rounds; round++) {
        UNKNOWN(w);
#pragma GCC unroll 16
        for (int i = 0; i < SUMS; i++)
            sum[i] = _mm512_fmadd_ps(w, x, sum[i]);
    }
    for (int i = 0; i < SUMS; i++)
        NEEDED(sum[i]);
    return rounds * SUMS * 16;
}

const machine_peaks machine_avx512 = {"avx512", BASE_CPU_AVX2 | BASE_CPU_AVX512 | BASE_CPU_VNNI,
                                      read_words, multiply_int8, multiply_f32};
