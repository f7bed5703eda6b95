// text.c: a string that grows, JSON and server-sent events at its end.
#include "text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for `more` bytes and the NUL behind them.
static bool reserve(text *t, size_t more) {
    if (t->failed || more >= SIZE_MAX / 2 - t->length) {
        t->failed = true;
        return false;
    }
    size_t needed = t->length + more + 1, capacity = t->capacity ? t->capacity : 64;
    if (needed <= t->capacity) {
        return true;
    }
    while (capacity < needed) {
        capacity *= 2;
    }
    char *data = realloc(t->data, capacity);
    if (!data) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->capacity = capacity;
    return true;
}

void text_add(text *t, const char *bytes, size_t length) {
    if (!reserve(t, length)) {
        return;
    }
    if (length) {
        memcpy(t->data + t->length, bytes, length);
    }
    t->length += length;
    t->data[t->length] = 0;
}

void text_print(text *t, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !reserve(t, (size_t)length)) {
        t->failed = true;
        return;
    }
    va_start(arguments, format);
    vsnprintf(t->data + t->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    t->length += (size_t)length;
}

static int add_piece(const char *bytes, size_t length, void *context) {
    text *out = context;
    text_add(out, bytes, length);
    return out->failed ? -1 : 0;
}

void text_json(text *t, const json_t *value) {
    if (!value || json_dump_callback(value, add_piece, t, JSON_COMPACT | JSON_ENCODE_ANY)) {
        t->failed = true;
    }
}

void text_clear(text *t) {
    free(t->data);
    *t = (text){0};
}

void text_event(text *t, const char *event, json_t *data) {
    if (event) {
        text_print(t, "event: %s\n", event);
    }
    text_add(t, "data: ", 6);
    text_json(t, data);
    text_add(t, "\n\n", 2);
    json_decref(data);
}
