// prompt.h: a request checked against the model, and the ids that it begins with.
#ifndef SERVER_PROMPT_H
#define SERVER_PROMPT_H

#include "conversation.h"
#include "names.h"
#include "state.h"

// What no dialect can know: numbers that this server bounds. Also makes what is legal but pointless
// (stops that are empty) harmless.
bool prompt_check(const server *server, request *request, problem *problem);
// The names that it was made with come back too: names_clear and free(prompt->ids) must follow
// whatever happens.
bool prompt_make(server *server, const request *request, names *names, prompt *prompt,
                 problem *problem);

#endif
