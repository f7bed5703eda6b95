// opening.h: the first messages of a conversation: what the model is told before anybody speaks.
#ifndef SERVER_OPENING_H
#define SERVER_OPENING_H

#include "names.h"
#include "text.h"

// Items that the opening takes: the operator's words before the first other item.
size_t opening_items(const request *request);
// Appends them as messages of a conversation in JSON (gptoss_conversation_from_json), with commas
// between. date may be "".
void opening_write(const request *request, const names *names, const char *date, text *out);

// A JSON string, quotes included. length SIZE_MAX: strlen.
void opening_string(text *out, const char *string, size_t length);

#endif
