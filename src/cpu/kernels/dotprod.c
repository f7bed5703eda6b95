// Arm's dot products (sdot): packed panels and published MXFP4 times 8-bit activations.
//
// sdot multiplies signed by signed and adds a quad of inputs. Codes of MXFP4 stay below 128 with
// their offset added, so they are taken as they are; 8-bit weights lose their offset on the way.
#include "cpu/kernels/neon.h"

enum {
    TILE = 3,      // tokens that meet a panel together: 12 registers of sums, 12 of totals
    REGISTERS = 4, // of rows
    HALF_PANEL = 4 * REGISTERS,
    DIRECT_TOKENS = 4, // that one pass over published weights meets
};

typedef struct tokens {
    const int8_t *codes[DIRECT_TOKENS];
    const float *scales[DIRECT_TOKENS];
    const int32_t *starts[DIRECT_TOKENS];
} tokens;

static inline tokens select_tokens(const cpu_q8_rows *x, const int32_t *index, size_t n) {
    tokens t = {0};
    for (size_t i = 0; i < n; i++) {
        size_t at = (size_t)index[i] * x->groups;
        t.codes[i] = x->codes + at * CPU_GROUP_BYTES;
        t.scales[i] = x->scales + at * CPU_GROUP;
        t.starts[i] = x->mx_starts + at * CPU_GROUP;
    }
    return t;
}

// ---- packed panels --------------------------------------------------------------------------

// Quad `lane` of 16 inputs, times four rows. The instruction holds the lane: it must be a constant
// even where nothing is optimised.
ALWAYS_INLINE int32x4_t add_quad(int32x4_t sum, int8x16_t rows, int8x16_t inputs, int lane) {
    switch (lane) {
    case 0:
        return vdotq_laneq_s32(sum, rows, inputs, 0);
    case 1:
        return vdotq_laneq_s32(sum, rows, inputs, 1);
    case 2:
        return vdotq_laneq_s32(sum, rows, inputs, 2);
    default:
        return vdotq_laneq_s32(sum, rows, inputs, 3);
    }
}

// The integer sums of one block: 16 rows by n tokens.
ALWAYS_INLINE void block_sums(bool mx, const uint8_t *w, const tokens *x, int n, size_t block,
                              int32x4_t sum[TILE][REGISTERS]) {
    UNROLL (t, n)
        UNROLL (r, REGISTERS)
            sum[t][r] = vdupq_n_s32(mx ? x->starts[t][block] : 0);
    UNROLL (half, 2) { // even inputs, odd inputs
        int8x16_t inputs[TILE];
        UNROLL (t, n)
            inputs[t] = vld1q_s8(x->codes[t] + cpu_q8_place(block, 0) + 64 * half);
        UNROLL (g, 4) {
            UNROLL (r, REGISTERS) {
                uint8x16_t codes = vld1q_u8(w + (4 * half + g) * CPU_PANEL * 4 + 16 * r);
                if (!mx)
                    codes = veorq_u8(codes, vdupq_n_u8(CPU_Q8_OFFSET));
                UNROLL (t, n) {
                    sum[t][r] = add_quad(sum[t][r], vreinterpretq_s8_u8(codes), inputs[t], g);
                    NEON_KEEP_ORDER(sum[t][r]);
                }
            }
        }
    }
}

ALWAYS_INLINE void block_add(bool mx, const cpu_panel *panel, size_t block, const tokens *x, int n,
                             float32x4_t total[TILE][REGISTERS]) {
    int32x4_t sum[TILE][REGISTERS];
    float32x4_t scale[REGISTERS];
    block_sums(mx, panel->codes + block * CPU_BLOCK * CPU_PANEL, x, n, block, sum);
    UNROLL (i, 2)
        neon_widen_bf16(vld1q_u16(panel->scales + block * CPU_PANEL + 8 * i), scale + 2 * i);
    UNROLL (t, n) {
        float input = x->scales[t][block];
        UNROLL (r, REGISTERS)
            total[t][r] =
                vfmaq_f32(total[t][r], vcvtq_f32_s32(sum[t][r]), vmulq_n_f32(scale[r], input));
    }
}

