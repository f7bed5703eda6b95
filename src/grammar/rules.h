// rules.h: a context-free grammar over bytes, as the readers of each form build it.
//
// A grammar is a list of rules; a rule is an expression; an expression is a number. Building never
// fails in between: once memory ran out or a limit was passed, everything returns RULES_NONE, and
// rules_status says why at the end. Characters are Unicode and become the bytes of their UTF-8.
#ifndef GRAMMAR_RULES_H
#define GRAMMAR_RULES_H

#include "base/base.h"

enum {
    RULES_NONE = -1,
    RULES_MAX_NODES = 1 << 20, // a hostile form meets this before it meets the end of memory
    RULES_UNBOUNDED = -1,
};

typedef struct rules rules;

typedef struct rules_range {
    uint32_t first, last; // code points, both included
} rules_range;

rules *rules_create(void); // NULL: no memory
void rules_free(rules *rules);

// A rule without an expression yet; may be referred to before it has one.
int32_t rules_declare(rules *rules);
void rules_define(rules *rules, int32_t rule, int32_t expression);
void rules_start(rules *rules, int32_t rule);

// Expressions.
int32_t rules_text(rules *rules, const char *bytes, size_t length); // length 0: the empty text
int32_t rules_class(rules *rules, const rules_range *ranges, size_t n_ranges, bool negated);
int32_t rules_bytes(rules *rules, uint8_t low, uint8_t high); // one byte, whatever it is part of
int32_t rules_reference(rules *rules, int32_t rule);
int32_t rules_sequence(rules *rules, const int32_t *parts, size_t n_parts);
int32_t rules_choice(rules *rules, const int32_t *ways, size_t n_ways); // 0 ways: nothing matches
// least .. most times; most may be RULES_UNBOUNDED.
int32_t rules_repeat(rules *rules, int32_t expression, int32_t least, int32_t most);

// GPTOSS_OK, GPTOSS_NO_MEMORY, GPTOSS_UNSUPPORTED (too large), or GPTOSS_BAD_INPUT (a rule that is
// referred to has no expression).
gptoss_status rules_status(const rules *rules, gptoss_error *error);

// The readers. Each appends rules and sets the start.
gptoss_status rules_read_schema(rules *rules, const char *json, size_t length, gptoss_error *error);
gptoss_status rules_read_regex(rules *rules, const char *regex, size_t length, gptoss_error *error);
gptoss_status rules_read_gbnf(rules *rules, const char *text, size_t length, gptoss_error *error);
gptoss_status rules_read_lark(rules *rules, const char *text, size_t length, gptoss_error *error);

// A regular expression as an expression, for schemas' "pattern" and Lark's terminals. anywhere: it
// may match within a longer text, as JSON schema has it (unless it begins with ^ or ends with $);
// in_json: the text is the inside of a JSON string, so that quotes and the like are escaped.
int32_t rules_regex(rules *rules, const char *regex, size_t length, bool anywhere, bool in_json,
                    gptoss_error *error);

#endif
