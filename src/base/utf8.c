// UTF-8, decoded strictly: no overlong forms, surrogates or values past U+10FFFF.
// The ranges are those of the Unicode Standard 15, table 3-7.
#include "base/base.h"

// The bytes that a leading byte announces (0: never a lead), and the range of the second byte.
static int lead(unsigned char byte, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xbf;
    if (byte < 0x80)
        return 1;
    if (byte >= 0xc2 && byte <= 0xdf)
        return 2;
    if (byte >= 0xe0 && byte <= 0xef) {
        if (byte == 0xe0)
            *low = 0xa0;
        if (byte == 0xed)
            *high = 0x9f;
        return 3;
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        if (byte == 0xf0)
            *low = 0x90;
        if (byte == 0xf4)
            *high = 0x8f;
        return 4;
    }
    return 0;
}

size_t base_utf8_decode(const char *text, size_t length, int32_t *code_point_out) {
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char low, high;
    int need = lead(bytes[0], &low, &high);
    if (need == 1) {
        *code_point_out = bytes[0];
        return 1;
    }
    if (need == 0) {
        *code_point_out = -1;
        return 1;
    }
    int32_t value = bytes[0] & (0x7f >> need);
    for (int i = 1; i < need; i++) {
        if ((size_t)i == length) {
            *code_point_out = -2;
            return length;
        }
        if (bytes[i] < low || bytes[i] > high) {
            *code_point_out = -1;
            return (size_t)i;
        }
        value = value << 6 | (bytes[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    *code_point_out = value;
    return (size_t)need;
}

bool base_utf8_valid(const char *text, size_t length) {
    for (size_t at = 0; at < length;) {
        int32_t code_point;
        at += base_utf8_decode(text + at, length - at, &code_point);
        if (code_point < 0)
            return false;
    }
    return true;
}

bool base_utf8_append_lossy(base_buffer *buffer, const char *text, size_t length) {
    for (size_t at = 0; at < length;) {
        int32_t code_point;
        size_t bytes = base_utf8_decode(text + at, length - at, &code_point);
        bool done = code_point < 0 ? base_buffer_text(buffer, "\xef\xbf\xbd")
                                   : base_buffer_append(buffer, text + at, bytes);
        if (!done)
            return false;
        at += bytes;
    }
    return true;
}
