// messages_read.c: an Anthropic body becomes a request: its parameters.
#include "messages.h"

#include <stdlib.h>
#include <string.h>

// Where a budget of thinking says no effort: what clients ask for as little, some and much.
enum { BUDGET_MEDIUM = 4096, BUDGET_HIGH = 16384 };

static bool copy(const fields *f, const char *from, char **to) {
    if (from) {
        *to = strdup(from);
    }
    return !from || *to || fields_no_memory(f);
}

// ---- thinking and output -----------------------------------------------------------------------

static bool read_thinking(const fields *body, request *r, messages_thinking *shown) {
    enum { ENABLED, ADAPTIVE, DISABLED, BETWEEN };
    static const char *const types[] = {"enabled", "adaptive", "disabled", "between_tools", NULL};
    static const char *const displays[] = {"summarized", "omitted", NULL};
    fields f;
    bool there;
    int type = DISABLED, display = 0;
    if (!fields_enter(body, "thinking", &f, &there)) {
        return false;
    }
    if (!there) {
        return true;
    }
    if (!fields_need(&f, "type") || !fields_name(&f, "type", types, &type) ||
        !fields_name(&f, "display", displays, &display)) {
        return false;
    }
    if (type == DISABLED || type == BETWEEN) { // gpt-oss always thinks
        r->effort = GPTOSS_EFFORT_LOW;
        *shown = type == BETWEEN ? THINKING_BETWEEN : THINKING_HIDDEN;
        return true;
    }
    *shown = display ? THINKING_OMITTED : THINKING_SHOWN;
    if (type == ENABLED) {
        if (!fields_need(&f, "budget_tokens") ||
            !fields_integer(&f, "budget_tokens", 1, INT32_MAX, &r->max_reasoning_tokens)) {
            return false;
        }
        r->effort = r->max_reasoning_tokens < BUDGET_MEDIUM ? GPTOSS_EFFORT_LOW
                    : r->max_reasoning_tokens < BUDGET_HIGH ? GPTOSS_EFFORT_MEDIUM
                                                            : GPTOSS_EFFORT_HIGH;
    }
    return true;
}

// {"type": "json_schema", "schema": {...}}
static bool read_format(const fields *in, const char *key, request *r) {
    static const char *const types[] = {"json_schema", NULL};
    fields f;
    bool there;
    int type;
    const json_t *schema = NULL;
    if (!fields_enter(in, key, &f, &there)) {
        return false;
    }
    if (!there) {
        return true;
    }
    if (!fields_need(&f, "type") || !fields_name(&f, "type", types, &type) ||
        !fields_need(&f, "schema") || !fields_object(&f, "schema", &schema)) {
        return false;
    }
    free(r->answer.text);
    r->answer.kind = FORMAT_JSON_SCHEMA;
    r->answer.text = json_copy_text(schema);
    return r->answer.text || fields_no_memory(&f);
}

// An effort that is said here counts more than what a budget suggests.
static bool read_output(const fields *body, request *r) {
    fields f;
    bool there;
    return read_format(body, "output_format", r) &&
           fields_enter(body, "output_config", &f, &there) &&
           (!there || (fields_effort(&f, "effort", &r->effort) && read_format(&f, "format", r)));
}

static bool remember_thinking(const fields *body, request *r, messages_thinking shown) {
    json_t *kept = json_pack("{s:s}", "thinking", messages_thinking_names[shown]);
    r->repeated = kept ? json_copy_text(kept) : NULL;
    json_decref(kept);
    return r->repeated || fields_no_memory(body);
}

// ---- the rest ----------------------------------------------------------------------------------

static bool read_sampling(const fields *body, request *r) {
    return fields_number(body, "temperature", 0, 2, &r->sampling.temperature) &&
           fields_number(body, "top_p", 0, 1, &r->sampling.top_p) &&
           fields_integer(body, "top_k", 0, INT32_MAX, &r->sampling.top_k);
}

static bool read_stops(const fields *body, request *r) {
    const json_t *stops = NULL;
    if (!fields_array(body, "stop_sequences", &stops)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(stops); i++) {
        const char *stop = json_string_value(json_array_get(stops, i));
        if (!stop || !*stop) {
            return fields_wrong(body, PROBLEM_INVALID, "stop_sequences",
                                "each must be a string that is not empty");
        }
        if (!request_add_stop(r, stop)) {
            return fields_no_memory(body);
        }
    }
    return true;
}

static bool read_metadata(const fields *body, request *r) {
    fields f;
    bool there;
    const char *user = NULL;
    return fields_enter(body, "metadata", &f, &there) &&
           (!there || fields_string(&f, "user_id", &user)) && copy(body, user, &r->user);
}

// What only Anthropic's own service can do.
static bool refuse_elsewhere(const fields *body) {
    static const char *const names[] = {"container", "mcp_servers", "thread", "compaction",
                                        "fallbacks"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const json_t *value = json_object_get(body->object, names[i]);
        bool empty = json_is_array(value) && !json_array_size(value);
        if (fields_has(body, names[i]) && !empty) {
            return fields_wrong(body, PROBLEM_UNSUPPORTED, names[i],
                                "not supported by this server");
        }
    }
    return true;
}

static const char *const known[] = {
    "model",          "messages",    "system",      "max_tokens",    "metadata",
    "stop_sequences", "stream",      "temperature", "top_p",         "top_k",
    "tools",          "tool_choice", "thinking",    "output_config", "output_format",
    "cache_control",  "container",   "mcp_servers", "thread",        "compaction",
    "fallbacks",      NULL}; // cache_control: prefixes are always cached

static bool read_body(const fields *body, request *r, json_t *loaded) {
    const char *model = NULL;
    messages_thinking shown = THINKING_HIDDEN;
    return fields_need(body, "model") && fields_string(body, "model", &model) &&
           copy(body, model, &r->model) && refuse_elsewhere(body) &&
           messages_read_system(body, r) && messages_read_conversation(body, r, loaded) &&
           messages_read_tools(body, r, loaded) && read_thinking(body, r, &shown) &&
           read_output(body, r) && remember_thinking(body, r, shown) && read_sampling(body, r) &&
           read_stops(body, r) && read_metadata(body, r) &&
           fields_bool(body, "stream", &r->stream) && fields_ignore_others(body, known, r);
}

bool messages_read_count(const json_t *json, request *r, problem *p) {
    fields body;
    json_t *loaded = json_object();
    bool read = fields_open(&body, json, p, "%s", "") && (loaded || fields_no_memory(&body)) &&
                read_body(&body, r, loaded);
    json_decref(loaded);
    return read;
}

bool messages_read(const json_t *json, request *r, problem *p) {
    fields body;
    return fields_open(&body, json, p, "%s", "") && fields_need(&body, "max_tokens") &&
           fields_integer(&body, "max_tokens", 1, INT32_MAX, &r->max_tokens) &&
           messages_read_count(json, r, p);
}
