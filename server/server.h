// server.h: the door of the server: what it needs to run, and its life.
//
//     server_create(&options, model, &server, &problem)    binds, and answers from now on
//     server_drain(server, seconds)                        no new requests; waits for running ones
//     server_free(server)                                  cancels what still runs
//
// The library's rules hold: it neither exits nor reads the environment. It prints nothing but,
// where asked, one line for each request on stderr.
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <gptoss/gptoss.h>

#include "request.h"

typedef struct server server;

typedef struct server_options {
    const char *host;       // address or name to bind; default 127.0.0.1
    int32_t port;           // default 8080; 0: any free one
    const char *model_name; // as clients see it; NULL: the checkpoint's
    const char *api_key;    // NULL: none is asked for
    bool open;              // another address than loopback may be bound without a key
    const char *cors;       // origin that browsers may call from, "*" for any; NULL: none
    const char *allow_host; // another name for Host than loopback's; NULL: none
    const char *date;       // shown to the model as today's; NULL: the clock's; "off": none
    int32_t parallel;       // answers that are computed at the same time; default 4
    int32_t queue;          // requests that may wait for their turn; default 64
    int32_t connections;    // at the same time; default 512
    int32_t connections_per_address; // default 0: no limit of its own
    int32_t idle_seconds;   // a silent connection is closed; also what a stalled reader gets
    int32_t answer_seconds; // an answer takes at most; 0 (default): no limit
    size_t body_bytes;      // of a request; default 32 MiB
    int32_t loop_tokens;    // so many tokens of a repeated cycle end an answer; 0: never
    const char *store;      // file that answers are kept in; NULL: memory, until the server ends
    int32_t store_answers;  // kept at most; default 10000
    size_t store_bytes;     // default 256 MiB
    bool log;               // a line on stderr for each request, without its words
    bool log_text;          // and what was asked and answered
} server_options;

void server_options_default(server_options *options_out);

// The model is borrowed: it must outlive the server, and have been opened for options.parallel
// sequences. Strings are borrowed too.
bool server_create(const server_options *options, gptoss_model *model, server **server_out,
                   problem *problem);
int32_t server_port(const server *server); // that it listens on
// From now on requests are refused (503); waits until the running ones have ended, and returns
// whether they have, at latest after `seconds`.
bool server_drain(server *server, double seconds);
int32_t server_running(server *server); // answers that are waiting or computed
void server_free(server *server);

#endif
