// NEON as every 64-bit Arm processor has it: sixteen partial sums are four registers. bf16 and
// SwiGLU are left to the compiler; so are integer products, of which dotprod.c makes more.
#include "cpu/kernels/neon.h"

enum { MAX_ROWS = 4, MAX_TOKENS = 2, PARTS = 16, REGISTERS = PARTS / 4 };

// ---- float32 --------------------------------------------------------------------------------

// Sixteen columns of each row and token.
ALWAYS_INLINE void add_columns(int rows, int tokens, const float *w, size_t columns,
                               const float *const *x, size_t at,
                               float32x4_t sum[MAX_ROWS][MAX_TOKENS][REGISTERS]) {
    UNROLL (i, REGISTERS) {
        float32x4_t a[MAX_TOKENS];
        UNROLL (t, tokens)
            a[t] = vld1q_f32(x[t] + at + (size_t)(4 * i));
        UNROLL (r, rows) {
            float32x4_t b = vld1q_f32(w + (size_t)r * columns + at + (size_t)(4 * i));
            UNROLL (t, tokens) {
                sum[r][t][i] = vfmaq_f32(sum[r][t][i], b, a[t]);
                NEON_KEEP_ORDER(sum[r][t][i]);
            }
        }
    }
}

ALWAYS_INLINE void dot_tile(int rows, int tokens, const float *w, size_t columns,
                            const float *const *x, float *out, size_t out_stride) {
    float32x4_t sum[MAX_ROWS][MAX_TOKENS][REGISTERS];
    UNROLL (r, rows)
        UNROLL (t, tokens)
            UNROLL (i, REGISTERS)
                sum[r][t][i] = vdupq_n_f32(0);
    size_t at = 0;
    for (; at + PARTS <= columns; at += PARTS)
        add_columns(rows, tokens, w, columns, x, at, sum);
    if (at < columns) { // zeros behind the last columns
        float w_rest[MAX_ROWS * PARTS] = {0}, x_rest[MAX_TOKENS][PARTS] = {{0}};
        const float *rest[MAX_TOKENS];
        for (int r = 0; r < rows; r++)
            memcpy(w_rest + r * PARTS, w + (size_t)r * columns + at, (columns - at) * sizeof *w);
        for (int t = 0; t < tokens; t++)
            rest[t] = memcpy(x_rest[t], x[t] + at, (columns - at) * sizeof **x);
        add_columns(rows, tokens, w_rest, PARTS, rest, 0, sum);
    }
    UNROLL (r, rows)
        UNROLL (t, tokens)
            out[(size_t)t * out_stride + (size_t)r] = neon_add_halves(sum[r][t]);
}

static void dots_f32(const float *w, size_t n_rows, size_t columns, const float *x, size_t x_stride,
                     const int32_t *index, size_t n, float *out, size_t out_stride) {
    size_t t = 0;
    for (; t + 2 <= n; t += 2) {
        const float *two[2] = {x + (size_t)index[t] * x_stride,
                               x + (size_t)index[t + 1] * x_stride};
        float *to = out + t * out_stride;
        size_t r = 0;
        for (; r + 2 <= n_rows; r += 2)
            dot_tile(2, 2, w + r * columns, columns, two, to + r, out_stride);
        for (; r < n_rows; r++)
            dot_tile(1, 2, w + r * columns, columns, two, to + r, out_stride);
    }
    if (t < n) {
        const float *one = x + (size_t)index[t] * x_stride;
        float *to = out + t * out_stride;
        size_t r = 0;
        for (; r + 4 <= n_rows; r += 4)
            dot_tile(4, 1, w + r * columns, columns, &one, to + r, out_stride);
        for (; r < n_rows; r++)
            dot_tile(1, 1, w + r * columns, columns, &one, to + r, out_stride);
    }
}

// ---- MXFP4 ----------------------------------------------------------------------------------

// e2m1 values as bf16, by code: their lower and their upper bytes.
static const uint8_t lower_bytes[16] = {0x00, 0x00, 0x80, 0xc0, 0x00, 0x40, 0x80, 0xc0,
                                        0x00, 0x00, 0x80, 0xc0, 0x00, 0x40, 0x80, 0xc0};
static const uint8_t upper_bytes[16] = {0x00, 0x3f, 0x3f, 0x3f, 0x40, 0x40, 0x40, 0x40,
                                        0x80, 0xbf, 0xbf, 0xbf, 0xc0, 0xc0, 0xc0, 0xc0};

