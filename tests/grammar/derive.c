// Random texts of rules by choosing, and recognition by finding, for each expression and place,
// all places where it may end.
#include "grammar/derive.h"

#include <string.h>

#include "grammar/expressions.h"
#include "support/check.h"

// ---- making texts ----------------------------------------------------------------------------

enum { UNKNOWN = 1 << 29, DEEP = 60 };

typedef struct maker {
    const rules *rules;
    int64_t *cost; // [n_nodes]: how little an expression needs, or UNKNOWN
    uint64_t *seed;
    base_buffer *text;
} maker;

static uint64_t draw(uint64_t *seed, uint64_t below) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

static int64_t cost_of(const maker *m, const rules_node *node) {
    const rules *r = m->rules;
    int64_t sum = 1, least = UNKNOWN;
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
        return 1 + node->count;
    case RULES_BYTE:
        return 1;
    case RULES_REFERENCE:
        return 1 + m->cost[r->expressions[node->first]];
    case RULES_REPEAT:
        return node->count ? 1 + node->count * m->cost[node->first] : 1;
    case RULES_SEQUENCE:
        for (int32_t i = 0; i < node->count; i++)
            sum += m->cost[r->parts[node->first + i]];
        return sum;
    case RULES_CHOICE:
        for (int32_t i = 0; i < node->count; i++) {
            int64_t cost = m->cost[r->parts[node->first + i]];
            least = cost < least ? cost : least;
        }
        return 1 + least;
    }
    return UNKNOWN;
}

static void find_costs(maker *m) {
    for (size_t i = 0; i < m->rules->n_nodes; i++)
        m->cost[i] = UNKNOWN;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < m->rules->n_nodes; i++) {
            int64_t cost = cost_of(m, &m->rules->nodes[i]);
            if (cost < m->cost[i]) {
                m->cost[i] = cost;
                changed = true;
            }
        }
    }
}

static void make(const maker *m, int32_t at, int depth);

static void make_choice(const maker *m, const rules_node *node, int depth) {
    const int32_t *ways = m->rules->parts + node->first;
    int32_t chosen = -1, n = 0;
    for (int32_t i = 0; i < node->count; i++) {
        if (m->cost[ways[i]] >= UNKNOWN)
            continue;
        n++;
        bool take = depth > DEEP ? chosen < 0 || m->cost[ways[i]] < m->cost[ways[chosen]]
                                 : !draw(m->seed, (uint64_t)n);
        chosen = take ? i : chosen;
    }
    make(m, ways[chosen], depth);
}

static void make_repeat(const maker *m, const rules_node *node, int depth) {
    int32_t count = node->count;
    bool possible = m->cost[node->first] < UNKNOWN && depth <= DEEP;
    if (possible && node->most != RULES_UNBOUNDED && !draw(m->seed, 8))
        count = node->most < count + 70 ? node->most : count;
    while (possible && (node->most == RULES_UNBOUNDED || count < node->most) && draw(m->seed, 3))
        count++;
    for (int32_t i = 0; i < count; i++)
        make(m, node->first, depth);
}

static void make(const maker *m, int32_t at, int depth) {
    const rules *r = m->rules;
    const rules_node *node = &r->nodes[at];
    char byte;
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
        CHECK(base_buffer_append(m->text, r->text.data + node->first, (size_t)node->count),
              "out of memory");
        return;
    case RULES_BYTE:
        byte = (char)(node->low + draw(m->seed, (uint64_t)(node->high - node->low + 1)));
        CHECK(base_buffer_append(m->text, &byte, 1), "out of memory");
        return;
    case RULES_REFERENCE:
        make(m, r->expressions[node->first], depth + 1);
        return;
    case RULES_REPEAT:
        make_repeat(m, node, depth);
        return;
    case RULES_SEQUENCE:
        for (int32_t i = 0; i < node->count; i++)
            make(m, r->parts[node->first + i], depth);
        return;
    case RULES_CHOICE:
        make_choice(m, node, depth);
        return;
    }
}

bool derive_text(const rules *r, uint64_t *seed, base_buffer *text) {
    maker m = {.rules = r, .seed = seed, .text = text};
    m.cost = calloc(r->n_nodes, sizeof *m.cost);
    CHECK(m.cost, "out of memory");
    find_costs(&m);
    int32_t root = r->expressions[r->start];
    bool any = m.cost[root] < UNKNOWN;
    if (any)
        make(&m, root, 0);
    free(m.cost);
    return any;
}

// ---- recognising them ------------------------------------------------------------------------

typedef struct memo {
    int32_t node, at;
    uint64_t *ends; // [n_words] bits: where an expression that begins here may end
} memo;

typedef struct matcher {
    const rules *rules;
    const char *text;
    size_t length, n_words;
    memo *memos; // open addressing; ends NULL: empty
    size_t size, used;
} matcher;

