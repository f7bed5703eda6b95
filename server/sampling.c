// sampling.c: reads the fields that OpenAI's completions share.
#include "sampling.h"

#include <stdlib.h>

enum { MAX_BIAS = 100 };      // of a logit, as OpenAI has it
enum { MAX_BIASES = 4096 };   // tokens that one request may name
enum { MAX_ID = 0x3FFFFFFF }; // whether the vocabulary has an id is known later

bool sampling_bias(const fields *body, request *r) {
    const json_t *object = NULL;
    if (!fields_object(body, "logit_bias", &object)) {
        return false;
    }
    size_t count = json_object_size(object);
    if (count > MAX_BIASES) {
        return fields_wrong(body, PROBLEM_INVALID, "logit_bias", "names more than %d tokens",
                            MAX_BIASES);
    }
    if (!count) {
        return true;
    }
    r->bias = calloc(count, sizeof(*r->bias));
    if (!r->bias) {
        return fields_no_memory(body);
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        char *end;
        long id = strtol(key, &end, 10);
        double bias = json_number_value(value);
        if (*end || end == key || id < 0 || id > MAX_ID || !json_is_number(value) ||
            !(bias >= -MAX_BIAS && bias <= MAX_BIAS)) {
            return fields_wrong(body, PROBLEM_INVALID, "logit_bias",
                                "must map ids of tokens to numbers from -100 to 100");
        }
        r->bias[r->sampling.n_bias++] = (gptoss_logit_bias){(int32_t)id, (float)bias};
    }
    r->sampling.bias = r->bias;
    return true;
}

static bool add_stop(const fields *body, request *r, const json_t *value) {
    const char *stop = json_string_value(value);
    if (!stop || !*stop) {
        return fields_wrong(body, PROBLEM_INVALID, "stop",
                            "must be a string, or an array of strings, none empty");
    }
    return request_add_stop(r, stop) || fields_no_memory(body);
}

bool sampling_stops(const fields *body, request *r) {
    const json_t *stops = json_object_get(body->object, "stop");
    if (!fields_has(body, "stop")) {
        return true;
    }
    for (size_t i = 0; i < json_array_size(stops); i++) {
        if (!add_stop(body, r, json_array_get(stops, i))) {
            return false;
        }
    }
    return json_is_array(stops) || add_stop(body, r, stops);
}

bool sampling_stream(const fields *body, request *r) {
    fields options;
    bool there;
    return fields_bool(body, "stream", &r->stream) &&
           fields_enter(body, "stream_options", &options, &there) &&
           (!there || fields_bool(&options, "include_usage", &r->stream_usage));
}

bool sampling_read(const fields *body, request *r) {
    gptoss_sampling *s = &r->sampling;
    int32_t top_k = 0;
    if (!fields_number(body, "temperature", 0, 2, &s->temperature) ||
        !fields_number(body, "top_p", 0, 1, &s->top_p) ||
        !fields_integer(body, "top_k", -1, INT32_MAX, &top_k) ||
        !fields_number(body, "min_p", 0, 1, &s->min_p) ||
        !fields_number(body, "repetition_penalty", 0.01F, 10, &s->repetition_penalty) ||
        !fields_number(body, "presence_penalty", -2, 2, &s->presence_penalty) ||
        !fields_number(body, "frequency_penalty", -2, 2, &s->frequency_penalty) ||
        !sampling_bias(body, r)) {
        return false;
    }
    s->top_k = top_k < 0 ? 0 : top_k; // -1 is "off" in other servers
    if (fields_has(body, "seed")) {
        const json_t *seed = json_object_get(body->object, "seed");
        if (!json_is_integer(seed)) {
            return fields_wrong(body, PROBLEM_INVALID, "seed", "seed must be an integer");
        }
        s->seed = (uint64_t)json_integer_value(seed);
        r->has_seed = true;
    }
    return true;
}
