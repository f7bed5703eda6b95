// What the AVX-512 files share.
#ifndef CPU_KERNELS_AVX512_H
#define CPU_KERNELS_AVX512_H

#include "cpu/kernels/kernels.h"

enum { AVX512_DIRECT_TOKENS = 4 }; // that one pass over published weights meets

void avx512_pack_mx(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,
                    uint16_t *panel_scales);
void avx512_panel_q8(const uint8_t *codes, const uint16_t *scales, size_t n_blocks,
                     const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                     size_t out_stride);
void avx512_panel_mx(const uint8_t *codes, const uint16_t *scales, size_t n_blocks,
                     const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                     size_t out_stride);
void avx512_rows_mxfp4(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                       const cpu_q8_rows *x, const int32_t *index, size_t n, float *out,
                       size_t out_stride);

#endif
