// AVX-512 with VNNI: sixteen partial sums are one register, vpdpbusd sums a quad of inputs.
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

// ---- packed panels --------------------------------------------------------------------------

enum { TILE = 6 };

typedef struct tokens {
    const int8_t *codes[TILE];
    const float *scales[TILE];
    const int32_t *sums[TILE];
} tokens;

static inline tokens select_tokens(const cpu_q8_rows *x, const int32_t *index, size_t n) {
    tokens t;
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)index[i] * x->groups;
        t.codes[i] = x->codes + at * CPU_GROUP_BYTES;
        t.scales[i] = x->scales + at * CPU_GROUP;
        t.sums[i] = x->sums + at * CPU_GROUP;
    }
    return t;
}

static inline __m512i broadcast_quad(const int8_t *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof quad);
    return _mm512_set1_epi32(quad);
}

// One block: 32 rows (two registers) by n tokens.
static inline void block_add(int offset, const uint8_t *codes, const uint16_t *scales, size_t block,
                             const tokens *x, int n, __m512 total[TILE][2]) {
    const uint8_t *w = codes + block * CPU_BLOCK * CPU_PANEL;
    size_t place = cpu_q8_place(block, 0);
    __m512i sum[TILE][2];
    for (int t = 0; t < n; t++)
        sum[t][0] = sum[t][1] = _mm512_set1_epi32(-offset * x->sums[t][block]);
    for (size_t g = 0; g < 8; g++) {
        __m512i w0 = _mm512_loadu_si512(w + g * CPU_PANEL * 4);
        __m512i w1 = _mm512_loadu_si512(w + g * CPU_PANEL * 4 + 64);
        for (int t = 0; t < n; t++) {
            __m512i a = broadcast_quad(x->codes[t] + place + g / 4 * 64 + g % 4 * 4);
            sum[t][0] = _mm512_dpbusd_epi32(sum[t][0], w0, a);
            sum[t][1] = _mm512_dpbusd_epi32(sum[t][1], w1, a);
        }
    }
    for (int i = 0; i < 2; i++) {
        const uint16_t *from = scales + block * CPU_PANEL + 16 * i;
        __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from));
        __m512 scale = _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
        for (int t = 0; t < n; t++) {
            __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(x->scales[t][block]));
            total[t][i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[t][i]), both, total[t][i]);
        }
    }
}

// Several tokens: one partial sum after another, so that all accumulators stay in registers.
static inline void tile_parts(int offset, const uint8_t *codes, const uint16_t *scales,
                              size_t n_blocks, const tokens *x, int n, float *out,
                              size_t out_stride) {
    static const size_t order[CPU_GROUP] = {0, 2, 1, 3}; // (p0 + p2) + (p1 + p3)
    __m512 kept[CPU_GROUP][TILE][2];
    for (int i = 0; i < CPU_GROUP; i++) {
        __m512 part[TILE][2];
        for (int t = 0; t < n; t++)
            part[t][0] = part[t][1] = _mm512_setzero_ps();
        for (size_t b = order[i]; b < n_blocks; b += CPU_GROUP)
            block_add(offset, codes, scales, b, x, n, part);
        for (int t = 0; t < n; t++)
            kept[i][t][0] = part[t][0], kept[i][t][1] = part[t][1];
    }
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < 2; i++) {
            __m512 even = _mm512_add_ps(kept[0][t][i], kept[1][t][i]);
            __m512 odd = _mm512_add_ps(kept[2][t][i], kept[3][t][i]);
            _mm512_storeu_ps(out + (size_t)t * out_stride + 16 * i, _mm512_add_ps(even, odd));
        }
    }
}

