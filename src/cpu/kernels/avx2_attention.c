// AVX2: one page of attention. A register of bf16 holds sixteen numbers, of which the even ones are
// widened by a shift and the odd ones by a mask: scores and outputs are kept in that order and put
// straight once a page.
#include "cpu/kernels/avx2.h"

enum { HEADS = 2, HALF_PAGE = 32, HALF_REGISTERS = HALF_PAGE / 8 };

// Sixteen numbers: as they lie (float32), or the even ones, then the odd ones (bf16).
ALWAYS_INLINE void load_16(bool bf16, const void *from, int at, __m256 out[2]) {
    if (bf16) {
        __m256i two = _mm256_loadu_si256((const __m256i *)((const uint16_t *)from + at));
        out[0] = _mm256_castsi256_ps(_mm256_slli_epi32(two, 16));
        out[1] = _mm256_castsi256_ps(_mm256_and_si256(two, _mm256_set1_epi32((int)0xffff0000)));
    } else {
        out[0] = _mm256_loadu_ps((const float *)from + at);
        out[1] = _mm256_loadu_ps((const float *)from + at + 8);
    }
}

// From that order to the natural one, and back.
ALWAYS_INLINE void straighten(bool bf16, __m256 x[2]) {
    if (!bf16)
        return;
    __m256 low = _mm256_unpacklo_ps(x[0], x[1]), high = _mm256_unpackhi_ps(x[0], x[1]);
    x[0] = _mm256_permute2f128_ps(low, high, 0x20);
    x[1] = _mm256_permute2f128_ps(low, high, 0x31);
}

ALWAYS_INLINE void split(bool bf16, __m256 x[2]) {
    if (!bf16)
        return;
    __m256 even = _mm256_shuffle_ps(x[0], x[1], 0x88), odd = _mm256_shuffle_ps(x[0], x[1], 0xdd);
    x[0] = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(even), 0xd8));
    x[1] = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(odd), 0xd8));
}

// A share of the next page, with each lane of the first heads.
ALWAYS_INLINE void fetch_ahead(const cpu_page *page, bool bf16, int d) {
    int lines = 2 * CPU_PAGE * (bf16 ? 2 : 4) / CPU_LINE; // one lane of keys and of values
    UNROLL (i, lines)
        _mm_prefetch((const char *)page->ahead + (d * lines + i) * CPU_LINE, _MM_HINT_T0);
}

// Scores of all 64 keys: those that are not seen may be anything.
ALWAYS_INLINE void score_keys(const cpu_page *page, bool bf16, int first_head, int heads,
                              float score[HEADS][CPU_PAGE]) {
    const float *q = page->q + (size_t)first_head * (size_t)page->head_dim;
    for (int half = 0; half < CPU_PAGE; half += HALF_PAGE) {
        __m256 sum[HEADS][HALF_REGISTERS];
        UNROLL (h, heads)
            UNROLL (i, HALF_REGISTERS)
                sum[h][i] = _mm256_setzero_ps();
        bool ahead = page->ahead && first_head == 0 && half == 0;
        for (int d = 0; d < page->head_dim; d++) {
            if (ahead)
                fetch_ahead(page, bf16, d);
            __m256 k[HALF_REGISTERS];
            UNROLL (i, HALF_REGISTERS / 2)
                load_16(bf16, page->k, d * CPU_PAGE + half + 16 * i, k + 2 * i);
            UNROLL (h, heads) {
                __m256 a = _mm256_broadcast_ss(q + h * page->head_dim + d);
                UNROLL (i, HALF_REGISTERS)
                    sum[h][i] = _mm256_fmadd_ps(a, k[i], sum[h][i]);
            }
        }
        UNROLL (h, heads) {
            UNROLL (i, HALF_REGISTERS / 2)
                straighten(bf16, sum[h] + 2 * i);
            UNROLL (i, HALF_REGISTERS)
                _mm256_storeu_ps(score[h] + half + 8 * i, sum[h][i]);
        }
    }
}

