// Byte-pair encoding of one piece: of all neighbours the pair of the lowest rank merges first, the
// leftmost of equals, until none is left. Short pieces by looking over an array each time; long
// ones with a heap over a linked list, O(n log n), since a piece may be the whole text.
#include "tokenizer/parts.h"

enum { SHORT_PIECE = 64, NO_RANK = INT32_MAX };

typedef struct bpe_node {
    uint32_t start;         // of this part, in the piece
    int32_t id;             // its token
    int32_t rank;           // of merging it with the next part; NO_RANK: they don't merge
    int32_t joined;         // what they become
    int32_t previous, next; // in a long piece; -1: none. A part that is gone has rank NO_RANK.
} bpe_node;

void bpe_scratch_free(bpe_scratch *scratch) {
    base_free(scratch->nodes);
    base_free(scratch->heap);
    *scratch = (bpe_scratch){0};
}

static inline void rate(const tokenizer *t, const char *piece, bpe_node *left, int32_t right_id,
                        uint32_t end) {
    left->rank = NO_RANK;
    if (end - left->start > t->longest)
        return;
    if (!t->pairs) {
        int32_t id = bpe_find(t, piece + left->start, end - left->start);
        if (id >= 0)
            left->rank = left->joined = id;
    } else {
        const bpe_pair *pair = bpe_pair_find(t, left->id, right_id);
        if (pair) {
            left->rank = pair->rank;
            left->joined = pair->id_and_one - 1;
        }
    }
}

static void start_parts(const tokenizer *t, const char *piece, size_t length, bpe_node *parts) {
    for (size_t i = 0; i < length; i++) {
        parts[i].start = (uint32_t)i;
        parts[i].id = t->byte_ids[(uint8_t)piece[i]];
    }
    for (size_t i = 0; i + 1 < length; i++)
        rate(t, piece, &parts[i], parts[i + 1].id, (uint32_t)i + 2);
    parts[length - 1].rank = NO_RANK;
}

static bool merge_short(const tokenizer *t, const char *piece, size_t length, base_ids *ids) {
    bpe_node parts[SHORT_PIECE];
    start_parts(t, piece, length, parts);
    size_t n = length;
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (parts[i].rank < parts[best].rank)
                best = i;
        if (parts[best].rank == NO_RANK)
            break;
        parts[best].id = parts[best].joined;
        memmove(&parts[best + 1], &parts[best + 2], (n - best - 2) * sizeof *parts);
        n--;
        if (best + 1 < n)
            rate(t, piece, &parts[best], parts[best + 1].id,
                 best + 2 < n ? parts[best + 2].start : (uint32_t)length);
        else
            parts[best].rank = NO_RANK;
        if (best > 0)
            rate(t, piece, &parts[best - 1], parts[best].id,
                 best + 1 < n ? parts[best + 1].start : (uint32_t)length);
    }
    for (size_t i = 0; i < n; i++)
        if (!base_ids_push(ids, parts[i].id))
            return false;
    return true;
}

static bool reserve(bpe_scratch *scratch, size_t length) {
    if (length <= scratch->capacity)
        return true;
    bpe_scratch_free(scratch);
    scratch->nodes = base_alloc(length, sizeof *scratch->nodes);
    // A part enters the heap once at the start, and at most two do at each of length - 1 merges.
    scratch->heap = base_alloc(length, 3 * sizeof *scratch->heap);
    if (!scratch->nodes || !scratch->heap) {
        bpe_scratch_free(scratch);
        return false;
    }
    scratch->capacity = length;
    return true;
}

// A binary heap of rank << 32 | index of the left part, the smallest on top.
static void heap_push(uint64_t *heap, size_t *n, const bpe_node *nodes, int32_t at) {
    if (nodes[at].rank == NO_RANK)
        return;
    uint64_t key = (uint64_t)nodes[at].rank << 32 | (uint32_t)at;
    size_t i = (*n)++;
    for (; i > 0 && heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = key;
}

static uint64_t heap_pop(uint64_t *heap, size_t *n) {
    uint64_t top = heap[0], key = heap[--*n];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < *n) {
        if (child + 1 < *n && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= key)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = key;
    return top;
}

static void rate_linked(const tokenizer *t, const char *piece, size_t length, bpe_node *nodes,
                        int32_t at) {
    int32_t next = nodes[at].next;
    nodes[at].rank = NO_RANK;
    if (next < 0)
        return;
    int32_t after = nodes[next].next;
    rate(t, piece, &nodes[at], nodes[next].id, after < 0 ? (uint32_t)length : nodes[after].start);
}

static bool merge_long(const tokenizer *t, const char *piece, size_t length, bpe_scratch *scratch,
                       base_ids *ids) {
    if (!reserve(scratch, length))
        return false;
    bpe_node *nodes = scratch->nodes;
    uint64_t *heap = scratch->heap;
    size_t n_heap = 0;
    start_parts(t, piece, length, nodes);
    for (size_t i = 0; i < length; i++) {
        nodes[i].previous = (int32_t)i - 1;
        nodes[i].next = i + 1 < length ? (int32_t)i + 1 : -1;
        heap_push(heap, &n_heap, nodes, (int32_t)i);
    }
    while (n_heap) {
        uint64_t top = heap_pop(heap, &n_heap);
        int32_t at = (int32_t)(top & UINT32_MAX);
        if (nodes[at].rank != (int32_t)(top >> 32))
            continue; // the part or its neighbour has changed since
        int32_t gone = nodes[at].next;
        nodes[at].id = nodes[at].joined;
        nodes[at].next = nodes[gone].next;
        nodes[gone].rank = NO_RANK;
        if (nodes[at].next >= 0)
            nodes[nodes[at].next].previous = at;
        rate_linked(t, piece, length, nodes, at);
        heap_push(heap, &n_heap, nodes, at);
        if (nodes[at].previous >= 0) {
            rate_linked(t, piece, length, nodes, nodes[at].previous);
            heap_push(heap, &n_heap, nodes, nodes[at].previous);
        }
    }
    for (int32_t at = 0; at >= 0; at = nodes[at].next)
        if (!base_ids_push(ids, nodes[at].id))
            return false;
    return true;
}

bool bpe_merge(const tokenizer *t, const char *piece, size_t length, bpe_scratch *scratch,
               base_ids *ids) {
    if (length <= SHORT_PIECE)
        return merge_short(t, piece, length, ids);
    return merge_long(t, piece, length, scratch, ids);
}
