// What plain C reaches, as the compiler makes it for any processor of this kind.
#include "machine/peaks.h"

enum { N = 4096 }; // values of an array that stays in the first-level cache

static uint64_t read_words(const void *data, size_t bytes) {
    const uint64_t *words = data;
    uint64_t result = 0;
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        result ^= words[i];
    return result;
}

// The compiler can't know what lies there from here on.
#define UNKNOWN(pointer) __asm__ volatile("" : "+r"(pointer)::"memory")

static size_t multiply_int8(size_t rounds) {
    static const uint8_t zeros[N];
    int32_t sum = 0;
    for (size_t round = 0; round < rounds; round++) {
        const uint8_t *w = zeros;
        const int8_t *x = (const int8_t *)zeros;
        UNKNOWN(w);
        UNKNOWN(x);
        for (size_t i = 0; i < N; i++)
            sum += w[i] * x[i];
    }
    __asm__ volatile("" ::"r"(sum));
    return rounds * N;
}

static size_t multiply_f32(size_t rounds) {
    enum { LANES = 16 };
    static const float zeros[N];
    float sum[LANES] = {0};
    for (size_t round = 0; round < rounds; round++) {
        const float *w = zeros, *x = zeros;
        UNKNOWN(w);
        UNKNOWN(x);
        for (size_t i = 0; i < N; i += LANES) {
            for (size_t lane = 0; lane < LANES; lane++)
                sum[lane] += w[i + lane] * x[i + lane];
        }
    }
    __asm__ volatile("" ::"r"(sum) : "memory");
    return rounds * N;
}

const machine_peaks machine_scalar = {"scalar", 0, read_words, multiply_int8, multiply_f32};
