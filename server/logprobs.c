// logprobs.c: a token's text, its bytes, and the tokens that might have been.
#include "logprobs.h"

#include <math.h>
#include <string.h>

static const char REPLACEMENT[] = "\xEF\xBF\xBD";

// Bytes of the whole character that starts here, 0 if there is none.
static size_t character(const unsigned char *bytes, size_t length) {
    size_t whole = bytes[0] < 0x80   ? 1
                   : bytes[0] < 0xC2 ? 0
                   : bytes[0] < 0xE0 ? 2
                   : bytes[0] < 0xF0 ? 3
                   : bytes[0] < 0xF5 ? 4
                                     : 0;
    if (whole > length) {
        return 0;
    }
    for (size_t i = 1; i < whole; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool surrogate = bytes[0] == 0xED && bytes[1] >= 0xA0;
    bool overlong = (bytes[0] == 0xE0 && bytes[1] < 0xA0) || (bytes[0] == 0xF0 && bytes[1] < 0x90);
    bool beyond = bytes[0] == 0xF4 && bytes[1] >= 0x90;
    return surrogate || overlong || beyond ? 0 : whole;
}

static json_t *as_text(const char *bytes, size_t length) {
    text whole = {0};
    for (size_t i = 0; i < length;) {
        size_t size = character((const unsigned char *)bytes + i, length - i);
        text_add(&whole, size ? bytes + i : REPLACEMENT, size ? size : strlen(REPLACEMENT));
        i += size ? size : 1;
    }
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
