// Pages in ordinary memory: one array for each group.
#include "backend/backend.h"

#include <string.h>

gptoss_status backend_pages_create(backend_pages *pages, const int32_t n_pages[BACKEND_GROUPS],
                                   gptoss_error *error) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        if (n_pages[g] < 0 || pages->memory[g])
            return base_fail(error, GPTOSS_BAD_ARGUMENT,
                             "the cache exists already, or has %d pages", (int)n_pages[g]);
        pages->memory[g] = base_alloc_aligned((size_t)n_pages[g], pages->bytes[g]);
        if (!pages->memory[g])
            return base_fail(error, GPTOSS_NO_MEMORY, "no memory for %d cache pages of %zu bytes",
                             (int)n_pages[g], pages->bytes[g]);
        pages->count[g] = n_pages[g];
    }
    return GPTOSS_OK;
}

void backend_pages_free(backend_pages *pages) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        base_free(pages->memory[g]);
        pages->memory[g] = NULL;
        pages->count[g] = 0;
    }
}

// NULL, with the error set, for a page that does not exist.
static uint8_t *find(const backend_pages *pages, backend_group group, int32_t page,
                     gptoss_error *error) {
    if ((unsigned)group < BACKEND_GROUPS && page >= 0 && page < pages->count[group])
        return pages->memory[group] + (size_t)page * pages->bytes[group];
    base_fail(error, GPTOSS_BAD_ARGUMENT, "no page %d in group %d", (int)page, (int)group);
    return NULL;
}

gptoss_status backend_page_copy(backend_pages *pages, backend_group group, int32_t from, int32_t to,
                                gptoss_error *error) {
    const uint8_t *source = find(pages, group, from, error);
    uint8_t *target = source ? find(pages, group, to, error) : NULL;
    if (!target)
        return GPTOSS_BAD_ARGUMENT;
    memmove(target, source, pages->bytes[group]);
    return GPTOSS_OK;
}

gptoss_status backend_page_read(const backend_pages *pages, backend_group group, int32_t page,
                                void *bytes, gptoss_error *error) {
    const uint8_t *source = find(pages, group, page, error);
    if (!source)
        return GPTOSS_BAD_ARGUMENT;
    memcpy(bytes, source, pages->bytes[group]);
    return GPTOSS_OK;
}

gptoss_status backend_page_write(backend_pages *pages, backend_group group, int32_t page,
                                 const void *bytes, gptoss_error *error) {
    uint8_t *target = find(pages, group, page, error);
    if (!target)
        return GPTOSS_BAD_ARGUMENT;
    memcpy(target, bytes, pages->bytes[group]);
    return GPTOSS_OK;
}
