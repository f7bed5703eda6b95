// http.h: requests and replies, and the connections that carry them. What is asked is routes.h's.
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdint.h>

#include "clients.h"
#include "server.h"
#include "text.h"

typedef struct http http;

typedef struct http_request {
    const char *method, *path; // the path without its query, decoded
    char parameter[256];       // what stands in the place of {} in the route's path
    const char *body;          // [body_length], with a NUL behind
    size_t body_length;
    char address[64]; // of the client, "127.0.0.1"
    uint64_t number;  // of this process's requests
    void *connection; // http.c's
    clients *clients; // the connections, and which of them this is: it is watched
    client *client;   // while an answer is computed
} http_request;

typedef struct http_reply {
    int status;
    const char *dialect;      // a constant, for metrics
    const char *content_type; // a constant; NULL: application/json
    text headers;             // more of them: "Name: value\n" each
    text body;
    // Instead of a body, parts of a stream: more appends the next part, and returns false after the
    // last one. end releases the context; it is called whatever happens.
    bool (*more)(void *context, text *out);
    void (*end)(void *context);
    void *context;
} http_reply;

// The value of a header or of a field of the query; NULL: absent.
const char *http_header(const http_request *request, const char *name);
const char *http_query(const http_request *request, const char *name);

// Binds and answers from now on. False: *problem says why not.
bool http_start(server *server, http **http_out, problem *problem);
int32_t http_port(const http *http);
void http_quiesce(http *http); // no new connections
bool http_idle(http *http);    // every answer is sent to its end
void http_stop(http *http);    // ends all connections

#endif
