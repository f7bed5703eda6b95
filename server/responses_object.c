// responses_object.c: {"object": "response", ...} with every field that the API's types have.
#include "responses_object.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const STATUSES[] = {
    [RESPONSE_IN_PROGRESS] = "in_progress", [RESPONSE_COMPLETED] = "completed",
    [RESPONSE_INCOMPLETE] = "incomplete",   [RESPONSE_FAILED] = "failed",
    [RESPONSE_CANCELLED] = "cancelled",
};

static bool asks_for_sealed(const json_t *repeated) {
    const json_t *value;
    size_t i;
    json_array_foreach(json_object_get(repeated, "include"), i, value) {
        if (!strcmp(json_string_value(value), "reasoning.encrypted_content")) {
            return true;
        }
    }
    return false;
}

static json_t *strings(const char *const *list, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++) {
        if (json_array_append_new(array, json_string(list[i]))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

bool response_state_init(response_state *s, const answer_head *head) {
    const request *r = head->request;
    *s = (response_state){
        .head = head,
        .output = json_array(),
        .warnings = strings((const char *const *)r->warnings, r->n_warnings),
        .repeated = r->repeated ? json_loads(r->repeated, 0, NULL) : json_object(),
    };
    s->sealed = asks_for_sealed(s->repeated);
    return s->output && s->warnings && s->repeated;
}

void response_state_clear(response_state *s) {
    json_decref(s->output);
    json_decref(s->warnings);
    json_decref(s->repeated);
    free(s->details);
    free(s->error);
}

static bool keep(char **to, const char *from) {
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

bool response_state_finish(response_state *s, const turn_event *choice) {
    switch (choice->finish) {
    case FINISH_STOP:
    case FINISH_CALLS:
        s->status = RESPONSE_COMPLETED;
        break;
    case FINISH_FAILED:
        s->status = RESPONSE_FAILED;
        return keep(&s->error, choice->problem.message);
    case FINISH_CANCELLED:
        s->status = RESPONSE_CANCELLED;
        break;
    default: // the API has no other word for a full context or a loop: details say which
        s->status = RESPONSE_INCOMPLETE;
        strcpy(s->reason, "max_output_tokens");
    }
    return keep(&s->details, choice->details);
}

bool response_state_done(response_state *s, const turn_event *done) {
    s->usage = done->usage;
    s->has_usage = true;
    s->completed = time(NULL);
    json_t *more = strings(done->warnings, done->n_warnings);
    bool ok = !json_array_extend(s->warnings, more);
    json_decref(more);
    return ok;
}

static json_t *usage_object(const response_state *s) {
    const turn_usage *u = &s->usage;
    if (!s->has_usage) {
        return json_null();
    }
    return json_pack("{s:I, s:{s:I, s:i}, s:I, s:{s:I}, s:I}", "input_tokens",
                     (json_int_t)u->prompt_tokens, "input_tokens_details", "cached_tokens",
                     (json_int_t)u->cached_tokens, "cache_write_tokens", 0, "output_tokens",
                     (json_int_t)u->completion_tokens, "output_tokens_details", "reasoning_tokens",
                     (json_int_t)u->reasoning_tokens, "total_tokens",
                     (json_int_t)(u->prompt_tokens + u->completion_tokens));
}

static json_t *incomplete_object(const response_state *s) {
    if (!s->reason[0]) {
        return json_null();
    }
    return s->details ? json_pack("{s:s, s:s}", "reason", s->reason, "details", s->details)
                      : json_pack("{s:s}", "reason", s->reason);
}

static json_t *error_object(const response_state *s) {
    return s->error ? json_pack("{s:s, s:s}", "code", "server_error", "message", s->error)
                    : json_null();
}

// What holds where the request said nothing.
static json_t *defaults(void) {
    return json_pack(
        "{s:b, s:n, s:n, s:n, s:{}, s:b, s:n, s:{s:n, s:n}, s:s, s:f, s:{s:{s:s}}, s:s, s:[], "
        "s:i, s:f, s:s}",
        "background", 0, "instructions", "max_output_tokens", "max_tool_calls", "metadata",
        "parallel_tool_calls", 1, "previous_response_id", "reasoning", "effort", "summary",
        "service_tier", "default", "temperature", 1.0, "text", "format", "type", "text",
        "tool_choice", "auto", "tools", "top_logprobs", 0, "top_p", 1.0, "truncation", "disabled");
}

json_t *response_object(const response_state *s) {
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", s->head->id, "object",
        "response", "created_at", (json_int_t)s->head->created, "status", STATUSES[s->status],
        "model", s->head->model, "error", error_object(s), "incomplete_details",
        incomplete_object(s), "output", json_deep_copy(s->output), "usage", usage_object(s),
        "completed_at", s->status == RESPONSE_COMPLETED ? json_integer(s->completed) : json_null());
    json_t *rest = defaults();
    bool ok = object && rest && !json_object_update(rest, s->repeated) &&
              !json_object_update(object, rest);
    ok = ok && !json_object_set_new(object, "store", json_boolean(s->head->request->store));
    if (ok && json_array_size(s->warnings)) {
        ok = !json_object_set(object, "warnings", s->warnings);
    }
    json_decref(rest);
    if (!ok) {
        json_decref(object);
        return NULL;
    }
    json_object_del(object, "include");
    return object;
}
