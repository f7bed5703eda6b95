// schema_decimal.h: numbers of a schema, exactly as they were written.
//
// jansson gives integers of 64 bits and doubles; a double stands for the shortest decimal that
// reads back as it, so that 0.1 is a tenth.
#ifndef GRAMMAR_SCHEMA_DECIMAL_H
#define GRAMMAR_SCHEMA_DECIMAL_H

#include <jansson.h>
#include <stdbool.h>

// 0.DIGITS times ten to the power of point.
typedef struct schema_decimal {
    bool negative;
    int n, point; // n 0: zero
    char digits[20];
} schema_decimal;

schema_decimal schema_decimal_of(const json_t *number);
// The digit worth ten to the power of place.
int schema_decimal_digit(const schema_decimal *decimal, int place);
int schema_decimal_compare(const schema_decimal *a, const schema_decimal *b); // as memcmp
bool schema_decimal_whole(const schema_decimal *decimal);

#endif
