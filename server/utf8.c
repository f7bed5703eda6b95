// utf8.c: characters, and what is none (RFC 3629, section 4).
#include "utf8.h"

int utf8_character(const char *bytes, size_t length) {
    const unsigned char *s = (const unsigned char *)bytes;
    static const struct {
        unsigned char first, last, low, high; // of the lead byte, of the second byte
        int bytes;
    } forms[] = {
        {0x00, 0x7F, 0, 0, 1},       {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
        {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
        {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (s[0] < forms[i].first || s[0] > forms[i].last) {
            continue;
        }
        for (int k = 1; k < forms[i].bytes; k++) {
            if ((size_t)k == length) {
                return 0;
            }
            unsigned char low = k == 1 ? forms[i].low : 0x80, high = k == 1 ? forms[i].high : 0xBF;
            if (s[k] < low || s[k] > high) {
                return -k;
            }
        }
        return forms[i].bytes;
    }
    return -1;
}

size_t utf8_add(text *out, const char *bytes, size_t length, bool last) {
    size_t at = 0;
    while (at < length) {
        int taken = utf8_character(bytes + at, length - at);
        if (taken == 0 && !last) {
            break;
        }
        if (taken > 0) {
            text_add(out, bytes + at, (size_t)taken);
        } else {
            text_add(out, "\xEF\xBF\xBD", 3);
        }
        at += taken > 0 ? (size_t)taken : taken < 0 ? (size_t)-taken : length - at;
    }
    return at;
}
