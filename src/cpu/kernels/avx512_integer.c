// AVX-512 with VNNI: products of packed panels and of published MXFP4 with 8-bit activations.
// vpdpbusd multiplies unsigned weights by signed activations and adds a quad of inputs.
#include "cpu/kernels/avx512.h"

// Halved e8m0 scales, one byte in each lane, as float32; exact, 255 becomes NaN.
static inline __m512 half_scales(__m512i byte) {
    __m512i bits = _mm512_max_epi32(_mm512_slli_epi32(byte, 23), _mm512_set1_epi32(0x00400000));
    __mmask16 nan = _mm512_cmpeq_epi32_mask(byte, _mm512_set1_epi32(NUMBER_E8M0_NAN));
    bits = _mm512_mask_or_epi32(bits, nan, bits, _mm512_set1_epi32(0x00400000));
    return _mm512_mul_ps(_mm512_castsi512_ps(bits), _mm512_set1_ps(0.5f));
}

// The same for bytes 2 to 254: one less in the exponent.
static inline __m512 half_ordinary_scales(__m512i byte) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_sub_epi32(byte, _mm512_set1_epi32(1)), 23));
}

// Doubled e2m1 values plus 12, of the low and the high nibble of each byte.
static inline void split_nibbles(__m512i bytes, __m512i *low, __m512i *high) {
    const __m512i table = _mm512_broadcast_i32x4(
        _mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    const __m512i nibble = _mm512_set1_epi8(15);
    *low = _mm512_shuffle_epi8(table, _mm512_and_si512(bytes, nibble));
    *high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
}

// ---- unpacking ------------------------------------------------------------------------------

// math_half_e8m0 of 32 bytes
static inline __m512i half_scales_bf16(__m256i bytes) {
    __m512i wide = _mm512_cvtepu8_epi16(bytes);
    __m512i bits = _mm512_slli_epi16(_mm512_sub_epi16(wide, _mm512_set1_epi16(1)), 7);
    __mmask32 tiny = _mm512_cmplt_epu16_mask(wide, _mm512_set1_epi16(2));
    __mmask32 nan = _mm512_cmpeq_epi16_mask(wide, _mm512_set1_epi16(NUMBER_E8M0_NAN));
    bits = _mm512_mask_slli_epi16(bits, tiny, _mm512_add_epi16(wide, _mm512_set1_epi16(1)), 5);
    return _mm512_mask_mov_epi16(bits, nan, _mm512_set1_epi16(0x7fc0));
}

// bf16 scales of `count` blocks; a lane of words holds four bytes of a row, of which byte i is for
// block i.
static inline void pack_scales(const __m512i words[2], size_t count, uint16_t *out) {
    for (size_t i = 0; i < count; i++) {
        __m128i half[2];
        UNROLL (h, 2)
            half[h] = _mm512_cvtepi32_epi8(_mm512_srli_epi32(words[h], (unsigned)(8 * i)));
        _mm512_storeu_si512(out + i * CPU_PANEL,
                            half_scales_bf16(_mm256_set_m128i(half[1], half[0])));
    }
}

static inline __m128i load_16(const uint8_t *from) {
    return _mm_loadu_si128((const __m128i *)from);
}

// One block of 16 rows: quads of inputs of row after row.
static inline void pack_codes(const uint8_t *blocks, size_t row_bytes, uint8_t *codes) {
    __m512i row[4], pair[4], quad[4]; // rows i, i + 4, i + 8, i + 12 in the quarters of row[i]
    UNROLL (i, 4) {
        row[i] = _mm512_setzero_si512();
        UNROLL (q, 4)
            row[i] = _mm512_mask_broadcast_i32x4(row[i], (__mmask16)(0xf << 4 * q),
                                                 load_16(blocks + (i + 4 * q) * row_bytes));
    }
    UNROLL (i, 2) {
        pair[i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
        pair[i + 2] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
    }
    UNROLL (i, 2) {
        quad[2 * i] = _mm512_unpacklo_epi64(pair[2 * i], pair[2 * i + 1]);
        quad[2 * i + 1] = _mm512_unpackhi_epi64(pair[2 * i], pair[2 * i + 1]);
    }
    UNROLL (g, 4) {
        __m512i low, high;
        split_nibbles(quad[g], &low, &high);
        _mm512_storeu_si512(codes + g * CPU_PANEL * 4, low);
        _mm512_storeu_si512(codes + (g + 4) * CPU_PANEL * 4, high);
    }
}

void avx512_pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                    uint16_t *panel_scales) {
    size_t row_bytes = n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
    __m512i row = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    row = _mm512_mullo_epi32(row, _mm512_set1_epi32((int)n_blocks));
    size_t b = 0;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP) {
        __m512i words[2] = {_mm512_i32gather_epi32(row, scales + b, 1),
                            _mm512_i32gather_epi32(row, scales + 16 * n_blocks + b, 1)};
        pack_scales(words, CPU_GROUP, panel_scales + b * CPU_PANEL);
    }
    uint32_t rest[CPU_PANEL] = {0};
    for (size_t r = 0; r < CPU_PANEL; r++)
        memcpy(&rest[r], scales + r * n_blocks + b, n_blocks - b);
    __m512i words[2] = {_mm512_loadu_si512(rest), _mm512_loadu_si512(rest + 16)};
    pack_scales(words, n_blocks - b, panel_scales + b * CPU_PANEL);
    for (b = 0; b < n_blocks; b++)
        for (size_t r = 0; r < CPU_PANEL; r += 16)
            pack_codes(blocks + r * row_bytes + b * NUMBER_MXFP4_BLOCK_BYTES, row_bytes,
                       codes + (b * CPU_BLOCK * CPU_PANEL) + r * 4);
}

