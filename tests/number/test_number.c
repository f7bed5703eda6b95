// Every bf16 and f16 value, every rounding boundary between neighbours, every e8m0 scale and every
// MXFP4 byte, against arithmetic that shares nothing with the code: exact doubles built by ldexp.
// If this fails, weights are read wrongly or rounded to the wrong side.
#include "number/number.h"

#include <math.h>
#include <stdbool.h>

#include "support/check.h"

// What the bits of a small float format mean, as an exact double.
static double meaning(uint32_t bits, int exponent_bits, int mantissa_bits) {
    uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
    uint32_t exponent = bits >> mantissa_bits & ((1u << exponent_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1;
    double sign = bits >> (exponent_bits + mantissa_bits) ? -1 : 1;
    if (exponent == (1u << exponent_bits) - 1) {
        return mantissa ? (double)NAN : sign * (double)INFINITY;
    }
    if (exponent == 0) {
        return sign * ldexp(mantissa, 1 - bias - mantissa_bits);
    }
    return sign *
           ldexp((double)(mantissa | 1u << mantissa_bits), (int)exponent - bias - mantissa_bits);
}

static bool same(double a, double b) {
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

typedef struct format {
    const char *name;
    int exponent_bits, mantissa_bits;
    float (*widen)(uint16_t);
    uint16_t (*round)(float);
} format;

static float widen_bf16(uint16_t value) {
    return number_bf16_to_f32(value);
}

static float widen_f16(uint16_t value) {
    return number_f16_to_f32(value);
}

static uint16_t round_bf16(float value) {
    return number_f32_to_bf16(value);
}

static void test_widening(const format *f) {
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float got = f->widen((uint16_t)bits);
        CHECK(same(got, meaning(bits, f->exponent_bits, f->mantissa_bits)), "%s %04x widens to %a",
              f->name, bits, got);
        uint16_t back = f->round(got);
        if (isnan(got)) {
            CHECK(isnan(f->widen(back)) && back >> 15 == bits >> 15, "%s NaN %04x becomes %04x",
                  f->name, bits, back);
        } else {
            CHECK(back == bits, "%s %04x comes back as %04x", f->name, bits, back);
        }
    }
}

// Between each two neighbours: the midpoint goes to the even one, a float beside it to its side.
static void test_rounding(const format *f) {
    uint32_t infinity = ((1u << f->exponent_bits) - 1) << f->mantissa_bits;
    for (uint32_t low = 0; low < infinity; low++) {
        uint32_t high = low + 1;
        double below = meaning(low, f->exponent_bits, f->mantissa_bits);
        double step = below - meaning(low - 1, f->exponent_bits, f->mantissa_bits);
        double above =
            high == infinity ? below + step : meaning(high, f->exponent_bits, f->mantissa_bits);
        float middle = (float)((below + above) / 2);
        CHECK((double)middle == (below + above) / 2, "%s: no midpoint after %04x", f->name, low);
        uint32_t even = low & 1 ? high : low;
        for (uint32_t sign = 0; sign < 2; sign++) {
            float s = sign ? -1.0f : 1.0f;
            uint16_t at = f->round(s * middle);
            uint16_t under = f->round(s * nextafterf(middle, 0));
            uint16_t over = f->round(s * nextafterf(middle, INFINITY));
            CHECK(at == (even | sign << 15), "%s midpoint after %04x gives %04x", f->name, low, at);
            CHECK(under == (low | sign << 15), "%s below it: %04x", f->name, under);
            CHECK(over == (high | sign << 15), "%s above it: %04x", f->name, over);
        }
    }
    CHECK(f->round(INFINITY) == infinity && f->round(-INFINITY) == (infinity | 0x8000),
          "%s infinity", f->name);
}

// A spread of floats through the exact rule: the nearest value, found by both neighbours.
static void test_any_float(const format *f) {
    for (uint64_t wide = 0; wide <= UINT32_MAX; wide += 12289) {
        float value = number_f32_of_bits((uint32_t)wide);
        uint16_t got = f->round(value);
        if (isnan(value)) {
            CHECK(isnan(f->widen(got)), "%s: NaN %08x lost", f->name, (uint32_t)wide);
            continue;
        }
        double exact = value, distance = fabs(f->widen(got) - exact);
        CHECK(isinf(f->widen(got)) || !signbit(exact) == !(got >> 15), "%s: sign of %a", f->name,
              exact);
        for (int d = -1; d <= 1; d += 2) {
            uint16_t neighbour = (uint16_t)(got + d);
            if ((neighbour ^ got) >> 15 || isnan(f->widen(neighbour)) || isinf(f->widen(got))) {
                continue;
            }
            CHECK(distance <= fabs(f->widen(neighbour) - exact), "%s: %a is nearer to %04x",
                  f->name, exact, neighbour);
        }
    }
}

static void test_scales_and_codes(void) {
    for (int b = 0; b < 255; b++) {
        CHECK((double)number_e8m0_to_f32((uint8_t)b) == ldexp(1, b - 127), "e8m0 %d", b);
    }
    CHECK(isnan(number_e8m0_to_f32(255)), "e8m0 255 must be NaN");
    for (unsigned code = 0; code < 16; code++) {
        double exact = meaning(code, 2, 1); // e2m1 has no infinities: exponent 3 is ordinary
        if ((code & 7) >= 6) {
            exact = (code & 8 ? -1.0 : 1.0) * ((code & 7) == 6 ? 4 : 6);
        }
        CHECK(same(number_e2m1_value[code], exact), "e2m1 %u", code);
        CHECK(number_e2m1_doubled[code] == 2 * exact, "e2m1 doubled %u", code);
    }
}

static void test_mxfp4_decode(void) {
    for (int scale = 0; scale < 255; scale++) {
        uint8_t blocks[256], scales[16];
        float values[512];
        for (int i = 0; i < 256; i++) {
            blocks[i] = (uint8_t)i;
        }
        memset(scales, scale, sizeof scales);
        number_mxfp4_decode(blocks, scales, 16, values);
        for (int i = 0; i < 512; i++) {
            int code = i & 1 ? i / 2 >> 4 : i / 2 & 15;
            double exact = (double)number_e2m1_value[code] * ldexp(1, scale - 127);
            CHECK(same(values[i], (float)exact), "byte %d, value %d, scale %d", i / 2, i, scale);
        }
    }
}

static uint32_t random_bits(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void test_mxfp4_encode(void) {
    uint64_t state = 1;
    for (int round = 0; round < 20000; round++) {
        float values[32], back[32], again[32];
        uint8_t block[16], scale, block2[16], scale2;
        int exponent = (int)(random_bits(&state) % 250) - 130;
        for (int i = 0; i < 32; i++) {
            values[i] = (float)ldexp((double)random_bits(&state) / 0x1p30 - 1, exponent);
        }
        number_mxfp4_encode(values, 1, block, &scale);
        number_mxfp4_decode(block, &scale, 1, back);
        double step = ldexp(1, scale - 127);
        for (int i = 0; i < 32; i++) { // no code is nearer, whichever of the 16 is tried
            for (int code = 0; code < 16; code++) {
                CHECK(fabs((double)values[i] - (double)back[i]) <=
                          fabs((double)values[i] - (double)number_e2m1_value[code] * step),
                      "%a became %a, code %d is nearer", (double)values[i], (double)back[i], code);
            }
        }
        number_mxfp4_encode(back, 1, block2, &scale2); // what is representable stays
        number_mxfp4_decode(block2, &scale2, 1, again);
        CHECK(memcmp(back, again, sizeof back) == 0, "encoding is not stable in round %d", round);
    }
    const float ties[32] = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5.0f, -0.25f, 7.0f, -7.9f};
    const float expected[10] = {0, 1, 1, 2, 2, 4, 4, -0.0f, 6, -6};
    uint8_t block[16], scale;
    float back[32];
    number_mxfp4_encode(ties, 1, block, &scale);
    number_mxfp4_decode(block, &scale, 1, back);
    for (int i = 0; i < 10; i++) {
        CHECK(same(back[i], expected[i]), "tie %a gives %a", (double)ties[i], (double)back[i]);
    }
    float broken[32] = {1, NAN};
    number_mxfp4_encode(broken, 1, block, &scale);
    CHECK(scale == 255, "a NaN must not become a number");
}

static void test_q8(void) {
    uint64_t state = 2;
    for (int round = 0; round < 50000; round++) {
        float values[32], scale;
        int8_t q[32];
        double largest = 0;
        int exponent = (int)(random_bits(&state) % 220) - 92;
        for (int i = 0; i < 32; i++) {
            values[i] = (float)ldexp((double)random_bits(&state) / 0x1p30 - 1, exponent);
            largest = fmax(largest, fabs((double)values[i]));
        }
        number_q8_encode(values, 1, q, &scale);
        CHECK(scale == (float)largest / 127.0f, "scale %a of %a", (double)scale, largest);
        for (int i = 0; i < 32; i++) {
            double error = fabs((double)values[i] - q[i] * (double)scale);
            CHECK(q[i] >= -127 && error <= 0.50001 * (double)scale, "%a became %d * %a",
                  (double)values[i], q[i], (double)scale);
        }
    }
    float half[32] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f}, scale;
    int8_t q[32];
    number_q8_encode(half, 1, q, &scale);
    CHECK(scale == 1 && q[1] == 0 && q[2] == 2 && q[3] == 2 && q[4] == 0 && q[5] == -2,
          "ties go to the even integer");
    float zero[64] = {0}, scales[2];
    int8_t many[64];
    zero[40] = INFINITY;
    number_q8_encode(zero, 2, many, scales);
    CHECK(scales[0] == 0 && isnan(scales[1]) && many[40] == 0, "zeros and infinities");
}

int main(void) {
    const format formats[] = {{"bf16", 8, 7, widen_bf16, round_bf16},
                              {"f16", 5, 10, widen_f16, number_f32_to_f16}};
    for (int i = 0; i < 2; i++) {
        test_widening(&formats[i]);
        test_rounding(&formats[i]);
        test_any_float(&formats[i]);
    }
    test_scales_and_codes();
    test_mxfp4_decode();
    test_mxfp4_encode();
    test_q8();
    return 0;
}