static void decode_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                         float *values) {
    const uint8x16_t lower = vld1q_u8(lower_bytes), upper = vld1q_u8(upper_bytes);
    for (size_t b = 0; b < n_blocks; b++) {
        float32x4_t scale = vdupq_n_f32(number_e8m0_to_f32(scales[b]));
        uint8x16_t bytes = vld1q_u8(blocks + b * NUMBER_MXFP4_BLOCK_BYTES);
        uint8x16_t even = vandq_u8(bytes, vdupq_n_u8(15)), odd = vshrq_n_u8(bytes, 4);
        uint8x16_t codes[2] = {vzip1q_u8(even, odd), vzip2q_u8(even, odd)};
        UNROLL (i, 2) {
            uint8x16_t low = vqtbl1q_u8(lower, codes[i]), high = vqtbl1q_u8(upper, codes[i]);
            float32x4_t x[4];
            neon_widen_bf16(vreinterpretq_u16_u8(vzip1q_u8(low, high)), x);
            neon_widen_bf16(vreinterpretq_u16_u8(vzip2q_u8(low, high)), x + 2);
            UNROLL (j, 4) {
                vst1q_f32(values, vmulq_f32(x[j], scale));
                values += 4;
            }
        }
    }
}

// Quads of 4 rows of 16 bytes: quad[g] has bytes 4g .. 4g + 3 of row after row.
ALWAYS_INLINE void transpose_quads(const uint32x4_t row[4], uint8x16_t quad[4]) {
    uint64x2_t pair[4]; // of rows 0 and 1, of rows 2 and 3: columns 0 1, then 2 3
    UNROLL (i, 2) {
        pair[i] = vreinterpretq_u64_u32(vzip1q_u32(row[2 * i], row[2 * i + 1]));
        pair[i + 2] = vreinterpretq_u64_u32(vzip2q_u32(row[2 * i], row[2 * i + 1]));
    }
    UNROLL (i, 2) {
        quad[2 * i] = vreinterpretq_u8_u64(vzip1q_u64(pair[2 * i], pair[2 * i + 1]));
        quad[2 * i + 1] = vreinterpretq_u8_u64(vzip2q_u64(pair[2 * i], pair[2 * i + 1]));
    }
}

static void pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                    uint16_t *panel_scales) {
    const uint8x16_t table = neon_mx_codes();
    size_t row_bytes = n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
    for (size_t b = 0; b < n_blocks; b++, codes += CPU_BLOCK * CPU_PANEL) {
        for (size_t r = 0; r < CPU_PANEL; r++)
            *panel_scales++ = math_half_e8m0(scales[r * n_blocks + b]);
        for (size_t r = 0; r < CPU_PANEL; r += 4) {
            const uint8_t *from = blocks + r * row_bytes + b * NUMBER_MXFP4_BLOCK_BYTES;
            uint32x4_t row[4];
            uint8x16_t quad[4];
            UNROLL (i, 4)
                row[i] = vreinterpretq_u32_u8(vld1q_u8(from + (size_t)i * row_bytes));
            transpose_quads(row, quad);
            UNROLL (g, 4) {
                uint8x16_t even = vandq_u8(quad[g], vdupq_n_u8(15)), odd = vshrq_n_u8(quad[g], 4);
                uint8_t *to = codes + (size_t)g * CPU_PANEL * 4 + r * 4;
                vst1q_u8(to, vqtbl1q_u8(table, even));
                vst1q_u8(to + CPU_GROUP * CPU_PANEL * 4, vqtbl1q_u8(table, odd));
            }
        }
    }
}

// ---- 8-bit codes ----------------------------------------------------------------------------

enum { BLOCK_REGISTERS = CPU_BLOCK / 4 };

// The largest magnitude's bits: as integers they order like the magnitudes, and infinities and NaN
// come out on top.
static inline uint32_t largest_bits(const float32x4_t x[BLOCK_REGISTERS]) {
    uint32x4_t max = vdupq_n_u32(0);
    UNROLL (i, BLOCK_REGISTERS)
        max = vmaxq_u32(max, vreinterpretq_u32_f32(vabsq_f32(x[i])));
    return vmaxvq_u32(max);
}

// rint(x * inverse), the even inputs apart from the odd ones
static inline int8x16x2_t round_codes(const float32x4_t x[BLOCK_REGISTERS], float inverse) {
    int16x8_t eight[4];
    UNROLL (i, 4) {
        int32x4_t low = vcvtnq_s32_f32(vmulq_n_f32(x[2 * i], inverse));
        int32x4_t high = vcvtnq_s32_f32(vmulq_n_f32(x[2 * i + 1], inverse));
        eight[i] = vuzp1q_s16(vreinterpretq_s16_s32(low), vreinterpretq_s16_s32(high));
    }
    int8x16_t first = vuzp1q_s8(vreinterpretq_s8_s16(eight[0]), vreinterpretq_s8_s16(eight[1]));
    int8x16_t second = vuzp1q_s8(vreinterpretq_s8_s16(eight[2]), vreinterpretq_s8_s16(eight[3]));
    return vuzpq_s8(first, second);
}