// ---- packed panels --------------------------------------------------------------------------

enum { TILE = 6 }; // tokens that meet a panel together: 12 registers of sums, 12 of totals

typedef struct tokens {
    const int8_t *codes[TILE];
    const float *scales[TILE];
    const int32_t *starts[TILE];
} tokens;

static inline tokens select_tokens(const cpu_q8_rows *x, const int32_t *starts,
                                   const int32_t *index, size_t n) {
    tokens t = {0};
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)index[i] * x->groups;
        t.codes[i] = x->codes + at * CPU_GROUP_BYTES;
        t.scales[i] = x->scales + at * CPU_GROUP;
        t.starts[i] = starts + at * CPU_GROUP;
    }
    return t;
}

static inline __m512i broadcast_quad(const int8_t *from) {
    int32_t quad;
    memcpy(&quad, from, sizeof quad);
    return _mm512_set1_epi32(quad);
}

// One block: 32 rows (two registers) by n tokens.
ALWAYS_INLINE void block_add(const cpu_panel *panel, size_t block, const tokens *x, int n,
                             __m512 total[TILE][2]) {
    const uint8_t *w = panel->codes + block * CPU_BLOCK * CPU_PANEL;
    size_t place = cpu_q8_place(block, 0);
    __m512i sum[TILE][2];
    UNROLL (t, n)
        sum[t][0] = sum[t][1] = _mm512_set1_epi32(x->starts[t][block]);
    UNROLL (g, 8) {
        __m512i w0 = _mm512_loadu_si512(w + g * CPU_PANEL * 4);
        __m512i w1 = _mm512_loadu_si512(w + g * CPU_PANEL * 4 + 64);
        UNROLL (t, n) {
            __m512i a = broadcast_quad(x->codes[t] + place + g / 4 * 64 + g % 4 * 4);
            sum[t][0] = _mm512_dpbusd_epi32(sum[t][0], w0, a);
            sum[t][1] = _mm512_dpbusd_epi32(sum[t][1], w1, a);
        }
    }
    const uint16_t *from = panel->scales + block * CPU_PANEL;
    __m512i wide[2] = {_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)from)),
                       _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(from + 16)))};
    __m512 scale[2] = {_mm512_castsi512_ps(_mm512_slli_epi32(wide[0], 16)),
                       _mm512_castsi512_ps(_mm512_slli_epi32(wide[1], 16))};
    UNROLL (t, n) {
        __m512 input = _mm512_set1_ps(x->scales[t][block]);
        UNROLL (i, 2)
            total[t][i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[t][i]),
                                          _mm512_mul_ps(scale[i], input), total[t][i]);
    }
}

