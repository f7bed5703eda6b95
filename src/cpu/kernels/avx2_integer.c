// AVX2: products of packed panels and of published MXFP4 with 8-bit activations.
//
// vpmaddubsw multiplies unsigned by signed and adds pairs in int16: at most 2 * 24 * 127 with
// doubled e2m1 codes plus 12. A lane that starts from mx_pair_starts ends at the sum of 16 products
// of signed codes, at most 12 * 127 * 16 = 24,384: whatever it wraps through on its way, the end
// fits, so a block is widened once. 8-bit weights need each result widened: |weight| times
// activation with the weight's sign.
#include "cpu/kernels/avx2_integer.h"

// GCC would multiply everything first and add later, which takes more registers than there are.
#define KEEP_ORDER(x) __asm__("" : "+x"(x))

// The integer sums of one block: 16 rows (two registers) by n tokens.
ALWAYS_INLINE void block_mx(const uint8_t *w, const tokens *x, int n, size_t block,
                            __m256i sum[TILE][2]) {
    const __m256i ones = _mm256_set1_epi16(1);
    UNROLL (t, n)
        sum[t][0] = sum[t][1] = broadcast_quad(x->pair_starts[t][block]);
    UNROLL (g, 8) {
        const uint8_t *quad = w + g * CPU_PANEL * 4;
        size_t place = cpu_q8_place(block, 0) + g / 4 * 64 + g % 4 * 4;
        __m256i w0 = _mm256_loadu_si256((const __m256i *)quad);
        __m256i w1 = _mm256_loadu_si256((const __m256i *)(quad + 32));
        UNROLL (t, n) {
            __m256i a = broadcast_quad(x->codes[t] + place);
            sum[t][0] = _mm256_add_epi16(sum[t][0], _mm256_maddubs_epi16(w0, a));
            sum[t][1] = _mm256_add_epi16(sum[t][1], _mm256_maddubs_epi16(w1, a));
            KEEP_ORDER(sum[t][0]);
            KEEP_ORDER(sum[t][1]);
        }
    }
    UNROLL (t, n) {
        sum[t][0] = _mm256_madd_epi16(sum[t][0], ones);
        sum[t][1] = _mm256_madd_epi16(sum[t][1], ones);
    }
}

ALWAYS_INLINE void block_q8(const uint8_t *w, const tokens *x, int n, size_t block,
                            __m256i sum[TILE][2]) {
    const __m256i ones = _mm256_set1_epi16(1), offset = _mm256_set1_epi8((char)0x80);
    UNROLL (t, n)
        sum[t][0] = sum[t][1] = _mm256_setzero_si256();
    UNROLL (g, 8) {
        const uint8_t *quad = w + g * CPU_PANEL * 4;
        size_t place = cpu_q8_place(block, 0) + g / 4 * 64 + g % 4 * 4;
        __m256i w0 = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)quad), offset);
        __m256i w1 = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(quad + 32)), offset);
        __m256i m0 = _mm256_abs_epi8(w0), m1 = _mm256_abs_epi8(w1);
        UNROLL (t, n) {
            __m256i a = broadcast_quad(x->codes[t] + place);
            __m256i p0 = _mm256_maddubs_epi16(m0, _mm256_sign_epi8(a, w0));
            __m256i p1 = _mm256_maddubs_epi16(m1, _mm256_sign_epi8(a, w1));
            sum[t][0] = _mm256_add_epi32(sum[t][0], _mm256_madd_epi16(p0, ones));
            sum[t][1] = _mm256_add_epi32(sum[t][1], _mm256_madd_epi16(p1, ones));
            KEEP_ORDER(sum[t][0]);
            KEEP_ORDER(sum[t][1]);
        }
    }
}

ALWAYS_INLINE void block_sums(bool mx, const uint8_t *w, const tokens *x, int n, size_t block,
                              __m256i sum[TILE][2]) {
    if (mx)
        block_mx(w, x, n, block, sum);
    else
        block_q8(w, x, n, block, sum);
}

ALWAYS_INLINE __m256i sum_quads(__m256i low, __m256i even, __m256i high, __m256i odd) {
    __m256i pairs =
        _mm256_add_epi16(_mm256_maddubs_epi16(low, even), _mm256_maddubs_epi16(high, odd));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

void avx2_panel_q8(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                   float *out, size_t out_stride) {
    multiply(false, panel, x, index, n, out, out_stride);
}

void avx2_panel_mx(const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,
                   float *out, size_t out_stride) {
    multiply(true, panel, x, index, n, out, out_stride);
}

void avx2_rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                     const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                     size_t out_stride) {
    multiply_mxfp4(blocks, scales, n_blocks, x, index, n, out, out_stride);
}

void avx2_pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                  uint16_t *panel_scales) {
    size_t row_bytes = n_blocks * NUMBER_MXFP4_BLOCK_BYTES;
    for (size_t b = 0; b < n_blocks; b++, codes += CPU_BLOCK * CPU_PANEL) {
        for (size_t r = 0; r < CPU_PANEL; r++)
            *panel_scales++ = math_half_e8m0(scales[r * n_blocks + b]);
        for (size_t r = 0; r < CPU_PANEL; r += 8) {
            const uint8_t *from = blocks + r * row_bytes + b * NUMBER_MXFP4_BLOCK_BYTES;
            __m256i row[4], pair[4], quad[4]; // rows i and i + 4, then quads of eight rows
            for (size_t i = 0; i < 4; i++)
                row[i] = _mm256_loadu2_m128i((const __m128i *)(from + (i + 4) * row_bytes),
                                             (const __m128i *)(from + i * row_bytes));
            for (int i = 0; i < 2; i++) {
                pair[i] = _mm256_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
                pair[i + 2] = _mm256_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
            }
            for (int i = 0; i < 2; i++) {
                quad[2 * i] = _mm256_unpacklo_epi64(pair[2 * i], pair[2 * i + 1]);
                quad[2 * i + 1] = _mm256_unpackhi_epi64(pair[2 * i], pair[2 * i + 1]);
            }
            for (size_t g = 0; g < 4; g++) {
                __m256i low, high;
                split_nibbles(quad[g], &low, &high);
                _mm256_storeu_si256((__m256i *)(codes + (g * CPU_PANEL + r) * 4), low);
                _mm256_storeu_si256((__m256i *)(codes + ((g + 4) * CPU_PANEL + r) * 4), high);
            }
        }
    }
}
