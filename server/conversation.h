// conversation.h: a request's items as the prompt that the model reads.
#ifndef SERVER_CONVERSATION_H
#define SERVER_CONVERSATION_H

#include "names.h"
#include "state.h"

// Ids, to be released with free. What the model said in the running turn is taken from the memory
// where the client's items agree with it. False: *problem.
bool conversation_prompt(server *server, const request *request, const names *names,
                         int32_t **ids_out, size_t *n_ids_out, problem *problem);

#endif
