// Rules as they are built: nodes in one array, with limits.
#include "grammar/expressions.h"

#include <stdlib.h>
#include <string.h>

#include "grammar/array.h"

rules *rules_create(void) {
    rules *r = base_alloc_zero(1, sizeof *r);
    if (r)
        r->start = RULES_NONE;
    return r;
}

void rules_free(rules *r) {
    if (!r)
        return;
    base_free(r->nodes);
    base_free(r->parts);
    base_free(r->expressions);
    base_buffer_free(&r->text);
    base_free(r);
}

static int32_t fail(rules *r, gptoss_status status, const char *why) {
    if (!r->status) {
        r->status = status;
        r->why = why;
    }
    return RULES_NONE;
}

static int32_t fail_memory(rules *r) {
    return fail(r, GPTOSS_NO_MEMORY, "out of memory while reading a grammar");
}

static int32_t add_node(rules *r, rules_node node) {
    if (r->status)
        return RULES_NONE;
    if (r->n_nodes >= RULES_MAX_NODES)
        return fail(r, GPTOSS_UNSUPPORTED, "the grammar is too large");
    if (node.depth > RULES_MAX_DEPTH)
        return fail(r, GPTOSS_UNSUPPORTED, "the grammar is nested too deeply");
    if (!ARRAY_RESERVE(r->nodes, r->node_capacity, r->n_nodes + 1))
        return fail_memory(r);
    r->nodes[r->n_nodes] = node;
    return (int32_t)r->n_nodes++;
}

// ---- rules ----------------------------------------------------------------------------------

int32_t rules_declare(rules *r) {
    if (r->status)
        return RULES_NONE;
    if (r->n_rules >= RULES_MAX_NODES)
        return fail(r, GPTOSS_UNSUPPORTED, "the grammar has too many rules");
    if (!ARRAY_RESERVE(r->expressions, r->rule_capacity, r->n_rules + 1))
        return fail_memory(r);
    r->expressions[r->n_rules] = RULES_NONE;
    return (int32_t)r->n_rules++;
}

static bool is_rule(const rules *r, int32_t rule) {
    return rule >= 0 && (size_t)rule < r->n_rules;
}

static bool is_node(const rules *r, int32_t node) {
    return node >= 0 && (size_t)node < r->n_nodes;
}

void rules_define(rules *r, int32_t rule, int32_t expression) {
    if (!r->status && (!is_rule(r, rule) || !is_node(r, expression)))
        fail(r, GPTOSS_BAD_INPUT, "a rule has no expression");
    if (!r->status)
        r->expressions[rule] = expression;
}

void rules_start(rules *r, int32_t rule) {
    if (!r->status && !is_rule(r, rule))
        fail(r, GPTOSS_BAD_INPUT, "the first rule is missing");
    if (!r->status)
        r->start = rule;
}

gptoss_status rules_status(const rules *r, gptoss_error *error) {
    if (r->status)
        return base_fail(error, r->status, "%s", r->why);
    if (r->start == RULES_NONE)
        return base_fail(error, GPTOSS_BAD_INPUT, "the first rule is missing");
    if (r->expressions[r->start] == RULES_NONE)
        return base_fail(error, GPTOSS_BAD_INPUT, "the first rule has no expression");
    for (size_t i = 0; i < r->n_nodes; i++) {
        const rules_node *node = &r->nodes[i];
        if (node->kind == RULES_REFERENCE && r->expressions[node->first] == RULES_NONE)
            return base_fail(error, GPTOSS_BAD_INPUT, "rule %d is used but not defined",
                             node->first);
    }
    return GPTOSS_OK;
}

// ---- expressions ----------------------------------------------------------------------------

int32_t rules_text(rules *r, const char *bytes, size_t length) {
    if (r->status)
        return RULES_NONE;
    if (length > RULES_MAX_NODES || r->text.length + length > RULES_MAX_NODES)
        return fail(r, GPTOSS_UNSUPPORTED, "the grammar has too much text");
    size_t first = r->text.length;
    if (!base_buffer_append(&r->text, bytes, length))
        return fail_memory(r);
    return add_node(
        r, (rules_node){
               .kind = RULES_TEXT, .depth = 1, .first = (int32_t)first, .count = (int32_t)length});
}

int32_t rules_bytes(rules *r, uint8_t low, uint8_t high) {
    return add_node(r, (rules_node){.kind = RULES_BYTE, .low = low, .high = high, .depth = 1});
}

int32_t rules_reference(rules *r, int32_t rule) {
    if (!r->status && !is_rule(r, rule))
        fail(r, GPTOSS_BAD_INPUT, "a rule that does not exist is used");
    return add_node(r, (rules_node){.kind = RULES_REFERENCE, .depth = 1, .first = rule});
}

// A sequence or a choice.
static int32_t add_list(rules *r, rules_kind kind, const int32_t *parts, size_t count) {
    if (r->status)
        return RULES_NONE;
    if (count > RULES_MAX_NODES || r->n_parts + count > 4 * (size_t)RULES_MAX_NODES)
        return fail(r, GPTOSS_UNSUPPORTED, "the grammar is too large");
    if (!ARRAY_RESERVE(r->parts, r->part_capacity, r->n_parts + count))
        return fail_memory(r);
    int depth = 0;
    for (size_t i = 0; i < count; i++) {
        if (!is_node(r, parts[i]))
            return fail(r, GPTOSS_BAD_INPUT, "a part of an expression is missing");
        if (r->nodes[parts[i]].depth > depth)
            depth = r->nodes[parts[i]].depth;
        r->parts[r->n_parts + i] = parts[i];
    }
    int32_t first = (int32_t)r->n_parts;
    r->n_parts += count;
    return add_node(r, (rules_node){.kind = (uint8_t)kind,
                                    .depth = (uint16_t)(depth + 1),
                                    .first = first,
                                    .count = (int32_t)count});
}