static inline void load_block(const float *values, float32x4_t x[BLOCK_REGISTERS]) {
    UNROLL (i, BLOCK_REGISTERS)
        x[i] = vld1q_f32(values + 4 * i);
}

static void encode_q8(const float *values, size_t first_block, size_t n_blocks,
                      const cpu_q8_rows *rows, size_t row) {
    int8_t *codes = rows->codes + row * rows->groups * CPU_GROUP_BYTES;
    for (size_t b = 0; b < n_blocks; b++, values += CPU_BLOCK) {
        float32x4_t x[BLOCK_REGISTERS];
        load_block(values, x);
        uint32_t bits = largest_bits(x);
        float max = number_f32_of_bits(bits), scale = max / 127.0f;
        int8x16x2_t q = {{vdupq_n_s8(0), vdupq_n_s8(0)}};
        if (bits >= 0x7f800000)
            scale = number_f32_of_bits(0x7fc00000);
        else if (max < 0x1p-100f)
            scale = 0;
        else
            q = round_codes(x, 127.0f / max);
        // Sums of pairs: even ones of the first two codes of each quad, odd ones of the others.
        int16x8_t pairs = vaddq_s16(vpaddlq_s8(q.val[0]), vpaddlq_s8(q.val[1]));
        int first = vaddv_s16(vget_low_s16(vuzp1q_s16(pairs, pairs)));
        int second = vaddv_s16(vget_low_s16(vuzp2q_s16(pairs, pairs)));
        size_t block = first_block + b, at = row * rows->groups * CPU_GROUP + block;
        int8_t *to = codes + cpu_q8_place(block, 0);
        vst1q_s8(to, q.val[0]);
        vst1q_s8(to + 64, q.val[1]);
        rows->scales[at] = scale;
        rows->q8_starts[at] = -CPU_Q8_OFFSET * (first + second);
        rows->mx_starts[at] = -CPU_MX_OFFSET * (first + second);
        rows->mx_pair_starts[at][0] = (int16_t)(-CPU_MX_OFFSET * first);
        rows->mx_pair_starts[at][1] = (int16_t)(-CPU_MX_OFFSET * second);
    }
}

static inline void pack_row_block(const float *values, uint8_t *codes, uint16_t *scale_out) {
    float32x4_t x[BLOCK_REGISTERS];
    load_block(values, x);
    uint32_t bits = largest_bits(x);
    float max = number_f32_of_bits(bits);
    int8x16x2_t q = {{vdupq_n_s8(0), vdupq_n_s8(0)}};
    *scale_out = 0;
    if (bits >= 0x7f800000) {
        *scale_out = 0x7fc0;
    } else if (max >= 0x1p-100f) {
        *scale_out = (uint16_t)((number_f32_bits(max / 127.0f) + 0xffff) >> 16);
        q = round_codes(x, 1.0f / number_bf16_to_f32(*scale_out));
    }
    UNROLL (half, 2) {
        uint8_t quads[16];
        vst1q_u8(quads, veorq_u8(vreinterpretq_u8_s8(q.val[half]), vdupq_n_u8(0x80)));
        UNROLL (g, 4)
            memcpy(codes + (4 * half + g) * CPU_PANEL * 4, quads + 4 * g, 4);
    }
}

static void pack_q8(const uint16_t *const rows[CPU_PANEL], size_t columns, uint8_t *codes,
                    uint16_t *scales) {
    for (size_t b = 0; b * CPU_BLOCK < columns; b++) {
        size_t left = columns - b * CPU_BLOCK;
        left = left < CPU_BLOCK ? left : CPU_BLOCK;
        for (size_t r = 0; r < CPU_PANEL; r++) {
            uint16_t bits[CPU_BLOCK] = {0};
            float x[CPU_BLOCK];
            if (rows[r])
                memcpy(bits, rows[r] + b * CPU_BLOCK, left * sizeof *bits);
            for (size_t i = 0; i < CPU_BLOCK; i++)
                x[i] = number_bf16_to_f32(bits[i]);
            pack_row_block(x, codes + b * CPU_BLOCK * CPU_PANEL + r * 4,
                           &scales[b * CPU_PANEL + r]);
        }
    }
}

const cpu_kernels cpu_kernels_neon = {
    .name = "neon",
    .direct_tokens = 4,
    .dots_f32 = dots_f32,
    .decode_mxfp4 = decode_mxfp4,
    .encode_q8 = encode_q8,
    .pack_q8 = pack_q8,
    .pack_mx = pack_mx,
    .attend_f32 = neon_attend_f32,
    .attend_bf16 = neon_attend_bf16,
};
