// AVX-VNNI: vpdpbusd in 256-bit registers, for processors without AVX-512. It multiplies unsigned
// weights by signed activations and adds a quad of inputs.
#include "cpu/kernels/avx2_integer.h"

// Written out, not as an intrinsic, so that the tests can put the other encoding in: a machine that
// has AVX-512 instead then runs the same code, register for register.
#ifndef AVXVNNI_DPBUSD
#define AVXVNNI_DPBUSD "%{vex%} vpdpbusd"
#endif

ALWAYS_INLINE __m256i add_quads(__m256i sum, __m256i weights, __m256i inputs) {
    __asm__(AVXVNNI_DPBUSD " %2, %1, %0" : "+x"(sum) : "x"(weights), "x"(inputs));
    return sum;
}

ALWAYS_INLINE void block_sums(bool mx, const uint8_t *w, const tokens *x, int n, size_t block,
                              __m256i sum[TILE][2]) {
    (void)mx; // the starts differ
    UNROLL (t, n)
        sum[t][0] = sum[t][1] = broadcast_quad(x->starts[t] + block);
    UNROLL (g, 8) {
        const uint8_t *quad = w + g * CPU_PANEL * 4;
        size_t place = cpu_q8_place(block, 0) + g / 4 * 64 + g % 4 * 4;
        __m256i w0 = _mm256_loadu_si256((const __m256i *)quad);
        __m256i w1 = _mm256_loadu_si256((const __m256i *)(quad + 32));
        UNROLL (t, n) {
            __m256i a = broadcast_quad(x->codes[t] + place);
            sum[t][0] = add_quads(sum[t][0], w0, a);
            sum[t][1] = add_quads(sum[t][1], w1, a);
        }
    }
}

ALWAYS_INLINE __m256i sum_quads(__m256i low, __m256i even, __m256i high, __m256i odd) {
    return add_quads(add_quads(_mm256_setzero_si256(), low, even), high, odd);
}

static void panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    multiply(false, panel, x, index, n, out, out_stride);
}

static void panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                     float *out, size_t out_stride) {
    multiply(true, panel, x, index, n, out, out_stride);
}

static void rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride) {
    multiply_mxfp4(blocks, scales, n_blocks, x, index, n, out, out_stride);
}

const cpu_kernels cpu_kernels_avxvnni = {
    .name = "avxvnni",
    .direct_tokens = 2,
    .panel_q8 = panel_q8,
    .panel_mx = panel_mx,
    .rows_mxfp4 = rows_mxfp4,
};
