// Allocation: overflow-checked forms of malloc, and aligned memory on large pages.
#include "base/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// The result of count * size, at least 1 so that every allocation has an address; false on
// overflow.
static bool product(size_t count, size_t size, size_t *bytes_out) {
    if (__builtin_mul_overflow(count, size, bytes_out))
        return false;
    if (*bytes_out == 0)
        *bytes_out = 1;
    return true;
}

void *base_alloc(size_t count, size_t size) {
    size_t bytes;
    return product(count, size, &bytes) ? malloc(bytes) : NULL;
}

void *base_alloc_zero(size_t count, size_t size) {
    size_t bytes;
    return product(count, size, &bytes) ? calloc(1, bytes) : NULL;
}

void *base_resize(void *old, size_t count, size_t size) {
    size_t bytes;
    return product(count, size, &bytes) ? realloc(old, bytes) : NULL;
}

void base_free(void *memory) {
    free(memory);
}

void *base_alloc_aligned(size_t count, size_t size) {
    enum { LINE = 64, LARGE_PAGE = 2 << 20 };
    size_t bytes;
    if (!product(count, size, &bytes) || bytes > SIZE_MAX - LARGE_PAGE)
        return NULL;
    size_t alignment = bytes >= LARGE_PAGE ? LARGE_PAGE : LINE;
    bytes = (bytes + LINE - 1) / LINE * LINE;
    // posix_memalign does not set errno and, unlike aligned_alloc, takes any size.
    void *memory = NULL;
    if (posix_memalign(&memory, alignment, bytes) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (alignment == LARGE_PAGE)
        (void)madvise(memory, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE); // only a wish
#endif
    return memory;
}

char *base_copy_string(const char *text, size_t length) {
    if (length == SIZE_MAX)
        return NULL;
    char *copy = base_alloc(length + 1, 1);
    if (!copy)
        return NULL;
    if (length)
        memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}
