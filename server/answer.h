// answer.h: the way of a POST that a dialect answers: body, request, turn, and its events.
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "routes.h"

// Keeps an answer before its last words leave. A zero keep: it is not kept.
typedef struct answer_keeper {
    bool (*keep)(void *context, const answer_head *head, text *document, problem *problem);
    void (*release)(void *context); // called whatever happens
    void *context;
} answer_keeper;

// Reads the body as the dialect's request and answers it, at once or as a stream.
void answer_post(server *server, const dialect *dialect, const http_request *request,
                 http_reply *reply);
// The same for a request that was read: takes it over. keeper may be NULL.
void answer_request(server *server, const dialect *dialect, const http_request *from,
                    request *request, const answer_keeper *keeper, http_reply *reply);

#endif
