// routes.h: which path is answered by what.
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "dialect.h"
#include "http.h"

// Answers any request: looks the path up, checks who asks, and calls its handler.
void routes_answer(server *server, http_request *request, http_reply *reply);

// A reply with the problem in the dialect's form.
void reply_problem(http_reply *reply, const dialect *dialect, const problem *problem);
// A reply with a JSON document, which is taken over; NULL is a failed allocation.
void reply_json(http_reply *reply, json_t *document);
// A header's value from anywhere: what can't stand in one becomes '?'.
void reply_header(http_reply *reply, const char *name, const char *value);

#endif
