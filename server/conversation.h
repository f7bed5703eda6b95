// conversation.h: a request's items as the prompt that the model reads.
#ifndef SERVER_CONVERSATION_H
#define SERVER_CONVERSATION_H

#include "names.h"
#include "state.h"

// What the model reads. Start with {0}.
typedef struct prompt {
    int32_t *ids; // [n_ids], to be released with free
    size_t n_ids;
    size_t n_opening; // of those, what conversations with the same instructions and tools share
} prompt;

// What the model said in the running turn is taken from the memory where the client's items agree
// with it. False: *problem; prompt->ids is to be released all the same.
bool conversation_prompt(server *server, const request *request, const names *names, prompt *prompt,
                         problem *problem);

#endif
