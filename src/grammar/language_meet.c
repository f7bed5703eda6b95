// Two deterministic automata side by side; what is left of one without its dead ends.
#include "grammar/language.h"

#include <string.h>

#include "grammar/array.h"

void language_free(language *l) {
    if (l) {
        base_free(l->next);
        base_free(l->ends);
        base_free(l);
    }
}

bool language_add(language *l, bool ends) {
    size_t states = (size_t)l->n_states + 1;
    if (!ARRAY_RESERVE(l->next, l->next_capacity, states * (size_t)l->n_classes) ||
        !ARRAY_RESERVE(l->ends, l->ends_capacity, states)) {
        return false;
    }
    for (int i = 0; i < l->n_classes; i++) {
        l->next[(states - 1) * (size_t)l->n_classes + (size_t)i] = LANGUAGE_NOWHERE;
    }
    l->ends[l->n_states++] = ends;
    return true;
}

bool language_has(const language *l, const char *text, size_t length) {
    int32_t state = l->n_states ? 0 : LANGUAGE_NOWHERE;
    for (size_t i = 0; i < length && state != LANGUAGE_NOWHERE; i++) {
        state = l->next[state * l->n_classes + l->class_of[(uint8_t)text[i]]];
    }
    return state != LANGUAGE_NOWHERE && l->ends[state];
}

// ---- dead ends -------------------------------------------------------------------------------

// Marks the states from which a text ends: backwards, along edges sorted by where they lead.
static bool find_alive(const language *l, bool *alive) {
    size_t n = (size_t)l->n_states, n_edges = n * (size_t)l->n_classes, n_queue = 0;
    int32_t *from = base_alloc(n_edges, sizeof *from), *queue = base_alloc(n, sizeof *queue);
    size_t *start = base_alloc_zero(n + 2, sizeof *start);
    bool well = from && queue && start;
    for (size_t i = 0; well && i < n_edges; i++) {
        start[l->next[i] >= 0 ? l->next[i] + 2 : 0]++;
    }
    for (size_t i = 2; well && i < n + 2; i++) {
        start[i] += i > 2 ? start[i - 1] : 0;
    }
    if (well) {
        start[0] = start[1] = 0;
    }
    for (size_t i = 0; well && i < n_edges; i++) {
        if (l->next[i] >= 0) {
            from[start[l->next[i] + 1]++] = (int32_t)(i / (size_t)l->n_classes);
        }
    }
    for (size_t i = 0; well && i < n; i++) {
        alive[i] = l->ends[i];
        if (alive[i]) {
            queue[n_queue++] = (int32_t)i;
        }
    }
    for (size_t at = 0; well && at < n_queue; at++) {
        for (size_t i = start[queue[at]]; i < start[queue[at] + 1]; i++) {
            if (!alive[from[i]]) {
                alive[from[i]] = true;
                queue[n_queue++] = from[i];
            }
        }
    }
    base_free(from);
    base_free(queue);
    base_free(start);
    return well;
}

bool language_prune(language *l) {
    size_t n = (size_t)l->n_states, classes = (size_t)l->n_classes;
    bool *alive = base_alloc_zero(n, sizeof *alive);
    int32_t *number = base_alloc(n, sizeof *number);
    bool well = alive && number && find_alive(l, alive);
    int32_t kept = 0;
    for (size_t i = 0; well && i < n; i++) {
        number[i] = alive[i] ? kept++ : LANGUAGE_NOWHERE;
    }
    for (size_t i = 0; well && i < n; i++) {
        for (size_t k = 0; alive[i] && k < classes; k++) {
            int32_t to = l->next[i * classes + k];
            l->next[(size_t)number[i] * classes + k] = to < 0 ? to : number[to];
        }
        if (alive[i]) {
            l->ends[number[i]] = l->ends[i];
        }
    }
    if (well) {
        l->n_states = n && alive[0] ? kept : 0;
    }
    base_free(alive);
    base_free(number);
    return well;
}

// ---- both ------------------------------------------------------------------------------------

