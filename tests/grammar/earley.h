// earley.h: what texts rules describe, found in the slow and obvious way (Earley's algorithm over
// the expressions themselves). The automaton is held against it.
#ifndef TESTS_GRAMMAR_EARLEY_H
#define TESTS_GRAMMAR_EARLEY_H

#include "grammar/rules.h"

// The text is one that the rules describe. Rules must be without faults (rules_status).
bool earley_accepts(const rules *rules, const char *text, size_t length);

// Some text that the rules describe begins with this one.
bool earley_viable(const rules *rules, const char *text, size_t length);

#endif
