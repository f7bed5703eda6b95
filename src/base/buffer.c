// Growing byte and id buffers: doubling, overflow-checked, unchanged when an append fails.
#include "base/base.h"

#include <stdio.h>
#include <string.h>

// The capacity to grow to so that `needed` fits; 0 when that can't be expressed.
static size_t grown(size_t capacity, size_t needed) {
    size_t next = capacity < 64 ? 64 : capacity;
    while (next < needed) {
        if (next > SIZE_MAX / 2)
            return needed;
        next *= 2;
    }
    return next;
}

bool base_buffer_reserve(base_buffer *buffer, size_t extra) {
    size_t needed; // one more for the NUL
    if (__builtin_add_overflow(buffer->length, extra, &needed) || needed == SIZE_MAX)
        return false;
    needed++;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = grown(buffer->capacity, needed);
    char *data = base_resize(buffer->data, capacity, 1);
    if (!data)
        return false;
    data[buffer->length] = 0;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool base_buffer_append(base_buffer *buffer, const void *data, size_t length) {
    if (!base_buffer_reserve(buffer, length))
        return false;
    if (length)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = 0;
    return true;
}

bool base_buffer_text(base_buffer *buffer, const char *text) {
    return base_buffer_append(buffer, text, strlen(text));
}

bool base_buffer_format(base_buffer *buffer, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    bool done = length >= 0 && base_buffer_reserve(buffer, (size_t)length);
    if (done) {
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
        buffer->length += (size_t)length;
    }
    va_end(again);
    return done;
}

void base_buffer_free(base_buffer *buffer) {
    base_free(buffer->data);
    *buffer = (base_buffer){0};
}

bool base_ids_append(base_ids *ids, const int32_t *data, size_t count) {
    size_t needed;
    if (__builtin_add_overflow(ids->length, count, &needed))
        return false;
    if (needed > ids->capacity) {
        size_t capacity = grown(ids->capacity, needed);
        int32_t *bigger = base_resize(ids->data, capacity, sizeof *bigger);
        if (!bigger)
            return false;
        ids->data = bigger;
        ids->capacity = capacity;
    }
    if (count)
        memcpy(ids->data + ids->length, data, count * sizeof *data);
    ids->length = needed;
    return true;
}

bool base_ids_push(base_ids *ids, int32_t id) {
    return base_ids_append(ids, &id, 1);
}

void base_ids_free(base_ids *ids) {
    base_free(ids->data);
    *ids = (base_ids){0};
}
