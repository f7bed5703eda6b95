// Interned lists: open addressing over their hashes.
#include "grammar/interner.h"

#include <string.h>

#include "grammar/array.h"

static uint32_t hash_of(const int32_t *items, size_t count) {
    uint64_t h = 0x9e3779b97f4a7c15u ^ count;
    for (size_t i = 0; i < count; i++) {
        h = (h ^ (uint32_t)items[i]) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return (uint32_t)h;
}

static bool make_slots(interner *in) {
    size_t n = in->n_slots ? 2 * in->n_slots : 64;
    int32_t *slots = base_alloc(n, sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0xff, n * sizeof *slots);
    for (size_t i = 0; i < in->n_lists; i++) {
        size_t at = in->lists[i].hash & (n - 1);
        while (slots[at] >= 0)
            at = (at + 1) & (n - 1);
        slots[at] = (int32_t)i;
    }
    base_free(in->slots);
    in->slots = slots;
    in->n_slots = n;
    return true;
}

int32_t interner_find(interner *in, const int32_t *items, size_t count) {
    if (2 * in->n_lists >= in->n_slots && !make_slots(in))
        return -1;
    uint32_t hash = hash_of(items, count);
    size_t at = hash & (in->n_slots - 1);
    for (; in->slots[at] >= 0; at = (at + 1) & (in->n_slots - 1)) {
        const interner_list *list = &in->lists[in->slots[at]];
        if (list->hash == hash && list->count == count &&
            (!count || !memcmp(in->pool + list->first, items, count * sizeof *items)))
            return in->slots[at];
    }
    if (in->n_lists >= INT32_MAX || count > UINT32_MAX ||
        !ARRAY_RESERVE(in->pool, in->pool_capacity, in->n_pool + count) ||
        !ARRAY_RESERVE(in->lists, in->list_capacity, in->n_lists + 1))
        return -1;
    if (count)
        memcpy(in->pool + in->n_pool, items, count * sizeof *items);
    in->lists[in->n_lists] = (interner_list){in->n_pool, (uint32_t)count, hash};
    in->n_pool += count;
    in->slots[at] = (int32_t)in->n_lists;
    return (int32_t)in->n_lists++;
}

void interner_free(interner *in) {
    base_free(in->pool);
    base_free(in->lists);
    base_free(in->slots);
    *in = (interner){0};
}

size_t interner_bytes(const interner *in) {
    return in->pool_capacity * sizeof *in->pool + in->list_capacity * sizeof *in->lists +
           in->n_slots * sizeof *in->slots;
}