// Several tokens: one partial sum after another, so that all accumulators stay in registers.
ALWAYS_INLINE void tile_parts(const cpu_panel *panel, tile_ahead *ahead, const tokens *x, int n,
                              float *out, size_t out_stride) {
    static const size_t order[CPU_GROUP] = {0, 2, 1, 3}; // (p0 + p2) + (p1 + p3)
    __m512 kept[CPU_GROUP][TILE][2];
    for (int i = 0; i < CPU_GROUP; i++) {
        __m512 part[TILE][2];
        UNROLL (t, n)
            part[t][0] = part[t][1] = _mm512_setzero_ps();
        for (size_t b = order[i]; b < panel->n_blocks; b += CPU_GROUP) {
            tile_fetch(ahead);
            block_add(panel, b, x, n, part);
        }
        UNROLL (t, n)
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
ALWAYS_INLINE void stream_parts(const cpu_panel *panel, const tokens *x, int n, float *out,
                                size_t out_stride) {
    size_t n_blocks = panel->n_blocks;
    __m512 part[CPU_GROUP][TILE][2];
    UNROLL (i, CPU_GROUP)
        UNROLL (t, n)
            part[i][t][0] = part[i][t][1] = _mm512_setzero_ps();
    size_t b = 0;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP)
        UNROLL (i, CPU_GROUP)
            block_add(panel, b + i, x, n, part[i]);
    if (b < n_blocks)
        block_add(panel, b, x, n, part[0]);
    if (b + 1 < n_blocks)
        block_add(panel, b + 1, x, n, part[1]);
    if (b + 2 < n_blocks)
        block_add(panel, b + 2, x, n, part[2]);
    for (int t = 0; t < n; t++) {
        for (int i = 0; i < 2; i++) {
            __m512 even = _mm512_add_ps(part[0][t][i], part[2][t][i]);
            __m512 odd = _mm512_add_ps(part[1][t][i], part[3][t][i]);
            _mm512_storeu_ps(out + (size_t)t * out_stride + 16 * i, _mm512_add_ps(even, odd));
        }
    }
}

static void multiply(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *starts,
                     const int32_t *index, size_t n, float *out, size_t out_stride) {
    tile_ahead ahead = tile_ahead_of(panel, (n + TILE - 1) / TILE);
    for (size_t t = 0; t < n; t += TILE) {
        size_t count = n - t < TILE ? n - t : TILE;
        tokens chosen = select_tokens(x, starts, index + t, count);
        float *to = out + t * out_stride;
        switch (count) {
        case 6:
            tile_parts(panel, &ahead, &chosen, 6, to, out_stride);
            break;
        case 5:
            tile_parts(panel, &ahead, &chosen, 5, to, out_stride);
            break;
        case 4:
            tile_parts(panel, &ahead, &chosen, 4, to, out_stride);
            break;
        case 3:
            tile_parts(panel, &ahead, &chosen, 3, to, out_stride);
            break;
        case 2:
            stream_parts(panel, &chosen, 2, to, out_stride);
            break;
        default:
            stream_parts(panel, &chosen, 1, to, out_stride);
        }
    }
}

void avx512_panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    multiply(panel, x, x->q8_starts, index, n, out, out_stride);
}

void avx512_panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    multiply(panel, x, x->mx_starts, index, n, out, out_stride);
}

// ---- published MXFP4 ------------------------------------------------------------------------

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
ALWAYS_INLINE void group_mxfp4(const uint8_t *blocks, size_t n_blocks, __mmask64 mask,
                               __m128i by_row, bool ordinary, const tokens *x, size_t block, int n,
                               __m512 total[AVX512_DIRECT_TOKENS]) {
    const __m512i quarters = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    __m128i by_block = _mm_shuffle_epi8(
        by_row, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m512i byte = _mm512_cvtepu8_epi32(by_block);
    __m512 scale = ordinary ? half_ordinary_scales(byte) : half_scales(byte);
    __m512i low[4], high[4];
    UNROLL (r, 4) {
        __m512i bytes = _mm512_maskz_loadu_epi8(mask, blocks + (r * n_blocks + block) *
                                                                   NUMBER_MXFP4_BLOCK_BYTES);
        __asm__("" : "+v"(bytes)); // loads that cross lines are dear: one, not one for each nibble
        split_nibbles(bytes, &low[r], &high[r]);
    }
    UNROLL (t, n) {
        const int8_t *codes = x->codes[t] + block / CPU_GROUP * CPU_GROUP_BYTES;
        __m128i starts = _mm_loadu_si128((const __m128i *)(x->starts[t] + block));
        __m512i start = _mm512_maskz_broadcast_i32x4(0x8421, starts); // one lane of each block
        __m512i even = _mm512_loadu_si512(codes), odd = _mm512_loadu_si512(codes + 64), sum[4];
        UNROLL (r, 4)
            sum[r] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(start, low[r], even), high[r], odd);
        __m512 inputs = _mm512_permutexvar_ps(
            quarters, _mm512_castps128_ps512(_mm_loadu_ps(x->scales[t] + block)));
        total[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(transpose_add(sum)),
                                   _mm512_mul_ps(scale, inputs), total[t]);
    }
}

