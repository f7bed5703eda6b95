// Tries from sorted strings: each string adds nodes behind what it shares with the one before.
#include "grammar/trie.h"

#include <stdlib.h>
#include <string.h>

#include "grammar/array.h"

static int compare(const void *a, const void *b) {
    const trie_entry *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->length < y->length ? x->length : y->length);
    if (order)
        return order;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static uint32_t shared(const trie_entry *a, const trie_entry *b) {
    uint32_t n = a->length < b->length ? a->length : b->length, i = 0;
    while (i < n && a->bytes[i] == b->bytes[i])
        i++;
    return i;
}

static size_t count_nodes(const trie_entry *entries, size_t n) {
    size_t nodes = n ? entries[0].length : 0;
    for (size_t i = 1; i < n; i++)
        nodes += entries[i].length - shared(&entries[i - 1], &entries[i]);
    return nodes;
}

bool trie_build(trie *out, trie_entry *entries, size_t n) {
    *out = (trie){0};
    if (n)
        qsort(entries, n, sizeof *entries, compare);
    size_t n_nodes = count_nodes(entries, n);
    if (n_nodes >= UINT32_MAX)
        return false;
    out->nodes = base_alloc(n_nodes + 1, sizeof *out->nodes);
    out->ids = base_alloc(n, sizeof *out->ids);
    if (!out->nodes || !out->ids) {
        trie_free(out);
        return false;
    }
    uint32_t open[TRIE_MAX_DEPTH]; // nodes of the string before, by depth - 1
    uint32_t height = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t kept = i ? shared(&entries[i - 1], &entries[i]) : 0;
        while (height > kept)
            out->nodes[open[--height]].end = at;
        while (height < entries[i].length) {
            open[height] = at;
            out->nodes[at++] = (trie_node){.first = (uint32_t)i,
                                           .depth = (uint16_t)(height + 1),
                                           .byte = (uint8_t)entries[i].bytes[height]};
            height++;
        }
        out->ids[i] = entries[i].id;
    }
    while (height > 0)
        out->nodes[open[--height]].end = at;
    out->nodes[at] = (trie_node){.end = at, .first = (uint32_t)n};
    out->n_nodes = at;
    out->n_ids = (uint32_t)n;
    // Nodes inside a string were opened with the index of that string, whose id belongs to its last
    // node only: the ids of a node begin where the next one's do, and an inner node has none.
    return true;
}

void trie_free(trie *t) {
    base_free(t->nodes);
    base_free(t->ids);
    *t = (trie){0};
}

size_t trie_bytes(const trie *t) {
    return t->nodes ? (t->n_nodes + 1) * sizeof *t->nodes + t->n_ids * sizeof *t->ids : 0;
}