// One or two tokens: blocks in the order in which they lie, as memory likes it.
static inline void stream_parts(int offset, const uint8_t *codes, const uint16_t *scales,
                                size_t n_blocks, const tokens *x, int n, float *out,
                                size_t out_stride) {
    __m512 part[CPU_GROUP][TILE][2];
    for (int i = 0; i < CPU_GROUP; i++)
        for (int t = 0; t < n; t++)
            part[i][t][0] = part[i][t][1] = _mm512_setzero_ps();
    size_t b = 0;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP)
        for (size_t i = 0; i < CPU_GROUP; i++)
            block_add(offset, codes, scales, b + i, x, n, part[i]);
    if (b < n_blocks)
        block_add(offset, codes, scales, b, x, n, part[0]);
    if (b + 1 < n_blocks)
        block_add(offset, codes, scales, b + 1, x, n, part[1]);
    if (b + 2 < n_blocks)
        block_add(offset, codes, scales, b + 2, x, n, part[2]);
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < 2; i++) {
            __m512 even = _mm512_add_ps(part[0][t][i], part[2][t][i]);
            __m512 odd = _mm512_add_ps(part[1][t][i], part[3][t][i]);
            _mm512_storeu_ps(out + (size_t)t * out_stride + 16 * i, _mm512_add_ps(even, odd));
        }
    }
}

static inline void panel(int offset, const uint8_t *codes, const uint16_t *scales, size_t n_blocks,
                         const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                         size_t out_stride) {
    for (size_t t = 0; t < n; t += TILE) {
        size_t count = n - t < TILE ? n - t : TILE;
        tokens chosen = select_tokens(x, index + t, count);
        float *to = out + t * out_stride;
        switch (count) {
        case 6:
            tile_parts(offset, codes, scales, n_blocks, &chosen, 6, to, out_stride);
            break;
        case 5:
            tile_parts(offset, codes, scales, n_blocks, &chosen, 5, to, out_stride);
            break;
        case 4:
            tile_parts(offset, codes, scales, n_blocks, &chosen, 4, to, out_stride);
            break;
        case 3:
            tile_parts(offset, codes, scales, n_blocks, &chosen, 3, to, out_stride);
            break;
        case 2:
            stream_parts(offset, codes, scales, n_blocks, &chosen, 2, to, out_stride);
            break;
        default:
            stream_parts(offset, codes, scales, n_blocks, &chosen, 1, to, out_stride);
        }
    }
}

static void panel_q8(const uint8_t *codes, const uint16_t *scales, size_t n_blocks,
                     const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                     size_t out_stride) {
    panel(CPU_Q8_OFFSET, codes, scales, n_blocks, x, index, n, out, out_stride);
}

static void panel_mx(const uint8_t *codes, const uint16_t *scales, size_t n_blocks,
                     const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                     size_t out_stride) {
    panel(CPU_MX_OFFSET, codes, scales, n_blocks, x, index, n, out, out_stride);
}

// ---- published MXFP4 ------------------------------------------------------------------------

enum { DIRECT = 4 };

// Halved e8m0 scales as float32; exact, 255 becomes NaN.
static inline __m512 half_scales(__m128i bytes) {
    __m512i byte = _mm512_cvtepu8_epi32(bytes);
    __m512i bits = _mm512_max_epi32(_mm512_slli_epi32(byte, 23), _mm512_set1_epi32(0x00400000));
    __mmask16 nan = _mm512_cmpeq_epi32_mask(byte, _mm512_set1_epi32(NUMBER_E8M0_NAN));
    bits = _mm512_mask_or_epi32(bits, nan, bits, _mm512_set1_epi32(0x00400000));
    return _mm512_mul_ps(_mm512_castsi512_ps(bits), _mm512_set1_ps(0.5f));
}