// Several tokens: one partial sum after another, so that all accumulators stay in registers.
ALWAYS_INLINE void tile_parts(bool mx, const cpu_panel *panel, tile_ahead *ahead, const tokens *x,
                              int n, float *out, size_t out_stride) {
    static const size_t order[CPU_GROUP] = {0, 2, 1, 3}; // (p0 + p2) + (p1 + p3)
    float32x4_t kept[CPU_GROUP][TILE][REGISTERS];
    for (int i = 0; i < CPU_GROUP; i++) {
        float32x4_t part[TILE][REGISTERS];
        UNROLL (t, n)
            UNROLL (r, REGISTERS)
                part[t][r] = vdupq_n_f32(0);
        for (size_t b = order[i]; b < panel->n_blocks; b += CPU_GROUP) {
            tile_fetch(ahead);
            block_add(mx, panel, b, x, n, part);
        }
        UNROLL (t, n)
            UNROLL (r, REGISTERS)
                kept[i][t][r] = part[t][r];
    }
    for (int t = 0; t < n; t++) {
        for (int r = 0; r < REGISTERS; r++) {
            float32x4_t even = vaddq_f32(kept[0][t][r], kept[1][t][r]);
            float32x4_t odd = vaddq_f32(kept[2][t][r], kept[3][t][r]);
            vst1q_f32(out + (size_t)t * out_stride + 4 * r, vaddq_f32(even, odd));
        }
    }
}

// One token: blocks in the order in which they lie, as memory likes it.
ALWAYS_INLINE void stream_parts(bool mx, const cpu_panel *panel, const tokens *x, float *out) {
    float32x4_t part[CPU_GROUP][TILE][REGISTERS];
    UNROLL (i, CPU_GROUP)
        UNROLL (r, REGISTERS)
            part[i][0][r] = vdupq_n_f32(0);
    size_t b = 0;
    for (; b + CPU_GROUP <= panel->n_blocks; b += CPU_GROUP)
        UNROLL (i, CPU_GROUP)
            block_add(mx, panel, b + (size_t)i, x, 1, part[i]);
    UNROLL (i, CPU_GROUP - 1)
        if (b + (size_t)i < panel->n_blocks)
            block_add(mx, panel, b + (size_t)i, x, 1, part[i]);
    UNROLL (r, REGISTERS) {
        float32x4_t even = vaddq_f32(part[0][0][r], part[2][0][r]);
        float32x4_t odd = vaddq_f32(part[1][0][r], part[3][0][r]);
        vst1q_f32(out + 4 * r, vaddq_f32(even, odd));
    }
}

ALWAYS_INLINE void multiply(bool mx, const cpu_panel *whole, const cpu_q8_rows *x,
                            const int32_t *index, size_t n, float *out, size_t out_stride) {
    tile_ahead ahead = tile_ahead_of(whole, 2 * ((n + TILE - 1) / TILE));
    for (size_t half = 0; half < CPU_PANEL; half += HALF_PANEL) {
        cpu_panel panel = *whole;
        panel.codes += half * 4;
        panel.scales += half;
        for (size_t t = 0; t < n; t += TILE) {
            size_t count = n - t < TILE ? n - t : TILE;
            tokens chosen = select_tokens(x, index + t, count);
            float *to = out + t * out_stride + half;
            if (count == 3)
                tile_parts(mx, &panel, &ahead, &chosen, 3, to, out_stride);
            else if (count == 2)
                tile_parts(mx, &panel, &ahead, &chosen, 2, to, out_stride);
            else
                stream_parts(mx, &panel, &chosen, to);
        }
    }
}

static void panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    multiply(false, panel, x, index, n, out, out_stride);
}

static void panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    multiply(true, panel, x, index, n, out, out_stride);
}

// ---- published MXFP4 ------------------------------------------------------------------------

// Halved e8m0 scales of four blocks as float32; exact, 255 becomes NaN.
static inline float32x4_t half_scales(const uint8_t *scales) {
    uint32_t four;
    memcpy(&four, scales, sizeof four);
    uint16x8_t words = vmovl_u8(vcreate_u8(four));
    uint32x4_t byte = vmovl_u16(vget_low_u16(words));
    uint32x4_t bits = vmaxq_u32(vshlq_n_u32(byte, 23), vdupq_n_u32(0x00400000));
    uint32x4_t nan = vceqq_u32(byte, vdupq_n_u32(NUMBER_E8M0_NAN));
    bits = vorrq_u32(bits, vandq_u32(nan, vdupq_n_u32(0x00400000)));
    return vmulq_n_f32(vreinterpretq_f32_u32(bits), 0.5f);
}

