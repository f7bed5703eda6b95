// prompt.h: a request checked against the model, and the ids that it begins with.
#ifndef SERVER_PROMPT_H
#define SERVER_PROMPT_H

#include "names.h"
#include "state.h"

// What no dialect can know: numbers that this server bounds. Also makes what is legal but pointless
// (stops that are empty) harmless.
bool prompt_check(const server *server, request *request, problem *problem);
// Ids to be released with free, and the names that they were made with; names_clear must follow
// whatever happens.
bool prompt_make(server *server, const request *request, names *names, int32_t **ids_out,
                 size_t *n_ids_out, problem *problem);

#endif
