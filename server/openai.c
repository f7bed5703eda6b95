// openai.c: problems as OpenAI's dialects print them.
#include "openai.h"

static const struct {
    const char *type, *code;
} NAMES[] = {
    [PROBLEM_NONE] = {"invalid_request_error", NULL},
    [PROBLEM_INVALID] = {"invalid_request_error", "invalid_value"},
    [PROBLEM_UNSUPPORTED] = {"invalid_request_error", "unsupported_parameter"},
    [PROBLEM_TOO_LONG] = {"invalid_request_error", "context_length_exceeded"},
    [PROBLEM_KEY] = {"authentication_error", "invalid_api_key"},
    [PROBLEM_FORBIDDEN] = {"permission_error", "forbidden"},
    [PROBLEM_NOT_FOUND] = {"invalid_request_error", "not_found"},
    [PROBLEM_METHOD] = {"invalid_request_error", "method_not_supported"},
    [PROBLEM_TOO_LARGE] = {"invalid_request_error", "request_too_large"},
    [PROBLEM_BUSY] = {"rate_limit_error", "rate_limit_exceeded"},
    [PROBLEM_DRAINING] = {"server_error", "server_is_shutting_down"},
    [PROBLEM_FAILED] = {"server_error", "server_error"},
};

const char *openai_error_type(const problem *p) {
    return NAMES[p->kind].type;
}

const char *openai_error_code(const problem *p) {
    return NAMES[p->kind].code;
}

void openai_error(const problem *p, text *out) {
    json_t *error = json_pack("{s:{s:s, s:s, s:s?, s:s?}}", "error", "message", p->message, "type",
                              openai_error_type(p), "param", p->field[0] ? p->field : NULL, "code",
                              openai_error_code(p));
    text_json(out, error);
    json_decref(error);
}

json_t *openai_usage(const turn_usage *usage) {
    return json_pack(
        "{s:I, s:I, s:I, s:{s:I, s:i}, s:{s:I, s:i, s:i, s:i}}", "prompt_tokens",
        (json_int_t)usage->prompt_tokens, "completion_tokens", (json_int_t)usage->completion_tokens,
        "total_tokens", (json_int_t)(usage->prompt_tokens + usage->completion_tokens),
        "prompt_tokens_details", "cached_tokens", (json_int_t)usage->cached_tokens, "audio_tokens",
        0, "completion_tokens_details", "reasoning_tokens", (json_int_t)usage->reasoning_tokens,
        "audio_tokens", 0, "accepted_prediction_tokens", 0, "rejected_prediction_tokens", 0);
}
