// sampling.h: what OpenAI's chat and text completions have in common of a request.
#ifndef SERVER_SAMPLING_H
#define SERVER_SAMPLING_H

#include "fields.h"

// temperature, top_p, top_k, min_p, the penalties, seed, logit_bias
bool sampling_read(const fields *body, request *request);
// "logit_bias": {"1234": -100, ...}
bool sampling_bias(const fields *body, request *request);
// "stop": a string or an array of strings
bool sampling_stops(const fields *body, request *request);
// "stream", "stream_options": {"include_usage"}
bool sampling_stream(const fields *body, request *request);

#define SAMPLING_FIELDS                                                                            \
    "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty",            \
        "frequency_penalty", "seed", "logit_bias"

#endif
