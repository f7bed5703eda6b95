// Reading tokenizer.json, inside the tokenizer: what json.c and json_vocabulary.c share.
#ifndef TOKENIZER_JSON_H
#define TOKENIZER_JSON_H

#include "tokenizer/parts.h"

#include <jansson.h>

enum { BPE_ALPHABET = 256 + 68 }; // code points below which the byte-level alphabet lies

typedef struct bpe_reader {
    const char *name; // of the file, for messages
    gptoss_error *error;
    tokenizer *t;
    json_t *vocabulary;            // object: token -> id
    json_t *merges;                // array
    json_t *added;                 // array or NULL
    bool ignore_merges;            // a piece that is a token is not merged
    int16_t byte_of[BPE_ALPHABET]; // the byte that a character of the alphabet stands for, or -1
    base_buffer bytes;             // what the last text decoded to
} bpe_reader;

// Well-formed, but not what this reader can do; and not what a tokenizer.json must be.
#define UNSUPPORTED(reader, ...) base_fail((reader)->error, GPTOSS_UNSUPPORTED, __VA_ARGS__)
#define BAD(reader, ...) base_fail((reader)->error, GPTOSS_BAD_FILE, __VA_ARGS__)

// Fills reader->t from vocabulary, added and merges.
gptoss_status bpe_read_vocabulary(bpe_reader *reader);

#endif
