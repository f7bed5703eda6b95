// grammar: which tokens may come next, so that a text holds to a form while it is sampled.
//
//     vocabulary of a tokenizer  ->  grammar_vocabulary  once per model: a trie of tokens' bytes
//     JSON schema, regular expression, GBNF, Lark  ->  grammar     compiled once per form
//     grammar  ->  grammar_state                         one per text that is being sampled
//
// A form is compiled to rules over bytes (rules.h) and those to a pushdown automaton (automaton.h).
// Masks are over tokens: a token may come if all of its bytes can. What a mask costs is paid when a
// place of the automaton is first reached and then remembered, in the grammar, for all states.
//
// A vocabulary and a grammar never change for their users and may be shared by threads; a state
// belongs to one thread at a time.
#ifndef GRAMMAR_GRAMMAR_H
#define GRAMMAR_GRAMMAR_H

#include "base/base.h"
#include "tokenizer/tokenizer.h"

// ---- vocabulary -----------------------------------------------------------------------------

typedef struct grammar_vocabulary grammar_vocabulary;

// Ordinary tokens only: special ones never belong to a text. The tokenizer must outlive it.
gptoss_status grammar_vocabulary_create(const tokenizer *tokenizer,
                                        grammar_vocabulary **vocabulary_out, gptoss_error *error);
void grammar_vocabulary_free(grammar_vocabulary *vocabulary);

// ---- grammars -------------------------------------------------------------------------------

typedef struct grammar grammar;

typedef enum grammar_kind {
    GRAMMAR_JSON_OBJECT, // any JSON object; text is not read
    GRAMMAR_JSON_SCHEMA, // JSON that the schema describes (docs/grammars.md: what is understood)
    GRAMMAR_REGEX,       // all of the text matches
    GRAMMAR_GBNF,        // llama.cpp's form, starting at `root`
    GRAMMAR_LARK,        // Lark's form as llguidance and OpenAI's custom tools use it, from `start`
} grammar_kind;

// The vocabulary must outlive the grammar. GPTOSS_BAD_INPUT: the text is not of its kind, and
// where; GPTOSS_UNSUPPORTED: it asks for something that cannot be held to, named in the message
// (never ignored silently). Hostile texts cost bounded time and memory.
gptoss_status grammar_create(grammar_vocabulary *vocabulary, grammar_kind kind, const char *text,
                             size_t length, grammar **grammar_out, gptoss_error *error);
void grammar_free(grammar *grammar);

// ---- states ---------------------------------------------------------------------------------

typedef struct grammar_state grammar_state;

gptoss_status grammar_state_create(grammar *grammar, grammar_state **state_out,
                                   gptoss_error *error);
gptoss_status grammar_state_copy(const grammar_state *state, grammar_state **copy_out,
                                 gptoss_error *error);
void grammar_state_free(grammar_state *state);

// Takes a token that was sampled. GPTOSS_BAD_INPUT when it can't come here (or is a special one);
// the state is then as it was. GPTOSS_UNSUPPORTED and GPTOSS_NO_MEMORY as for masks.
gptoss_status grammar_accept(grammar_state *state, int32_t id, gptoss_error *error);

// The text may end here.
bool grammar_may_end(const grammar_state *state);

// Clears the bits, allowed[id / 32] >> (id % 32), of all tokens that can't come next, those of
// special tokens among them. n_words covers the model's rows, which may be more than the tokenizer
// has. GPTOSS_NO_MEMORY; GPTOSS_UNSUPPORTED where the form needs more work than one mask may take.
gptoss_status grammar_mask(grammar_state *state, uint32_t *allowed, size_t n_words,
                           gptoss_error *error);

#endif
