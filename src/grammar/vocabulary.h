// vocabulary.h: the tokens of a model, as a trie and as what walks need beside it.
#ifndef GRAMMAR_VOCABULARY_H
#define GRAMMAR_VOCABULARY_H

#include "grammar/grammar.h"
#include "grammar/trie.h"

struct grammar_vocabulary {
    const tokenizer *tokenizer;
    trie trie;
    size_t n_words; // of a mask over all ids
};

#endif
