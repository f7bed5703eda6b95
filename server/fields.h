// fields.h: the fields of a JSON object, read with one line each.
//
//     fields body;
//     fields_open(&body, json, problem, "") && fields_string(&body, "model", &model) && ...
//
// Each returns false with *problem filled when the field is there and wrong; a field that is absent
// or null leaves *out as it was. Strings and values belong to the JSON.
#ifndef SERVER_FIELDS_H
#define SERVER_FIELDS_H

#include <jansson.h>

#include "request.h"

typedef struct fields {
    const json_t *object;
    problem *problem; // where a fault goes
    char path[112];   // "tools[2].function", or ""
} fields;

// False unless value is an object. The path is where it lies in the body.
bool fields_open(fields *fields_out, const json_t *value, problem *problem, const char *path, ...)
    __attribute__((format(printf, 4, 5)));
// An object that is a field of this one; *there_out: whether it is there.
bool fields_enter(const fields *in, const char *key, fields *inner_out, bool *there_out);

bool fields_has(const fields *in, const char *key); // there and not null
bool fields_string(const fields *in, const char *key, const char **out);
bool fields_bool(const fields *in, const char *key, bool *out);
bool fields_integer(const fields *in, const char *key, int32_t least, int32_t most, int32_t *out);
bool fields_number(const fields *in, const char *key, float least, float most, float *out);
bool fields_array(const fields *in, const char *key, const json_t **out);
bool fields_object(const fields *in, const char *key, const json_t **out);
// One of names, [n_names] with NULL behind; *out is its index.
bool fields_name(const fields *in, const char *key, const char *const *names, int *out);
// none and minimal are low, xhigh and max are high.
bool fields_effort(const fields *in, const char *key, gptoss_effort *out);
bool fields_need(const fields *in, const char *key); // false if it is absent

// Notes in request.ignored the fields that are none of known, [n] with NULL behind.
bool fields_ignore_others(const fields *in, const char *const *known, request *request);
// Fills the problem, with the path of key (NULL: of the object itself), and returns false.
bool fields_wrong(const fields *in, problem_kind kind, const char *key, const char *words, ...)
    __attribute__((format(printf, 4, 5)));
bool fields_no_memory(const fields *in);

// A copy of value as compact JSON, released with free; NULL when memory ran out.
char *json_copy_text(const json_t *value);

#endif
