// What a set without unions allows: the types, and one way for each.
#include "grammar/schema.h"

#include <string.h>

static unsigned type_bits(const char *name) {
    static const struct {
        const char *name;
        unsigned bits;
    } types[] = {
        {"null", SCHEMA_NULL},       {"boolean", SCHEMA_BOOLEAN},
        {"integer", SCHEMA_INTEGER}, {"number", SCHEMA_INTEGER | SCHEMA_FRACTION},
        {"string", SCHEMA_STRING},   {"array", SCHEMA_ARRAY},
        {"object", SCHEMA_OBJECT},   {"any", SCHEMA_ALL_TYPES},
    };
    for (size_t i = 0; name && i < sizeof types / sizeof types[0]; i++) {
        if (!strcmp(name, types[i].name)) {
            return types[i].bits;
        }
    }
    return 0;
}

static unsigned member_types(schema_reader *reader, int32_t node) {
    const json_t *schema = reader->nodes[node].value, *type = json_object_get(schema, "type");
    unsigned bits = 0;
    if (!type) {
        return SCHEMA_ALL_TYPES;
    }
    size_t n = json_is_array(type) ? json_array_size(type) : 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_is_array(type) ? json_array_get(type, i) : type;
        unsigned more = type_bits(json_string_value(name));
        if (!more) {
            schema_fail(reader, GPTOSS_BAD_INPUT, node, "type", "is not a type of JSON schema");
        }
        bits |= more;
    }
    bool nullable = json_is_true(json_object_get(schema, "nullable"));
    return nullable ? bits | SCHEMA_NULL : bits;
}

unsigned schema_types(schema_reader *reader, schema_members members) {
    unsigned bits = SCHEMA_ALL_TYPES;
    for (size_t i = 0; i < members.count; i++) {
        bits &= member_types(reader, members.nodes[i]);
    }
    return bits;
}

int32_t schema_value(schema_reader *reader, schema_members members) {
    unsigned types = schema_types(reader, members);
    if (schema_has_enumeration(reader, members)) {
        return schema_enumeration(reader, members, types);
    }
    base_ids ways = {0};
    if (types & SCHEMA_OBJECT) {
        schema_push(reader, &ways, schema_object(reader, members));
    }
    if (types & SCHEMA_ARRAY) {
        schema_push(reader, &ways, schema_array(reader, members));
    }
    if (types & SCHEMA_STRING) {
        schema_push(reader, &ways, schema_string(reader, members));
    }
    if (types & (SCHEMA_INTEGER | SCHEMA_FRACTION)) {
        bool whole = !(types & SCHEMA_FRACTION);
        schema_push(reader, &ways, schema_number(reader, members, whole));
    }
    if (types & SCHEMA_BOOLEAN) {
        schema_push(reader, &ways, schema_text(reader, "true"));
        schema_push(reader, &ways, schema_text(reader, "false"));
    }
    if (types & SCHEMA_NULL) {
        schema_push(reader, &ways, schema_text(reader, "null"));
    }
    int32_t value = schema_choice(reader, &ways);
    base_ids_free(&ways);
    return value;
}
