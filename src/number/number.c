// The conversions of number.h that are more than a line: f16 rounding, MXFP4 and q8 blocks.
#include "number/number.h"

#include <math.h>

const float number_e2m1_value[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                                     -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};

const int8_t number_e2m1_doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

uint16_t number_f32_to_f16(float value) {
    uint32_t bits = number_f32_bits(value);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) { // NaN: keep the payload's upper bits, made quiet
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    }
    if (magnitude >=
        0x47800000) { // 65536 and above; below it, rounding may still carry to infinity
        return (uint16_t)(sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { // below 2^-14: a multiple of 2^-24, rounded by the addition
        float shifted = number_f32_of_bits(magnitude) + 0.5f; // one unit in the last place: 2^-24
        return (uint16_t)(sign | (number_f32_bits(shifted) - number_f32_bits(0.5f)));
    }
    uint32_t rounded = magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | rounded >> 13);
}

void number_bf16_to_f32_row(const uint16_t *from, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = number_bf16_to_f32(from[i]);
    }
}

void number_f32_to_bf16_row(const float *from, size_t n, uint16_t *to) {
    for (size_t i = 0; i < n; i++) {
        to[i] = number_f32_to_bf16(from[i]);
    }
}

void number_mxfp4_decode(const uint8_t *blocks, const uint8_t *scales, size_t n_blocks,
                         float *values) {
    for (size_t block = 0; block < n_blocks; block++) {
        float scale = number_e8m0_to_f32(scales[block]);
        for (size_t j = 0; j < NUMBER_MXFP4_BLOCK_BYTES; j++) {
            uint8_t pair = blocks[block * NUMBER_MXFP4_BLOCK_BYTES + j];
            values[block * NUMBER_BLOCK + 2 * j] = number_e2m1_value[pair & 15] * scale;
            values[block * NUMBER_BLOCK + 2 * j + 1] = number_e2m1_value[pair >> 4] * scale;
        }
    }
}

// The largest |x| of a block as bits. Compared as integers, NaN is above infinity is above all
// else.
static uint32_t largest_magnitude(const float *values) {
    uint32_t largest = 0;
    for (size_t i = 0; i < NUMBER_BLOCK; i++) {
        uint32_t magnitude = number_f32_bits(values[i]) & 0x7fffffff;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

// x already divided by its block's scale. Ties go to the code whose lowest bit is 0.
static unsigned e2m1_nearest(float x) {
    static const float midpoint[7] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f};
    float magnitude = fabsf(x);
    unsigned code = 0;
    while (code < 7 && (magnitude > midpoint[code] || (magnitude == midpoint[code] && code % 2))) {
        code++;
    }
    return code | (signbit(x) ? 8u : 0u);
}

static void mxfp4_encode_block(const float *values, uint8_t *block, uint8_t *scale_out) {
    uint32_t largest = largest_magnitude(values);
    if (largest >= 0x7f800000) {
        memset(block, 0, NUMBER_MXFP4_BLOCK_BYTES);
        *scale_out = NUMBER_E8M0_NAN;
        return;
    }
    // 6, the largest code, is 1.5 * 2^2: the exponent 2 is subtracted from the block's own.
    int exponent = largest ? ilogbf(number_f32_of_bits(largest)) - 2 : -127;
    exponent = exponent < -127 ? -127 : exponent; // what is smaller rounds towards 0
    *scale_out = (uint8_t)(exponent + 127);
    for (size_t j = 0; j < NUMBER_MXFP4_BLOCK_BYTES; j++) {
        unsigned low = e2m1_nearest(ldexpf(values[2 * j], -exponent));
        unsigned high = e2m1_nearest(ldexpf(values[2 * j + 1], -exponent));
        block[j] = (uint8_t)(high << 4 | low);
    }
}

void number_mxfp4_encode(const float *values, size_t n_blocks, uint8_t *blocks, uint8_t *scales) {
    for (size_t block = 0; block < n_blocks; block++) {
        mxfp4_encode_block(values + block * NUMBER_BLOCK, blocks + block * NUMBER_MXFP4_BLOCK_BYTES,
                           &scales[block]);
    }
}

void number_q8_encode(const float *values, size_t n_blocks, int8_t *q, float *scales) {
    for (size_t block = 0; block < n_blocks; block++) {
        const float *from = values + block * NUMBER_BLOCK;
        int8_t *to = q + block * NUMBER_BLOCK;
        uint32_t bits = largest_magnitude(from);
        float largest = number_f32_of_bits(bits);
        if (bits >= 0x7f800000 || largest < 0x1p-100f) {
            memset(to, 0, NUMBER_BLOCK);
            scales[block] = bits >= 0x7f800000 ? NAN : 0.0f;
            continue;
        }
        float inverse = 127.0f / largest;
        for (size_t i = 0; i < NUMBER_BLOCK; i++) {
            to[i] = (int8_t)rintf(from[i] * inverse);
        }
        scales[block] = largest / 127.0f;
    }
}
