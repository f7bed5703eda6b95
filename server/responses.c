// responses.c: OpenAI's Responses API as a dialect: the table, and the fields of a body.
#include "responses.h"

#include <stdlib.h>
#include <string.h>

#include "openai.h"
#include "sampling.h"

// What the answer repeats of the request. "include" it only acts upon.
static const char *const REPEATED[] = {
    "background",
    "include",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    NULL,
};

// Known, with a meaning that would be lost.
static const struct {
    const char *field, *why;
} REFUSED[] = {
    {"conversation", "there are no conversations, continue with previous_response_id"},
    {"prompt", "there are no stored prompt templates"},
    {"moderation", "there is no moderation model"},
    {"context_management", "nothing is compacted by the server"},
};

// Hints about OpenAI's own machines (prompt_cache_retention ...) count as ignored.
static const char *const KNOWN[] = {
    "model",
    "input",
    "instructions",
    "reasoning",
    "text",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "max_tool_calls",
    "top_logprobs",
    "include",
    "metadata",
    "store",
    "background",
    "previous_response_id",
    "truncation",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "stream",
    "stream_options",
    "service_tier",
    "conversation",
    "prompt",
    "moderation",
    "context_management",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "seed",
    "max_reasoning_tokens",
    NULL,
};

bool responses_copy(const fields *in, const char *key, char **out) {
    const char *value = NULL;
    if (!fields_string(in, key, &value)) {
        return false;
    }
    if (value) {
        free(*out);
        *out = strdup(value);
    }
    return !value || *out || fields_no_memory(in);
}

static bool refuse(const fields *body) {
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        if (fields_has(body, REFUSED[i].field)) {
            return fields_wrong(body, PROBLEM_UNSUPPORTED, REFUSED[i].field,
                                "%s is not supported: %s", REFUSED[i].field, REFUSED[i].why);
        }
    }
    return true;
}

static bool read_reasoning(const fields *body, request *r) {
    static const char *const summaries[] = {"auto", "concise", "detailed", "none", NULL};
    static const char *const known[] = {"effort", "summary", "generate_summary", NULL};
    fields in;
    bool there;
    int summary = 0;
    if (!fields_enter(body, "reasoning", &in, &there) || !there) {
        return !there;
    }
    // There are no summaries: the reasoning itself is given, whatever kind of them is asked for.
    return fields_effort(&in, "effort", &r->effort) &&
           fields_name(&in, "summary", summaries, &summary) &&
           fields_name(&in, "generate_summary", summaries, &summary) &&
           fields_ignore_others(&in, known, r);
}

bool responses_read_grammar(const fields *in, format *f) {
    static const char *const names[] = {"lark", "regex", "gbnf", NULL};
    static const format_kind kinds[] = {FORMAT_LARK, FORMAT_REGEX, FORMAT_GBNF};
    int syntax = 0;
    if (!fields_need(in, "syntax") || !fields_name(in, "syntax", names, &syntax) ||
        !fields_need(in, "definition") || !responses_copy(in, "definition", &f->text)) {
        return false;
    }
    f->kind = kinds[syntax];
    return true;
}

static bool read_schema(const fields *in, format *f) {
    const json_t *schema = NULL;
    bool strict = false;
    if (!fields_need(in, "name") || !responses_copy(in, "name", &f->name) ||
        !responses_copy(in, "description", &f->description) || !fields_need(in, "schema") ||
        !fields_object(in, "schema", &schema) || !fields_bool(in, "strict", &strict)) {
        return false;
    }
    f->kind = FORMAT_JSON_SCHEMA;
    f->text = json_copy_text(schema);
    return f->text || fields_no_memory(in);
}

static bool read_format(const fields *outer, request *r) {
    static const char *const types[] = {"text", "json_object", "json_schema", "grammar", NULL};
    fields in;
    bool there;
    int type = 0;
    if (!fields_enter(outer, "format", &in, &there) || !there) {
        return !there;
    }
    if (!fields_need(&in, "type") || !fields_name(&in, "type", types, &type)) {
        return false;
    }
    r->answer.kind = type == 1 ? FORMAT_JSON_OBJECT : FORMAT_TEXT;
    return type < 2 ||
           (type == 2 ? read_schema(&in, &r->answer) : responses_read_grammar(&in, &r->answer));
}

static bool read_text(const fields *body, request *r) {
    static const char *const verbosities[] = {"low", "medium", "high", NULL};
    static const char *const known[] = {"format", "verbosity", NULL};
    fields in;
    bool there;
    int verbosity = 1;
    if (!fields_enter(body, "text", &in, &there) || !there) {
        return !there;
    }
    if (!read_format(&in, r) || !fields_name(&in, "verbosity", verbosities, &verbosity) ||
        !fields_ignore_others(&in, known, r)) {
        return false;
    }
    // The model was trained with efforts, not with verbosities.
    return verbosity == 1 || request_ignore(r, "text.verbosity") || fields_no_memory(body);
}

static bool read_include(const fields *body, request *r) {
    static const char *const names[] = {
        "message.output_text.logprobs",
        "reasoning.encrypted_content",
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
    };
    const json_t *list = NULL;
    if (!fields_array(body, "include", &list)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        size_t known = 0, count = sizeof(names) / sizeof(names[0]);
        while (name && known < count && strcmp(name, names[known])) {
            known++;
        }
        if (!name || known == count) {
            return problem_set(body->problem, PROBLEM_INVALID, "include",
                               "include[%zu] is nothing that an answer can include", i);
        }
        r->logprobs = r->logprobs || known == 0; // [0]; the others concern items of other tools
    }
    return true;
}

