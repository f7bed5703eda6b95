// responses_items.h: output items, as they begin, grow and end.
#ifndef SERVER_RESPONSES_ITEMS_H
#define SERVER_RESPONSES_ITEMS_H

#include "responses.h"

// What an item is on the wire.
typedef struct item_form {
    const char *type;      // "function_call"
    const char *id_prefix; // "fc_"
    const char *text_key;  // where its text is: "arguments"; NULL: in a part
    const char *part_type; // "output_text"; NULL: not in a part
    const char *events;    // "response.function_call_arguments", before ".delta" and ".done"
    const char *states;    // of the server's own calls: "response.mcp_call", before ".in_progress"
} item_form;

const item_form *item_form_of(const turn_event *event);

// The item as it stands: [text] of it, logprobs (may be NULL) of an answer, status.
json_t *item_begin(const item_form *form, const char *id, const turn_event *event);
bool item_set_text(json_t *item, const item_form *form, const char *text, size_t length,
                   json_t *logprobs);
bool item_set_output(json_t *item, const item_form *form, const char *text, size_t length);
bool item_set_status(json_t *item, const char *status);
json_t *item_part(const item_form *form, const char *text, size_t length, json_t *logprobs);

#endif
