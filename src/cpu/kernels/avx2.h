// What the AVX2 files share. Only files compiled for AVX2 include this.
#ifndef CPU_KERNELS_AVX2_H
#define CPU_KERNELS_AVX2_H

#include <immintrin.h>
#include <math.h>

#include "cpu/kernels/math.h"
#include "cpu/kernels/tile.h"

static inline float avx2_add_halves(__m256 low, __m256 high) {
    __m256 eight = _mm256_add_ps(low, high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline float avx2_max(__m256 x) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline __m256 avx2_load_bf16(const uint16_t *from) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

// math_exp, eight at a time: the same operations, operand order included (it decides about NaN).
static inline __m256 avx2_exp(__m256 x) {
    const __m256 low = _mm256_set1_ps(MATH_EXP_LOW), round = _mm256_set1_ps(MATH_ROUND);
    __m256 c = _mm256_min_ps(_mm256_set1_ps(MATH_EXP_HIGH), _mm256_max_ps(low, x));
    __m256 shifted = _mm256_fmadd_ps(c, _mm256_set1_ps(MATH_LOG2_E), round);
    __m256 n = _mm256_sub_ps(shifted, round);
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-MATH_LN2_HIGH), c);
    r = _mm256_fmadd_ps(n, _mm256_set1_ps(-MATH_LN2_LOW), r);
    __m256 p = _mm256_set1_ps(MATH_EXP_C0);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MATH_EXP_C1));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MATH_EXP_C2));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MATH_EXP_C3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MATH_EXP_C4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MATH_EXP_C5));
    p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1));
    __m256i bits = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    __m256 scale = _mm256_castsi256_ps(_mm256_add_epi32(bits, _mm256_set1_epi32(0x3f800000)));
    __m256 zero = _mm256_cmp_ps(x, low, _CMP_LT_OQ);
    return _mm256_andnot_ps(zero, _mm256_mul_ps(p, scale));
}

void avx2_pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                  uint16_t *panel_scales);
void avx2_panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                   float *out, size_t out_stride);
void avx2_panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                   float *out, size_t out_stride);
void avx2_rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                     const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                     size_t out_stride);
void avx2_attend_f32(const cpu_page *page);
void avx2_attend_bf16(const cpu_page *page);

#endif
