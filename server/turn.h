// turn.h: a request becomes a turn of the assistant; a turn is read event by event.
//
//     turn_start(server, &request, &turn, &problem)
//     while (turn_next(turn, &event) && event.kind != TURN_DONE) ...
//     turn_free(turn)
//
// The events are those of no dialect: items open, grow and close. They are complete and well-formed
// whatever the model emits: every OPEN has its CLOSE, texts are whole UTF-8 characters and hold no
// markup, names are those of declared tools (or event.unknown_tool says so), TURN_DONE is the last.
#ifndef SERVER_TURN_H
#define SERVER_TURN_H

#include "request.h"

typedef struct server server;
typedef struct turn turn;

typedef enum turn_event_kind {
    TURN_BEGIN,  // the prompt is accepted: usage.prompt_tokens is known
    TURN_WAIT,   // nothing yet, but the turn lives: a stream may send a comment
    TURN_OPEN,   // an item begins
    TURN_DELTA,  // more of its text
    TURN_CLOSE,  // it is complete: text is all of it
    TURN_CHOICE, // a choice is complete: finish, details
    TURN_DONE,   // all are: usage, warnings
} turn_event_kind;

typedef enum turn_finish {
    FINISH_STOP,      // the assistant ended, or a stop string came (event.stop)
    FINISH_CALLS,     // it calls tools and waits for their results
    FINISH_LENGTH,    // max_tokens
    FINISH_CONTEXT,   // the context is full
    FINISH_LOOP,      // it repeated itself without end
    FINISH_CANCELLED, // the client left, the deadline passed, the response was cancelled
    FINISH_FAILED,    // event.problem
} turn_finish;

typedef struct turn_usage {
    int64_t prompt_tokens;     // all of the prompt
    int64_t cached_tokens;     // of those, found in the cache
    int64_t completion_tokens; // sampled, over all choices
    int64_t reasoning_tokens;  // of those, in analysis
} turn_usage;

// One sampled token of an item's text.
typedef struct turn_token {
    int32_t id;
    float logprob;
    const gptoss_logprob *top; // [n_top], most probable first
    int32_t n_top;
} turn_token;

// Fields that a kind does not name are zero. Strings live until the next call of turn_next.
typedef struct turn_event {
    turn_event_kind kind;
    int32_t choice;      // 0 .. n_choices - 1
    int32_t item;        // OPEN, DELTA, CLOSE: number of the item in its choice, from 0
    item_kind item_kind; // OPEN, DELTA, CLOSE: REASONING, PREAMBLE, ANSWER, CALL, RESULT (of tools
                         // that the server runs itself)
    const char *text;    // DELTA: what is new; CLOSE: all of it
    size_t text_length;
    const turn_token *tokens; // DELTA of an ANSWER, with logprobs: [n_tokens], those of its text
    size_t n_tokens;
    const char *call_id;         // CALL, RESULT
    const char *name;            // CALL, RESULT: the tool's, as the client spells it
    tool_kind tool_kind;         // CALL
    bool unknown_tool;           // CALL: no such tool was declared
    bool repaired;               // CLOSE: what the model emitted was irregular
    turn_finish finish;          // CHOICE
    const char *stop;            // CHOICE: the stop string that came, or NULL
    const char *details;         // CHOICE: why, for people, or NULL
    problem problem;             // CHOICE with FINISH_FAILED
    turn_usage usage;            // BEGIN, DONE
    const char *const *warnings; // DONE: [n_warnings]
    size_t n_warnings;
} turn_event;

// Checks the request against the model (names, lengths, grammars), waits for its place in the
// queue, and begins. The turn takes the request over and clears it. False: *problem says why.
bool turn_start(server *server, request *request, turn **turn_out, problem *problem);
// The next event. False only after TURN_DONE. Blocks while the model computes; at most about a
// second passes between events (TURN_WAIT).
bool turn_next(turn *turn, turn_event *event_out);
// From any thread: the turn ends soon, within one step, with FINISH_CANCELLED.
void turn_cancel(turn *turn);
// What was asked; lives as long as the turn.
const request *turn_request(const turn *turn);
void turn_free(turn *turn);

#endif
