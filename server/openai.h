// openai.h: what OpenAI's dialects have in common.
#ifndef SERVER_OPENAI_H
#define SERVER_OPENAI_H

#include "request.h"
#include "text.h"
#include "turn.h"

// {"error": {"message", "type", "param", "code"}}.
void openai_error(const problem *problem, text *out);
const char *openai_error_type(const problem *problem); // "invalid_request_error"
const char *openai_error_code(const problem *problem); // "context_length_exceeded"; NULL: none

json_t *openai_usage(const turn_usage *usage); // "usage" of completions

#endif
