// responses.h: parts of the Responses dialect that its files share.
#ifndef SERVER_RESPONSES_H
#define SERVER_RESPONSES_H

#include "dialect.h"
#include "fields.h"

// Body -> request: everything; `tools`, then `input`, which may bring more tools, then
// `tool_choice`.
bool responses_read(const json_t *body, request *request_out, problem *problem_out);
bool responses_read_tools(const fields *body, request *request);
bool responses_read_input(const fields *body, request *request);
bool responses_read_choice(const fields *body, request *request);
bool responses_read_tool_list(const json_t *list, const char *path, request *request,
                              problem *problem_out);
// {"type": "grammar", "syntax", "definition"}.
bool responses_read_grammar(const fields *in, format *format_out);

// *out is a copy of the field, if it is there.
bool responses_copy(const fields *in, const char *key, char **out);

// Reasoning that travels through clients which keep nothing of it but encrypted_content: the text
// in base64, readable by anybody. seal is NULL when memory ran out; unseal is NULL as well when the
// content is somebody else's.
json_t *responses_seal(const char *text, size_t length);
char *responses_unseal(const char *sealed);

// Events -> stream or document.
void *responses_open(const answer_head *head);
bool responses_write(void *writer, const turn_event *event, text *out);
bool responses_collect(void *writer, const turn_event *event);
bool responses_document(void *writer, text *out);
void responses_close(void *writer);

#endif
