// Keywords: which are held to, which say nothing about values, which are refused.
#include "grammar/schema.h"

#include <string.h>

// True if the keyword's value asks for nothing.
static bool is_idle(const char *key, const json_t *value, const json_t *schema) {
    if (!strcmp(key, "if")) {
        return !json_object_get(schema, "then") && !json_object_get(schema, "else");
    }
    if (json_is_true(value) || (json_is_object(value) && !json_object_size(value))) {
        return strcmp(key, "not") && strcmp(key, "contains") && strcmp(key, "uniqueItems");
    }
    if (!strcmp(key, "uniqueItems")) {
        const json_t *most = json_object_get(schema, "maxItems");
        return json_is_false(value) || (json_is_integer(most) && json_integer_value(most) <= 1);
    }
    return false;
}

// Whether unevaluatedProperties means what additionalProperties would.
static bool evaluates_alone(const json_t *schema) {
    static const char *const others[] = {"$ref", "allOf", "anyOf", "oneOf"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (json_object_get(schema, others[i])) {
            return false;
        }
    }
    return true;
}

void schema_check_keywords(schema_reader *reader, int32_t node) {
    // Keywords that no grammar of ours holds to. Any other that is unknown is an annotation, as the
    // specification has it. `then`, `else`, `minContains` and `maxContains` say nothing alone.
    static const char *const refused[] = {
        "not",
        "if",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "contains",
        "uniqueItems",
        "$dynamicRef",
        "$recursiveRef",
        "disallow",
        "extends",
        "unevaluatedItems",
        "unevaluatedProperties",
    };
    schema_node *entry = &reader->nodes[node];
    if (entry->checked) {
        return;
    }
    entry->checked = true;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const json_t *value = json_object_get(entry->value, refused[i]);
        bool alone = !strncmp(refused[i], "unevaluated", 11) && evaluates_alone(entry->value);
        if (value && !alone && !is_idle(refused[i], value, entry->value)) {
            schema_fail(reader, GPTOSS_UNSUPPORTED, node, refused[i],
                        "this keyword can't be held to while sampling");
            return;
        }
    }
}

static const json_t *get(schema_reader *reader, int32_t node, const char *key, bool well,
                         const char *kind) {
    const json_t *value = json_object_get(reader->nodes[node].value, key);
    if (value && !well) {
        schema_fail(reader, GPTOSS_BAD_INPUT, node, key, "must be %s", kind);
        return NULL;
    }
    return value;
}

const json_t *schema_get_array(schema_reader *reader, int32_t node, const char *key) {
    const json_t *value = json_object_get(reader->nodes[node].value, key);
    return get(reader, node, key, json_is_array(value), "an array");
}

const json_t *schema_get_object(schema_reader *reader, int32_t node, const char *key) {
    const json_t *value = json_object_get(reader->nodes[node].value, key);
    return get(reader, node, key, json_is_object(value), "an object");
}

const json_t *schema_get_string(schema_reader *reader, int32_t node, const char *key) {
    const json_t *value = json_object_get(reader->nodes[node].value, key);
    return get(reader, node, key, json_is_string(value), "a string");
}

const json_t *schema_get_number(schema_reader *reader, int32_t node, const char *key) {
    const json_t *value = json_object_get(reader->nodes[node].value, key);
    return get(reader, node, key, json_is_number(value), "a number");
}

// A count of things; 2.0 is one.
static bool get_count(schema_reader *reader, int32_t node, const char *key, double *count_out) {
    const json_t *value = schema_get_number(reader, node, key);
    if (!value) {
        return false;
    }
    *count_out = json_number_value(value);
    if (*count_out < 0 || (*count_out < 1e15 && *count_out != (double)(int64_t)*count_out)) {
        schema_fail(reader, GPTOSS_BAD_INPUT, node, key, "must be a whole number, 0 or more");
        return false;
    }
    return true;
}

schema_bounds schema_get_bounds(schema_reader *reader, schema_members members, const char *least,
                                const char *most) {
    schema_bounds bounds = {0, SIZE_MAX};
    for (size_t i = 0; i < members.count; i++) {
        double count;
        if (get_count(reader, members.nodes[i], least, &count)) {
            if (count > SCHEMA_MAX_COUNT) {
                schema_fail(reader, GPTOSS_UNSUPPORTED, members.nodes[i], least,
                            "more than a text can have");
            } else if ((size_t)count > bounds.least) {
                bounds.least = (size_t)count;
            }
        }
        if (get_count(reader, members.nodes[i], most, &count) && count <= SCHEMA_MAX_COUNT &&
            (size_t)count < bounds.most) {
            bounds.most = (size_t)count;
        }
    }
    return bounds;
}