static bool read_metadata(const fields *body, request *r) {
    const json_t *metadata = NULL;
    const char *key;
    json_t *value;
    if (!fields_object(body, "metadata", &metadata) || !metadata) {
        return !fields_has(body, "metadata");
    }
    json_object_foreach((json_t *)metadata, key, value) {
        if (!json_is_string(value) || json_string_length(value) > 512 || strlen(key) > 64) {
            return fields_wrong(body, PROBLEM_INVALID, "metadata",
                                "metadata must be strings of at most 512 bytes, by names of at "
                                "most 64");
        }
    }
    if (json_object_size(metadata) > 16) {
        return fields_wrong(body, PROBLEM_INVALID, "metadata", "metadata has more than 16 entries");
    }
    r->metadata = json_copy_text(metadata);
    return r->metadata || fields_no_memory(body);
}

// How and when to answer.
static bool read_service(const fields *body, request *r) {
    static const char *const truncations[] = {"disabled", "auto", NULL};
    static const char *const tiers[] = {"flex",     "auto", "default",   "scale",
                                        "priority", "fast", "ultrafast", NULL};
    static const char *const stream_known[] = {"include_obfuscation", NULL};
    int truncation = 0, tier = 2;
    fields stream;
    bool there, obfuscation = false;
    r->store = true;
    if (!fields_bool(body, "stream", &r->stream) || !fields_bool(body, "store", &r->store) ||
        !fields_bool(body, "background", &r->background) ||
        !responses_copy(body, "previous_response_id", &r->previous) ||
        !fields_name(body, "truncation", truncations, &truncation) ||
        !fields_name(body, "service_tier", tiers, &tier) || !read_metadata(body, r) ||
        !responses_copy(body, "user", &r->user) ||
        !responses_copy(body, "safety_identifier", &r->user) ||
        !responses_copy(body, "prompt_cache_key", &r->cache_key) ||
        !fields_enter(body, "stream_options", &stream, &there)) {
        return false;
    }
    if (there && (!fields_bool(&stream, "include_obfuscation", &obfuscation) ||
                  !fields_ignore_others(&stream, stream_known, r))) {
        return false;
    }
    if (r->background) {
        return fields_wrong(body, PROBLEM_UNSUPPORTED, "background",
                            "background is not supported: the client waits for its answer");
    }
    r->priority = tier == 0 ? -1 : tier > 2 ? 1 : 0;
    // Nothing is ever cut: too long stays an error.
    if (truncation &&
        !request_warn(r, "truncation 'auto': nothing is cut here; what is too long is "
                         "an error")) {
        return fields_no_memory(body);
    }
    return !obfuscation || request_ignore(r, "stream_options.include_obfuscation") ||
           fields_no_memory(body);
}

static bool read_limits(const fields *body, request *r) {
    int32_t most = INT32_MAX;
    int32_t tool_calls; // of tools that the server runs itself: there are none, so any limit holds
    if (!fields_integer(body, "max_output_tokens", 1, most, &r->max_tokens) ||
        !fields_integer(body, "max_tool_calls", 1, most, &tool_calls) ||
        !fields_integer(body, "top_logprobs", 0, 20, &r->n_logprobs) || !read_include(body, r)) {
        return false;
    }
    r->logprobs = r->logprobs || r->n_logprobs > 0;
    return sampling_read(body, r) &&
           fields_integer(body, "max_reasoning_tokens", 0, most, &r->max_reasoning_tokens);
}

static bool repeat(const fields *body, request *r) {
    json_t *kept = json_object();
    for (size_t i = 0; kept && REPEATED[i]; i++) {
        json_t *value = json_object_get(body->object, REPEATED[i]);
        if (value && !json_is_null(value) && json_object_set(kept, REPEATED[i], value)) {
            json_decref(kept);
            kept = NULL;
        }
    }
    r->repeated = kept ? json_copy_text(kept) : NULL;
    json_decref(kept);
    return r->repeated || fields_no_memory(body);
}

bool responses_read(const json_t *json, request *r, problem *p) {
    fields body;
    if (!fields_open(&body, json, p, "%s", "") || !refuse(&body) ||
        !responses_copy(&body, "model", &r->model) ||
        !responses_copy(&body, "instructions", &r->instructions) || !read_reasoning(&body, r) ||
        !read_text(&body, r) || !read_limits(&body, r) || !read_service(&body, r) ||
        !fields_bool(&body, "parallel_tool_calls", &r->parallel_calls) ||
        !responses_read_tools(&body, r) || !responses_read_input(&body, r) ||
        !responses_read_choice(&body, r)) {
        return false;
    }
    return fields_ignore_others(&body, KNOWN, r) && repeat(&body, r);
}

static void fail(const problem *p, bool in_stream, text *out) {
    if (!in_stream) {
        openai_error(p, out);
        return;
    }
    text_event(out, "error",
               json_pack("{s:s, s:s, s:s, s:s?, s:i}", "type", "error", "code",
                         openai_error_code(p), "message", p->message, "param",
                         p->field[0] ? p->field : NULL, "sequence_number", 0));
}

const dialect responses_dialect = {
    .name = "responses",
    .path = "/v1/responses",
    .id_prefix = "resp_",
    .read = responses_read,
    .open = responses_open,
    .write = responses_write,
    .collect = responses_collect,
    .document = responses_document,
    .close = responses_close,
    .fail = fail,
};