// Whether all scales are normal numbers when halved, and none is NaN: as good as always.
static inline bool are_ordinary(const uint8_t *scales, size_t n) {
    const __m512i two = _mm512_set1_epi8(2), most = _mm512_set1_epi8((char)(NUMBER_E8M0_NAN - 3));
    __m512i largest = _mm512_setzero_si512(); // of scale - 2, where 0 and 1 are the largest
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        largest = _mm512_max_epu8(largest, _mm512_sub_epi8(_mm512_loadu_si512(scales + i), two));
    __mmask64 rest = ((__mmask64)1 << (n - i)) - 1;
    __m512i last = _mm512_mask_loadu_epi8(two, rest, scales + i);
    largest = _mm512_max_epu8(largest, _mm512_sub_epi8(last, two));
    return _mm512_cmpgt_epu8_mask(largest, most) == 0;
}

static inline __m128i by_rows(const __m128i row[4]) {
    return _mm_unpacklo_epi64(_mm_unpacklo_epi32(row[0], row[1]),
                              _mm_unpacklo_epi32(row[2], row[3]));
}

// Scales of four blocks of four rows.
static inline __m128i four_scales(const uint8_t *scales, size_t n_blocks) {
    __m128i row[4];
    UNROLL (r, 4)
        row[r] = _mm_loadu_si32(scales + r * n_blocks);
    return by_rows(row);
}

// Of the last n blocks; 1.0 behind them.
static inline __m128i last_scales(const uint8_t *scales, size_t n_blocks, size_t n) {
    const __m128i one = _mm_set1_epi8(127);
    __m128i row[4];
    UNROLL (r, 4)
        row[r] = _mm_mask_loadu_epi8(one, (__mmask16)((1u << n) - 1), scales + r * n_blocks);
    return by_rows(row);
}

// All blocks of four rows.
ALWAYS_INLINE void walk_rows(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                             bool ordinary, const tokens *x, int n,
                             __m512 total[AVX512_DIRECT_TOKENS]) {
    UNROLL (t, n)
        total[t] = _mm512_setzero_ps();
    size_t b = 0;
    // The next four rows, line by line as they lie: processors see through one stream, not four.
    const uint8_t *ahead = blocks + 4 * n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP, ahead += 4 * CPU_LINE) {
        UNROLL (line, 4)
            _mm_prefetch((const char *)ahead + line * CPU_LINE, _MM_HINT_T0);
        group_mxfp4(blocks, n_blocks, ~(__mmask64)0, four_scales(scales + b, n_blocks), ordinary, x,
                    b, n, total);
    }
    if (b < n_blocks) { // the activations beyond are zero
        __mmask64 mask = ((__mmask64)1 << (n_blocks - b) * NUMBER_MXFP4_BLOCK_BYTES) - 1;
        group_mxfp4(blocks, n_blocks, mask, last_scales(scales + b, n_blocks, n_blocks - b),
                    ordinary, x, b, n, total);
    }
}

ALWAYS_INLINE void four_rows(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                             bool ordinary, const tokens *x, int n, float *out, size_t out_stride) {
    __m512 total[AVX512_DIRECT_TOKENS];
    walk_rows(blocks, scales, n_blocks, ordinary, x, n, total);
    for (int t = 0; t < n; t++) {
        __m256 both = _mm256_add_ps(_mm512_castps512_ps256(total[t]),
                                    _mm512_extractf32x8_ps(total[t], 1)); // p0 + p2 | p1 + p3
        _mm_storeu_ps(out + (size_t)t * out_stride,
                      _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
    }
}

ALWAYS_INLINE void all_rows(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                            bool ordinary, const tokens *x, size_t n, float *out,
                            size_t out_stride) {
    for (size_t r = 0; r < CPU_PANEL; r += 4, out += 4) {
        const uint8_t *w = blocks + r * n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
        const uint8_t *s = scales + r * n_blocks;
        switch (n) {
        case 4:
            four_rows(w, s, n_blocks, ordinary, x, 4, out, out_stride);
            break;
        case 3:
            four_rows(w, s, n_blocks, ordinary, x, 3, out, out_stride);
            break;
        case 2:
            four_rows(w, s, n_blocks, ordinary, x, 2, out, out_stride);
            break;
        default:
            four_rows(w, s, n_blocks, ordinary, x, 1, out, out_stride);
        }
    }
}

void avx512_rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride) {
    bool ordinary = are_ordinary(scales, CPU_PANEL * n_blocks);
    for (size_t t = 0; t < n; t += AVX512_DIRECT_TOKENS) {
        size_t count = n - t < AVX512_DIRECT_TOKENS ? n - t : AVX512_DIRECT_TOKENS;
        tokens chosen = select_tokens(x, x->mx_starts, index + t, count);
        float *to = out + t * out_stride;
        if (ordinary)
            all_rows(blocks, scales, n_blocks, true, &chosen, count, to, out_stride);
        else
            all_rows(blocks, scales, n_blocks, false, &chosen, count, to, out_stride);
    }
}