// Scores become weights (0 outside of first .. last); updates maximum and total.
static float weigh_keys(const cpu_page *page, int head, float weight[CPU_PAGE]) {
    __m256 score[CPU_PAGE / 8], max = _mm256_set1_ps(-INFINITY);
    __m256i key = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int i = 0; i < CPU_PAGE / 8; i++, key = _mm256_add_epi32(key, _mm256_set1_epi32(8))) {
        __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(page->first), key),
                                          _mm256_cmpgt_epi32(key, _mm256_set1_epi32(page->last)));
        score[i] = _mm256_blendv_ps(_mm256_loadu_ps(weight + 8 * i), _mm256_set1_ps(-INFINITY),
                                    _mm256_castsi256_ps(outside));
        max = _mm256_max_ps(score[i], max); // a NaN does not become the maximum
    }
    float old = page->maximum[head], maximum = avx2_max(max);
    maximum = maximum > old ? maximum : old;
    __m256 part[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int i = 0; i < CPU_PAGE / 8; i++) {
        __m256 w = avx2_exp(_mm256_sub_ps(score[i], _mm256_set1_ps(maximum)));
        _mm256_storeu_ps(weight + 8 * i, w);
        part[i & 1] = _mm256_add_ps(part[i & 1], w);
    }
    float correction = math_exp(old - maximum);
    page->maximum[head] = maximum;
    page->total[head] =
        __builtin_fmaf(page->total[head], correction, avx2_add_halves(part[0], part[1]));
    return correction;
}

// Lanes d .. d + 16 * pairs of the outputs.
ALWAYS_INLINE void add_values(const cpu_page *page, bool bf16, int first_head, int heads, int pairs,
                              int d, float weight[HEADS][CPU_PAGE], const float *correction) {
    float *output = page->output + (size_t)first_head * (size_t)page->padded_dim + d;
    __m256 sum[HEADS][4];
    UNROLL (h, heads) {
        const float *from = output + h * page->padded_dim;
        UNROLL (i, 2 * pairs)
            sum[h][i] = _mm256_mul_ps(_mm256_loadu_ps(from + 8 * i), _mm256_set1_ps(correction[h]));
        UNROLL (i, pairs)
            split(bf16, sum[h] + 2 * i);
    }
    for (int key = page->first; key <= page->last; key++) {
        __m256 v[4];
        UNROLL (i, pairs)
            load_16(bf16, page->v, key * page->padded_dim + d + 16 * i, v + 2 * i);
        UNROLL (h, heads) {
            __m256 w = _mm256_broadcast_ss(&weight[h][key]);
            UNROLL (i, 2 * pairs)
                sum[h][i] = _mm256_fmadd_ps(w, v[i], sum[h][i]);
        }
    }
    UNROLL (h, heads) {
        float *to = output + h * page->padded_dim;
        UNROLL (i, pairs)
            straighten(bf16, sum[h] + 2 * i);
        UNROLL (i, 2 * pairs)
            _mm256_storeu_ps(to + 8 * i, sum[h][i]);
    }
}

ALWAYS_INLINE void attend_heads(const cpu_page *page, bool bf16, int first_head, int heads) {
    float weight[HEADS][CPU_PAGE], correction[HEADS];
    score_keys(page, bf16, first_head, heads, weight);
    for (int h = 0; h < heads; h++)
        correction[h] = weigh_keys(page, first_head + h, weight[h]);
    int d = 0;
    for (; d + 32 <= page->padded_dim; d += 32)
        add_values(page, bf16, first_head, heads, 2, d, weight, correction);
    if (d < page->padded_dim)
        add_values(page, bf16, first_head, heads, 1, d, weight, correction);
}

ALWAYS_INLINE void attend(const cpu_page *page, bool bf16) {
    int head = 0;
    for (; head + HEADS <= page->n_heads; head += HEADS)
        attend_heads(page, bf16, head, HEADS);
    if (head < page->n_heads)
        attend_heads(page, bf16, head, 1);
}

void avx2_attend_f32(const cpu_page *page) {
    attend(page, false);
}

void avx2_attend_bf16(const cpu_page *page) {
    attend(page, true);
}
