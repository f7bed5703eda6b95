// AVX-512: one page of attention. A register of bf16 holds 32 numbers, of which the even ones are
// widened by a shift and the odd ones by a mask: scores and outputs are kept in that order and put
// straight once a page.
#include "cpu/kernels/avx512.h"

enum { HEADS = 4, KEY_REGISTERS = CPU_PAGE / 16 };

// 32 numbers: as they lie (float32), or the even ones, then the odd ones (bf16).
ALWAYS_INLINE void load_32(bool bf16, const void *from, int at, __m512 out[2]) {
    if (bf16) {
        __m512i two = _mm512_loadu_si512((const uint16_t *)from + at);
        out[0] = _mm512_castsi512_ps(_mm512_slli_epi32(two, 16));
        out[1] = _mm512_castsi512_ps(_mm512_and_si512(two, _mm512_set1_epi32((int)0xffff0000)));
    } else {
        out[0] = _mm512_loadu_ps((const float *)from + at);
        out[1] = _mm512_loadu_ps((const float *)from + at + 16);
    }
}

ALWAYS_INLINE __m512 load_last_16(bool bf16, const void *from, int at) {
    if (!bf16)
        return _mm512_loadu_ps((const float *)from + at);
    const __m256i *sixteen = (const __m256i *)((const uint16_t *)from + at);
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(sixteen));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

// From that order to the natural one, and back.
ALWAYS_INLINE void straighten(bool bf16, __m512 x[2]) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    if (!bf16)
        return;
    __m512 even = x[0];
    x[0] = _mm512_permutex2var_ps(even, low, x[1]);
    x[1] = _mm512_permutex2var_ps(even, _mm512_add_epi32(low, _mm512_set1_epi32(8)), x[1]);
}

ALWAYS_INLINE void split(bool bf16, __m512 x[2]) {
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    if (!bf16)
        return;
    __m512 first = x[0];
    x[0] = _mm512_permutex2var_ps(first, even, x[1]);
    x[1] = _mm512_permutex2var_ps(first, _mm512_add_epi32(even, _mm512_set1_epi32(1)), x[1]);
}

// Weights of all 64 keys (0 outside of first .. last); updates maximum and total.
ALWAYS_INLINE float weigh_keys(const cpu_page *page, int head, __m512 score[KEY_REGISTERS],
                               float weight[CPU_PAGE]) {
    uint64_t seen = (~(uint64_t)0 >> (63 - (page->last - page->first))) << page->first;
    __m512 max = _mm512_set1_ps(-INFINITY);
    UNROLL (i, KEY_REGISTERS) {
        __mmask16 mask = (__mmask16)(seen >> 16 * i);
        score[i] = _mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), mask, score[i]);
        max = _mm512_max_ps(score[i], max); // a NaN does not become the maximum
    }
    float old = page->maximum[head];
    float maximum =
        avx2_max(_mm256_max_ps(_mm512_castps512_ps256(max), _mm512_extractf32x8_ps(max, 1)));
    maximum = maximum > old ? maximum : old;
    __m512 part = _mm512_setzero_ps();
    UNROLL (i, KEY_REGISTERS) {
        __m512 w = avx512_exp(_mm512_sub_ps(score[i], _mm512_set1_ps(maximum)));
        _mm512_storeu_ps(weight + 16 * i, w);
        part = _mm512_add_ps(part, w);
    }
    float correction = math_exp(old - maximum);
    page->maximum[head] = maximum;
    page->total[head] = __builtin_fmaf(page->total[head], correction, avx512_add_halves(part));
    return correction;
}

// A share of the next page, with each lane of the first heads.
ALWAYS_INLINE void fetch_ahead(const cpu_page *page, bool bf16, int d) {
    int lines = 2 * CPU_PAGE * (bf16 ? 2 : 4) / CPU_LINE; // one lane of keys and of values
    UNROLL (i, lines)
        _mm_prefetch((const char *)page->ahead + (d * lines + i) * CPU_LINE, _MM_HINT_T1);
}

