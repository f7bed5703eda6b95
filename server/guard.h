// guard.h: who may ask at all: Host, Origin, and the API key.
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include "http.h"

// keyless: the route needs no API key. False: *problem.
bool guard_check(const server *server, const http_request *request, bool keyless, problem *problem);
// The origin that the reply may be read from, or NULL.
const char *guard_cors(const server *server, const http_request *request);

#endif
