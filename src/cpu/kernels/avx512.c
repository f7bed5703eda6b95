// AVX-512: sixteen partial sums are one register.
#include "cpu/kernels/avx512.h"

// ---- float32 --------------------------------------------------------------------------------

enum { MAX_ROWS = 4, MAX_TOKENS = 4 };

ALWAYS_INLINE void dot_tile(int rows, int tokens, const float *w, size_t columns,
                            const float *const *x, float *out, size_t out_stride) {
    __m512 sum[MAX_ROWS][MAX_TOKENS];
    UNROLL (r, rows)
        UNROLL (t, tokens)
            sum[r][t] = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= columns; i += 16) {
        __m512 a[MAX_TOKENS];
        UNROLL (t, tokens)
            a[t] = _mm512_loadu_ps(x[t] + i);
        UNROLL (r, rows) {
            __m512 b = _mm512_loadu_ps(w + (size_t)r * columns + i);
            UNROLL (t, tokens)
                sum[r][t] = _mm512_fmadd_ps(b, a[t], sum[r][t]);
        }
    }
    __mmask16 mask = (__mmask16)((1u << (columns - i)) - 1);
    UNROLL (r, rows) {
        if (!mask)
            break;
        __m512 b = _mm512_maskz_loadu_ps(mask, w + (size_t)r * columns + i);
        UNROLL (t, tokens)
            sum[r][t] = _mm512_fmadd_ps(b, _mm512_maskz_loadu_ps(mask, x[t] + i), sum[r][t]);
    }
    UNROLL (r, rows)
        UNROLL (t, tokens)
            out[(size_t)t * out_stride + (size_t)r] = avx512_add_halves(sum[r][t]);
}

static void dots_f32(const float *w, size_t n_rows, size_t columns, const float *x, size_t x_stride,
                     const int32_t *index, size_t n, float *out, size_t out_stride) {
    size_t t = 0;
    for (; t + 4 <= n; t += 4) {
        const float *four[4];
        for (size_t i = 0; i < 4; i++)
            four[i] = x + (size_t)index[t + i] * x_stride;
        float *to = out + t * out_stride;
        size_t r = 0;
        for (; r + 4 <= n_rows; r += 4)
            dot_tile(4, 4, w + r * columns, columns, four, to + r, out_stride);
        for (; r < n_rows; r++)
            dot_tile(1, 4, w + r * columns, columns, four, to + r, out_stride);
    }
    for (; t < n; t++) {
        const float *one = x + (size_t)index[t] * x_stride;
        float *to = out + t * out_stride;
        size_t r = 0;
        for (; r + 4 <= n_rows; r += 4)
            dot_tile(4, 1, w + r * columns, columns, &one, to + r, out_stride);
        for (; r < n_rows; r++)
            dot_tile(1, 1, w + r * columns, columns, &one, to + r, out_stride);
    }
}

static void decode_bf16(const uint16_t *from, size_t n, float *to) {
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from + i));
        _mm512_mask_storeu_ps(to + i, mask, _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
    }
}

static void swiglu(const float *gate_up, size_t n, float limit, float alpha, float *out) {
    const __m512i evens =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
    const __m512 one = _mm512_set1_ps(1), top = _mm512_set1_ps(limit);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512 a = _mm512_loadu_ps(gate_up + 2 * i), b = _mm512_loadu_ps(gate_up + 2 * i + 16);
        __m512 gate = _mm512_min_ps(top, _mm512_permutex2var_ps(a, evens, b));
        __m512 up = _mm512_min_ps(top, _mm512_permutex2var_ps(a, odds, b));
        up = _mm512_max_ps(_mm512_set1_ps(-limit), up);
        __m512 minus =
            _mm512_xor_ps(_mm512_mul_ps(_mm512_set1_ps(alpha), gate), _mm512_set1_ps(-0.0f));
        __m512 sigmoid = _mm512_div_ps(one, _mm512_add_ps(one, avx512_exp(minus)));
        _mm512_storeu_ps(out + i,
                         _mm512_mul_ps(_mm512_mul_ps(gate, sigmoid), _mm512_add_ps(up, one)));
    }
    for (; i < n; i++)
        out[i] = math_swiglu(gate_up[2 * i], gate_up[2 * i + 1], limit, alpha);
}

const cpu_kernels cpu_kernels_avx512 = {
    .name = "avx512",
    .direct_tokens = AVX512_DIRECT_TOKENS,
    .dots_f32 = dots_f32,
    .decode_bf16 = decode_bf16,
    .pack_mx = avx512_pack_mx,
    .panel_q8 = avx512_panel_q8,
    .panel_mx = avx512_panel_mx,
    .rows_mxfp4 = avx512_rows_mxfp4,
    .attend_f32 = avx512_attend_f32,
    .attend_bf16 = avx512_attend_bf16,
    .swiglu = swiglu,
};
