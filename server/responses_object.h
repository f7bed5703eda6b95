// responses_object.h: the response as an object, at any time of its life.
#ifndef SERVER_RESPONSES_OBJECT_H
#define SERVER_RESPONSES_OBJECT_H

#include "responses.h"

typedef enum response_status {
    RESPONSE_IN_PROGRESS,
    RESPONSE_COMPLETED,
    RESPONSE_INCOMPLETE,
    RESPONSE_FAILED,
    RESPONSE_CANCELLED,
} response_status;

typedef struct response_state {
    const answer_head *head;
    json_t *repeated; // of the request
    json_t *output;   // items that have begun
    json_t *warnings;
    bool sealed; // reasoning.encrypted_content was asked for
    response_status status;
    char reason[32];   // of incomplete_details, or ""
    char *details;     // for people, or NULL
    char *error;       // FAILED: what happened
    int64_t completed; // seconds since 1970
    turn_usage usage;
    bool has_usage;
} response_state;

// head lives as long as the state.
bool response_state_init(response_state *state_out, const answer_head *head);
void response_state_clear(response_state *state);
bool response_state_finish(response_state *state, const turn_event *choice);
bool response_state_done(response_state *state, const turn_event *done);

// A copy of everything; NULL when memory ran out.
json_t *response_object(const response_state *state);

#endif
