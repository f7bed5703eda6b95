// guided.h: what a request allows the model to say, as the library's guide.
#ifndef SERVER_GUIDED_H
#define SERVER_GUIDED_H

#include "names.h"
#include "state.h"

// *guide_out is to be freed with gptoss_guide_free; NULL where nothing is held to (RAW). What can't
// be held to in full is told in the request's warnings. False: *problem names the field.
bool guided_make(const server *server, request *request, const names *names,
                 gptoss_guide **guide_out, problem *problem);

#endif
