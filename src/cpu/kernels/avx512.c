// AVX-512: sixteen partial sums are one register.
#include "cpu/kernels/avx512.h"

#include "cpu/kernels/avx2.h"

// ---- float32 --------------------------------------------------------------------------------

enum { MAX_ROWS = 4, MAX_TOKENS = 4 };

static inline float add_halves(__m512 x) {
    return avx2_add_halves(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
}

static inline void dot_tile(int rows, int tokens, const float *w, size_t columns,
                            const float *const *x, float *out, size_t out_stride) {
    __m512 sum[MAX_ROWS][MAX_TOKENS];
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= columns; i += 16) {
        __m512 a[MAX_TOKENS];
        for (int t = 0; t < tokens; t++)
            a[t] = _mm512_loadu_ps(x[t] + i);
        for (int r = 0; r < rows; r++) {
            __m512 b = _mm512_loadu_ps(w + (size_t)r * columns + i);
            for (int t = 0; t < tokens; t++)
                sum[r][t] = _mm512_fmadd_ps(b, a[t], sum[r][t]);
        }
    }
    __mmask16 mask = (__mmask16)((1u << (columns - i)) - 1);
    for (int r = 0; r < rows && mask; r++) {
        __m512 b = _mm512_maskz_loadu_ps(mask, w + (size_t)r * columns + i);
        for (int t = 0; t < tokens; t++)
            sum[r][t] = _mm512_fmadd_ps(b, _mm512_maskz_loadu_ps(mask, x[t] + i), sum[r][t]);
    }
    for (int r = 0; r < rows; r++)
        for (int t = 0; t < tokens; t++)
            out[(size_t)t * out_stride + (size_t)r] = add_halves(sum[r][t]);
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

// math_exp, sixteen at a time: the same operations in the same order
static inline __m512 exp_16(__m512 x) {
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
        __m512 sigmoid = _mm512_div_ps(one, _mm512_add_ps(one, exp_16(minus)));
        _mm512_storeu_ps(out + i,
                         _mm512_mul_ps(_mm512_mul_ps(gate, sigmoid), _mm512_add_ps(up, one)));
    }
    for (; i < n; i++)
        out[i] = math_swiglu(gate_up[2 * i], gate_up[2 * i + 1], limit, alpha);
}

// ---- attention ------------------------------------------------------------------------------

enum { HEADS = 4, KEY_REGISTERS = CPU_PAGE / 16 };

// Weights of all 64 keys (0 outside of first .. last); updates maximum and total.
static inline void weigh_keys(const cpu_page *page, int head, __m512 score[KEY_REGISTERS],
                              float weight[CPU_PAGE], float *correction_out) {
    uint64_t seen = (~(uint64_t)0 >> (63 - (page->last - page->first))) << page->first;
    __m512 max = _mm512_set1_ps(-INFINITY);
    for (int i = 0; i < KEY_REGISTERS; i++) {
        __mmask16 mask = (__mmask16)(seen >> 16 * i);
        score[i] = _mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), mask, score[i]);
        max = _mm512_max_ps(score[i], max); // a NaN does not become the maximum
    }
    float old = page->maximum[head];
    float maximum =
        avx2_max(_mm256_max_ps(_mm512_castps512_ps256(max), _mm512_extractf32x8_ps(max, 1)));
    maximum = maximum > old ? maximum : old;
    __m512 part = _mm512_setzero_ps();
    for (int i = 0; i < KEY_REGISTERS; i++) {
        __m512 w = exp_16(_mm512_sub_ps(score[i], _mm512_set1_ps(maximum)));
        _mm512_storeu_ps(weight + 16 * i, w);
        part = _mm512_add_ps(part, w);
    }
    float correction = math_exp(old - maximum);
    page->maximum[head] = maximum;
    page->total[head] = __builtin_fmaf(page->total[head], correction, add_halves(part));
    *correction_out = correction;
}

static inline void attend_heads(const cpu_page *page, int first_head, int heads) {
    __m512 score[HEADS][KEY_REGISTERS];
    float weight[HEADS][CPU_PAGE], correction[HEADS];
    const float *q = page->q + (size_t)first_head * (size_t)page->head_dim;
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < KEY_REGISTERS; i++)
            score[h][i] = _mm512_setzero_ps();
    for (int d = 0; d < page->head_dim; d++) {
        for (int i = 0; i < KEY_REGISTERS; i++) {
            __m512 k = _mm512_loadu_ps(page->k + d * CPU_PAGE + 16 * i);
            for (int h = 0; h < heads; h++)
                score[h][i] =
                    _mm512_fmadd_ps(_mm512_set1_ps(q[h * page->head_dim + d]), k, score[h][i]);
        }
    }
    for (int h = 0; h < heads; h++)
        weigh_keys(page, first_head + h, score[h], weight[h], &correction[h]);
    float *output = page->output + (size_t)first_head * (size_t)page->padded_dim;
    for (int d = 0; d < page->padded_dim; d += 16) {
        __m512 sum[HEADS];
        for (int h = 0; h < heads; h++)
            sum[h] = _mm512_mul_ps(_mm512_loadu_ps(output + h * page->padded_dim + d),
                                   _mm512_set1_ps(correction[h]));
        for (int key = page->first; key <= page->last; key++) {
            __m512 v = _mm512_loadu_ps(page->v + key * page->padded_dim + d);
            for (int h = 0; h < heads; h++)
                sum[h] = _mm512_fmadd_ps(_mm512_set1_ps(weight[h][key]), v, sum[h]);
        }
        for (int h = 0; h < heads; h++)
            _mm512_storeu_ps(output + h * page->padded_dim + d, sum[h]);
    }
}

static void attend_page(const cpu_page *page) {
    int head = 0;
    for (; head + HEADS <= page->n_heads; head += HEADS)
        attend_heads(page, head, HEADS);
    for (; head < page->n_heads; head++)
        attend_heads(page, head, 1);
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
    .attend_page = attend_page,
    .swiglu = swiglu,
};
