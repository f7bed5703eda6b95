// responses_seal.c: reasoning for clients that bring back nothing of it but encrypted_content.
// It is no secret of the server's: whoever asked for it saw it. So it is not encrypted, only
// marked.
#include "responses.h"

#include <stdlib.h>
#include <string.h>

static const char MARK[] = "gptoss1:";
static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

json_t *responses_seal(const char *words, size_t length) {
    text sealed = {0};
    text_add(&sealed, MARK, strlen(MARK));
    for (size_t i = 0; i < length; i += 3) {
        const unsigned char *from = (const unsigned char *)words + i;
        size_t left = length - i;
        unsigned group = (unsigned)from[0] << 16 | (left > 1 ? (unsigned)from[1] << 8 : 0) |
                         (left > 2 ? from[2] : 0);
        char four[] = {DIGITS[group >> 18], DIGITS[group >> 12 & 63],
                       left > 1 ? DIGITS[group >> 6 & 63] : '=',
                       left > 2 ? DIGITS[group & 63] : '='};
        text_add(&sealed, four, sizeof(four));
    }
    json_t *made = sealed.failed ? NULL : json_stringn(sealed.data, sealed.length);
    text_clear(&sealed);
    return made;
}

static int digit(char c) {
    const char *at = c ? strchr(DIGITS, c) : NULL;
    return at ? (int)(at - DIGITS) : -1;
}

char *responses_unseal(const char *sealed) {
    if (strncmp(sealed, MARK, strlen(MARK))) {
        return NULL;
    }
    sealed += strlen(MARK);
    char *words = malloc(strlen(sealed) / 4 * 3 + 4), *to = words;
    unsigned group = 0;
    for (int i = 0; words && digit(*sealed) >= 0; sealed++, i++) {
        group = group << 6 | (unsigned)digit(*sealed);
        if (i % 4) { // every digit but the first of four completes a byte
            *to++ = (char)(group >> (6 - i % 4 * 2) & 255);
        }
    }
    if (!words) {
        return NULL;
    }
    *to = 0;
    // Whoever changed it has made something else of it, but text it must be.
    json_t *valid = json_string(words);
    if (!valid || strlen(words) != (size_t)(to - words)) {
        free(words);
        words = NULL;
    }
    json_decref(valid);
    return words;
}
