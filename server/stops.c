// stops.c: stop strings and whole characters.
#include "stops.h"

#include <string.h>

// Whether text[0 .. length - 1] begins with the stop, or is the beginning of it.
static bool begins(const char *stop, size_t stop_length, const char *text, size_t length,
                   bool *whole_out) {
    size_t common = length < stop_length ? length : stop_length;
    *whole_out = length >= stop_length;
    return memcmp(stop, text, common) == 0;
}

stops_match stops_find(const char *const *stops, size_t n_stops, const char *text, size_t from,
                       size_t length) {
    stops_match found = {.at = length};
    for (size_t at = from; at < length; at++) {
        for (size_t i = 0; i < n_stops; i++) {
            bool whole;
            size_t stop_length = strlen(stops[i]);
            if (!stop_length || !begins(stops[i], stop_length, text + at, length - at, &whole)) {
                continue;
            }
            if (whole) {
                return (stops_match){stops[i], at};
            }
            found.at = found.at == length ? at : found.at;
        }
    }
    return found;
}

// Bytes of the character that begins here: 0 when it may still be completed; negative: that many
// bytes are no character.
static int character(const unsigned char *s, size_t length) {
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

size_t stops_whole_text(const char *bytes, size_t length, bool last, text *out) {
    size_t at = 0;
    while (at < length) {
        int taken = character((const unsigned char *)bytes + at, length - at);
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
