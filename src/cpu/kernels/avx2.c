// AVX2 with FMA and F16C: sixteen partial sums are two registers, a panel's rows lie in lanes.
#include "cpu/kernels/avx2.h"

#include "cpu/kernels/kernels.h"

enum { MAX_ROWS = 4, MAX_TOKENS = 3, TURN = 96 };

// ---- float32 --------------------------------------------------------------------------------

static inline __m256i tail_mask(size_t n) { // the first n of 8 lanes
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 8 ? n : 8)), lanes);
}

// Adds columns [i, end) to one half of the sixteen sums of each dot product: a tile of both halves
// would not fit into registers.
ALWAYS_INLINE void dot_half(int rows, int tokens, const float *w, size_t columns,
                            const float *const *x, size_t i, size_t end,
                            __m256 sums[MAX_ROWS][MAX_TOKENS]) {
    __m256 sum[MAX_ROWS][MAX_TOKENS];
    UNROLL (r, rows)
        UNROLL (t, tokens)
            sum[r][t] = sums[r][t];
    for (; i + 8 <= end; i += 16) {
        __m256 a[MAX_TOKENS];
        UNROLL (t, tokens)
            a[t] = _mm256_loadu_ps(x[t] + i);
        UNROLL (r, rows) {
            __m256 b = _mm256_loadu_ps(w + (size_t)r * columns + i);
            UNROLL (t, tokens)
                sum[r][t] = _mm256_fmadd_ps(b, a[t], sum[r][t]);
        }
    }
    if (i < end) {
        __m256i mask = tail_mask(end - i);
        UNROLL (r, rows) {
            __m256 b = _mm256_maskload_ps(w + (size_t)r * columns + i, mask);
            UNROLL (t, tokens)
                sum[r][t] = _mm256_fmadd_ps(b, _mm256_maskload_ps(x[t] + i, mask), sum[r][t]);
        }
    }
    UNROLL (r, rows)
        UNROLL (t, tokens)
            sums[r][t] = sum[r][t];
}

// Both halves read the same cache lines, so they take turns before those leave the first cache.
ALWAYS_INLINE void dot_tile(int rows, int tokens, const float *w, size_t columns,
                            const float *const *x, float *out, size_t out_stride) {
    __m256 low[MAX_ROWS][MAX_TOKENS], high[MAX_ROWS][MAX_TOKENS];
    UNROLL (r, rows)
        UNROLL (t, tokens)
            low[r][t] = high[r][t] = _mm256_setzero_ps();
    for (size_t i = 0; i < columns; i += TURN) {
        size_t end = columns - i < TURN ? columns : i + TURN;
        dot_half(rows, tokens, w, columns, x, i, end, low);
        dot_half(rows, tokens, w, columns, x, i + 8, end, high);
    }
    UNROLL (r, rows)
        UNROLL (t, tokens)
            out[(size_t)t * out_stride + (size_t)r] = avx2_add_halves(low[r][t], high[r][t]);
}

static void dots_f32(const float *w, size_t n_rows, size_t columns, const float *x, size_t x_stride,
                     const int32_t *index, size_t n, float *out, size_t out_stride) {
    size_t t = 0;
    for (; t + 3 <= n; t += 3) {
        const float *three[3];
        for (size_t i = 0; i < 3; i++)
            three[i] = x + (size_t)index[t + i] * x_stride;
        float *to = out + t * out_stride;
        size_t r = 0;
        for (; r + 4 <= n_rows; r += 4)
            dot_tile(4, 3, w + r * columns, columns, three, to + r, out_stride);
        for (; r < n_rows; r++)
            dot_tile(1, 3, w + r * columns, columns, three, to + r, out_stride);
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
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(to + i, avx2_load_bf16(from + i));
    for (; i < n; i++)
        to[i] = number_bf16_to_f32(from[i]);
}

static void encode_bf16(const float *from, size_t n, uint16_t *to) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(from + i));
        __m256i upper = _mm256_srli_epi32(bits, 16);
        __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
        __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        __m256i magnitude = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fffffff));
        __m256i nan = _mm256_cmpgt_epi32(magnitude, _mm256_set1_epi32(0x7f800000));
        __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
        __m256i value = _mm256_blendv_epi8(_mm256_srli_epi32(rounded, 16), quiet, nan);
        value = _mm256_permute4x64_epi64(_mm256_packus_epi32(value, value), 0xd8);
        _mm_storeu_si128((__m128i *)(to + i), _mm256_castsi256_si128(value));
    }
    for (; i < n; i++)
        to[i] = number_f32_to_bf16(from[i]);
}

