// driver_json.c: a request as JSON, JSON as turn events.
#include "driver_json.h"

#include <stdlib.h>
#include <string.h>

static const char *const ITEMS[] = {[ITEM_SYSTEM] = "system",       [ITEM_USER] = "user",
                                    [ITEM_REASONING] = "reasoning", [ITEM_PREAMBLE] = "preamble",
                                    [ITEM_ANSWER] = "answer",       [ITEM_CALL] = "call",
                                    [ITEM_RESULT] = "result",       NULL};
static const char *const TOOLS[] = {
    [TOOL_FUNCTION] = "function", [TOOL_CUSTOM] = "custom", [TOOL_BUILTIN] = "builtin", NULL};
static const char *const FORMATS[] = {[FORMAT_TEXT] = "text",
                                      [FORMAT_JSON_OBJECT] = "json_object",
                                      [FORMAT_REGEX] = "regex",
                                      [FORMAT_JSON_SCHEMA] = "json_schema",
                                      [FORMAT_GBNF] = "gbnf",
                                      [FORMAT_LARK] = "lark",
                                      NULL};
static const char *const CHOICES[] = {"auto", "none", "required", "named"};
static const char *const EFFORTS[] = {"low", "medium", "high"};
static const char *const EVENTS[] = {"begin", "wait",   "open", "delta",
                                     "close", "choice", "done", NULL};
static const char *const FINISHES[] = {"stop", "calls",     "length", "context",
                                       "loop", "cancelled", "failed", NULL};

static json_t *items_json(const request *r) {
    json_t *array = json_array();
    for (size_t i = 0; i < r->n_items; i++) {
        const item *one = &r->items[i];
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:s?, s:s?, s:b}", "kind", ITEMS[one->kind],
                                        "text", one->text, "name", one->name, "call_id",
                                        one->call_id, "failed", one->failed));
    }
    return array;
}

static json_t *format_json(const format *f) {
    return json_pack("{s:s, s:s?, s:s?, s:s?}", "kind", FORMATS[f->kind], "name", f->name,
                     "description", f->description, "text", f->text);
}

static json_t *tools_json(const request *r) {
    json_t *array = json_array();
    for (size_t i = 0; i < r->n_tools; i++) {
        const tool *one = &r->tools[i];
        json_array_append_new(array, json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:o}", "kind",
                                               TOOLS[one->kind], "name", one->name, "description",
                                               one->description, "schema", one->schema, "strict",
                                               one->strict, "grammar", format_json(&one->grammar)));
    }
    return array;
}

static json_t *strings_json(char **strings, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_string(strings[i]));
    }
    return array;
}

static json_t *bias_json(const request *r) {
    json_t *array = json_array();
    for (size_t i = 0; i < r->sampling.n_bias; i++) {
        json_array_append_new(array, json_pack("[i, f]", r->bias[i].id, (double)r->bias[i].bias));
    }
    return array;
}

static json_t *ids_json(const request *r) {
    json_t *array = json_array();
    for (size_t i = 0; i < r->n_ids; i++) {
        json_array_append_new(array, json_integer(r->ids[i]));
    }
    return array;
}

static json_t *sampling_json(const request *r) {
    const gptoss_sampling *s = &r->sampling;
    return json_pack("{s:f, s:f, s:i, s:f, s:f, s:f, s:f, s:I, s:b, s:o}", "temperature",
                     (double)s->temperature, "top_p", (double)s->top_p, "top_k", s->top_k, "min_p",
                     (double)s->min_p, "repetition_penalty", (double)s->repetition_penalty,
                     "presence_penalty", (double)s->presence_penalty, "frequency_penalty",
                     (double)s->frequency_penalty, "seed", (json_int_t)s->seed, "has_seed",
                     r->has_seed, "bias", bias_json(r));
}

json_t *driver_request_json(const request *r) {
    json_t *json =
        json_pack("{s:s, s:s?, s:s?, s:s?, s:s, s:s?, s:b, s:s, s:i, s:i, s:i, s:b, s:i}", "kind",
                  r->kind == REQUEST_RAW ? "raw" : "chat", "model", r->model, "instructions",
                  r->instructions, "prompt", r->prompt, "choice", CHOICES[r->choice], "chosen_tool",
                  r->chosen_tool, "parallel_calls", r->parallel_calls, "effort", EFFORTS[r->effort],
                  "max_tokens", r->max_tokens, "max_reasoning_tokens", r->max_reasoning_tokens,
                  "n_choices", r->n_choices, "logprobs", r->logprobs, "n_logprobs", r->n_logprobs);
    json_t *rest = json_pack(
        "{s:b, s:b, s:b, s:b, s:b, s:s?, s:s?, s:s?, s:s?, s:s?, s:i, s:f}", "stream", r->stream,
        "stream_usage", r->stream_usage, "store", r->store, "background", r->background, "echo",
        r->echo, "previous", r->previous, "metadata", r->metadata, "user", r->user, "cache_key",
        r->cache_key, "repeated", r->repeated, "priority", r->priority, "deadline", r->deadline);
    json_object_update_new(json, rest);
    json_object_set_new(json, "items", items_json(r));
    json_object_set_new(json, "tools", tools_json(r));
    json_object_set_new(json, "answer", format_json(&r->answer));
    json_object_set_new(json, "sampling", sampling_json(r));
    json_object_set_new(json, "ids", ids_json(r));
    json_object_set_new(json, "stops", strings_json(r->stops, r->n_stops));
    json_object_set_new(json, "ignored", strings_json(r->ignored, r->n_ignored));
    json_object_set_new(json, "warnings", strings_json(r->warnings, r->n_warnings));
    return json;
}

