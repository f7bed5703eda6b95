// chat.h: parts of the chat completions dialect that its files share.
#ifndef SERVER_CHAT_H
#define SERVER_CHAT_H

#include "dialect.h"
#include "fields.h"

// Body -> request: all but the messages and the tools, then those.
bool chat_read(const json_t *body, request *request_out, problem *problem);
bool chat_read_messages(const fields *body, request *request);
bool chat_read_tools(const fields *body, request *request); // and "tool_choice"

// *out is a copy of the field, if it is there.
bool chat_copy(const fields *in, const char *key, char **out);

// Whether the client uses "functions", the form before "tools": it is answered in that form.
bool chat_wants_functions(const request *request);

// Events -> stream or document.
void *chat_open(const answer_head *head);
bool chat_write(void *writer, const turn_event *event, text *out);
bool chat_collect(void *writer, const turn_event *event);
bool chat_document(void *writer, text *out);
void chat_close(void *writer);

#endif
