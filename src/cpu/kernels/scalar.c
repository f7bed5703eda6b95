// The kernels in plain C: the definition that every other set follows bit for bit.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/math.h"

#include <math.h>

enum { PARTS = 16 };

static float add_halves(float part[PARTS]) {
    for (int half = PARTS / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    }
    return part[0];
}

static float dot_f32(const float *a, const float *b, size_t n) {
    float part[PARTS] = {0};
    for (size_t i = 0; i < n; i++)
        part[i % PARTS] = fmaf(a[i], b[i], part[i % PARTS]);
    return add_halves(part);
}

static void dots_f32(const float *w, size_t n_rows, size_t columns, const float *x, size_t x_stride,
                     const int32_t *index, size_t n, float *out, size_t out_stride) {
    for (size_t t = 0; t < n; t++) {
        const float *input = x + (size_t)index[t] * x_stride;
        for (size_t r = 0; r < n_rows; r++)
            out[t * out_stride + r] = dot_f32(w + r * columns, input, columns);
    }
}

static void decode_bf16(const uint16_t *from, size_t n, float *to) {
    for (size_t i = 0; i < n; i++)
        to[i] = number_bf16_to_f32(from[i]);
}

static void encode_bf16(const float *from, size_t n, uint16_t *to) {
    for (size_t i = 0; i < n; i++)
        to[i] = number_f32_to_bf16(from[i]);
}

static void encode_q8(const float *values, size_t first_block, size_t n_blocks,
                      const cpu_q8_rows *to, size_t row) {
    int8_t *codes = to->codes + row * to->groups * CPU_GROUP_BYTES;
    for (size_t b = 0; b < n_blocks; b++) {
        int8_t q[CPU_BLOCK];
        size_t block = first_block + b, at = row * to->groups * CPU_GROUP + block;
        number_q8_encode(values + b * CPU_BLOCK, 1, q, &to->scales[at]);
        int32_t sum = 0, pairs[2] = {0};
        for (size_t i = 0; i < CPU_BLOCK; i++) {
            codes[cpu_q8_place(block, i)] = q[i];
            sum += q[i];
            pairs[i / 4 % 2] += q[i]; // a quad holds four inputs that are two apart
        }
        to->q8_starts[at] = -CPU_Q8_OFFSET * sum;
        to->mx_starts[at] = -CPU_MX_OFFSET * sum;
        for (int i = 0; i < 2; i++)
            to->mx_pair_starts[at][i] = (int16_t)(-CPU_MX_OFFSET * pairs[i]);
    }
}

// Where input i of row r lies in a packed block.
static size_t panel_place(size_t r, size_t i) {
    size_t place = (i & 1) * 16 + i / 2; // even inputs first
    return (place / 4 * CPU_PANEL + r) * 4 + place % 4;
}

// Eight bits of a block of weights: the scale is max / 127 rounded up to bf16, so that no code
// leaves -127 .. 127. Blocks that hold an infinity or a NaN get a NaN as their scale.
static uint16_t pack_block(const float *x, uint8_t q[CPU_BLOCK]) {
    float max = 0;
    bool finite = true;
    for (size_t i = 0; i < CPU_BLOCK; i++) {
        float magnitude = fabsf(x[i]);
        finite = finite && magnitude <= 0x1.fffffep127f;
        max = magnitude > max ? magnitude : max;
        q[i] = CPU_Q8_OFFSET;
    }
    if (!finite)
        return 0x7fc0;
    if (max < 0x1p-100f)
        return 0;
    uint16_t scale = (uint16_t)((number_f32_bits(max / 127.0f) + 0xffff) >> 16);
    float inverse = 1.0f / number_bf16_to_f32(scale);
    for (size_t i = 0; i < CPU_BLOCK; i++) {
        float shifted = x[i] * inverse + MATH_ROUND;
        q[i] = (uint8_t)((int16_t)(number_f32_bits(shifted) & 0xffff) + CPU_Q8_OFFSET);
    }
    return scale;
}

static void pack_q8(const uint16_t *const rows[CPU_PANEL], size_t columns, uint8_t *codes,
                    uint16_t *scales) {
    size_t n_blocks = (columns + CPU_BLOCK - 1) / CPU_BLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        for (size_t r = 0; r < CPU_PANEL; r++) {
            float x[CPU_BLOCK] = {0};
            uint8_t q[CPU_BLOCK];
            size_t left = columns - b * CPU_BLOCK;
            for (size_t i = 0; rows[r] && i < CPU_BLOCK && i < left; i++)
                x[i] = number_bf16_to_f32(rows[r][b * CPU_BLOCK + i]);
            scales[b * CPU_PANEL + r] = pack_block(x, q);
            for (size_t i = 0; i < CPU_BLOCK; i++)
                codes[b * CPU_BLOCK * CPU_PANEL + panel_place(r, i)] = q[i];
        }
    }
}

static unsigned nibble(const uint8_t *block, size_t i) {
    return block[i / 2] >> (i & 1) * 4 & 15;
}

static void pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                    uint16_t *panel_scales) {
    for (size_t b = 0; b < n_blocks; b++) {
        for (size_t r = 0; r < CPU_PANEL; r++) {
            size_t block = r * n_blocks + b;
            panel_scales[b * CPU_PANEL + r] = math_half_e8m0(scales[block]);
            for (size_t i = 0; i < CPU_BLOCK; i++) {
                unsigned code = nibble(blocks + block * NUMBER_MXFP4_BLOCK_BYTES, i);
                codes[b * CPU_BLOCK * CPU_PANEL + panel_place(r, i)] =
                    (uint8_t)(number_e2m1_doubled[code] + CPU_MX_OFFSET);
            }
        }
    }
}

