// Products of packed panels and of published MXFP4 with 8-bit activations in 256-bit registers: all
// but the multiplication of integers, which each file that includes this defines its own way.
#ifndef CPU_KERNELS_AVX2_INTEGER_H
#define CPU_KERNELS_AVX2_INTEGER_H

#include "cpu/kernels/avx2.h"

enum { TILE = 4, HALF_PANEL = 16 };

typedef struct tokens {
    const int8_t *codes[TILE];
    const float *scales[TILE];
    const int32_t *starts[TILE];
    const int16_t (*pair_starts[TILE])[2];
} tokens;

static inline tokens select_tokens(const cpu_q8_rows *x, const int32_t *starts,
                                   const int32_t *index, size_t n) {
    tokens t = {0};
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)index[i] * x->groups;
        t.codes[i] = x->codes + at * CPU_GROUP_BYTES;
        t.scales[i] = x->scales + at * CPU_GROUP;
        t.starts[i] = starts + at * CPU_GROUP;
        t.pair_starts[i] = x->mx_pair_starts + at * CPU_GROUP;
    }
    return t;
}

static inline __m256i broadcast_quad(const void *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof quad);
    return _mm256_set1_epi32(quad);
}

// What the including file defines: the integer sums of one block, 16 rows (two registers) by n
// tokens; w as in cpu_panel.codes, from the first of the rows.
ALWAYS_INLINE void block_sums(bool mx, const uint8_t *w, const tokens *x, int n, size_t block,
                              __m256i sum[TILE][2]);
// And: sums of the four products low . even + high . odd in each lane; low and high unsigned.
ALWAYS_INLINE __m256i sum_quads(__m256i low, __m256i even, __m256i high, __m256i odd);

// ---- packed panels --------------------------------------------------------------------------

ALWAYS_INLINE void block_add(bool mx, const cpu_panel *panel, size_t block, const tokens *x, int n,
                             __m256 total[TILE][2]) {
    __m256i sum[TILE][2];
    const uint8_t *w = panel->codes + block * CPU_BLOCK * CPU_PANEL;
    block_sums(mx, w, x, n, block, sum);
    UNROLL (i, 2) {
        __m256 scale = avx2_load_bf16(panel->scales + block * CPU_PANEL + 8 * i);
        UNROLL (t, n) {
            __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(x->scales[t] + block));
            total[t][i] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[t][i]), both, total[t][i]);
        }
    }
}

// Several tokens: one partial sum after another, so that all accumulators stay in registers.
ALWAYS_INLINE void tile_parts(bool mx, const cpu_panel *panel, tile_ahead *ahead, const tokens *x,
                              int n, float *out, size_t out_stride) {
    static const size_t order[CPU_GROUP] = {0, 2, 1, 3}; // (p0 + p2) + (p1 + p3)
    __m256 part[CPU_GROUP][TILE][2];
    for (int i = 0; i < CPU_GROUP; i++) {
        UNROLL (t, n)
            part[i][t][0] = part[i][t][1] = _mm256_setzero_ps();
        for (size_t b = order[i]; b < panel->n_blocks; b += CPU_GROUP) {
            tile_fetch(ahead);
            block_add(mx, panel, b, x, n, part[i]);
        }
    }
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < 2; i++) {
            __m256 even = _mm256_add_ps(part[0][t][i], part[1][t][i]);
            __m256 odd = _mm256_add_ps(part[2][t][i], part[3][t][i]);
            _mm256_storeu_ps(out + (size_t)t * out_stride + 8 * i, _mm256_add_ps(even, odd));
        }
    }
}

// One token: blocks in the order in which they lie, as memory likes it.
ALWAYS_INLINE void stream_parts(bool mx, const cpu_panel *panel, const tokens *x, float *out) {
    size_t n_blocks = panel->n_blocks;
    __m256 part[CPU_GROUP][TILE][2];
    for (int i = 0; i < CPU_GROUP; i++)
        part[i][0][0] = part[i][0][1] = _mm256_setzero_ps();
    size_t b = 0;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP)
        UNROLL (i, CPU_GROUP)
            block_add(mx, panel, b + i, x, 1, part[i]);
    for (size_t i = 0; b + i < n_blocks; i++)
        block_add(mx, panel, b + i, x, 1, part[i]);
    for (int i = 0; i < 2; i++) {
        __m256 even = _mm256_add_ps(part[0][0][i], part[2][0][i]);
        __m256 odd = _mm256_add_ps(part[1][0][i], part[3][0][i]);
        _mm256_storeu_ps(out + 8 * i, _mm256_add_ps(even, odd));
    }
}

ALWAYS_INLINE void multiply(bool mx, const cpu_panel *whole, const cpu_q8_rows *x,
                            const int32_t *index, size_t n, float *out, size_t out_stride) {
    const int32_t *starts = mx ? x->mx_starts : x->q8_starts;
    tile_ahead ahead = tile_ahead_of(whole, 2 * ((n + TILE - 1) / TILE));
    for (size_t half = 0; half < CPU_PANEL; half += HALF_PANEL) {
        cpu_panel panel = *whole;
        panel.codes += half * 4;
        panel.scales += half;
        for (size_t t = 0; t < n; t += TILE) {
            size_t count = n - t < TILE ? n - t : TILE;
            tokens chosen = select_tokens(x, starts, index + t, count);
            float *to = out + t * out_stride + half;
            if (count == 4)
                tile_parts(mx, &panel, &ahead, &chosen, 4, to, out_stride);
            else if (count == 3)
                tile_parts(mx, &panel, &ahead, &chosen, 3, to, out_stride);
            else if (count == 2)
                tile_parts(mx, &panel, &ahead, &chosen, 2, to, out_stride);
            else
                stream_parts(mx, &panel, &chosen, to);
        }
    }
}

