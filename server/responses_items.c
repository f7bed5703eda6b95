// responses_items.c: each kind of item as JSON.
#include "responses_items.h"

#include <string.h>

static const item_form REASONING = {
    "reasoning", "rs_", NULL, "reasoning_text", "response.reasoning_text", NULL};
static const item_form MESSAGE = {"message", "msg_", NULL, "output_text", "response.output_text",
                                  NULL};
static const item_form FUNCTION = {
    "function_call", "fc_", "arguments", NULL, "response.function_call_arguments", NULL};
static const item_form CUSTOM = {
    "custom_tool_call", "ctc_", "input", NULL, "response.custom_tool_call_input", NULL};
static const item_form CODE = {
    "code_interpreter_call",         "ci_", "code", NULL, "response.code_interpreter_call_code",
    "response.code_interpreter_call"};
static const item_form OWN = {
    "mcp_call", "mcp_", "arguments", NULL, "response.mcp_call_arguments", "response.mcp_call"};

const item_form *item_form_of(const turn_event *event) {
    if (event->item_kind == ITEM_REASONING) {
        return &REASONING;
    }
    if (event->item_kind != ITEM_CALL) {
        return &MESSAGE;
    }
    switch (event->tool_kind) {
    case TOOL_FUNCTION:
        return &FUNCTION;
    case TOOL_CUSTOM:
        return &CUSTOM;
    default:
        return strcmp(event->name, "python") ? &OWN : &CODE;
    }
}

static json_t *begin_own(const item_form *form, const char *id, const turn_event *event) {
    if (form == &CODE) {
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "type", form->type, "id", id, "status",
                         "in_progress", "container_id", "local", "code", "", "outputs");
    }
    // "browser.search" is the tool "search" of the server "browser", but keeps its whole name.
    const char *point = strchr(event->name, '.');
    return json_pack("{s:s, s:s, s:s, s:s#, s:s, s:s, s:n, s:n}", "type", form->type, "id", id,
                     "status", "in_progress", "server_label", event->name,
                     (int)(point ? (size_t)(point - event->name) : strlen(event->name)), "name",
                     event->name, "arguments", "", "output", "error");
}

json_t *item_begin(const item_form *form, const char *id, const turn_event *event) {
    if (form->states) {
        return begin_own(form, id, event);
    }
    if (form == &REASONING) {
        return json_pack("{s:s, s:s, s:s, s:[], s:[]}", "type", form->type, "id", id, "status",
                         "in_progress", "summary", "content");
    }
    if (form == &MESSAGE) {
        return json_pack("{s:s, s:s, s:s, s:s, s:[], s:s}", "type", form->type, "id", id, "status",
                         "in_progress", "role", "assistant", "content", "phase",
                         event->item_kind == ITEM_PREAMBLE ? "commentary" : "final_answer");
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", form->type, "id", id, "status",
                     "in_progress", "call_id", event->call_id, "name", event->name, form->text_key,
                     "");
}

json_t *item_part(const item_form *form, const char *words, size_t length, json_t *logprobs) {
    json_t *part =
        json_pack("{s:s, s:s%}", "type", form->part_type, "text", words ? words : "", length);
    if (form != &MESSAGE) {
        return part;
    }
    bool ok =
        !json_object_set_new(part, "annotations", json_array()) &&
        !json_object_set_new(part, "logprobs", logprobs ? json_incref(logprobs) : json_array());
    if (!ok) {
        json_decref(part);
        return NULL;
    }
    return part;
}

bool item_set_text(json_t *made, const item_form *form, const char *words, size_t length,
                   json_t *logprobs) {
    if (form->text_key) {
        return !json_object_set_new(made, form->text_key, json_stringn(words, length));
    }
    return !json_array_append_new(json_object_get(made, "content"),
                                  item_part(form, words, length, logprobs));
}

bool item_set_output(json_t *made, const item_form *form, const char *words, size_t length) {
    if (form == &CODE) {
        return !json_array_append_new(
            json_object_get(made, "outputs"),
            json_pack("{s:s, s:s%}", "type", "logs", "logs", words, length));
    }
    return !json_object_set_new(made, "output", json_stringn(words, length));
}

bool item_set_status(json_t *made, const char *status) {
    return !json_object_set_new(made, "status", json_string(status));
}