static void decode_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                         float *values) {
    const __m256 magnitudes = _mm256_setr_ps(0, 0.5f, 1, 1.5f, 2, 3, 4, 6);
    for (size_t b = 0; b < n_blocks; b++, values += CPU_BLOCK) {
        __m256 scale = _mm256_set1_ps(number_e8m0_to_f32(scales[b]));
        __m128i bytes = _mm_loadu_si128((const __m128i *)(blocks + b * NUMBER_MXFP4_BLOCK_BYTES));
        __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
        __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
        __m128i half[2] = {_mm_unpacklo_epi8(low, high), _mm_unpackhi_epi8(low, high)};
        for (int i = 0; i < 4; i++) {
            __m128i eight = i & 1 ? _mm_srli_si128(half[i / 2], 8) : half[i / 2];
            __m256i code = _mm256_cvtepu8_epi32(eight);
            __m256i sign = _mm256_slli_epi32(_mm256_srli_epi32(code, 3), 31);
            __m256 value = _mm256_permutevar8x32_ps(magnitudes, code); // looks at three bits
            value = _mm256_or_ps(value, _mm256_castsi256_ps(sign));
            _mm256_storeu_ps(values + 8 * i, _mm256_mul_ps(value, scale));
        }
    }
}

static void swiglu(const float *gate_up, size_t n, float limit, float alpha, float *out) {
    const __m256 one = _mm256_set1_ps(1), top = _mm256_set1_ps(limit);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 a = _mm256_loadu_ps(gate_up + 2 * i), b = _mm256_loadu_ps(gate_up + 2 * i + 8);
        __m256 gate = _mm256_shuffle_ps(a, b, 0x88), up = _mm256_shuffle_ps(a, b, 0xdd);
        gate = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(gate), 0xd8));
        up = _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(up), 0xd8));
        gate = _mm256_min_ps(top, gate);
        up = _mm256_max_ps(_mm256_set1_ps(-limit), _mm256_min_ps(top, up));
        __m256 minus =
            _mm256_xor_ps(_mm256_mul_ps(_mm256_set1_ps(alpha), gate), _mm256_set1_ps(-0.0f));
        __m256 sigmoid = _mm256_div_ps(one, _mm256_add_ps(one, avx2_exp(minus)));
        _mm256_storeu_ps(out + i,
                         _mm256_mul_ps(_mm256_mul_ps(gate, sigmoid), _mm256_add_ps(up, one)));
    }
    for (; i < n; i++)
        out[i] = math_swiglu(gate_up[2 * i], gate_up[2 * i + 1], limit, alpha);
}

// ---- 8-bit codes ----------------------------------------------------------------------------

// The largest magnitude's bits: as integers they order like the magnitudes, and infinities and NaN
// come out on top.
static inline uint32_t largest_bits(const __m256 x[4]) {
    __m256i max = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++) {
        __m256i bits = _mm256_and_si256(_mm256_castps_si256(x[i]), _mm256_set1_epi32(0x7fffffff));
        max = _mm256_max_epu32(max, bits);
    }
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(max), _mm256_extracti128_si256(max, 1));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

// rint(x * inverse): the 16 even inputs in the low half, the odd ones in the high half
static inline __m256i round_codes(const __m256 x[4], float inverse) {
    __m256i q[4];
    for (int i = 0; i < 4; i++)
        q[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], _mm256_set1_ps(inverse)));
    __m256i a = _mm256_packs_epi32(q[0], q[1]), b = _mm256_packs_epi32(q[2], q[3]);
    __m256i bytes = _mm256_packs_epi16(a, b); // in each half, four inputs of each of x[0 .. 3]
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const __m256i apart = _mm256_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15, 0,
                                           2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    return _mm256_permute4x64_epi64(_mm256_shuffle_epi8(bytes, apart), 0xd8);
}

