// earley.h: what texts rules describe, found in the slow and obvious way (Earley's algorithm over
// the expressions themselves). The automaton is held against it.
#ifndef TESTS_GRAMMAR_EARLEY_H
#define TESTS_GRAMMAR_EARLEY_H

#include "grammar/rules.h"

// The text is one that the rules describe. Rules must be without faults (rules_status).
bool earley_accepts(const rules *rules, const char *text, size_t length);

// Some text that the rules describe begins with this one.
bool earley_viable(const rules *rules, const char *text, size_t length);

// The same of many texts with a common beginning: a text that grows and shrinks at its end.
typedef struct earley earley;

earley *earley_create(const rules *rules); // with the empty text
void earley_free(earley *earley);
void earley_push(earley *earley, const char *text, size_t length);
void earley_cut(earley *earley, size_t length); // to its first bytes
bool earley_accepts_now(const earley *earley);
bool earley_viable_now(const earley *earley);

#endif
