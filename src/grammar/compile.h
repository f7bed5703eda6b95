// compile.h: rules to a grammar, for tests that build rules themselves.
#ifndef GRAMMAR_COMPILE_H
#define GRAMMAR_COMPILE_H

#include "grammar/grammar.h"
#include "grammar/rules.h"

// As grammar_create. The rules are not needed afterwards.
gptoss_status grammar_create_from_rules(grammar_vocabulary *vocabulary, const rules *rules,
                                        grammar **grammar_out, gptoss_error *error);

#endif
