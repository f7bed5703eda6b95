// language.h: sets of texts, as automata that read byte by byte.
//
// A grammar can say "one of these" and "one after the other", not "both" or "none of these". What
// strings must be both of (a pattern and a length, two patterns, any key that isn't declared) is
// therefore worked out here, on deterministic automata, and the result written out as rules.
#ifndef GRAMMAR_LANGUAGE_H
#define GRAMMAR_LANGUAGE_H

#include "grammar/rules.h"

enum {
    LANGUAGE_MAX_STATES = 1 << 14,
    LANGUAGE_MAX_WORK = 1 << 26, // steps of one construction: well below a second
    LANGUAGE_NOWHERE = -1,
};

// States from which no text ends are not there.
typedef struct language {
    int n_states, n_classes; // state 0 is the start; n_states 0: no texts
    uint8_t class_of[256];   // bytes that no state tells apart
    int32_t *next;           // [n_states][n_classes]: a state, or LANGUAGE_NOWHERE
    bool *ends;              // [n_states]
    size_t next_capacity, ends_capacity;
} language;

// The texts of an expression whose rules, if it refers to any, don't refer to themselves.
// GPTOSS_UNSUPPORTED: more than the limits above.
gptoss_status language_read(const rules *rules, int32_t expression, language **language_out,
                            gptoss_error *error);
// Texts of a that are (without: are not) in b.
gptoss_status language_meet(const language *a, const language *b, bool without,
                            language **language_out, gptoss_error *error);
void language_free(language *language);

bool language_has(const language *language, const char *text, size_t length);

// Writes a language as an expression of rules, as the inside of a JSON string: quotes, backslashes
// and control characters are escaped, in the shortest way, and nothing else is. RULES_NONE: no
// memory, or the rules have failed.
int32_t language_spell(const language *language, rules *rules, gptoss_error *error);

// A byte of a text as it stands in a JSON string; its length.
enum { LANGUAGE_ESCAPE_BYTES = 8 };
size_t language_escape(uint8_t byte, char out[LANGUAGE_ESCAPE_BYTES]);

// ---- for the parts of this -------------------------------------------------------------------

bool language_add(language *language, bool ends); // one more state; false: no memory
bool language_prune(language *language);          // drops states from which no text ends
gptoss_status language_fail(gptoss_status status, gptoss_error *error);

#endif
