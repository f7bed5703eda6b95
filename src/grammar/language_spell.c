// A deterministic automaton as rules.
//
// Most states have one state before them: their expressions stand inside of that one's. The others
// (heads) become rules; texts that come back to a head within its own expression are a repetition,
// so that `[a-z]*` is one and reads without any depth.
#include "grammar/language.h"

#include <stdio.h>
#include <string.h>

enum { NOTHING = -2, MOST_DEPTH = 100 }; // of states inside of each other

typedef struct spelling {
    const language *from;
    rules *to;
    int32_t *rules; // [n_states]: a head's rule, 0 for none yet, else plus 1
    bool *heads;    // [n_states]
    int32_t *queue; // heads whose rules are to be written
    size_t n_queue;
} spelling;

// A state counts as met from one other state, or as a head.
static void find_heads(spelling *s, int32_t *met_from) {
    const language *l = s->from;
    for (int32_t i = 0; i < l->n_states; i++) {
        met_from[i] = LANGUAGE_NOWHERE;
    }
    for (int32_t i = 0; i < l->n_states; i++) {
        for (int class = 0; class < l->n_classes; class ++) {
            int32_t to = l->next[i * l->n_classes + class];
            if (to >= 0) {
                s->heads[to] = s->heads[to] || to == i || (met_from[to] >= 0 && met_from[to] != i);
                met_from[to] = i;
            }
        }
    }
    s->heads[0] = true;
}

static int32_t reference(spelling *s, int32_t head) {
    if (!s->rules[head]) {
        int32_t rule = rules_declare(s->to);
        if (rule == RULES_NONE) {
            return RULES_NONE;
        }
        s->rules[head] = 1 + rule;
        s->queue[s->n_queue++] = head;
    }
    return rules_reference(s->to, s->rules[head] - 1);
}

// ---- bytes -----------------------------------------------------------------------------------

static bool is_escaped(int byte) {
    return byte < 0x20 || byte == '"' || byte == '\\';
}

size_t language_escape(uint8_t byte, char out[LANGUAGE_ESCAPE_BYTES]) {
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = byte ? strchr(plain, byte) : NULL;
    int n = at                 ? snprintf(out, LANGUAGE_ESCAPE_BYTES, "\\%c", letters[at - plain])
            : is_escaped(byte) ? snprintf(out, LANGUAGE_ESCAPE_BYTES, "\\u%04x", byte)
                               : snprintf(out, LANGUAGE_ESCAPE_BYTES, "%c", byte);
    return (size_t)n;
}

static int32_t escape(rules *to, int byte) {
    char text[LANGUAGE_ESCAPE_BYTES];
    return rules_text(to, text, language_escape((uint8_t)byte, text));
}

// The bytes that lead from a state to another.
static int32_t spell_bytes(const spelling *s, int32_t from, int32_t target) {
    const language *l = s->from;
    int32_t ways[256];
    size_t n = 0;
    for (int byte = 0; byte < 256; byte++) {
        if (l->next[from * l->n_classes + l->class_of[byte]] != target) {
            continue;
        }
        int last = byte;
        while (!is_escaped(byte) && last < 255 && !is_escaped(last + 1) &&
               l->next[from * l->n_classes + l->class_of[last + 1]] == target) {
            last++;
        }
        ways[n++] = is_escaped(byte) ? escape(s->to, byte)
                                     : rules_bytes(s->to, (uint8_t)byte, (uint8_t)last);
        byte = last;
    }
    return rules_choice(s->to, ways, n);
}

// ---- states ----------------------------------------------------------------------------------

// What comes after a state up to the next head: back to its own (again), or any other way.
static int32_t spell_state(spelling *s, int32_t state, int32_t own, bool again, int depth) {
    const language *l = s->from;
    int32_t ways[257];
    size_t n = 0;
    if (!again && l->ends[state]) {
        ways[n++] = rules_text(s->to, "", 0);
    }
    for (int class = 0; class < l->n_classes; class ++) {
        int32_t target = l->next[state * l->n_classes + class];
        bool known = target < 0;
        for (int k = 0; k < class && !known; k++) { // bytes to the same state are one way
            known = l->next[state * l->n_classes + k] == target;
        }
        if (known) {
            continue;
        }
        if (depth >= MOST_DEPTH) {
            s->heads[target] = true;
        }
        int32_t after = NOTHING;
        if (target == own) {
            after = again ? rules_text(s->to, "", 0) : NOTHING;
        } else if (s->heads[target]) {
            after = again ? NOTHING : reference(s, target);
        } else {
            after = spell_state(s, target, own, again, depth + 1);
        }
        if (after != NOTHING) {
            int32_t parts[] = {spell_bytes(s, state, target), after};
            ways[n++] = rules_sequence(s->to, parts, 2);
        }
    }
    return n ? rules_choice(s->to, ways, n) : NOTHING;
}

static int32_t spell_head(spelling *s, int32_t head) {
    int32_t again = spell_state(s, head, head, true, 0);
    int32_t away = spell_state(s, head, head, false, 0);
    if (away == NOTHING) { // can't be: every state leads to an end
        away = rules_choice(s->to, NULL, 0);
    }
    if (again == NOTHING) {
        return away;
    }
    int32_t parts[] = {rules_repeat(s->to, again, 0, RULES_UNBOUNDED), away};
    return rules_sequence(s->to, parts, 2);
}

int32_t language_spell(const language *l, rules *to, gptoss_error *error) {
    size_t states = (size_t)l->n_states;
    if (!states) {
        return rules_choice(to, NULL, 0);
    }
    spelling s = {.from = l, .to = to};
    s.rules = base_alloc_zero(states, sizeof *s.rules);
    s.heads = base_alloc_zero(states, sizeof *s.heads);
    s.queue = base_alloc(states, sizeof *s.queue);
    int32_t *met_from = base_alloc(states, sizeof *met_from);
    int32_t start = RULES_NONE;
    if (s.rules && s.heads && s.queue && met_from) {
        find_heads(&s, met_from);
        start = reference(&s, 0);
        for (size_t i = 0; i < s.n_queue && start != RULES_NONE; i++) {
            int32_t head = s.queue[i];
            rules_define(to, s.rules[head] - 1, spell_head(&s, head));
        }
    } else {
        base_fail_memory(error, states);
    }
    base_free(s.rules);
    base_free(s.heads);
    base_free(s.queue);
    base_free(met_from);
    return start;
}
