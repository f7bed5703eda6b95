// array.h: growing arrays of any element, as base_buffer is of bytes.
#ifndef GRAMMAR_ARRAY_H
#define GRAMMAR_ARRAY_H

#include "base/base.h"

// Makes room for `needed` elements of `size` bytes; false, with *data as it was, when memory is
// short. *data may move.
static inline bool array_reserve(void **data, size_t *capacity, size_t needed, size_t size) {
    if (needed <= *capacity)
        return true;
    size_t next = *capacity < 16 ? 16 : *capacity * 2;
    if (next < needed)
        next = needed;
    void *moved = base_resize(*data, next, size);
    if (!moved)
        return false;
    *data = moved;
    *capacity = next;
    return true;
}

// ARRAY_RESERVE(x->items, x->capacity, needed): the same with the element's type kept.
#define ARRAY_RESERVE(data, capacity, needed)                                                      \
    array_reserve((void **)&(data), &(capacity), (needed), sizeof *(data))

#endif