// Four blocks of a row, by n tokens: a lane of total for each block, which is one for each partial
// sum.
ALWAYS_INLINE void group_mxfp4(const uint8_t *blocks, const uint8_t *scales, const tokens *x,
                               size_t block, int n, float32x4_t total[DIRECT_TOKENS]) {
    const int8x16_t table = vld1q_s8(number_e2m1_doubled);
    float32x4_t scale = half_scales(scales);
    int8x16_t even[CPU_GROUP], odd[CPU_GROUP];
    UNROLL (b, CPU_GROUP) {
        uint8x16_t bytes = vld1q_u8(blocks + b * NUMBER_MXFP4_BLOCK_BYTES);
        even[b] = vqtbl1q_s8(table, vandq_u8(bytes, vdupq_n_u8(15)));
        odd[b] = vqtbl1q_s8(table, vshrq_n_u8(bytes, 4));
    }
    UNROLL (t, n) {
        const int8_t *codes = x->codes[t] + block / CPU_GROUP * CPU_GROUP_BYTES;
        int32x4_t sum[CPU_GROUP];
        UNROLL (b, CPU_GROUP) {
            sum[b] = vdotq_s32(vdupq_n_s32(0), even[b], vld1q_s8(codes + 16 * b));
            sum[b] = vdotq_s32(sum[b], odd[b], vld1q_s8(codes + 64 + 16 * b));
        }
        int32x4_t by_block = vpaddq_s32(vpaddq_s32(sum[0], sum[1]), vpaddq_s32(sum[2], sum[3]));
        total[t] = vfmaq_f32(total[t], vcvtq_f32_s32(by_block),
                             vmulq_f32(scale, vld1q_f32(x->scales[t] + block)));
    }
}

ALWAYS_INLINE void one_row(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                           const tokens *x, int n, float *out, size_t out_stride) {
    float32x4_t total[DIRECT_TOKENS];
    UNROLL (t, n)
        total[t] = vdupq_n_f32(0);
    size_t b = 0;
    for (; b + CPU_GROUP <= n_blocks; b += CPU_GROUP)
        group_mxfp4(blocks + b * NUMBER_MXFP4_BLOCK_BYTES, scales + b, x, b, n, total);
    if (b < n_blocks) { // the activations beyond are zero
        uint8_t rest[CPU_GROUP * NUMBER_MXFP4_BLOCK_BYTES] = {0}, rest_scales[CPU_GROUP] = {0};
        memcpy(rest, blocks + b * NUMBER_MXFP4_BLOCK_BYTES,
               (n_blocks - b) * NUMBER_MXFP4_BLOCK_BYTES);
        memcpy(rest_scales, scales + b, n_blocks - b);
        group_mxfp4(rest, rest_scales, x, b, n, total);
    }
    UNROLL (t, n) { // p0 + p2 | p1 + p3
        float32x2_t two = vadd_f32(vget_low_f32(total[t]), vget_high_f32(total[t]));
        out[(size_t)t * out_stride] = vpadds_f32(two);
    }
}

static void rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride) {
    for (size_t t = 0; t < n; t += DIRECT_TOKENS) {
        size_t count = n - t < DIRECT_TOKENS ? n - t : DIRECT_TOKENS;
        tokens chosen = select_tokens(x, index + t, count);
        for (size_t r = 0; r < CPU_PANEL; r++) {
            const uint8_t *w = blocks + r * n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
            const uint8_t *s = scales + r * n_blocks;
            float *to = out + t * out_stride + r;
            if (count == 4)
                one_row(w, s, n_blocks, &chosen, 4, to, out_stride);
            else if (count == 3)
                one_row(w, s, n_blocks, &chosen, 3, to, out_stride);
            else if (count == 2)
                one_row(w, s, n_blocks, &chosen, 2, to, out_stride);
            else
                one_row(w, s, n_blocks, &chosen, 1, to, out_stride);
        }
    }
}

const cpu_kernels cpu_kernels_dotprod = {
    .name = "dotprod",
    .direct_tokens = DIRECT_TOKENS,
    .panel_q8 = panel_q8,
    .panel_mx = panel_mx,
    .rows_mxfp4 = rows_mxfp4,
};
