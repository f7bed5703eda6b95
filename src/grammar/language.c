// From expressions to deterministic automata: a nondeterministic one first, then sets of its
// states.
#include "grammar/language.h"

#include <stdlib.h>
#include <string.h>

#include "grammar/array.h"
#include "grammar/expressions.h"

enum { MOST_EDGES = 1 << 18, MOST_MEMBERS = 1 << 22 };

// An edge of the nondeterministic automaton; low > high: it takes no byte.
typedef struct edge {
    int32_t to, following; // the next edge of the same state, or -1
    uint8_t low, high;
} edge;

typedef struct reading {
    const rules *rules;
    int32_t *first; // [n_states]: its first edge, or -1
    size_t n_states, state_capacity;
    edge *edges;
    size_t n_edges, edge_capacity;
    // Sets of states, closed over edges without a byte, sorted: members[start[i] .. start[i + 1]).
    int32_t *members;
    size_t n_members, member_capacity;
    size_t *start; // [n_sets + 1]
    size_t n_sets, set_capacity;
    int32_t *slots; // sets by hash, plus 1
    size_t n_slots;
    uint32_t *seen; // [n_states]: in which round a state was last put into a set
    uint32_t round;
    size_t work;
    gptoss_status status;
} reading;

static bool fail(reading *in, gptoss_status status) {
    in->status = in->status ? in->status : status;
    return false;
}

// ---- the nondeterministic automaton ----------------------------------------------------------

static int32_t add_state(reading *in) {
    if (in->status || !ARRAY_RESERVE(in->first, in->state_capacity, in->n_states + 1)) {
        fail(in, GPTOSS_NO_MEMORY);
        return 0;
    }
    in->first[in->n_states] = -1;
    return (int32_t)in->n_states++;
}

static void add_edge(reading *in, int32_t from, uint8_t low, uint8_t high, int32_t to) {
    if (in->status) {
        return;
    }
    if (in->n_edges >= MOST_EDGES) {
        fail(in, GPTOSS_UNSUPPORTED);
    } else if (!ARRAY_RESERVE(in->edges, in->edge_capacity, in->n_edges + 1)) {
        fail(in, GPTOSS_NO_MEMORY);
    } else {
        in->edges[in->n_edges] = (edge){to, in->first[from], low, high};
        in->first[from] = (int32_t)in->n_edges++;
    }
}

static void add_step(reading *in, int32_t from, int32_t to) {
    add_edge(in, from, 1, 0, to);
}

static int32_t build(reading *in, int32_t expression, int32_t from, int depth);

static int32_t build_repeat(reading *in, const rules_node *node, int32_t from, int depth) {
    for (int32_t i = 0; i < node->count && !in->status; i++) {
        from = build(in, node->first, from, depth);
    }
    int32_t end = add_state(in);
    if (node->most == RULES_UNBOUNDED) {
        int32_t again = add_state(in);
        add_step(in, from, again);
        add_step(in, build(in, node->first, again, depth), again);
        add_step(in, again, end);
        return end;
    }
    for (int32_t i = node->count; i < node->most && !in->status; i++) {
        add_step(in, from, end);
        from = build(in, node->first, from, depth);
    }
    add_step(in, from, end);
    return end;
}

// Adds an expression behind a state; returns the state after it. Into `from` no edge leads back.
static int32_t build(reading *in, int32_t expression, int32_t from, int depth) {
    if (in->status || depth > 2 * RULES_MAX_DEPTH) {
        fail(in, GPTOSS_UNSUPPORTED);
        return from;
    }
    const rules_node *node = &in->rules->nodes[expression];
    int32_t to = from;
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
        for (int32_t i = 0; i < node->count; i++, from = to) {
            uint8_t byte = (uint8_t)in->rules->text.data[node->first + i];
            to = add_state(in);
            add_edge(in, from, byte, byte, to);
        }
        return to;
    case RULES_BYTE:
        to = add_state(in);
        add_edge(in, from, node->low, node->high, to);
        return to;
    case RULES_REFERENCE:
        return build(in, in->rules->expressions[node->first], from, depth + 1);
    case RULES_SEQUENCE:
        for (int32_t i = 0; i < node->count; i++) {
            to = build(in, in->rules->parts[node->first + i], to, depth + 1);
        }
        return to;
    case RULES_CHOICE:
        to = add_state(in);
        for (int32_t i = 0; i < node->count; i++) {
            int32_t way = add_state(in);
            add_step(in, from, way);
            add_step(in, build(in, in->rules->parts[node->first + i], way, depth + 1), to);
        }
        return to;
    case RULES_REPEAT:
        return build_repeat(in, node, from, depth + 1);
    }
    return to;
}

// ---- sets of states --------------------------------------------------------------------------

static int compare_states(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void put(reading *in, int32_t state) {
    if (in->status || in->seen[state] == in->round) {
        return;
    }
    in->seen[state] = in->round;
    if (in->n_members >= MOST_MEMBERS) {
        fail(in, GPTOSS_UNSUPPORTED);
    } else if (!ARRAY_RESERVE(in->members, in->member_capacity, in->n_members + 1)) {
        fail(in, GPTOSS_NO_MEMORY);
    } else {
        in->members[in->n_members++] = state;
    }
}

static bool grow_slots(reading *in) {
    if (2 * (in->n_sets + 1) <= in->n_slots) {
        return true;
    }
    size_t n = in->n_slots ? 2 * in->n_slots : 256;
    int32_t *slots = base_alloc_zero(n, sizeof *slots);
    if (!slots) {
        return fail(in, GPTOSS_NO_MEMORY);
    }
    base_free(in->slots);
    in->slots = slots;
    in->n_slots = n;
    return true;
}

static size_t hash_members(const reading *in, size_t start, size_t end) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = start; i < end; i++) {
        hash = (hash ^ (uint32_t)in->members[i]) * 0x100000001b3;
        hash ^= hash >> 31;
    }
    return (size_t)hash & (in->n_slots - 1);
}