ALWAYS_INLINE void score_keys(const cpu_page *page, bool bf16, int first_head, int heads,
                              __m512 score[HEADS][KEY_REGISTERS]) {
    const float *q = page->q + (size_t)first_head * (size_t)page->head_dim;
    UNROLL (h, heads)
        UNROLL (i, KEY_REGISTERS)
            score[h][i] = _mm512_setzero_ps();
    bool ahead = page->ahead && first_head == 0;
    for (int d = 0; d < page->head_dim; d++) {
        if (ahead)
            fetch_ahead(page, bf16, d);
        __m512 k[KEY_REGISTERS];
        UNROLL (i, KEY_REGISTERS / 2)
            load_32(bf16, page->k, d * CPU_PAGE + 32 * i, k + 2 * i);
        UNROLL (h, heads) {
            __m512 a = _mm512_set1_ps(q[h * page->head_dim + d]);
            UNROLL (i, KEY_REGISTERS)
                score[h][i] = _mm512_fmadd_ps(a, k[i], score[h][i]);
        }
    }
    UNROLL (h, heads)
        UNROLL (i, KEY_REGISTERS / 2)
            straighten(bf16, score[h] + 2 * i);
}

// Lanes d .. d + 31 of the outputs.
ALWAYS_INLINE void add_32_lanes(const cpu_page *page, bool bf16, int heads, int d,
                                float weight[HEADS][CPU_PAGE], const float *correction,
                                float *output) {
    __m512 sum[HEADS][2];
    UNROLL (h, heads) {
        const float *from = output + h * page->padded_dim + d;
        UNROLL (i, 2)
            sum[h][i] =
                _mm512_mul_ps(_mm512_loadu_ps(from + 16 * i), _mm512_set1_ps(correction[h]));
        split(bf16, sum[h]);
    }
    for (int key = page->first; key <= page->last; key++) {
        __m512 v[2];
        load_32(bf16, page->v, key * page->padded_dim + d, v);
        UNROLL (h, heads) {
            __m512 w = _mm512_set1_ps(weight[h][key]);
            sum[h][0] = _mm512_fmadd_ps(w, v[0], sum[h][0]);
            sum[h][1] = _mm512_fmadd_ps(w, v[1], sum[h][1]);
        }
    }
    UNROLL (h, heads) {
        float *to = output + h * page->padded_dim + d;
        straighten(bf16, sum[h]);
        _mm512_storeu_ps(to, sum[h][0]);
        _mm512_storeu_ps(to + 16, sum[h][1]);
    }
}

ALWAYS_INLINE void add_last_16_lanes(const cpu_page *page, bool bf16, int heads, int d,
                                     float weight[HEADS][CPU_PAGE], const float *correction,
                                     float *output) {
    __m512 sum[HEADS];
    UNROLL (h, heads)
        sum[h] = _mm512_mul_ps(_mm512_loadu_ps(output + h * page->padded_dim + d),
                               _mm512_set1_ps(correction[h]));
    for (int key = page->first; key <= page->last; key++) {
        __m512 v = load_last_16(bf16, page->v, key * page->padded_dim + d);
        UNROLL (h, heads)
            sum[h] = _mm512_fmadd_ps(_mm512_set1_ps(weight[h][key]), v, sum[h]);
    }
    UNROLL (h, heads)
        _mm512_storeu_ps(output + h * page->padded_dim + d, sum[h]);
}

ALWAYS_INLINE void attend_heads(const cpu_page *page, bool bf16, int first_head, int heads) {
    __m512 score[HEADS][KEY_REGISTERS];
    float weight[HEADS][CPU_PAGE], correction[HEADS];
    score_keys(page, bf16, first_head, heads, score);
    UNROLL (h, heads)
        correction[h] = weigh_keys(page, first_head + h, score[h], weight[h]);
    float *output = page->output + (size_t)first_head * (size_t)page->padded_dim;
    int d = 0;
    for (; d + 32 <= page->padded_dim; d += 32)
        add_32_lanes(page, bf16, heads, d, weight, correction, output);
    if (d < page->padded_dim)
        add_last_16_lanes(page, bf16, heads, d, weight, correction, output);
}

ALWAYS_INLINE void attend(const cpu_page *page, bool bf16) {
    int head = 0;
    for (; head + HEADS <= page->n_heads; head += HEADS)
        attend_heads(page, bf16, head, HEADS);
    for (; head < page->n_heads; head++)
        attend_heads(page, bf16, head, 1);
}

void avx512_attend_f32(const cpu_page *page) {
    attend(page, false);
}

void avx512_attend_bf16(const cpu_page *page) {
    attend(page, true);
}
