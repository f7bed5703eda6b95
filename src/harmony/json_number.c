// Numbers as serde_json 1.0.140 (without its float_roundtrip feature) reads them and as ryu prints
// them. Reading is not correctly rounded: a significand of 64 bits is multiplied or divided by one
// power of ten. Ids equal to the reference's need the same error.
#include "harmony/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// 10^n, correctly rounded by the C library; n is 0 .. 308.
static double power_of_ten(int n) {
    char text[8];
    snprintf(text, sizeof text, "1e%d", n); // no decimal point: the locale doesn't matter
    return strtod(text, NULL);
}

static bool float_from_parts(bool negative, uint64_t significand, int64_t exponent,
                             json_number *number_out) {
    double f = (double)significand;
    while (f != 0 && (exponent > 308 || exponent < -308)) {
        if (exponent > 0) {
            return false;
        }
        f /= power_of_ten(308);
        exponent += 308;
    }
    if (f != 0) {
        f = exponent >= 0 ? f * power_of_ten((int)exponent) : f / power_of_ten((int)-exponent);
    }
    if (isinf(f)) {
        return false;
    }
    *number_out = (json_number){.kind = JSON_FLOAT, .f = negative ? -f : f};
    return true;
}

// Adds one digit, unless 64 bits can't hold it.
static bool add_digit(uint64_t *significand, char c) {
    uint64_t digit = (uint64_t)(c - '0');
    if (*significand > (UINT64_MAX - digit) / 10) {
        return false;
    }
    *significand = *significand * 10 + digit;
    return true;
}

static bool is_digit(const char *p, const char *end) {
    return p < end && *p >= '0' && *p <= '9';
}

// Reads `e+12`. An exponent that 32 bits can't hold saturates far outside of what doubles reach.
static int64_t read_exponent(const char *p, const char *end) {
    p++;
    bool negative = p < end && *p == '-';
    p += p < end && (*p == '-' || *p == '+');
    int64_t exponent = 0;
    for (; is_digit(p, end); p++) {
        exponent = exponent > INT32_MAX ? exponent : exponent * 10 + (*p - '0');
    }
    return negative ? -exponent : exponent;
}

bool harmony_json_number_read(harmony_text text, json_number *number_out) {
    const char *p = text.data, *end = text.data + text.length;
    bool negative = *p == '-', whole = true;
    p += negative;
    uint64_t significand = 0;
    int64_t exponent = 0;
    while (is_digit(p, end) && add_digit(&significand, *p)) {
        p++;
    }
    for (; is_digit(p, end); p++) { // digits that 64 bits can't hold are only counted
        exponent++;
        whole = false;
    }
    if (p < end && *p == '.') {
        whole = false;
        p++;
        while (is_digit(p, end) && add_digit(&significand, *p)) {
            exponent--;
            p++;
        }
        while (is_digit(p, end)) {
            p++;
        }
    }
    if (p < end) {
        return float_from_parts(negative, significand, exponent + read_exponent(p, end),
                                number_out);
    }
    if (!whole) {
        return float_from_parts(negative, significand, exponent, number_out);
    }
    if (!negative) {
        *number_out = (json_number){.kind = JSON_UNSIGNED, .u = significand};
    } else if (significand == 0 || significand > (uint64_t)INT64_MAX + 1) {
        *number_out = (json_number){.kind = JSON_FLOAT, .f = -(double)significand};
    } else {
        *number_out = (json_number){.kind = JSON_SIGNED, .i = -(int64_t)(significand - 1) - 1};
    }
    return true;
}

// The fewest digits that read back as f (correctly rounded), nearest to f among those; point is the
// place of the decimal point relative to the first digit.
static void shortest_digits(double f, char digits[20], int *n_out, int *point_out) {
    char text[40];
    for (int precision = 0; precision < 17; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, f);
        if (strtod(text, NULL) == f) {
            break;
        }
    }
    int n = 0;
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') { // the decimal point depends on the locale: step over it
            digits[n++] = *p;
        }
    }
    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }
    digits[n] = 0;
    *n_out = n;
    *point_out = atoi(p + 1) + 1;
}

bool harmony_json_number_print(base_buffer *buffer, const json_number *number) {
    static const char zeros[] = "0000000000000000";
    if (number->kind == JSON_UNSIGNED) {
        return base_buffer_format(buffer, "%llu", (unsigned long long)number->u);
    }
    if (number->kind == JSON_SIGNED) {
        return base_buffer_format(buffer, "%lld", (long long)number->i);
    }
    const char *sign = signbit(number->f) ? "-" : "";
    double f = fabs(number->f);
    if (f == 0) {
        return base_buffer_format(buffer, "%s0.0", sign);
    }
    char digits[20];
    int n, point;
    shortest_digits(f, digits, &n, &point);
    if (point >= n && point <= 16) {
        return base_buffer_format(buffer, "%s%s%.*s.0", sign, digits, point - n, zeros);
    }
    if (point > 0 && point <= 16) {
        return base_buffer_format(buffer, "%s%.*s.%s", sign, point, digits, digits + point);
    }
    if (point > -5 && point <= 0) {
        return base_buffer_format(buffer, "%s0.%.*s%s", sign, -point, zeros, digits);
    }
    return base_buffer_format(buffer, n == 1 ? "%s%.1s%se%d" : "%s%.1s.%se%d", sign, digits,
                              digits + 1, point - 1);
}