static float add_four(const float part[CPU_GROUP]) {
    return (part[0] + part[2]) + (part[1] + part[3]);
}

static inline void panel_row(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *starts,
                             size_t row, float *out) {
    const int8_t *input = x->codes + row * x->groups * CPU_GROUP_BYTES;
    float part[CPU_PANEL][CPU_GROUP] = {{0}};
    for (size_t b = 0; b < panel->n_blocks; b++) {
        const int8_t *a = input + cpu_q8_place(b, 0);
        size_t at = row * x->groups * CPU_GROUP + b;
        int32_t sum[CPU_PANEL];
        for (size_t r = 0; r < CPU_PANEL; r++)
            sum[r] = starts[at];
        for (size_t place = 0; place < CPU_BLOCK; place++) {
            const uint8_t *w = panel->codes + (b * 8 + place / 4) * CPU_PANEL * 4 + place % 4;
            int value = a[place / 16 * 64 + place % 16];
            for (size_t r = 0; r < CPU_PANEL; r++)
                sum[r] += w[r * 4] * value;
        }
        for (size_t r = 0; r < CPU_PANEL; r++) {
            float scale = number_bf16_to_f32(panel->scales[b * CPU_PANEL + r]) * x->scales[at];
            part[r][b % CPU_GROUP] = fmaf((float)sum[r], scale, part[r][b % CPU_GROUP]);
        }
    }
    for (size_t r = 0; r < CPU_PANEL; r++)
        out[r] = add_four(part[r]);
}

static void panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    for (size_t t = 0; t < n; t++)
        panel_row(panel, x, x->q8_starts, (size_t)index[t], out + t * out_stride);
}

static void panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    for (size_t t = 0; t < n; t++)
        panel_row(panel, x, x->mx_starts, (size_t)index[t], out + t * out_stride);
}

static float dot_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, size_t row) {
    const int8_t *input = x->codes + row * x->groups * CPU_GROUP_BYTES;
    const float *input_scales = x->scales + row * x->groups * CPU_GROUP;
    float part[CPU_GROUP] = {0};
    for (size_t b = 0; b < n_blocks; b++) {
        int32_t sum = 0;
        for (size_t i = 0; i < CPU_BLOCK; i++)
            sum += number_e2m1_doubled[nibble(blocks + b * NUMBER_MXFP4_BLOCK_BYTES, i)] *
                   input[cpu_q8_place(b, i)];
        float scale = number_bf16_to_f32(math_half_e8m0(scales[b])) * input_scales[b];
        part[b % CPU_GROUP] = fmaf((float)sum, scale, part[b % CPU_GROUP]);
    }
    return add_four(part);
}

static void rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride) {
    for (size_t r = 0; r < CPU_PANEL; r++) {
        const uint8_t *row = blocks + r * n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
        for (size_t t = 0; t < n; t++)
            out[t * out_stride + r] =
                dot_mxfp4(row, scales + r * n_blocks, n_blocks, x, (size_t)index[t]);
    }
}

static inline float widen(bool bf16, const void *from, int at) {
    return bf16 ? number_bf16_to_f32(((const uint16_t *)from)[at]) : ((const float *)from)[at];
}

static inline void attend_head(const cpu_page *page, bool bf16, int head) {
    const float *q = page->q + (size_t)head * (size_t)page->head_dim;
    float *output = page->output + (size_t)head * (size_t)page->padded_dim;
    float weight[CPU_PAGE], part[PARTS] = {0};
    float maximum = page->maximum[head];
    for (int key = page->first; key <= page->last; key++) {
        float score = 0;
        for (int d = 0; d < page->head_dim; d++)
            score = fmaf(q[d], widen(bf16, page->k, d * CPU_PAGE + key), score);
        weight[key] = score;
        maximum = score > maximum ? score : maximum;
    }
    float correction = math_exp(page->maximum[head] - maximum);
    for (int key = page->first; key <= page->last; key++) {
        weight[key] = math_exp(weight[key] - maximum);
        part[key % PARTS] += weight[key];
    }
    page->maximum[head] = maximum;
    page->total[head] = fmaf(page->total[head], correction, add_halves(part));
    for (int d = 0; d < page->padded_dim; d++) {
        float sum = output[d] * correction;
        for (int key = page->first; key <= page->last; key++)
            sum = fmaf(weight[key], widen(bf16, page->v, key * page->padded_dim + d), sum);
        output[d] = sum;
    }
}

static void attend_f32(const cpu_page *page) {
    for (int head = 0; head < page->n_heads; head++)
        attend_head(page, false, head);
}

static void attend_bf16(const cpu_page *page) {
    for (int head = 0; head < page->n_heads; head++)
        attend_head(page, true, head);
}

static void swiglu(const float *gate_up, size_t n, float limit, float alpha, float *out) {
    for (size_t i = 0; i < n; i++)
        out[i] = math_swiglu(gate_up[2 * i], gate_up[2 * i + 1], limit, alpha);
}

const cpu_kernels cpu_kernels_scalar = {
    .name = "scalar",
    .direct_tokens = 4,
    .dots_f32 = dots_f32,
    .decode_bf16 = decode_bf16,
    .encode_bf16 = encode_bf16,
    .decode_mxfp4 = number_mxfp4_decode,
    .encode_q8 = encode_q8,
    .pack_q8 = pack_q8,
    .pack_mx = pack_mx,
    .panel_q8 = panel_q8,
    .panel_mx = panel_mx,
    .rows_mxfp4 = rows_mxfp4,
    .attend_f32 = attend_f32,
    .attend_bf16 = attend_bf16,
    .swiglu = swiglu,
};
