// What the NEON files share. Only files compiled for 64-bit Arm include this.
#ifndef CPU_KERNELS_NEON_H
#define CPU_KERNELS_NEON_H

#include <arm_neon.h>
#include <math.h>

#include "cpu/kernels/math.h"
#include "cpu/kernels/tile.h"

// Behind each product of a tile. GCC would otherwise finish one sum after another, each waiting for
// itself, and run out of registers on the way.
#define NEON_KEEP_ORDER(x) __asm__ volatile("" : "+w"(x))

// Doubled e2m1 values by code, CPU_MX_OFFSET added to each of them.
static inline uint8x16_t neon_mx_codes(void) {
    static const uint8_t table[16] = {12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
    return vld1q_u8(table);
}

static inline float neon_add_halves(const float32x4_t part[4]) {
    float32x4_t four = vaddq_f32(vaddq_f32(part[0], part[2]), vaddq_f32(part[1], part[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vpadds_f32(two);
}

// Eight numbers as two registers: a zero below each makes it a float32.
ALWAYS_INLINE void neon_widen_bf16(uint16x8_t eight, float32x4_t out[2]) {
    const uint16x8_t zero = vdupq_n_u16(0);
    out[0] = vreinterpretq_f32_u16(vzip1q_u16(zero, eight));
    out[1] = vreinterpretq_f32_u16(vzip2q_u16(zero, eight));
}

// math_exp, four at a time: the same operations. A NaN stays one through minimum and maximum.
static inline float32x4_t neon_exp(float32x4_t x) {
    const float32x4_t low = vdupq_n_f32(MATH_EXP_LOW), round = vdupq_n_f32(MATH_ROUND);
    float32x4_t c = vminq_f32(vdupq_n_f32(MATH_EXP_HIGH), vmaxq_f32(low, x));
    float32x4_t shifted = vfmaq_f32(round, c, vdupq_n_f32(MATH_LOG2_E));
    float32x4_t n = vsubq_f32(shifted, round);
    float32x4_t r = vfmaq_f32(c, n, vdupq_n_f32(-MATH_LN2_HIGH));
    r = vfmaq_f32(r, n, vdupq_n_f32(-MATH_LN2_LOW));
    float32x4_t p = vdupq_n_f32(MATH_EXP_C0);
    p = vfmaq_f32(vdupq_n_f32(MATH_EXP_C1), p, r);
    p = vfmaq_f32(vdupq_n_f32(MATH_EXP_C2), p, r);
    p = vfmaq_f32(vdupq_n_f32(MATH_EXP_C3), p, r);
    p = vfmaq_f32(vdupq_n_f32(MATH_EXP_C4), p, r);
    p = vfmaq_f32(vdupq_n_f32(MATH_EXP_C5), p, r);
    p = vaddq_f32(vfmaq_f32(r, p, vmulq_f32(r, r)), vdupq_n_f32(1));
    uint32x4_t bits = vshlq_n_u32(vreinterpretq_u32_f32(shifted), 23);
    float32x4_t scale = vreinterpretq_f32_u32(vaddq_u32(bits, vdupq_n_u32(0x3f800000)));
    uint32x4_t zero = vcltq_f32(x, low);
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(vmulq_f32(p, scale)), zero));
}

void neon_attend_f32(const cpu_page *page);
void neon_attend_bf16(const cpu_page *page);

#endif