typedef struct meeting {
    const language *a, *b;
    language *out;
    int32_t *pairs; // [n_states of out][2]; of b: LANGUAGE_NOWHERE once a text left it
    size_t pair_capacity;
    int32_t *slots;               // pairs by hash, plus 1
    uint8_t of_a[256], of_b[256]; // a class of out as classes of a and b
    bool without;
} meeting;

enum { SLOTS = 4 * LANGUAGE_MAX_STATES };

static void find_classes(meeting *m) {
    language *out = m->out;
    for (int byte = 0; byte < 256; byte++) {
        int class = 0;
        while (class < out->n_classes &&
               (m->of_a[class] != m->a->class_of[byte] || m->of_b[class] != m->b->class_of[byte])) {
            class ++;
        }
        if (class == out->n_classes) {
            m->of_a[class] = m->a->class_of[byte];
            m->of_b[class] = m->b->class_of[byte];
            out->n_classes++;
        }
        out->class_of[byte] = (uint8_t)class;
    }
}

// The state of a pair, new or known.
static gptoss_status find(meeting *m, int32_t a, int32_t b, int32_t *state_out) {
    *state_out = LANGUAGE_NOWHERE;
    if (a == LANGUAGE_NOWHERE || (b == LANGUAGE_NOWHERE && !m->without)) {
        return GPTOSS_OK;
    }
    size_t at = ((uint32_t)a * 0x9e3779b1u ^ (uint32_t)b * 0x85ebca77u) % SLOTS;
    for (; m->slots[at]; at = (at + 1) % SLOTS) {
        const int32_t *pair = &m->pairs[2 * (m->slots[at] - 1)];
        if (pair[0] == a && pair[1] == b) {
            *state_out = m->slots[at] - 1;
            return GPTOSS_OK;
        }
    }
    size_t n = (size_t)m->out->n_states;
    if (n >= LANGUAGE_MAX_STATES) {
        return GPTOSS_UNSUPPORTED;
    }
    bool in_b = b != LANGUAGE_NOWHERE && m->b->ends[b];
    if (!ARRAY_RESERVE(m->pairs, m->pair_capacity, 2 * (n + 1)) ||
        !language_add(m->out, m->a->ends[a] && in_b != m->without)) {
        return GPTOSS_NO_MEMORY;
    }
    m->pairs[2 * n] = a;
    m->pairs[2 * n + 1] = b;
    m->slots[at] = (int32_t)n + 1;
    *state_out = (int32_t)n;
    return GPTOSS_OK;
}

static gptoss_status follow(meeting *m) {
    language *out = m->out;
    int32_t state;
    gptoss_status status = GPTOSS_OK;
    if (m->a->n_states) {
        status = find(m, 0, m->b->n_states ? 0 : LANGUAGE_NOWHERE, &state);
    }
    for (int32_t i = 0; i < out->n_states && !status; i++) {
        for (int class = 0; class < out->n_classes && !status; class ++) {
            int32_t a = m->pairs[2 * i], b = m->pairs[2 * i + 1];
            a = m->a->next[a * m->a->n_classes + m->of_a[class]];
            b = b < 0 ? b : m->b->next[b * m->b->n_classes + m->of_b[class]];
            status = find(m, a, b, &state);
            out->next[i * out->n_classes + class] = state;
        }
    }
    return status;
}

gptoss_status language_meet(const language *a, const language *b, bool without,
                            language **language_out, gptoss_error *error) {
    meeting m = {.a = a, .b = b, .without = without};
    *language_out = NULL;
    m.out = base_alloc_zero(1, sizeof *m.out);
    m.slots = base_alloc_zero(SLOTS, sizeof *m.slots);
    gptoss_status status = GPTOSS_NO_MEMORY;
    if (m.out && m.slots) {
        find_classes(&m);
        status = follow(&m);
    }
    if (!status && !language_prune(m.out)) {
        status = GPTOSS_NO_MEMORY;
    }
    base_free(m.slots);
    base_free(m.pairs);
    if (status) {
        language_free(m.out);
        return language_fail(status, error);
    }
    *language_out = m.out;
    return GPTOSS_OK;
}
