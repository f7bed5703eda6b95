// logprobs.c: a token's text, its bytes, and the tokens that might have been.
#include "logprobs.h"

#include <math.h>
#include <string.h>

#include "utf8.h"

static json_t *as_text(const char *bytes, size_t length) {
    text whole = {0};
    utf8_add(&whole, bytes, length, true);
    json_t *made = whole.failed ? NULL : json_stringn(length ? whole.data : "", whole.length);
    text_clear(&whole);
    return made;
}

static json_t *as_bytes(const char *bytes, size_t length) {
    json_t *array = json_array();
    for (size_t i = 0; array && i < length; i++) {
        if (json_array_append_new(array, json_integer((unsigned char)bytes[i]))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

double logprobs_finite(float logprob) {
    return isfinite(logprob) ? (double)logprob : -9999.0;
}

json_t *logprobs_token(const gptoss_tokenizer *tokenizer, int32_t id) {
    char *bytes;
    size_t length;
    gptoss_status status = gptoss_decode(tokenizer, &id, 1, &bytes, &length, NULL);
    if (status == GPTOSS_NO_MEMORY) {
        return NULL;
    }
    json_t *made = as_text(bytes, status ? 0 : length);
    gptoss_free(bytes);
    return made;
}

static json_t *entry(const gptoss_tokenizer *tokenizer, int32_t id, float logprob) {
    char *bytes;
    size_t length;
    gptoss_status status = gptoss_decode(tokenizer, &id, 1, &bytes, &length, NULL);
    if (status == GPTOSS_NO_MEMORY) {
        return NULL;
    }
    length = status ? 0 : length; // an id without text
    json_t *made = json_pack("{s:o, s:f, s:o}", "token", as_text(bytes, length), "logprob",
                             logprobs_finite(logprob), "bytes", as_bytes(bytes, length));
    gptoss_free(bytes);
    return made;
}

static json_t *with_top(const gptoss_tokenizer *tokenizer, const turn_token *token) {
    json_t *made = entry(tokenizer, token->id, token->logprob), *top = json_array();
    if (json_object_set_new(made, "top_logprobs", top)) {
        json_decref(made);
        return NULL;
    }
    for (int32_t i = 0; i < token->n_top; i++) {
        if (json_array_append_new(top, entry(tokenizer, token->top[i].id, token->top[i].logprob))) {
            json_decref(made);
            return NULL;
        }
    }
    return made;
}

bool logprobs_append(json_t *array, const gptoss_tokenizer *tokenizer, const turn_token *tokens,
                     size_t n_tokens) {
    for (size_t i = 0; i < n_tokens; i++) {
        if (json_array_append_new(array, with_top(tokenizer, &tokens[i]))) {
            return false;
        }
    }
    return true;
}
