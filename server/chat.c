// chat.c: OpenAI's chat completions: the body's fields, one by one.
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "openai.h"
#include "sampling.h"

bool chat_copy(const fields *in, const char *key, char **out) {
    const char *value = NULL;
    if (!fields_string(in, key, &value) || !value) {
        return value || !fields_has(in, key);
    }
    free(*out);
    *out = strdup(value);
    return *out || fields_no_memory(in);
}

// A number of tokens; -1 and 0 are "no limit" in other servers.
static bool read_limit(const fields *body, const char *key, int32_t *out) {
    int32_t most = *out;
    if (!fields_integer(body, key, -1, INT32_MAX, &most)) {
        return false;
    }
    *out = most < 0 ? 0 : most;
    return true;
}

static bool read_limits(const fields *body, request *r) {
    if (!read_limit(body, "max_tokens", &r->max_tokens) ||
        !read_limit(body, "max_completion_tokens", &r->max_tokens) ||
        !read_limit(body, "max_reasoning_tokens", &r->max_reasoning_tokens) ||
        !fields_integer(body, "n", 1, 128, &r->n_choices) ||
        !fields_bool(body, "logprobs", &r->logprobs) ||
        !fields_integer(body, "top_logprobs", 0, 20, &r->n_logprobs) ||
        !fields_integer(body, "priority", -1000000, 1000000, &r->priority)) {
        return false;
    }
    if (r->n_logprobs && !r->logprobs) {
        return fields_wrong(body, PROBLEM_INVALID, "top_logprobs", "needs logprobs to be true");
    }
    return sampling_stops(body, r);
}

static bool read_reasoning(const fields *body, request *r) {
    fields inner;
    bool there;
    if (!fields_enter(body, "chat_template_kwargs", &inner, &there) ||
        (there && !fields_effort(&inner, "reasoning_effort", &r->effort)) ||
        !fields_enter(body, "reasoning", &inner, &there)) {
        return false;
    }
    return (!there || (fields_effort(&inner, "effort", &r->effort) &&
                       read_limit(&inner, "max_tokens", &r->max_reasoning_tokens))) &&
           fields_effort(body, "reasoning_effort", &r->effort);
}

static bool read_schema(const fields *in, request *r) {
    fields inner;
    bool there;
    if (!fields_need(in, "json_schema") || !fields_enter(in, "json_schema", &inner, &there) ||
        !fields_need(&inner, "schema") || !chat_copy(&inner, "name", &r->answer.name) ||
        !chat_copy(&inner, "description", &r->answer.description)) {
        return false;
    }
    const json_t *schema = json_object_get(inner.object, "schema");
    if (!json_is_object(schema) && !json_is_boolean(schema)) {
        return fields_wrong(&inner, PROBLEM_INVALID, "schema", "schema must be an object");
    }
    r->answer.text = json_copy_text(schema);
    return r->answer.text || fields_no_memory(in);
}

// "response_format": the API's three types, and ours: regex, gbnf and lark, with "grammar".
static bool read_format(const fields *body, request *r) {
    static const char *const names[] = {[FORMAT_TEXT] = "text",
                                        [FORMAT_JSON_OBJECT] = "json_object",
                                        [FORMAT_JSON_SCHEMA] = "json_schema",
                                        [FORMAT_REGEX] = "regex",
                                        [FORMAT_GBNF] = "gbnf",
                                        [FORMAT_LARK] = "lark",
                                        [FORMAT_LARK + 1] = NULL};
    fields in;
    bool there;
    int kind = FORMAT_TEXT;
    if (!fields_enter(body, "response_format", &in, &there)) {
        return false;
    }
    if (!there) {
        return true;
    }
    if (!fields_need(&in, "type") || !fields_name(&in, "type", names, &kind)) {
        return false;
    }
    r->answer.kind = (format_kind)kind;
    if (kind == FORMAT_JSON_SCHEMA) {
        return read_schema(&in, r);
    }
    return kind <= FORMAT_JSON_OBJECT ||
           (fields_need(&in, "grammar") && chat_copy(&in, "grammar", &r->answer.text));
}

static bool refuse_sound(const fields *body) {
    const json_t *kinds = NULL;
    if (fields_has(body, "audio")) {
        return fields_wrong(body, PROBLEM_UNSUPPORTED, "audio", "gpt-oss models write text alone");
    }
    if (!fields_array(body, "modalities", &kinds)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *kind = json_string_value(json_array_get(kinds, i));
        if (!kind || strcmp(kind, "text") != 0) {
            return fields_wrong(body, PROBLEM_UNSUPPORTED, "modalities",
                                "gpt-oss models write text alone");
        }
    }
    return true;
}

static bool read_rest(const fields *body, request *r) {
    const json_t *metadata = NULL;
    if (!chat_copy(body, "model", &r->model) || !chat_copy(body, "user", &r->user) ||
        !chat_copy(body, "safety_identifier", &r->user) ||
        !chat_copy(body, "prompt_cache_key", &r->cache_key) ||
        !fields_object(body, "metadata", &metadata) || !fields_bool(body, "store", &r->store) ||
        !sampling_stream(body, r) || !refuse_sound(body)) {
        return false;
    }
    if (metadata) {
        r->metadata = json_copy_text(metadata);
    }
    return !metadata || r->metadata || fields_no_memory(body);
}

bool chat_read(const json_t *json, request *r, problem *problem) {
    static const char *const known[] = {"messages",
                                        "model",
                                        "stream",
                                        "stream_options",
                                        "max_tokens",
                                        "max_completion_tokens",
                                        "max_reasoning_tokens",
                                        "temperature",
                                        "top_p",
                                        "top_k",
                                        "min_p",
                                        "repetition_penalty",
                                        "presence_penalty",
                                        "frequency_penalty",
                                        "logit_bias",
                                        "logprobs",
                                        "top_logprobs",
                                        "n",
                                        "seed",
                                        "stop",
                                        "tools",
                                        "tool_choice",
                                        "functions",
                                        "function_call",
                                        "parallel_tool_calls",
                                        "response_format",
                                        "reasoning_effort",
                                        "reasoning",
                                        "chat_template_kwargs",
                                        "user",
                                        "safety_identifier",
                                        "prompt_cache_key",
                                        "metadata",
                                        "store",
                                        "modalities",
                                        "audio",
                                        "priority",
                                        NULL};
    fields body;
    return fields_open(&body, json, problem, "%s", "") && read_rest(&body, r) &&
           sampling_read(&body, r) && read_limits(&body, r) && read_reasoning(&body, r) &&
           read_format(&body, r) && chat_read_tools(&body, r) && chat_read_messages(&body, r) &&
           fields_ignore_others(&body, known, r);
}

static void chat_fail(const problem *problem, bool in_stream, text *out) {
    if (in_stream) {
        text_print(out, "data: ");
    }
    openai_error(problem, out);
    if (in_stream) {
        text_print(out, "\n\n");
    }
}

const dialect chat_dialect = {
    .name = "chat",
    .path = "/v1/chat/completions",
    .id_prefix = "chatcmpl-",
    .read = chat_read,
    .open = chat_open,
    .write = chat_write,
    .collect = chat_collect,
    .document = chat_document,
    .close = chat_close,
    .fail = chat_fail,
};
