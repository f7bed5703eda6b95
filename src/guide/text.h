// text: which ordinary tokens may come in a free text, as bitsets made once per vocabulary.
//
// A text of whole UTF-8 characters, cut into tokens anywhere: after each token the text is between
// two characters or inside one, at one of seven places (Unicode 15, table 3-7).
#ifndef GUIDE_TEXT_H
#define GUIDE_TEXT_H

#include "tokenizer/tokenizer.h"

typedef enum text_place {
    TEXT_BETWEEN, // characters: the only place where a text may end
    TEXT_LACKS_1, // continuation bytes
    TEXT_LACKS_2,
    TEXT_LACKS_3,
    TEXT_AFTER_E0, // the next byte is from a smaller range
    TEXT_AFTER_ED,
    TEXT_AFTER_F0,
    TEXT_AFTER_F4,
    N_TEXT_PLACES,
} text_place;

typedef struct text_tokens {
    size_t n_words;                   // of 32 tokens
    uint32_t *allowed[N_TEXT_PLACES]; // [n_words] tokens that may come at a place
} text_tokens;

gptoss_status text_tokens_create(const tokenizer *tokenizer, text_tokens *tokens_out,
                                 gptoss_error *error);
void text_tokens_free(text_tokens *tokens);

// The place behind these bytes, or -1 where they can't come.
int text_walk(int place, const char *bytes, size_t length);

#endif
