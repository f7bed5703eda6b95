// messages.h: what the files of the Anthropic dialect share.
#ifndef SERVER_MESSAGES_H
#define SERVER_MESSAGES_H

#include "dialect.h"
#include "fields.h"

// How a client wants to see the analysis. Anthropic's clients index content[0].text unless they
// asked for thinking, so it is hidden until they do.
typedef enum messages_thinking {
    THINKING_HIDDEN,  // no thinking blocks
    THINKING_SHOWN,   // with their text
    THINKING_OMITTED, // empty ones, whose signature brings the text back
    THINKING_BETWEEN, // only what is said between calls, as thinking
} messages_thinking;

bool messages_read(const json_t *body, request *request, problem *problem);
// The body of count_tokens: as above, but nothing is asked of max_tokens.
bool messages_read_count(const json_t *body, request *request, problem *problem);

// Parts of a body. `loaded` is an object with what the conversation says of tools, by name: true
// where it makes one available, false where it withdraws one, an object where it defines one.
bool messages_read_system(const fields *body, request *request);
bool messages_read_conversation(const fields *body, request *request, json_t *loaded);
bool messages_read_tools(const fields *body, request *request, const json_t *loaded);

// A thinking block's signature says what the block was, in a form that comes back unchanged:
// the kind behind a mark of ours, and the text where the block didn't show it.
json_t *messages_sign(item_kind kind, const char *text, size_t length); // text NULL: it was shown
// What a block was that comes back with this signature; *text is what it hid, or as it was.
item_kind messages_signed(const char *signature, const char **text);

extern const char *const messages_thinking_names[]; // request.repeated: {"thinking": ...}

void *messages_open(const answer_head *head);
bool messages_write(void *writer, const turn_event *event, text *out);
bool messages_collect(void *writer, const turn_event *event);
bool messages_document(void *writer, text *out);
void messages_close(void *writer);
void messages_fail(const problem *problem, bool in_stream, text *out);

#endif