int32_t rules_sequence(rules *r, const int32_t *parts, size_t n_parts) {
    if (n_parts == 1 && !r->status && is_node(r, parts[0]))
        return parts[0];
    return n_parts ? add_list(r, RULES_SEQUENCE, parts, n_parts) : rules_text(r, "", 0);
}

int32_t rules_choice(rules *r, const int32_t *ways, size_t n_ways) {
    if (n_ways == 1 && !r->status && is_node(r, ways[0]))
        return ways[0];
    return add_list(r, RULES_CHOICE, ways, n_ways);
}

int32_t rules_repeat(rules *r, int32_t expression, int32_t least, int32_t most) {
    if (r->status)
        return RULES_NONE;
    if (!is_node(r, expression))
        return fail(r, GPTOSS_BAD_INPUT, "what is repeated is missing");
    if (least < 0 || most < RULES_UNBOUNDED || (most != RULES_UNBOUNDED && most < least))
        return fail(r, GPTOSS_BAD_INPUT, "a repetition has impossible bounds");
    if (least > RULES_MAX_NODES || most > RULES_MAX_NODES)
        return fail(r, GPTOSS_UNSUPPORTED, "a repetition is too long");
    return add_node(r, (rules_node){.kind = RULES_REPEAT,
                                    .depth = (uint16_t)(r->nodes[expression].depth + 1),
                                    .first = expression,
                                    .count = least,
                                    .most = most});
}

// ---- classes --------------------------------------------------------------------------------

enum { LAST_CODE_POINT = 0x10ffff };

static int compare_ranges(const void *a, const void *b) {
    const rules_range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

size_t rules_join_ranges(rules_range *ranges, size_t n) {
    qsort(ranges, n, sizeof *ranges, compare_ranges);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        rules_range range = ranges[i];
        if (range.last > LAST_CODE_POINT)
            range.last = LAST_CODE_POINT;
        if (range.first > range.last)
            continue;
        if (kept && range.first <= ranges[kept - 1].last + 1) {
            if (range.last > ranges[kept - 1].last)
                ranges[kept - 1].last = range.last;
        } else {
            ranges[kept++] = range;
        }
    }
    return kept;
}

size_t rules_invert_ranges(rules_range *ranges, size_t n) {
    uint32_t next = 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        rules_range range = ranges[i];
        if (range.first > next)
            ranges[kept++] = (rules_range){next, range.first - 1};
        next = range.last + 1;
    }
    if (next <= LAST_CODE_POINT)
        ranges[kept++] = (rules_range){next, LAST_CODE_POINT};
    return kept;
}

static int encode(uint32_t c, uint8_t bytes[4]) {
    if (c < 0x80) {
        bytes[0] = (uint8_t)c;
        return 1;
    }
    int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, c >>= 6)
        bytes[i] = 0x80 | (c & 0x3f);
    bytes[0] = (uint8_t)(0xf0 << (4 - n)) | (uint8_t)c;
    return n;
}

typedef struct ways {
    int32_t *data;
    size_t count, capacity;
} ways;

// Code points whose encodings have one length and differ, from some byte on, in all ways: one
// sequence of byte ranges.
static void add_block(rules *r, ways *w, uint32_t first, uint32_t last) {
    uint8_t low[4], high[4];
    int32_t parts[4];
    int n = encode(first, low);
    encode(last, high);
    for (int i = 0; i < n; i++)
        parts[i] = rules_bytes(r, low[i], high[i]);
    int32_t sequence = rules_sequence(r, parts, (size_t)n);
    if (!ARRAY_RESERVE(w->data, w->capacity, w->count + 1))
        fail_memory(r);
    else
        w->data[w->count++] = sequence;
}

// Cuts a range where lengths change, around surrogates (which have no encoding), and where the
// last bytes don't run from 80 to bf.
static void add_range(rules *r, ways *w, uint32_t first, uint32_t last) {
    static const uint32_t ends[] = {0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff, LAST_CODE_POINT};
    while (first <= last && !r->status) {
        uint32_t end = last;
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            if (first <= ends[i] && ends[i] < end)
                end = ends[i];
        }
        for (int bits = 6; bits <= 18 && first >= 0x80; bits += 6) {
            uint32_t low = (1u << bits) - 1;
            if ((first & ~low) == (end & ~low))
                break;
            if (first & low)
                end = first | low;
            else if ((end & low) != low)
                end = (end & ~low) - 1;
        }
        if (first < 0xd800 || first > 0xdfff)
            add_block(r, w, first, end);
        first = end + 1;
    }
}

int32_t rules_class(rules *r, const rules_range *ranges, size_t n_ranges, bool negated) {
    if (r->status)
        return RULES_NONE;
    rules_range *own = base_alloc(n_ranges + 1, sizeof *own);
    if (!own)
        return fail_memory(r);
    if (n_ranges)
        memcpy(own, ranges, n_ranges * sizeof *own);
    size_t n = rules_join_ranges(own, n_ranges);
    if (negated)
        n = rules_invert_ranges(own, n);
    ways w = {0};
    for (size_t i = 0; i < n; i++)
        add_range(r, &w, own[i].first, own[i].last);
    int32_t class = rules_choice(r, w.data, w.count);
    base_free(w.data);
    base_free(own);
    return class;
}
