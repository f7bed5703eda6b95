// Malloc and its kin that fail on demand, for tests that are linked with
// -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free. Include it in the one file of a test.
#ifndef TESTS_SUPPORT_FAILING_MALLOC_H
#define TESTS_SUPPORT_FAILING_MALLOC_H

#include <stdbool.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *memory);

static long until_failure = -1; // allocations that still succeed; negative: all do
static long live;               // allocations not yet released

static bool fails(void) {
    return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t size) {
    void *memory = fails() ? NULL : __real_malloc(size);
    live += memory != NULL;
    return memory;
}

void *__wrap_calloc(size_t count, size_t size) {
    void *memory = fails() ? NULL : __real_calloc(count, size);
    live += memory != NULL;
    return memory;
}

void *__wrap_realloc(void *old, size_t size) {
    void *memory = fails() ? NULL : __real_realloc(old, size);
    live += memory != NULL && !old;
    return memory;
}

void __wrap_free(void *memory) {
    live -= memory != NULL;
    __real_free(memory);
}

#endif
