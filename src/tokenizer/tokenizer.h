// tokenizer: text <-> token ids by byte-pair encoding.
//
// A tokenizer is immutable once opened and may be shared by any number of threads; each call keeps
// its working memory to itself. Equal to tiktoken (o200k_harmony) and Hugging Face tokenizers
// (tokenizer.json) on every input.
#ifndef TOKENIZER_TOKENIZER_H
#define TOKENIZER_TOKENIZER_H

#include "base/base.h"

typedef struct tokenizer tokenizer;

// The built-in o200k_harmony: 201,088 ids, the vocabulary of gpt-oss.
gptoss_status tokenizer_open_builtin(tokenizer **tokenizer_out, gptoss_error *error);

// A Hugging Face tokenizer.json held in memory (model BPE over bytes; what it says of the
// pre-tokenizer pattern, merges, added tokens and ignore_merges is followed; anything that it asks
// for and that is not supported is an error, never ignored). name is used in error messages.
gptoss_status tokenizer_open_json(const char *json, size_t length, const char *name,
                                  tokenizer **tokenizer_out, gptoss_error *error);
void tokenizer_close(tokenizer *tokenizer);

// Whether text such as "<|end|>" is read as the special token or as seven ordinary characters.
// Text that came from a user is always TOKENIZER_PLAIN.
typedef enum tokenizer_mode { TOKENIZER_PLAIN, TOKENIZER_SPECIAL } tokenizer_mode;

// Appends the ids of text to *ids. Bytes that are not UTF-8 are encoded too and decode to
// themselves. Time is O(length log length) at worst, whatever the text; a tokenizer.json with a
// pattern other than o200k's takes what that regular expression takes, up to a limit of steps, past
// which the call fails with GPTOSS_UNSUPPORTED. After a failure *ids is as it was.
gptoss_status tokenizer_encode(const tokenizer *tokenizer, const char *text, size_t length,
                               tokenizer_mode mode, base_ids *ids, gptoss_error *error);

// The bytes of one id (not NUL-terminated, may be a part of a UTF-8 character, owned by the
// tokenizer), or NULL for an id outside the vocabulary or without a token. Specials give their
// text.
const char *tokenizer_bytes(const tokenizer *tokenizer, int32_t id, size_t *length_out);

// The id of the ordinary token that is exactly these bytes, or -1.
int32_t tokenizer_find(const tokenizer *tokenizer, const char *bytes, size_t length);

bool tokenizer_is_special(const tokenizer *tokenizer, int32_t id);

// The id of a special token by its text ("<|start|>"), or -1.
int32_t tokenizer_special(const tokenizer *tokenizer, const char *text);

int32_t tokenizer_size(const tokenizer *tokenizer); // one past the largest id

#endif
