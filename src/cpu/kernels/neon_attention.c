// NEON: one page of attention.
#include "cpu/kernels/neon.h"

enum {
    HEADS = 4, // that meet keys and values together
    REGISTERS = 4,
    LANES = 4 * REGISTERS, // keys, or lanes of values, that are computed together
};

// Sixteen numbers of a page, float32 or bf16.
ALWAYS_INLINE void load_lanes(bool bf16, const void *from, int at, float32x4_t out[REGISTERS]) {
    if (bf16) {
        neon_widen_bf16(vld1q_u16((const uint16_t *)from + at), out);
        neon_widen_bf16(vld1q_u16((const uint16_t *)from + at + 8), out + 2);
    } else {
        UNROLL (i, REGISTERS)
            out[i] = vld1q_f32((const float *)from + at + 4 * i);
    }
}

// Scores of all 64 keys: those that are not seen may be anything.
ALWAYS_INLINE void score_keys(const cpu_page *page, bool bf16, int first_head, int heads,
                              float score[HEADS][CPU_PAGE]) {
    const float *q = page->q + (size_t)first_head * (size_t)page->head_dim;
    for (int key = 0; key < CPU_PAGE; key += LANES) {
        float32x4_t sum[HEADS][REGISTERS];
        UNROLL (h, heads)
            UNROLL (i, REGISTERS)
                sum[h][i] = vdupq_n_f32(0);
        for (int d = 0; d < page->head_dim; d++) {
            float32x4_t k[REGISTERS];
            load_lanes(bf16, page->k, d * CPU_PAGE + key, k);
            UNROLL (h, heads) {
                float32x4_t a = vld1q_dup_f32(q + h * page->head_dim + d);
                UNROLL (i, REGISTERS)
                    sum[h][i] = vfmaq_f32(sum[h][i], a, k[i]);
            }
        }
        UNROLL (h, heads)
            UNROLL (i, REGISTERS)
                vst1q_f32(score[h] + key + 4 * i, sum[h][i]);
    }
}

// Scores become weights (0 outside of first .. last); updates maximum and total.
static float weigh_keys(const cpu_page *page, int head, float weight[CPU_PAGE]) {
    static const int32_t numbers[4] = {0, 1, 2, 3};
    const float32x4_t nothing = vdupq_n_f32(-INFINITY);
    const int32x4_t first = vdupq_n_s32(page->first), last = vdupq_n_s32(page->last);
    int32x4_t key = vld1q_s32(numbers);
    float32x4_t max = nothing;
    for (int i = 0; i < CPU_PAGE; i += 4, key = vaddq_s32(key, vdupq_n_s32(4))) {
        uint32x4_t seen = vandq_u32(vcgeq_s32(key, first), vcleq_s32(key, last));
        float32x4_t score = vbslq_f32(seen, vld1q_f32(weight + i), nothing);
        vst1q_f32(weight + i, score);
        max = vmaxnmq_f32(max, score); // a NaN does not become the maximum
    }
    float old = page->maximum[head], maximum = vmaxnmvq_f32(max);
    maximum = maximum > old ? maximum : old;
    float32x4_t part[REGISTERS];
    UNROLL (i, REGISTERS)
        part[i] = vdupq_n_f32(0);
    for (int at = 0; at < CPU_PAGE; at += LANES) {
        UNROLL (i, REGISTERS) {
            float32x4_t score = vld1q_f32(weight + at + 4 * i);
            float32x4_t w = neon_exp(vsubq_f32(score, vdupq_n_f32(maximum)));
            vst1q_f32(weight + at + 4 * i, w);
            part[i] = vaddq_f32(part[i], w);
        }
    }
    float correction = math_exp(old - maximum);
    page->maximum[head] = maximum;
    page->total[head] = __builtin_fmaf(page->total[head], correction, neon_add_halves(part));
    return correction;
}

// Lanes d .. d + 15 of the outputs.
ALWAYS_INLINE void add_values(const cpu_page *page, bool bf16, int heads, int d,
                              float weight[HEADS][CPU_PAGE], const float *correction,
                              float *output) {
    float32x4_t sum[HEADS][REGISTERS];
    UNROLL (h, heads)
        UNROLL (i, REGISTERS)
            sum[h][i] =
                vmulq_n_f32(vld1q_f32(output + h * page->padded_dim + d + 4 * i), correction[h]);
    for (int key = page->first; key <= page->last; key++) {
        float32x4_t v[REGISTERS];
        load_lanes(bf16, page->v, key * page->padded_dim + d, v);
        UNROLL (h, heads) {
            float32x4_t w = vld1q_dup_f32(&weight[h][key]);
            UNROLL (i, REGISTERS)
                sum[h][i] = vfmaq_f32(sum[h][i], w, v[i]);
        }
    }
    UNROLL (h, heads)
        UNROLL (i, REGISTERS)
            vst1q_f32(output + h * page->padded_dim + d + 4 * i, sum[h][i]);
}

ALWAYS_INLINE void attend_heads(const cpu_page *page, bool bf16, int first_head, int heads) {
    float weight[HEADS][CPU_PAGE], correction[HEADS];
    score_keys(page, bf16, first_head, heads, weight);
    for (int h = 0; h < heads; h++)
        correction[h] = weigh_keys(page, first_head + h, weight[h]);
    float *output = page->output + (size_t)first_head * (size_t)page->padded_dim;
    for (int d = 0; d < page->padded_dim; d += LANES)
        add_values(page, bf16, heads, d, weight, correction, output);
}

ALWAYS_INLINE void attend(const cpu_page *page, bool bf16) {
    int head = 0;
    for (; head + HEADS <= page->n_heads; head += HEADS)
        attend_heads(page, bf16, head, HEADS);
    for (; head < page->n_heads; head++)
        attend_heads(page, bf16, head, 1);
}

void neon_attend_f32(const cpu_page *page) {
    attend(page, false);
}

void neon_attend_bf16(const cpu_page *page) {
    attend(page, true);
}
