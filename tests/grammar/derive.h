// derive.h: texts of rules, made at random, and whether a text is one: both straight from the
// expressions, for rules without left recursion.
#ifndef TESTS_GRAMMAR_DERIVE_H
#define TESTS_GRAMMAR_DERIVE_H

#include "grammar/rules.h"

// Appends a random text that the rules describe; false: there is none.
bool derive_text(const rules *rules, uint64_t *seed, base_buffer *text);

// The text is one that the rules describe.
bool derive_accepts(const rules *rules, const char *text, size_t length);

#endif