// ---- published MXFP4 ------------------------------------------------------------------------

// Doubled e2m1 values plus 12, by code.
static inline __m256i code_table(void) {
    return _mm256_broadcastsi128_si256(
        _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
}

static inline void split_nibbles(__m256i bytes, __m256i *low, __m256i *high) {
    const __m256i mask = _mm256_set1_epi8(15);
    *low = _mm256_shuffle_epi8(code_table(), _mm256_and_si256(bytes, mask));
    *high = _mm256_shuffle_epi8(code_table(), _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask));
}

// Halved e8m0 scales as float32; exact, 255 becomes NaN.
static inline __m256 half_scales(__m128i eight_bytes) {
    __m256i byte = _mm256_cvtepu8_epi32(eight_bytes);
    __m256i bits = _mm256_max_epi32(_mm256_slli_epi32(byte, 23), _mm256_set1_epi32(0x00400000));
    __m256i nan = _mm256_cmpeq_epi32(byte, _mm256_set1_epi32(NUMBER_E8M0_NAN));
    bits = _mm256_or_si256(bits, _mm256_and_si256(nan, _mm256_set1_epi32(0x00400000)));
    return _mm256_mul_ps(_mm256_castsi256_ps(bits), _mm256_set1_ps(0.5f));
}

static inline __m256 two_floats(const float *from) { // from[0] in the low half, from[1] in the high
    return _mm256_set_m128(_mm_broadcast_ss(from + 1), _mm_broadcast_ss(from));
}

static inline __m256i two_starts(const int32_t *from) {
    return _mm256_set_m128i(_mm_set1_epi32(from[1]), _mm_set1_epi32(from[0]));
}

// Four blocks of four rows, which lie row_bytes and n_scales apart; total: partial sums 0, 1 | 2,
// 3, a row in each lane.
static inline void group_mxfp4(const uint8_t *blocks, size_t row_bytes, const uint8_t *scales,
                               size_t n_scales, const int8_t *x, const float *x_scales,
                               const int32_t *x_starts, __m256 total[2]) {
    uint32_t by_row[4];
    for (size_t r = 0; r < 4; r++)
        memcpy(&by_row[r], scales + r * n_scales, 4);
    __m128i by_block =
        _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)by_row),
                         _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    for (size_t two = 0; two < 2; two++) {
        __m256i even = _mm256_loadu_si256((const __m256i *)(x + 32 * two));
        __m256i odd = _mm256_loadu_si256((const __m256i *)(x + 64 + 32 * two));
        __m256i sum[4];
        for (size_t r = 0; r < 4; r++) {
            __m256i low, high;
            split_nibbles(_mm256_loadu_si256((const __m256i *)(blocks + r * row_bytes + 32 * two)),
                          &low, &high);
            sum[r] = sum_quads(low, even, high, odd);
        }
        __m256i rows =
            _mm256_hadd_epi32(_mm256_hadd_epi32(sum[0], sum[1]), _mm256_hadd_epi32(sum[2], sum[3]));
        rows = _mm256_add_epi32(rows, two_starts(x_starts + 2 * two));
        __m256 scale = half_scales(two ? _mm_srli_si128(by_block, 8) : by_block);
        scale = _mm256_mul_ps(scale, two_floats(x_scales + 2 * two));
        total[two] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(rows), scale, total[two]);
    }
}

static inline void four_rows(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                             const tokens *x, float *out) {
    size_t row_bytes = n_blocks * NUMBER_MXFP4_BLOCK_BYTES, b = 0;
    __m256 total[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    // The next four rows, line by line as they lie: processors see through one stream, not four.
    const uint8_t *ahead = blocks + 4 * row_bytes;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP, ahead += 4 * CPU_LINE) {
        const uint8_t *group = blocks + b * NUMBER_MXFP4_BLOCK_BYTES;
        for (size_t line = 0; line < 4; line++)
            _mm_prefetch((const char *)ahead + line * CPU_LINE, _MM_HINT_T0);
        group_mxfp4(group, row_bytes, scales + b, n_blocks,
                    x->codes[0] + b / CPU_GROUP * CPU_GROUP_BYTES, x->scales[0] + b,
                    x->starts[0] + b, total);
    }
    if (b < n_blocks) { // the activations beyond are zero
        uint8_t rest[4][64] = {{0}}, rest_scales[4][CPU_GROUP] = {{0}};
        for (size_t r = 0; r < 4; r++) {
            memcpy(rest[r], blocks + r * row_bytes + b * NUMBER_MXFP4_BLOCK_BYTES,
                   (n_blocks - b) * NUMBER_MXFP4_BLOCK_BYTES);
            memcpy(rest_scales[r], scales + r * n_blocks + b, n_blocks - b);
        }
        group_mxfp4(rest[0], 64, rest_scales[0], CPU_GROUP,
                    x->codes[0] + b / CPU_GROUP * CPU_GROUP_BYTES, x->scales[0] + b,
                    x->starts[0] + b, total);
    }
    __m256 both = _mm256_add_ps(total[0], total[1]); // p0 + p2 | p1 + p3
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
}

ALWAYS_INLINE void multiply_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                                  const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                                  size_t out_stride) {
    for (size_t r = 0; r < CPU_PANEL; r += 4) {
        for (size_t t = 0; t < n; t++) {
            tokens one = select_tokens(x, x->mx_starts, index + t, 1);
            four_rows(blocks + r * n_blocks * NUMBER_MXFP4_BLOCK_BYTES, scales + r * n_blocks,
                      n_blocks, &one, out + t * out_stride + r);
        }
    }
}

#endif