static memo *find(matcher *m, int32_t node, size_t at) {
    size_t slot = ((uint32_t)node * 0x9e3779b1u ^ (uint32_t)at * 0x85ebca77u) & (m->size - 1);
    while (m->memos[slot].ends && (m->memos[slot].node != node || m->memos[slot].at != (int32_t)at))
        slot = (slot + 1) & (m->size - 1);
    return &m->memos[slot];
}

static void grow(matcher *m) {
    matcher old = *m;
    m->size = old.size ? 2 * old.size : 4096;
    m->memos = calloc(m->size, sizeof *m->memos);
    CHECK(m->memos, "out of memory");
    for (size_t i = 0; i < old.size; i++) {
        if (old.memos[i].ends)
            *find(m, old.memos[i].node, (size_t)old.memos[i].at) = old.memos[i];
    }
    free(old.memos);
}

static bool has(const uint64_t *bits, size_t at) {
    return bits[at / 64] >> (at % 64) & 1;
}

static const uint64_t *ends_of(matcher *m, int32_t node, size_t at);

// Where an expression may end that begins at one of the places `from`; true: anywhere.
static bool follow(matcher *m, int32_t node, const uint64_t *from, uint64_t *to) {
    bool any = false;
    memset(to, 0, m->n_words * sizeof *to);
    for (size_t at = 0; at <= m->length; at++) {
        if (!has(from, at))
            continue;
        const uint64_t *ends = ends_of(m, node, at);
        for (size_t i = 0; i < m->n_words; i++) {
            to[i] |= ends[i];
            any = any || to[i];
        }
    }
    return any;
}

static void match_repeat(matcher *m, const rules_node *node, uint64_t *here, uint64_t *ends) {
    uint64_t *next = calloc(m->n_words, sizeof *next);
    CHECK(next, "out of memory");
    bool any = true;
    for (int32_t i = 0; i < node->count && any; i++) {
        any = follow(m, node->first, here, next);
        memcpy(here, next, m->n_words * sizeof *here);
    }
    for (int32_t i = node->count; any; i++) {
        bool grown = false;
        for (size_t k = 0; k < m->n_words; k++) {
            grown = grown || here[k] & ~ends[k];
            ends[k] |= here[k];
        }
        if (!grown || i == node->most)
            break;
        any = follow(m, node->first, here, next);
        memcpy(here, next, m->n_words * sizeof *here);
    }
    free(next);
}

static void match(matcher *m, const rules_node *node, size_t at, uint64_t *ends) {
    const rules *r = m->rules;
    uint64_t *here = calloc(m->n_words, sizeof *here);
    CHECK(here, "out of memory");
    here[at / 64] |= (uint64_t)1 << at % 64;
    size_t after = at + (node->kind == RULES_TEXT ? (size_t)node->count : 1);
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
        if (after <= m->length &&
            !memcmp(m->text + at, r->text.data + node->first, (size_t)node->count))
            ends[after / 64] |= (uint64_t)1 << after % 64;
        break;
    case RULES_BYTE:
        if (after <= m->length && (uint8_t)m->text[at] >= node->low &&
            (uint8_t)m->text[at] <= node->high)
            ends[after / 64] |= (uint64_t)1 << after % 64;
        break;
    case RULES_REFERENCE:
        follow(m, r->expressions[node->first], here, ends);
        break;
    case RULES_SEQUENCE:
        for (int32_t i = 0; i < node->count; i++) {
            follow(m, r->parts[node->first + i], here, ends);
            memcpy(here, ends, m->n_words * sizeof *here);
        }
        memcpy(ends, here, m->n_words * sizeof *here);
        break;
    case RULES_CHOICE:
        for (int32_t i = 0; i < node->count; i++) {
            const uint64_t *way = ends_of(m, r->parts[node->first + i], at);
            for (size_t k = 0; k < m->n_words; k++)
                ends[k] |= way[k];
        }
        break;
    case RULES_REPEAT:
        match_repeat(m, node, here, ends);
        break;
    }
    free(here);
}

static const uint64_t *ends_of(matcher *m, int32_t node, size_t at) {
    if (2 * (m->used + 1) > m->size)
        grow(m);
    memo *known = find(m, node, at);
    if (!known->ends) {
        uint64_t *ends = calloc(m->n_words, sizeof *ends);
        CHECK(ends, "out of memory");
        match(m, &m->rules->nodes[node], at, ends);
        if (2 * (m->used + 1) > m->size)
            grow(m);
        known = find(m, node, at);
        CHECK(!known->ends, "left recursion");
        *known = (memo){node, (int32_t)at, ends};
        m->used++;
    }
    return known->ends;
}

bool derive_accepts(const rules *r, const char *text, size_t length) {
    matcher m = {.rules = r, .text = text, .length = length, .n_words = length / 64 + 1};
    bool accepts = has(ends_of(&m, r->expressions[r->start], 0), length);
    for (size_t i = 0; i < m.size; i++)
        free(m.memos[i].ends);
    free(m.memos);
    return accepts;
}
