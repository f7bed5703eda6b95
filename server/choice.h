// choice.h: one choice of a turn: what the engine reports becomes items.
#ifndef SERVER_CHOICE_H
#define SERVER_CHOICE_H

#include "events.h"
#include "loops.h"
#include "memory.h"
#include "names.h"
#include "state.h"
#include "text.h"

// A token whose text was not told yet.
typedef struct waiting_token {
    turn_token token;
    gptoss_logprob top[20];
    size_t end; // of the item's text, in bytes, behind the token
} waiting_token;

typedef struct choice {
    // Given by the turn.
    server *server;
    const request *request;
    const names *names;
    events *events;
    double patience; // for a reader that stalls
    int32_t index;
    size_t n_prompt;
    gptoss_sequence *sequence;
    bool started, done; // done: nothing more is computed for it, and TURN_CHOICE was told

    // The item that is open.
    bool open, message,
        pending_close; // message: one of the model's is open; it need not be an item
    item_kind kind;
    int32_t n_items;
    text words;     // all of the item's text
    size_t told;    // bytes of it that were told
    size_t spelled; // bytes of it that the tokens so far stand for
    char call_id[CALL_ID_SIZE];
    char *name; // of the tool
    tool_kind tool_kind;
    bool unknown_tool, repaired;
    waiting_token *tokens; // [n_tokens] of an answer, with log-probabilities
    size_t n_tokens, tokens_capacity;
    text partial; // RAW: bytes of a character that is not complete

    // All of it.
    said *said;     // what was said, for the memory; NULL when memory ran out
    bool irregular; // some item was repaired
    bool calls;     // a tool was called
    loops loops;
    int64_t n_sampled, n_reasoning;
    double last_token; // when, in server_now; 0: none yet
    double asked;      // when the request came
    turn_finish finish;
    const char *stop; // of the request's
    char details[160];
    problem problem;
    bool failed;  // memory ran out
    bool stalled; // nobody reads what is told
} choice;

bool choice_init(choice *choice);
void choice_clear(choice *choice);

// Takes one event of the sequence. Afterwards choice->finish and done tell whether it is over.
void choice_take(choice *choice, const gptoss_event *event);
// Ends it from outside; error may be NULL.
void choice_end(choice *choice, turn_finish finish, const gptoss_error *error);

#endif
