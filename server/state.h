// state.h: what a server holds, for its own files.
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include <stdatomic.h>

#include "memory.h"
#include "metrics.h"
#include "queue.h"
#include "server.h"
#include "store.h"

// Ids of the special tokens that the server itself looks at; -1 where the vocabulary lacks one.
typedef struct server_markers {
    int32_t start, message, channel, constrain, end, call, answered, end_of_text;
} server_markers;

struct server {
    server_options options;
    gptoss_model *model;
    const gptoss_tokenizer *tokenizer; // the model's
    gptoss_plan plan;
    char name[64];   // of the model, as clients see it
    int64_t started; // seconds since 1970
    server_markers markers;
    atomic_bool draining;
    bool loopback; // only this machine reaches it
    queue queue;
    memory memory;
    metrics metrics;
    store *store;      // of answers; NULL: none are kept
    struct http *http; // of the thread that made the server
};

double server_now(void);                      // seconds of a clock that only goes forward
void server_random(char *out, size_t length); // length letters and digits, and a NUL
uint64_t server_random_number(void);

#endif
