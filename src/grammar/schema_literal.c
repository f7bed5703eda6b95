// enum and const: values that are written out.
#include "grammar/schema.h"
#include "grammar/schema_text.h"

#include <string.h>

bool schema_equal(const json_t *a, const json_t *b) {
    if (json_is_number(a) && json_is_number(b)) {
        return schema_numbers_equal(a, b);
    }
    if (json_typeof(a) != json_typeof(b)) {
        return false;
    }
    size_t i;
    json_t *value;
    const char *key;
    if (json_is_array(a)) {
        json_array_foreach(a, i, value) {
            const json_t *other = json_array_get(b, i);
            if (!other || !schema_equal(value, other)) {
                return false;
            }
        }
        return json_array_size(a) == json_array_size(b);
    }
    if (json_is_object(a)) {
        json_object_foreach((json_t *)a, key, value) {
            const json_t *other = json_object_get(b, key);
            if (!other || !schema_equal(value, other)) {
                return false;
            }
        }
        return json_object_size(a) == json_object_size(b);
    }
    return json_equal((json_t *)a, (json_t *)b);
}

// ---- texts -----------------------------------------------------------------------------------

static int32_t literal(schema_reader *reader, const json_t *value);

static int32_t literal_list(schema_reader *reader, const json_t *value) {
    bool object = json_is_object(value);
    size_t i = 0, n = object ? json_object_size(value) : json_array_size(value);
    base_ids parts = {0};
    schema_push(reader, &parts, schema_text(reader, object ? "{" : "["));
    void *at = json_object_iter((json_t *)value);
    for (; i < n && schema_well(reader); i++, at = json_object_iter_next((json_t *)value, at)) {
        if (i) {
            schema_push(reader, &parts, schema_text(reader, ","));
        }
        schema_push(reader, &parts, schema_blank(reader));
        if (object) {
            schema_push(reader, &parts,
                        schema_key(reader, json_object_iter_key(at), json_object_iter_key_len(at)));
        }
        const json_t *part = object ? json_object_iter_value(at) : json_array_get(value, i);
        schema_push(reader, &parts, literal(reader, part));
    }
    if (n) {
        schema_push(reader, &parts, schema_blank(reader));
    }
    schema_push(reader, &parts, schema_text(reader, object ? "}" : "]"));
    int32_t list = schema_sequence(reader, &parts);
    base_ids_free(&parts);
    return list;
}

static int32_t literal(schema_reader *reader, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_NULL:
        return schema_text(reader, "null");
    case JSON_TRUE:
        return schema_text(reader, "true");
    case JSON_FALSE:
        return schema_text(reader, "false");
    case JSON_STRING:
        return schema_string_literal(reader, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
        return schema_number_literal(reader, value);
    default:
        return literal_list(reader, value);
    }
}

// ---- which values ----------------------------------------------------------------------------

bool schema_has_enumeration(const schema_reader *reader, schema_members members) {
    for (size_t i = 0; i < members.count; i++) {
        const json_t *schema = schema_member(reader, members, i);
        if (json_object_get(schema, "enum") || json_object_get(schema, "const")) {
            return true;
        }
    }
    return false;
}

static bool is_among(const json_t *list, const json_t *value) {
    size_t i;
    json_t *other;
    json_array_foreach(list, i, other) {
        if (schema_equal(value, other)) {
            return true;
        }
    }
    return false;
}

// Of enum and const alone.
static bool is_listed(schema_reader *reader, schema_members members, const json_t *value) {
    for (size_t i = 0; i < members.count; i++) {
        const json_t *only = json_object_get(schema_member(reader, members, i), "const");
        const json_t *list = schema_get_array(reader, members.nodes[i], "enum");
        if ((only && !schema_equal(only, value)) || (list && !is_among(list, value))) {
            return false;
        }
    }
    return true;
}

// Objects and arrays among the values are not compared with what else is asked of them.
static bool has_none_of(schema_reader *reader, schema_members members, const char *const *keys,
                        size_t n_keys) {
    for (size_t i = 0; i < members.count; i++) {
        for (size_t k = 0; k < n_keys; k++) {
            if (json_object_get(schema_member(reader, members, i), keys[k])) {
                schema_fail(reader, GPTOSS_UNSUPPORTED, members.nodes[i], keys[k],
                            "beside an enum or const with objects or arrays");
                return false;
            }
        }
    }
    return true;
}

// What is asked for besides enum and const. strings: what a string has to be, NULL: anything.
static bool holds(schema_reader *reader, schema_members members, unsigned types,
                  const language *strings, const json_t *value) {
    static const char *const of_objects[] = {
        "properties",    "required",      "additionalProperties", "patternProperties",
        "propertyNames", "minProperties", "maxProperties",
    };
    static const char *const of_arrays[] = {
        "items", "prefixItems", "additionalItems", "minItems", "maxItems",
    };
    switch (json_typeof(value)) {
    case JSON_NULL:
        return types & SCHEMA_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return types & SCHEMA_BOOLEAN;
    case JSON_STRING:
        return types & SCHEMA_STRING && (!strings || language_has(strings, json_string_value(value),
                                                                  json_string_length(value)));
    case JSON_INTEGER:
    case JSON_REAL:
        return types & (schema_is_whole(value) ? SCHEMA_INTEGER : SCHEMA_FRACTION) &&
               schema_number_holds(reader, members, value);
    case JSON_OBJECT:
        return types & SCHEMA_OBJECT &&
               has_none_of(reader, members, of_objects, sizeof of_objects / sizeof *of_objects);
    case JSON_ARRAY:
        return types & SCHEMA_ARRAY &&
               has_none_of(reader, members, of_arrays, sizeof of_arrays / sizeof *of_arrays);
    }
    return false;
}

// What strings have to be besides being listed; NULL: anything, or a failure.
static language *wished(schema_reader *reader, schema_members members) {
    schema_text_wishes w = schema_text_wishes_of(reader, members);
    bool any = !w.n && !w.bounds.least && w.bounds.most == SIZE_MAX;
    return any || !schema_well(reader) ? NULL : schema_language_of(reader, members);
}

int32_t schema_enumeration(schema_reader *reader, schema_members members, unsigned types) {
    const json_t *list = NULL, *only = NULL;
    for (size_t i = 0; i < members.count && !only && !list; i++) {
        only = json_object_get(schema_member(reader, members, i), "const");
        list = schema_get_array(reader, members.nodes[i], "enum");
    }
    base_ids ways = {0};
    language *strings = types & SCHEMA_STRING ? wished(reader, members) : NULL;
    size_t n = only ? 1 : json_array_size(list);
    for (size_t i = 0; i < n && schema_well(reader); i++) {
        const json_t *value = only ? only : json_array_get(list, i);
        if (is_listed(reader, members, value) && holds(reader, members, types, strings, value)) {
            schema_push(reader, &ways, literal(reader, value));
        }
    }
    int32_t value = schema_choice(reader, &ways);
    language_free(strings);
    base_ids_free(&ways);
    return value;
}
