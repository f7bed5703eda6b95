// expressions.h: how rules are kept, for what turns them into an automaton and for tests.
//
// Expressions are nodes of one array; a node is built after its parts, so that numbers of parts are
// smaller than the node's own and no expression contains itself. Recursion is through rules only.
#ifndef GRAMMAR_EXPRESSIONS_H
#define GRAMMAR_EXPRESSIONS_H

#include "grammar/rules.h"

enum { RULES_MAX_DEPTH = 1000 }; // of expressions in expressions: walks are recursive

typedef enum rules_kind {
    RULES_TEXT,      // bytes: text[first .. first + count)
    RULES_BYTE,      // one byte, low .. high
    RULES_REFERENCE, // the rule `first`
    RULES_SEQUENCE,  // parts[first .. first + count)
    RULES_CHOICE,    // one of parts[first .. first + count)
    RULES_REPEAT,    // the expression `first`, `count` to `most` times
} rules_kind;

typedef struct rules_node {
    uint8_t kind, low, high;
    uint16_t depth; // of expressions below, itself counted
    int32_t first, count, most;
} rules_node;

struct rules {
    rules_node *nodes; // [n_nodes]
    size_t n_nodes, node_capacity;
    int32_t *parts; // [n_parts]
    size_t n_parts, part_capacity;
    base_buffer text;
    int32_t *expressions; // [n_rules], RULES_NONE while a rule is only declared
    size_t n_rules, rule_capacity;
    int32_t start;
    gptoss_status status; // the first failure
    const char *why;
};

// Sorts and joins ranges in place, those past the last code point cut; returns how many are left.
size_t rules_join_ranges(rules_range *ranges, size_t n);
// Replaces joined ranges by what lies between them; there must be room for one more.
size_t rules_invert_ranges(rules_range *ranges, size_t n);

#endif
