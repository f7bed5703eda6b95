// fields.c: reads the fields of a JSON object and says which one is wrong.
#include "fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

bool fields_open(fields *f, const json_t *value, problem *p, const char *path, ...) {
    *f = (fields){.object = value, .problem = p};
    va_list arguments;
    va_start(arguments, path);
    vsnprintf(f->path, sizeof(f->path), path, arguments);
    va_end(arguments);
    return json_is_object(value) || fields_wrong(f, PROBLEM_INVALID, NULL, "%s must be an object",
                                                 f->path[0] ? f->path : "the body");
}

bool fields_wrong(const fields *f, problem_kind kind, const char *key, const char *words, ...) {
    char path[sizeof(f->path) + 64], message[sizeof(f->problem->message)];
    snprintf(path, sizeof(path), "%s%s%s", f->path, key && f->path[0] ? "." : "", key ? key : "");
    va_list arguments;
    va_start(arguments, words);
    vsnprintf(message, sizeof(message), words, arguments);
    va_end(arguments);
    return problem_set(f->problem, kind, path, "%s", message);
}

bool fields_no_memory(const fields *f) {
    return problem_set(f->problem, PROBLEM_FAILED, "", "out of memory");
}

// The field, NULL when absent or null.
static const json_t *get(const fields *f, const char *key) {
    const json_t *value = json_object_get(f->object, key);
    return json_is_null(value) ? NULL : value;
}

static bool must_be(const fields *f, const char *key, const char *what) {
    return fields_wrong(f, PROBLEM_INVALID, key, "%s must be %s", key, what);
}

bool fields_has(const fields *f, const char *key) {
    return get(f, key) != NULL;
}

bool fields_need(const fields *f, const char *key) {
    return fields_has(f, key) || fields_wrong(f, PROBLEM_INVALID, key, "%s is missing", key);
}

bool fields_enter(const fields *f, const char *key, fields *inner_out, bool *there_out) {
    const json_t *value = get(f, key);
    *there_out = value != NULL;
    return !value ||
           fields_open(inner_out, value, f->problem, "%s%s%s", f->path, f->path[0] ? "." : "", key);
}

bool fields_string(const fields *f, const char *key, const char **out) {
    const json_t *value = get(f, key);
    if (value && !json_is_string(value)) {
        return must_be(f, key, "a string");
    }
    *out = value ? json_string_value(value) : *out;
    return true;
}

bool fields_bool(const fields *f, const char *key, bool *out) {
    const json_t *value = get(f, key);
    if (value && !json_is_boolean(value)) {
        return must_be(f, key, "true or false");
    }
    *out = value ? json_is_true(value) : *out;
    return true;
}

bool fields_integer(const fields *f, const char *key, int32_t least, int32_t most, int32_t *out) {
    const json_t *value = get(f, key);
    if (!value) {
        return true;
    }
    double number = json_number_value(value); // 16.0 is an integer too
    if (!json_is_number(value) || !(number >= least && number <= most) ||
        number != (double)(int32_t)number) {
        return fields_wrong(f, PROBLEM_INVALID, key, "%s must be an integer from %d to %d", key,
                            (int)least, (int)most);
    }
    *out = (int32_t)number;
    return true;
}

bool fields_number(const fields *f, const char *key, float least, float most, float *out) {
    const json_t *value = get(f, key);
    if (!value) {
        return true;
    }
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= least && number <= most)) {
        return fields_wrong(f, PROBLEM_INVALID, key, "%s must be a number from %g to %g", key,
                            (double)least, (double)most);
    }
    *out = (float)number;
    return true;
}

bool fields_array(const fields *f, const char *key, const json_t **out) {
    const json_t *value = get(f, key);
    if (value && !json_is_array(value)) {
        return must_be(f, key, "an array");
    }
    *out = value ? value : *out;
    return true;
}

bool fields_object(const fields *f, const char *key, const json_t **out) {
    const json_t *value = get(f, key);
    if (value && !json_is_object(value)) {
        return must_be(f, key, "an object");
    }
    *out = value ? value : *out;
    return true;
}

// What a client wrote, as it may stand in a sentence.
static const char *short_enough(const char *given) {
    return strlen(given) <= 80 ? given : "(something long)";
}

bool fields_name(const fields *f, const char *key, const char *const *names, int *out) {
    const char *given = NULL;
    char list[256] = "";
    if (!fields_string(f, key, &given)) {
        return false;
    }
    if (!given) {
        return true;
    }
    for (int i = 0; names[i]; i++) {
        if (!strcmp(names[i], given)) {
            *out = i;
            return true;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s'%s'", i ? ", " : "", names[i]);
    }
    return fields_wrong(f, PROBLEM_INVALID, key, "%s is '%s', but must be one of %s", key,
                        short_enough(given), list);
}

bool fields_effort(const fields *f, const char *key, gptoss_effort *out) {
    static const char *const names[] = {"none", "minimal", "low", "medium",
                                        "high", "xhigh",   "max", NULL};
    static const gptoss_effort efforts[] = {
        GPTOSS_EFFORT_LOW,  GPTOSS_EFFORT_LOW,  GPTOSS_EFFORT_LOW,  GPTOSS_EFFORT_MEDIUM,
        GPTOSS_EFFORT_HIGH, GPTOSS_EFFORT_HIGH, GPTOSS_EFFORT_HIGH,
    };
    int index = -1;
    if (!fields_name(f, key, names, &index)) {
        return false;
    }
    *out = index < 0 ? *out : efforts[index];
    return true;
}

static bool listed(const char *const *names, const char *name) {
    for (; *names; names++) {
        if (!strcmp(*names, name)) {
            return true;
        }
    }
    return false;
}

bool fields_ignore_others(const fields *f, const char *const *known, request *r) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)f->object, key, value) {
        char path[sizeof(f->path) + 96];
        snprintf(path, sizeof(path), "%s%s%s", f->path, f->path[0] ? "." : "", short_enough(key));
        if (!listed(known, key) && !request_ignore(r, path)) {
            return fields_no_memory(f);
        }
    }
    return true;
}

char *json_copy_text(const json_t *value) {
    text copy = {0};
    text_json(&copy, value);
    if (copy.failed) {
        text_clear(&copy);
    }
    return copy.data;
}
