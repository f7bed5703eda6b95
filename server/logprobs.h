// logprobs.h: log-probabilities as OpenAI's dialects print them.
#ifndef SERVER_LOGPROBS_H
#define SERVER_LOGPROBS_H

#include "dialect.h"

// Appends [{"token", "logprob", "bytes", "top_logprobs": [...]}] to array. False: out of memory.
bool logprobs_append(json_t *array, const gptoss_tokenizer *tokenizer, const turn_token *tokens,
                     size_t n_tokens);
// A token as text, replacement characters where its bytes are no whole UTF-8; NULL: out of memory.
json_t *logprobs_token(const gptoss_tokenizer *tokenizer, int32_t id);

double logprobs_finite(float logprob); // JSON knows no infinity

#endif