static void encode_q8(const float *values, size_t first_block, size_t n_blocks,
                      const cpu_q8_rows *rows, size_t row) {
    int8_t *codes = rows->codes + row * rows->groups * CPU_GROUP_BYTES;
    for (size_t b = 0; b < n_blocks; b++, values += CPU_BLOCK) {
        __m256 x[4];
        for (int i = 0; i < 4; i++)
            x[i] = _mm256_loadu_ps(values + 8 * i);
        uint32_t bits = largest_bits(x);
        float max = number_f32_of_bits(bits), scale = max / 127.0f;
        __m256i q = _mm256_setzero_si256();
        if (bits >= 0x7f800000)
            scale = number_f32_of_bits(0x7fc00000);
        else if (max < 0x1p-100f)
            scale = 0;
        else
            q = round_codes(x, 127.0f / max);
        __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), q);
        __m128i half =
            _mm_add_epi16(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
        half = _mm_add_epi16(half, _mm_shuffle_epi32(half, 0x4e));
        half = _mm_add_epi16(half, _mm_shuffle_epi32(half, 0xb1));
        uint32_t two = (uint32_t)_mm_cvtsi128_si32(half);
        int first = (int16_t)two, second = (int16_t)(two >> 16);
        size_t block = first_block + b;
        int8_t *to = codes + cpu_q8_place(block, 0);
        _mm_storeu_si128((__m128i *)to, _mm256_castsi256_si128(q));
        _mm_storeu_si128((__m128i *)(to + 64), _mm256_extracti128_si256(q, 1));
        size_t at = row * rows->groups * CPU_GROUP + block;
        rows->scales[at] = scale;
        rows->q8_starts[at] = -CPU_Q8_OFFSET * (first + second);
        rows->mx_starts[at] = -CPU_MX_OFFSET * (first + second);
        rows->mx_pair_starts[at][0] = (int16_t)(-CPU_MX_OFFSET * first);
        rows->mx_pair_starts[at][1] = (int16_t)(-CPU_MX_OFFSET * second);
    }
}

static inline void pack_row_block(const float *values, uint8_t *codes, uint16_t *scale_out) {
    __m256 x[4];
    for (int i = 0; i < 4; i++)
        x[i] = _mm256_loadu_ps(values + 8 * i);
    uint32_t bits = largest_bits(x);
    float max = number_f32_of_bits(bits);
    __m256i q = _mm256_setzero_si256();
    *scale_out = 0;
    if (bits >= 0x7f800000) {
        *scale_out = 0x7fc0;
    } else if (max >= 0x1p-100f) {
        *scale_out = (uint16_t)((number_f32_bits(max / 127.0f) + 0xffff) >> 16);
        q = round_codes(x, 1.0f / number_bf16_to_f32(*scale_out));
    }
    uint32_t quads[8];
    _mm256_storeu_si256((__m256i *)quads, _mm256_xor_si256(q, _mm256_set1_epi8((char)0x80)));
    for (int g = 0; g < 8; g++)
        memcpy(codes + g * CPU_PANEL * 4, &quads[g], 4);
}

static void pack_q8(const uint16_t *const rows[CPU_PANEL], size_t columns, uint8_t *codes,
                    uint16_t *scales) {
    for (size_t b = 0; b * CPU_BLOCK < columns; b++) {
        size_t left = columns - b * CPU_BLOCK;
        left = left < CPU_BLOCK ? left : CPU_BLOCK;
        for (size_t r = 0; r < CPU_PANEL; r++) {
            float x[CPU_BLOCK] = {0};
            if (rows[r])
                decode_bf16(rows[r] + b * CPU_BLOCK, left, x);
            pack_row_block(x, codes + b * CPU_BLOCK * CPU_PANEL + r * 4,
                           &scales[b * CPU_PANEL + r]);
        }
    }
}

const cpu_kernels cpu_kernels_avx2 = {
    .name = "avx2",
    .direct_tokens = 3,
    .dots_f32 = dots_f32,
    .decode_bf16 = decode_bf16,
    .encode_bf16 = encode_bf16,
    .decode_mxfp4 = decode_mxfp4,
    .encode_q8 = encode_q8,
    .pack_q8 = pack_q8,
    .pack_mx = avx2_pack_mx,
    .panel_q8 = avx2_panel_q8,
    .panel_mx = avx2_panel_mx,
    .rows_mxfp4 = avx2_rows_mxfp4,
    .attend_f32 = avx2_attend_f32,
    .attend_bf16 = avx2_attend_bf16,
    .swiglu = swiglu,
};
