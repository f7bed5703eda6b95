// Which expressions become frames: rules that contain themselves other than at their end, and what
// would be too large written out.
//
// Rules are visited depth first. A reference to a rule that is still being visited closes a cycle,
// and every cycle is closed by one: if these rules are frames, nothing recurs when all others are
// written out. When a rule is left, all it refers to has a size, and so it has.
#include <string.h>

#include "grammar/array.h"
#include "grammar/expressions.h"
#include "grammar/program.h"

typedef struct reference {
    int32_t rule;
    bool at_end; // nothing follows it in its rule
} reference;

typedef struct visit {
    int32_t rule;
    size_t first, next, end; // of its references in `found`
} visit;

typedef struct chooser {
    const rules *rules;
    bool *frame;    // [n_nodes]
    uint32_t *size; // [n_nodes] ops when written out; 0: not known yet
    uint32_t
        *seen[2];     // [n_nodes] the last rule + 1 whose references were collected here, by at_end
    uint8_t *state;   // [n_rules] 0: new, 1: being visited, 2: done
    reference *found; // a stack, as visits are
    size_t n_found, found_capacity;
    visit *visits;
    size_t n_visits, visit_capacity;
} chooser;

// Appends the references in an expression; false when memory is short. Recursion ends with the
// depth of expressions (RULES_MAX_DEPTH).
static bool collect(chooser *c, int32_t node_index, uint32_t stamp, bool at_end) {
    const rules *r = c->rules;
    const rules_node *node = &r->nodes[node_index];
    if (c->seen[at_end][node_index] == stamp)
        return true;
    c->seen[at_end][node_index] = stamp;
    switch ((rules_kind)node->kind) {
    case RULES_REFERENCE:
        if (!ARRAY_RESERVE(c->found, c->found_capacity, c->n_found + 1))
            return false;
        c->found[c->n_found++] = (reference){node->first, at_end};
        return true;
    case RULES_SEQUENCE:
    case RULES_CHOICE:
        for (int32_t i = 0; i < node->count; i++) {
            bool last = node->kind == RULES_CHOICE || i + 1 == node->count;
            if (!collect(c, r->parts[node->first + i], stamp, at_end && last))
                return false;
        }
        return true;
    case RULES_REPEAT:
        return collect(c, node->first, stamp, at_end && node->most == 1);
    default:
        return true;
    }
}

static bool enter(chooser *c, int32_t rule) {
    c->state[rule] = 1;
    size_t first = c->n_found;
    if (!collect(c, c->rules->expressions[rule], (uint32_t)rule + 1, true) ||
        !ARRAY_RESERVE(c->visits, c->visit_capacity, c->n_visits + 1))
        return false;
    c->visits[c->n_visits++] = (visit){rule, first, first, c->n_found};
    return true;
}

static uint32_t add_sizes(uint64_t a, uint64_t b) {
    return a + b > UINT32_MAX ? UINT32_MAX : (uint32_t)(a + b);
}

static uint32_t measure(chooser *c, int32_t node_index);

// A repetition's copies; what is repeated becomes a frame if they are too many ops.
static uint32_t measure_repeat(chooser *c, const rules_node *node) {
    uint64_t copies = (uint64_t)(node->most == RULES_UNBOUNDED ? node->count + 1 : node->most);
    uint64_t each = measure(c, node->first) + 1u;
    if (copies * each > PROGRAM_WRITE_OUT && copies > 1) {
        c->frame[node->first] = true;
        each = 2;
    }
    return add_sizes(copies * each, 1);
}

static uint32_t measure_new(chooser *c, const rules_node *node) {
    const rules *r = c->rules;
    uint32_t size = 1;
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
        return add_sizes(1, (uint64_t)node->count);
    case RULES_BYTE:
        return 1;
    case RULES_REFERENCE:
        // A rule still being visited is a frame, or jumped to.
        return c->state[node->first] == 2 ? measure(c, r->expressions[node->first]) : 1;
    case RULES_SEQUENCE:
    case RULES_CHOICE:
        for (int32_t i = 0; i < node->count; i++)
            size = add_sizes(size, measure(c, r->parts[node->first + i]) + (uint64_t)1);
        return size;
    case RULES_REPEAT:
        return measure_repeat(c, node);
    }
    return size;
}

static uint32_t measure(chooser *c, int32_t node_index) {
    if (c->frame[node_index])
        return 1;
    if (!c->size[node_index]) {
        c->size[node_index] = measure_new(c, &c->rules->nodes[node_index]);
        // Used once, it costs as much here as as a frame; used often, it must be one.
        if (c->size[node_index] > PROGRAM_WRITE_OUT)
            c->frame[node_index] = true;
    }
    return c->frame[node_index] ? 1 : c->size[node_index];
}

static bool choose(chooser *c) {
    if (!enter(c, c->rules->start))
        return false;
    while (c->n_visits) {
        visit *top = &c->visits[c->n_visits - 1];
        if (top->next == top->end) {
            measure(c, c->rules->expressions[top->rule]);
            c->state[top->rule] = 2;
            c->n_found = top->first;
            c->n_visits--;
            continue;
        }
        reference to = c->found[top->next++];
        if (c->state[to.rule] == 1 && !(to.rule == top->rule && to.at_end))
            c->frame[c->rules->expressions[to.rule]] = true;
        else if (c->state[to.rule] == 0 && !enter(c, to.rule))
            return false;
    }
    return true;
}

gptoss_status program_choose_frames(const rules *r, bool *frame, gptoss_error *error) {
    chooser c = {.rules = r, .frame = frame};
    c.size = base_alloc_zero(r->n_nodes, sizeof *c.size);
    c.seen[0] = base_alloc_zero(r->n_nodes, sizeof *c.seen[0]);
    c.seen[1] = base_alloc_zero(r->n_nodes, sizeof *c.seen[1]);
    c.state = base_alloc_zero(r->n_rules, 1);
    bool done = c.size && c.seen[0] && c.seen[1] && c.state && choose(&c);
    base_free(c.size);
    base_free(c.seen[0]);
    base_free(c.seen[1]);
    base_free(c.state);
    base_free(c.found);
    base_free(c.visits);
    return done ? GPTOSS_OK : base_fail_memory(error, r->n_nodes * sizeof(uint32_t));
}
