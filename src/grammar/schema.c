// JSON schemas as rules: reading the text, failures, and the order of things.
#include "grammar/schema.h"

#include "grammar/expressions.h"

#include <stdio.h>

int32_t schema_fail(schema_reader *reader, gptoss_status status, int32_t node, const char *key,
                    const char *format, ...) {
    if (reader->status) {
        return RULES_NONE;
    }
    base_buffer path = {0};
    va_list arguments;
    va_start(arguments, format);
    char why[384];
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    if (node >= 0 && !schema_node_path(reader, node, &path)) {
        base_buffer_free(&path);
        return schema_no_memory(reader);
    }
    reader->status = base_fail(reader->error, status, "JSON schema: %.300s%s%s: %s",
                               path.length ? path.data : "#", key ? "/" : "", key ? key : "", why);
    base_buffer_free(&path);
    return RULES_NONE;
}

int32_t schema_no_memory(schema_reader *reader) {
    if (!reader->status) {
        reader->status =
            base_fail(reader->error, GPTOSS_NO_MEMORY, "out of memory while reading a JSON schema");
    }
    return RULES_NONE;
}

bool schema_well(schema_reader *reader) {
    if (!reader->status && reader->rules->status) {
        reader->status =
            base_fail(reader->error, reader->rules->status, "JSON schema: %s", reader->rules->why);
    }
    return !reader->status;
}

static void parse(schema_reader *reader, const char *json, size_t length) {
    if (length > SCHEMA_MAX_BYTES) {
        schema_fail(reader, GPTOSS_UNSUPPORTED, -1, NULL, "%zu bytes, at most %d are read", length,
                    SCHEMA_MAX_BYTES);
        return;
    }
    json_error_t problem = {0};
    reader->root = json_loadb(json, length,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
    if (reader->root) {
        schema_nodes_read(reader);
        return;
    }
    // jansson leaves the text empty when an allocation fails.
    enum json_error_code code = json_error_code(&problem);
    if (code == json_error_out_of_memory || problem.text[0] == '\0') {
        schema_no_memory(reader);
        return;
    }
    bool range = code == json_error_numeric_overflow || code == json_error_stack_overflow;
    schema_fail(reader, range ? GPTOSS_UNSUPPORTED : GPTOSS_BAD_INPUT, -1, NULL,
                "line %d, column %d: %s", problem.line, problem.column, problem.text);
}

gptoss_status rules_read_schema(rules *to, const char *json, size_t length, gptoss_error *error) {
    schema_reader reader = {.rules = to, .error = error};
    schema_set start = {0};
    parse(&reader, json, length);
    if (schema_well(&reader)) {
        schema_set_add(&reader, &start, reader.root, -1, NULL);
        int32_t rule = rules_declare(to);
        rules_define(to, rule, schema_set_rule(&reader, &start));
        rules_start(to, rule);
        schema_sets_finish(&reader);
        schema_well(&reader);
    }
    schema_set_free(&start);
    base_ids_free(&reader.members);
    base_free(reader.entries);
    base_free(reader.entry_table.slots);
    base_free(reader.nodes);
    base_free(reader.node_table.slots);
    json_decref(reader.root);
    return reader.status;
}
