// dialect.h: what a client protocol is: a pure translation, in one file of its own.
//
// A dialect neither knows HTTP nor the model. It reads a JSON body into a request, and prints
// events: as parts of a stream of server-sent events, or, collected, as one JSON document. A new
// protocol is a new file with one `const dialect` and a row in routes.c.
#ifndef SERVER_DIALECT_H
#define SERVER_DIALECT_H

#include <jansson.h>

#include "text.h"
#include "turn.h"

// What the server says of an answer besides its events.
typedef struct answer_head {
    char id[48];            // "chatcmpl-...", "resp_...", "msg_...": prefix of the dialect
    int64_t created;        // seconds since 1970
    const char *model;      // the model's name
    const request *request; // what was asked; outlives the answer
    const gptoss_tokenizer *tokenizer; // spells the tokens of log-probabilities
} answer_head;

typedef struct dialect {
    const char *name;      // "chat", for metrics
    const char *path;      // "/v1/chat/completions"
    const char *id_prefix; // "chatcmpl-"

    // Body -> request. False: *problem names the field and says what is wrong with it.
    bool (*read)(const json_t *body, request *request_out, problem *problem);

    // Events -> stream. open makes a writer of one answer; write appends the server-sent events
    // that one event causes, possibly none. False when memory ran out: the stream is then cut.
    void *(*open)(const answer_head *head);
    bool (*write)(void *writer, const turn_event *event, text *out);
    // Events -> one document: collect takes each event, document prints the whole at the end.
    bool (*collect)(void *writer, const turn_event *event);
    bool (*document)(void *writer, text *out);
    void (*close)(void *writer);

    // An error in the dialect's own form; in_stream: as an event of a stream that has begun.
    void (*fail)(const problem *problem, bool in_stream, text *out);
} dialect;

extern const dialect chat_dialect;        // /v1/chat/completions
extern const dialect completions_dialect; // /v1/completions
extern const dialect responses_dialect;   // /v1/responses
extern const dialect messages_dialect;    // /v1/messages

#endif