// In each quarter of the result the four sums of one block, one of each row.
static inline __m512i transpose_add(const __m512i s[4]) {
    __m512i a =
        _mm512_add_epi32(_mm512_unpacklo_epi32(s[0], s[1]), _mm512_unpackhi_epi32(s[0], s[1]));
    __m512i b =
        _mm512_add_epi32(_mm512_unpacklo_epi32(s[2], s[3]), _mm512_unpackhi_epi32(s[2], s[3]));
    return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

// Up to four blocks (those in mask; a bit for each byte) of four rows, by n tokens; in total a
// quarter for each partial sum, a lane of it for each row.
static inline void group_mxfp4(const uint8_t *blocks, size_t n_blocks, __mmask64 mask,
                               __m128i by_row, const tokens *x, size_t block, int n,
                               __m512 total[DIRECT]) {
    const __m512i table = _mm512_broadcast_i32x4(
        _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i quarters = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    __m128i by_block = _mm_shuffle_epi8(
        by_row, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512 scale = half_scales(by_block);
    __m512i low[4], high[4];
    for (size_t r = 0; r < 4; r++) {
        __m512i bytes = _mm512_maskz_loadu_epi8(mask, blocks + (r * n_blocks + block) *
                                                                   NUMBER_MXFP4_BLOCK_BYTES);
        low[r] = _mm512_shuffle_epi8(table, _mm512_and_si512(bytes, nibble));
        high[r] = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
    }
    for (int t = 0; t < n; t++) {
        const int8_t *codes = x->codes[t] + block / CPU_GROUP * CPU_GROUP_BYTES;
        __m512i even = _mm512_loadu_si512(codes), odd = _mm512_loadu_si512(codes + 64), sum[4];
        for (int r = 0; r < 4; r++)
            sum[r] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), low[r], even),
                                         high[r], odd);
        __m128i offset = _mm_mullo_epi32(_mm_loadu_si128((const __m128i *)(x->sums[t] + block)),
                                         _mm_set1_epi32(CPU_MX_OFFSET));
        __m512i rows = _mm512_sub_epi32(
            transpose_add(sum), _mm512_permutexvar_epi32(quarters, _mm512_castsi128_si512(offset)));
        __m512 inputs = _mm512_permutexvar_ps(
            quarters, _mm512_castps128_ps512(_mm_loadu_ps(x->scales[t] + block)));
        total[t] =
            _mm512_fmadd_ps(_mm512_cvtepi32_ps(rows), _mm512_mul_ps(scale, inputs), total[t]);
    }
}

static inline void four_rows(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                             const tokens *x, int n, float *out, size_t out_stride) {
    __m512 total[DIRECT];
    uint32_t by_row[4];
    for (int t = 0; t < n; t++)
        total[t] = _mm512_setzero_ps();
    size_t b = 0;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP) {
        for (size_t r = 0; r < 4; r++)
            memcpy(&by_row[r], scales + r * n_blocks + b, 4);
        group_mxfp4(blocks, n_blocks, ~(__mmask64)0, _mm_loadu_si128((const __m128i *)by_row), x, b,
                    n, total);
    }
    if (b < n_blocks) { // the activations beyond are zero
        memset(by_row, 0, sizeof by_row);
        for (size_t r = 0; r < 4; r++)
            memcpy(&by_row[r], scales + r * n_blocks + b, n_blocks - b);
        __mmask64 mask = ((__mmask64)1 << (n_blocks - b) * NUMBER_MXFP4_BLOCK_BYTES) - 1;
        group_mxfp4(blocks, n_blocks, mask, _mm_loadu_si128((const __m128i *)by_row), x, b, n,
                    total);
    }
    for (int t = 0; t < n; t++) {
        __m256 both = _mm256_add_ps(_mm512_castps512_ps256(total[t]),
                                    _mm512_extractf32x8_ps(total[t], 1)); // p0 + p2 | p1 + p3
        _mm_storeu_ps(out + (size_t)t * out_stride,
                      _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
    }
}

static void rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride) {
    for (size_t t = 0; t < n; t += DIRECT) {
        size_t count = n - t < DIRECT ? n - t : DIRECT;
        tokens chosen = select_tokens(x, index + t, count);
        for (size_t r = 0; r < CPU_PANEL; r += 4) {
            const uint8_t *w = blocks + r * n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
            const uint8_t *s = scales + r * n_blocks;
            float *to = out + t * out_stride + r;
            switch (count) {
            case 4:
                four_rows(w, s, n_blocks, &chosen, 4, to, out_stride);
                break;
            case 3:
                four_rows(w, s, n_blocks, &chosen, 3, to, out_stride);
                break;
            case 2:
                four_rows(w, s, n_blocks, &chosen, 2, to, out_stride);
                break;
            default:
                four_rows(w, s, n_blocks, &chosen, 1, to, out_stride);
            }
        }
    }
}

const cpu_kernels cpu_kernels_avx512 = {
    .name = "avx512",
    .direct_tokens = DIRECT,
    .dots_f32 = dots_f32,
    .decode_bf16 = decode_bf16,
    .panel_q8 = panel_q8,
    .panel_mx = panel_mx,
    .rows_mxfp4 = rows_mxfp4,
    .attend_page = attend_page,
};