static int32_t *find_slot(reading *in, size_t start, size_t end) {
    size_t at = hash_members(in, start, end);
    for (; in->slots[at]; at = (at + 1) & (in->n_slots - 1)) {
        size_t set = (size_t)in->slots[at] - 1, other = in->start[set];
        if (in->start[set + 1] - other == end - start &&
            !memcmp(in->members + other, in->members + start, (end - start) * sizeof(int32_t))) {
            break;
        }
    }
    return &in->slots[at];
}

// Closes and names the set that was put behind the last one; an empty one is nowhere.
static int32_t close_set(reading *in) {
    size_t start = in->start[in->n_sets];
    for (size_t i = start; i < in->n_members && !in->status; i++) {
        for (int32_t e = in->first[in->members[i]]; e >= 0; e = in->edges[e].following) {
            if (in->edges[e].low > in->edges[e].high) {
                put(in, in->edges[e].to);
            }
            in->work++;
        }
    }
    size_t end = in->n_members, old = in->n_slots;
    if (in->status || start == end || !grow_slots(in)) {
        return LANGUAGE_NOWHERE;
    }
    for (size_t i = 0; old != in->n_slots && i < in->n_sets; i++) {
        *find_slot(in, in->start[i], in->start[i + 1]) = (int32_t)i + 1;
    }
    qsort(in->members + start, end - start, sizeof *in->members, compare_states);
    int32_t *slot = find_slot(in, start, end);
    if (*slot) {
        in->n_members = start;
        return *slot - 1;
    }
    if (in->n_sets >= LANGUAGE_MAX_STATES) {
        fail(in, GPTOSS_UNSUPPORTED);
        return LANGUAGE_NOWHERE;
    }
    if (!ARRAY_RESERVE(in->start, in->set_capacity, in->n_sets + 2)) {
        fail(in, GPTOSS_NO_MEMORY);
        return LANGUAGE_NOWHERE;
    }
    in->start[++in->n_sets] = end;
    *slot = (int32_t)in->n_sets;
    return (int32_t)in->n_sets - 1;
}

static int32_t step(reading *in, int32_t set, uint8_t byte) {
    in->round++;
    for (size_t i = in->start[set]; i < in->start[set + 1]; i++) {
        for (int32_t e = in->first[in->members[i]]; e >= 0; e = in->edges[e].following) {
            if (in->edges[e].low <= byte && byte <= in->edges[e].high) {
                put(in, in->edges[e].to);
            }
            in->work++;
        }
    }
    if (in->work > LANGUAGE_MAX_WORK) {
        fail(in, GPTOSS_UNSUPPORTED);
    }
    return close_set(in);
}

// ---- the deterministic automaton -------------------------------------------------------------

// Cuts the bytes where an edge begins or ends.
static void find_classes(const reading *in, language *out) {
    bool begins[257] = {true};
    for (size_t i = 0; i < in->n_edges; i++) {
        if (in->edges[i].low <= in->edges[i].high) {
            begins[in->edges[i].low] = begins[in->edges[i].high + 1] = true;
        }
    }
    for (int byte = 0; byte < 256; byte++) {
        out->n_classes += begins[byte];
        out->class_of[byte] = (uint8_t)(out->n_classes - 1);
    }
}

static bool determine(reading *in, int32_t end, language *out) {
    uint8_t sample[256];
    for (int byte = 255; byte >= 0; byte--) {
        sample[out->class_of[byte]] = (uint8_t)byte;
    }
    in->round++;
    put(in, 0);
    close_set(in);
    for (size_t set = 0; set < in->n_sets && !in->status; set++) {
        bool ends = false;
        for (size_t i = in->start[set]; i < in->start[set + 1]; i++) {
            ends = ends || in->members[i] == end;
        }
        if (!language_add(out, ends)) {
            return fail(in, GPTOSS_NO_MEMORY);
        }
        for (int class = 0; class < out->n_classes && !in->status; class ++) {
            out->next[set * (size_t)out->n_classes + (size_t)class] =
                step(in, (int32_t)set, sample[class]);
        }
    }
    return !in->status;
}

static void release(reading *in) {
    base_free(in->first);
    base_free(in->edges);
    base_free(in->members);
    base_free(in->start);
    base_free(in->slots);
    base_free(in->seen);
}

gptoss_status language_fail(gptoss_status status, gptoss_error *error) {
    return status == GPTOSS_NO_MEMORY
               ? base_fail(error, status, "out of memory while reading a grammar")
               : base_fail(error, status, "needs an automaton that is too large");
}

gptoss_status language_read(const rules *from, int32_t expression, language **language_out,
                            gptoss_error *error) {
    reading in = {.rules = from};
    language *out = base_alloc_zero(1, sizeof *out);
    *language_out = NULL;
    int32_t end = build(&in, expression, add_state(&in), 0);
    in.seen = base_alloc_zero(in.n_states, sizeof *in.seen);
    if (!out || !in.seen || !ARRAY_RESERVE(in.start, in.set_capacity, 2)) {
        fail(&in, GPTOSS_NO_MEMORY);
    }
    if (!in.status) {
        in.start[0] = 0;
        find_classes(&in, out);
        if (determine(&in, end, out) && !language_prune(out)) {
            fail(&in, GPTOSS_NO_MEMORY);
        }
    }
    release(&in);
    if (in.status) {
        language_free(out);
        return language_fail(in.status, error);
    }
    *language_out = out;
    return GPTOSS_OK;
}
