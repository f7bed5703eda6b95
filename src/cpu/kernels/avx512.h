// What the AVX-512 files share.
#ifndef CPU_KERNELS_AVX512_H
#define CPU_KERNELS_AVX512_H

#include "cpu/kernels/avx2.h"

enum { AVX512_DIRECT_TOKENS = 4 }; // that one pass over published weights meets

static inline float avx512_add_halves(__m512 x) {
    return avx2_add_halves(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
}

// math_exp, sixteen at a time: the same operations in the same order
static inline __m512 avx512_exp(__m512 x) {
    const __m512 low = _mm512_set1_ps(MATH_EXP_LOW), round = _mm512_set1_ps(MATH_ROUND);
    __m512 c = _mm512_min_ps(_mm512_set1_ps(MATH_EXP_HIGH), _mm512_max_ps(low, x));
    __m512 shifted = _mm512_fmadd_ps(c, _mm512_set1_ps(MATH_LOG2_E), round);
    __m512 n = _mm512_sub_ps(shifted, round);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-MATH_LN2_HIGH), c);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-MATH_LN2_LOW), r);
    __m512 p = _mm512_set1_ps(MATH_EXP_C0);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MATH_EXP_C1));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MATH_EXP_C2));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MATH_EXP_C3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MATH_EXP_C4));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(MATH_EXP_C5));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1));
    __m512i bits = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    __m512 scale = _mm512_castsi512_ps(_mm512_add_epi32(bits, _mm512_set1_epi32(0x3f800000)));
    __mmask16 keep = _mm512_cmp_ps_mask(x, low, _CMP_NLT_UQ);
    return _mm512_maskz_mul_ps(keep, p, scale);
}

void avx512_pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                    uint16_t *panel_scales);
void avx512_panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride);
void avx512_panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride);
void avx512_rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride);
void avx512_attend_f32(const cpu_page *page);
void avx512_attend_bf16(const cpu_page *page);

#endif
