// Languages of strings that several wishes hold for at once.
#include "grammar/schema_text.h"

#include "grammar/expressions.h"

#include <stdio.h>
#include <string.h>

// ---- wishes ----------------------------------------------------------------------------------

schema_text_wishes schema_text_wishes_of(schema_reader *reader, schema_members members) {
    schema_text_wishes w = {.pattern_node = -1, .format = -1};
    w.bounds = schema_get_bounds(reader, members, "minLength", "maxLength");
    for (size_t i = 0; i < members.count; i++) {
        const json_t *pattern = schema_get_string(reader, members.nodes[i], "pattern");
        const json_t *format = schema_get_string(reader, members.nodes[i], "format");
        if (pattern) {
            w.pattern_node = members.nodes[i];
            w.n++;
        }
        int number = format ? schema_find_format(json_string_value(format)) : -1;
        if (number >= 0) {
            const schema_format *f = schema_get_format(number);
            w.format = number;
            w.n++;
            w.bounds.least = w.bounds.least <= f->shortest ? 0 : w.bounds.least;
            w.bounds.most = w.bounds.most >= f->longest ? SIZE_MAX : w.bounds.most;
        }
    }
    return w;
}

int32_t schema_regex_failed(schema_reader *reader, const rules *from, int32_t node, const char *key,
                            const gptoss_error *error) {
    if (from->status == GPTOSS_NO_MEMORY) {
        return schema_no_memory(reader);
    }
    gptoss_status status = from->status ? from->status : GPTOSS_BAD_INPUT;
    return schema_fail(reader, status, node, key, "%s", error->message);
}

// ---- languages -------------------------------------------------------------------------------

static language *read_language(schema_reader *reader, rules *scratch, int32_t expression,
                               int32_t node, const char *key) {
    language *out = NULL;
    gptoss_error error = {0};
    int32_t rule = rules_declare(scratch);
    rules_define(scratch, rule, expression);
    rules_start(scratch, rule);
    gptoss_status status = rules_status(scratch, &error);
    if (!status) {
        status = language_read(scratch, expression, &out, &error);
    }
    if (status == GPTOSS_NO_MEMORY) {
        schema_no_memory(reader);
    } else if (status) {
        schema_fail(reader, status, node, key, "%s", error.message);
    }
    return out;
}

static int32_t any_character(rules *to) {
    return rules_class(to, NULL, 0, true);
}

static language *counted(schema_reader *reader, schema_bounds bounds, int32_t node) {
    rules *scratch = rules_create();
    if (!scratch) {
        schema_no_memory(reader);
        return NULL;
    }
    bool any = bounds.most >= bounds.least;
    int32_t most = bounds.most == SIZE_MAX ? RULES_UNBOUNDED : (int32_t)bounds.most;
    int32_t text = any ? rules_repeat(scratch, any_character(scratch), (int32_t)bounds.least, most)
                       : rules_choice(scratch, NULL, 0);
    language *out = read_language(reader, scratch, text, node, NULL);
    rules_free(scratch);
    return out;
}

language *schema_language_any(schema_reader *reader) {
    return counted(reader, (schema_bounds){0, SIZE_MAX}, 0);
}

static language *regex(schema_reader *reader, const char *text, size_t length, int32_t node,
                       const char *key) {
    rules *scratch = rules_create();
    language *out = NULL;
    gptoss_error error = {0};
    if (!scratch) {
        schema_no_memory(reader);
        return NULL;
    }
    int32_t expression = rules_regex(scratch, text, length, true, false, &error);
    if (expression == RULES_NONE) {
        schema_regex_failed(reader, scratch, node, key, &error);
    } else {
        out = read_language(reader, scratch, expression, node, key);
    }
    rules_free(scratch);
    return out;
}

language *schema_language_pattern(schema_reader *reader, int32_t node, const char *key,
                                  const char *pattern, size_t length) {
    return regex(reader, pattern, length, node, key);
}

language *schema_language_names(schema_reader *reader, const json_t *names) {
    rules *scratch = rules_create();
    base_ids ways = {0};
    const char *name;
    json_t *value;
    if (!scratch) {
        schema_no_memory(reader);
        return NULL;
    }
    json_object_foreach((json_t *)names, name, value) {
        schema_push(reader, &ways, rules_text(scratch, name, strlen(name)));
    }
    int32_t expression = rules_choice(scratch, ways.data, ways.length);
    language *out = read_language(reader, scratch, expression, 0, NULL);
    base_ids_free(&ways);
    rules_free(scratch);
    return out;
}

language *schema_language_cut(schema_reader *reader, const language *a, const language *b,
                              bool without) {
    language *met = NULL;
    gptoss_error error = {0};
    gptoss_status status = a && b ? language_meet(a, b, without, &met, &error) : GPTOSS_OK;
    if (status == GPTOSS_NO_MEMORY) {
        schema_no_memory(reader);
    } else if (status) {
        schema_fail(reader, status, 0, NULL, "what a string has to be %s", error.message);
    }
    return met;
}

// Cuts by one more wish and releases it.
static void cut(schema_reader *reader, language **all, language *wish) {
    language *both = schema_language_cut(reader, *all, wish, false);
    language_free(*all);
    language_free(wish);
    *all = both;
}

language *schema_language_of(schema_reader *reader, schema_members members) {
    schema_text_wishes w = schema_text_wishes_of(reader, members);
    language *all = counted(reader, w.bounds, members.count ? members.nodes[0] : 0);
    for (size_t i = 0; i < members.count && schema_well(reader); i++) {
        int32_t node = members.nodes[i];
        const json_t *pattern = schema_get_string(reader, node, "pattern");
        const json_t *format = schema_get_string(reader, node, "format");
        int number = format ? schema_find_format(json_string_value(format)) : -1;
        if (pattern) {
            cut(reader, &all,
                regex(reader, json_string_value(pattern), json_string_length(pattern), node,
                      "pattern"));
        }
        if (number >= 0 && schema_well(reader)) {
            char anchored[SCHEMA_FORMAT_BYTES];
            size_t length = schema_format_regex(number, anchored);
            cut(reader, &all, regex(reader, anchored, length, node, "format"));
        }
    }
    if (!schema_well(reader)) {
        language_free(all);
        return NULL;
    }
    return all;
}

language *schema_language_of_names(schema_reader *reader, const schema_set *set) {
    static const char *const refused[] = {"enum", "const"};
    schema_members members = {set->items.data, set->items.length};
    for (size_t i = 0; i < members.count; i++) {
        const json_t *schema = schema_member(reader, members, i);
        bool plain = json_is_object(schema);
        for (size_t k = 0; k < sizeof refused / sizeof refused[0]; k++) {
            plain = plain && !json_object_get(schema, refused[k]);
        }
        if (!plain) {
            schema_fail(reader, GPTOSS_UNSUPPORTED, members.nodes[i], NULL,
                        "names of properties by anyOf, oneOf, enum or const");
            return NULL;
        }
    }
    language *all = schema_language_of(reader, members);
    if (all && (set->never || !(schema_types(reader, members) & SCHEMA_STRING))) {
        all->n_states = 0;
    }
    return all;
}
