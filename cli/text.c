// text.c: growing bytes, and text as JSON.
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool buffer_append(text_buffer *t, const void *data, size_t length) {
    if (length >= SIZE_MAX / 4 - t->length) {
        return false;
    }
    size_t need = t->length + length + 1;
    if (need > t->capacity) {
        size_t capacity = need < 256 ? 256 : need + need / 2;
        char *grown = realloc(t->data, capacity);
        if (!grown) {
            return false;
        }
        t->data = grown;
        t->capacity = capacity;
    }
    if (length) {
        memcpy(t->data + t->length, data, length);
    }
    t->length += length;
    t->data[t->length] = 0;
    return true;
}

bool buffer_add(text_buffer *t, const char *string) {
    return buffer_append(t, string, strlen(string));
}

bool buffer_format(text_buffer *t, const char *format, ...) {
    char small[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    // Long strings are appended by buffer_append, never formatted: see the callers.
    return length >= 0 && (size_t)length < sizeof(small) && buffer_append(t, small, (size_t)length);
}

size_t buffer_character(const char *data, size_t length) {
    const unsigned char *s = (const unsigned char *)data;
    if (length == 0) {
        return 0;
    }
    if (s[0] < 0x80) {
        return 1;
    }
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : (s[0] & 0xf0) == 0xe0        ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || n > length) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool beyond = (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f);
    return overlong || beyond ? 0 : n;
}

static bool json_character(text_buffer *t, const char *data, size_t n) {
    switch (data[0]) {
    case '"':
        return buffer_append(t, "\\\"", 2);
    case '\\':
        return buffer_append(t, "\\\\", 2);
    case '\n':
        return buffer_append(t, "\\n", 2);
    case '\t':
        return buffer_append(t, "\\t", 2);
    default:
        if ((unsigned char)data[0] < 0x20 || data[0] == 0x7f) {
            return buffer_format(t, "\\u%04x", (unsigned)data[0]);
        }
        return buffer_append(t, data, n);
    }
}

bool buffer_json(text_buffer *t, const char *data, size_t length) {
    if (!data) {
        return buffer_add(t, "null");
    }
    size_t before = t->length;
    bool ok = buffer_append(t, "\"", 1);
    for (size_t i = 0; ok && i < length;) {
        size_t n = buffer_character(data + i, length - i);
        ok = n ? json_character(t, data + i, n) : buffer_append(t, "\xef\xbf\xbd", 3);
        i += n ? n : 1;
    }
    ok = ok && buffer_append(t, "\"", 1);
    if (!ok) {
        t->length = before;
    }
    return ok;
}

bool buffer_json_string(text_buffer *t, const char *string) {
    return buffer_json(t, string, string ? strlen(string) : 0);
}

void buffer_clear(text_buffer *t) {
    t->length = 0;
    if (t->data) {
        t->data[0] = 0;
    }
}

void buffer_free(text_buffer *t) {
    free(t->data);
    *t = (text_buffer){0};
}