// Index of the field's name among names, 0 if it is absent, -1 if it is none of them.
static int named(const json_t *json, const char *key, const char *const *names) {
    const char *name = json_string_value(json_object_get(json, key));
    for (int i = 0; name && names[i]; i++) {
        if (!strcmp(names[i], name)) {
            return i;
        }
    }
    return name ? -1 : 0;
}

static int64_t integer(const json_t *json, const char *key) {
    return json_integer_value(json_object_get(json, key));
}

static const char *string(const json_t *json, const char *key) {
    return json_string_value(json_object_get(json, key));
}

// [{"id", "logprob", "top": [[id, logprob], ...]}, ...]
static bool read_tokens(const json_t *json, driver_event *out) {
    size_t n_tokens = json_array_size(json), n_top = 0, i, j;
    const json_t *token, *pair;
    json_array_foreach(json, i, token) {
        n_top += json_array_size(json_object_get(token, "top"));
    }
    out->tokens = calloc(n_tokens + 1, sizeof(*out->tokens));
    out->top = calloc(n_top + 1, sizeof(*out->top));
    if (!out->tokens || !out->top) {
        return false;
    }
    gptoss_logprob *next = out->top;
    json_array_foreach(json, i, token) {
        const json_t *top = json_object_get(token, "top");
        out->tokens[i] = (turn_token){
            .id = (int32_t)integer(token, "id"),
            .logprob = (float)json_number_value(json_object_get(token, "logprob")),
            .top = next,
            .n_top = (int32_t)json_array_size(top),
        };
        json_array_foreach(top, j, pair) {
            *next++ = (gptoss_logprob){
                .id = (int32_t)json_integer_value(json_array_get(pair, 0)),
                .logprob = (float)json_number_value(json_array_get(pair, 1)),
            };
        }
    }
    out->event.tokens = n_tokens ? out->tokens : NULL;
    out->event.n_tokens = n_tokens;
    return true;
}

static bool read_warnings(const json_t *json, driver_event *out) {
    size_t count = json_array_size(json);
    out->warnings = calloc(count + 1, sizeof(*out->warnings));
    if (!out->warnings) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        out->warnings[i] = json_string_value(json_array_get(json, i));
    }
    out->event.warnings = out->warnings;
    out->event.n_warnings = count;
    return true;
}

bool driver_event_read(const json_t *json, driver_event *out) {
    const json_t *usage = json_object_get(json, "usage"), *words = json_object_get(json, "text");
    int kind = named(json, "kind", EVENTS), which = named(json, "item_kind", ITEMS);
    int finish = named(json, "finish", FINISHES), called = named(json, "tool_kind", TOOLS);
    *out = (driver_event){0};
    if (kind < 0 || which < 0 || finish < 0 || called < 0) {
        return false;
    }
    out->event = (turn_event){
        .kind = (turn_event_kind)kind,
        .choice = (int32_t)integer(json, "choice"),
        .item = (int32_t)integer(json, "item"),
        .item_kind = (item_kind)which,
        .text = json_string_value(words),
        .text_length = json_string_length(words),
        .call_id = string(json, "call_id"),
        .name = string(json, "name"),
        .tool_kind = (tool_kind)called,
        .unknown_tool = json_is_true(json_object_get(json, "unknown_tool")),
        .repaired = json_is_true(json_object_get(json, "repaired")),
        .finish = (turn_finish)finish,
        .stop = string(json, "stop"),
        .details = string(json, "details"),
        .usage = {.prompt_tokens = integer(usage, "prompt_tokens"),
                  .cached_tokens = integer(usage, "cached_tokens"),
                  .completion_tokens = integer(usage, "completion_tokens"),
                  .reasoning_tokens = integer(usage, "reasoning_tokens")},
    };
    if (finish == FINISH_FAILED) {
        problem_set(&out->event.problem, PROBLEM_FAILED, "", "%s", "the model failed");
    }
    return read_tokens(json_object_get(json, "tokens"), out) &&
           read_warnings(json_object_get(json, "warnings"), out);
}

void driver_event_clear(driver_event *event) {
    free(event->tokens);
    free(event->top);
    free(event->warnings);
}
