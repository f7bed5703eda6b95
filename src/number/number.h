// number: the formats that weights, cache and activations are stored in, and their exact
// conversions: bf16, f16, e8m0, MXFP4 (OCP Microscaling v1.0) and q8 (int8 blocks of 32 with a
// float32 scale). Pure functions without state; any thread may call any of them. None can fail.
//
// These definitions are the reference: a kernel that converts inside a loop gives the same bits.
#ifndef NUMBER_NUMBER_H
#define NUMBER_NUMBER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    NUMBER_BLOCK = 32,             // values that share one scale, in MXFP4 and in q8
    NUMBER_MXFP4_BLOCK_BYTES = 16, // byte j: value 2j in its low nibble, 2j + 1 in its high nibble
    NUMBER_E8M0_NAN = 255,
};

static inline uint32_t number_f32_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float number_f32_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// ---- bf16: the upper half of a float32 ------------------------------------------------------

static inline float number_bf16_to_f32(uint16_t value) { // exact
    return number_f32_of_bits((uint32_t)value << 16);
}

// Rounds to nearest, ties to even; overflows to infinity. A NaN stays a NaN of its sign, made
// quiet.
static inline uint16_t number_f32_to_bf16(float value) {
    uint32_t bits = number_f32_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000) {
        return (uint16_t)(bits >> 16 |
                          0x0040); // the payload's upper part may be 0: set the quiet bit
    }
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// ---- f16: IEEE 754 binary16 -----------------------------------------------------------------

// Exact. A signalling NaN becomes quiet, as F16C's vcvtph2ps does.
static inline float number_f16_to_f32(uint16_t value) {
    uint32_t sign = (uint32_t)(value & 0x8000) << 16;
    uint32_t exponent = value >> 10 & 0x1f, mantissa = value & 0x3ff;
    if (exponent == 0) { // zero or subnormal: mantissa * 2^-24
        float magnitude = (float)mantissa * 0x1p-24f;
        return number_f32_of_bits(number_f32_bits(magnitude) | sign);
    }
    if (exponent == 31) {
        uint32_t quiet = mantissa ? 0x00400000 : 0;
        return number_f32_of_bits(sign | 0x7f800000 | quiet | mantissa << 13);
    }
    return number_f32_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
}

// Rounds to nearest, ties to even (through subnormals); overflows to infinity; NaN stays NaN,
// quiet.
uint16_t number_f32_to_f16(float value);

// ---- e8m0: a scale, 2^(byte - 127) ----------------------------------------------------------

// Exact: 0 gives 2^-127, a subnormal; 255 gives NaN.
static inline float number_e8m0_to_f32(uint8_t value) {
    if (value == 0) {
        return 0x1p-127f;
    }
    return number_f32_of_bits(value == NUMBER_E8M0_NAN ? 0x7fc00000 : (uint32_t)value << 23);
}

// ---- e2m1 and MXFP4 -------------------------------------------------------------------------

// The value of each 4-bit code (bit 3 is the sign): 0, .5, 1, 1.5, 2, 3, 4, 6 and their negatives.
extern const float number_e2m1_value[16];

// Twice the value: an integer of magnitude at most 12, so a dot product of codes with int8 is
// exact.
extern const int8_t number_e2m1_doubled[16];

// n_blocks blocks in a row: blocks [n_blocks][16], scales [n_blocks] -> values [n_blocks * 32].
// Exact, but for products that leave float32's range (scale 2^127 times 6), which become infinite.
void number_mxfp4_decode(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                         float *values);

// values [n_blocks * 32], finite -> blocks, scales. The scale is 2^(floor(log2(max |x|)) - 2)
// (OCP MX v1.0, 6.3), values round to the nearest code, ties to the even code, above 6 to 6.
// A block with an infinity or a NaN gets scale 255 (every value NaN).
void number_mxfp4_encode(const float *values, size_t n_blocks, uint8_t *blocks, uint8_t *scales);

// ---- q8 -------------------------------------------------------------------------------------

// values [n_blocks * 32] -> q [n_blocks * 32], scales [n_blocks]; value i is about q[i] * scale.
// With m = max |x| over the block: scale = m / 127 and q = rint(x * (127 / m)), ties to even, each
// operation rounded in float32; |q| <= 127. Where m < 2^-100 (127 / m would overflow for the
// smallest) scale and all q are 0. Where a value is infinite or NaN, the scale is NaN and all q are
// 0: what is wrong stays visible in whatever is multiplied with it.
void number_q8_encode(const float *values, size_t n_blocks, int8_t *q, float *scales);

// ---- rows -----------------------------------------------------------------------------------

void number_bf16_to_f32_row(const uint16_t *from, size_t n, float *to);
void number_f32_to_bf16_row(const float *from, size_t n, uint16_t *to);

#endif
