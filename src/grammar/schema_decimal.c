// Numbers of a schema as the decimals that they were written as.
#include "grammar/schema_decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Keeps the digits of text, without zeros around them; point counts from the first one kept.
static schema_decimal trim(const char *digits, int point, bool negative) {
    schema_decimal d = {.negative = negative, .point = point};
    for (; *digits == '0'; digits++) {
        d.point--;
    }
    d.n = (int)strlen(digits);
    while (d.n && digits[d.n - 1] == '0') {
        d.n--;
    }
    memcpy(d.digits, digits, (size_t)d.n);
    if (!d.n) {
        d.negative = false;
        d.point = 0;
    }
    return d;
}

schema_decimal schema_decimal_of(const json_t *number) {
    char text[40], digits[40];
    if (json_is_integer(number)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(number));
    } else { // the fewest digits that read back as the same, which are those that people write
        for (int precision = 0; precision < 17; precision++) {
            snprintf(text, sizeof text, "%.*e", precision, json_real_value(number));
            if (strtod(text, NULL) == json_real_value(number)) {
                break;
            }
        }
    }
    int n = 0, point = 0;
    const char *p = text;
    bool negative = *p == '-';
    for (; *p && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') { // a decimal point depends on the locale: step over it
            digits[n++] = *p;
        }
    }
    digits[n] = 0;
    point = *p == 'e' ? atoi(p + 1) + 1 : n;
    return trim(digits, point, negative);
}

int schema_decimal_digit(const schema_decimal *d, int place) {
    int at = d->point - 1 - place;
    return at >= 0 && at < d->n ? d->digits[at] - '0' : 0;
}

static int compare_sizes(const schema_decimal *a, const schema_decimal *b) {
    if (!a->n || !b->n || a->point != b->point) {
        return !a->n || !b->n ? (a->n > 0) - (b->n > 0) : a->point < b->point ? -1 : 1;
    }
    int common = a->n < b->n ? a->n : b->n;
    int order = memcmp(a->digits, b->digits, (size_t)common);
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

int schema_decimal_compare(const schema_decimal *a, const schema_decimal *b) {
    if (a->negative != b->negative) {
        return a->negative ? -1 : 1;
    }
    return a->negative ? compare_sizes(b, a) : compare_sizes(a, b);
}

bool schema_decimal_whole(const schema_decimal *d) {
    return d->n <= d->point || !d->n;
}
