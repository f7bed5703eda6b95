// Objects: declared properties in the schema's order, then others.
//
// The order is that of `properties`, then of names that are only in `required`; where several
// schemas hold at once, that of the schemas. A property that need not be there may be left out.
#include "grammar/schema.h"
#include "grammar/schema_text.h"

#include <string.h>

enum { MOST_PATTERNS = 16 };

typedef struct pattern { // of patternProperties
    int32_t node;        // the member it belongs to
    const json_t *schema;
    language *names;
} pattern;

typedef struct property {
    int32_t pair; // key, colon, value
    bool required;
} property;

typedef struct object {
    schema_reader *reader;
    schema_members members;
    json_t *names; // every declared name, in order: whether it is required
    pattern patterns[MOST_PATTERNS];
    size_t n_patterns;
    language *allowed; // by propertyNames; NULL: every name
    property *properties;
    size_t n, n_required;
    int32_t other; // a pair that isn't declared; RULES_NONE: there is none
    bool never;
    schema_bounds bounds;
} object;

// ---- names -----------------------------------------------------------------------------------

static void add_name(object *o, const char *name, bool required) {
    const json_t *known = json_object_get(o->names, name);
    if ((!known || (required && !json_is_true(known))) &&
        json_object_set_new(o->names, name, json_boolean(required))) {
        schema_no_memory(o->reader);
    }
}

static void read_names(object *o) {
    schema_reader *reader = o->reader;
    const char *name;
    json_t *value;
    for (size_t i = 0; i < o->members.count; i++) {
        const json_t *properties = schema_get_object(reader, o->members.nodes[i], "properties");
        json_object_foreach((json_t *)properties, name, value) {
            add_name(o, name, false);
        }
    }
    for (size_t i = 0; i < o->members.count; i++) {
        int32_t node = o->members.nodes[i];
        if (json_is_boolean(json_object_get(reader->nodes[node].value, "required"))) {
            continue; // draft 3, and what people write beside a property
        }
        const json_t *required = schema_get_array(reader, node, "required");
        size_t k;
        json_array_foreach(required, k, value) {
            if (json_is_string(value)) {
                add_name(o, json_string_value(value), true);
            } else {
                schema_fail(reader, GPTOSS_BAD_INPUT, node, "required", "must be names");
            }
        }
    }
}

// ---- what is said about a name ---------------------------------------------------------------

// What a member says about all names that it doesn't know; NULL: nothing.
static const json_t *additional(schema_reader *reader, int32_t node, const char **key_out) {
    const json_t *schema = reader->nodes[node].value;
    *key_out = "additionalProperties";
    const json_t *value = json_object_get(schema, *key_out);
    if (!value && json_object_get(schema, "unevaluatedProperties")) {
        *key_out = "unevaluatedProperties";
        value = json_object_get(schema, *key_out);
    }
    return value;
}

// Adds what members say about a name: matches[i] says whether it matches pattern i.
// name NULL: one that isn't declared.
static void add_schemas(object *o, schema_set *set, const char *name, const bool *matches) {
    schema_reader *reader = o->reader;
    size_t p = 0;
    for (size_t i = 0; i < o->members.count; i++) {
        int32_t node = o->members.nodes[i];
        const json_t *properties = schema_get_object(reader, node, "properties");
        const json_t *schema = name ? json_object_get(properties, name) : NULL;
        const char *key = "properties";
        bool known = schema != NULL;
        if (known) {
            schema_set_add(reader, set, schema, node, key);
        }
        for (; p < o->n_patterns && o->patterns[p].node == node; p++) {
            if (matches[p]) {
                known = true;
                schema_set_add(reader, set, o->patterns[p].schema, node, "patternProperties");
            }
        }
        schema = known ? NULL : additional(reader, node, &key);
        if (schema) {
            schema_set_add(reader, set, schema, node, key);
        }
    }
}

static void read_property(object *o, const char *name, bool required) {
    schema_reader *reader = o->reader;
    schema_set set = {0};
    bool matches[MOST_PATTERNS];
    size_t length = strlen(name);
    for (size_t i = 0; i < o->n_patterns; i++) {
        matches[i] = language_has(o->patterns[i].names, name, length);
    }
    add_schemas(o, &set, name, matches);
    if (set.never || (o->allowed && !language_has(o->allowed, name, length))) {
        o->never = o->never || required;
    } else {
        int32_t value = schema_set_rule(reader, &set);
        o->properties[o->n++] = (property){
            .pair = schema_sequence2(reader, schema_key(reader, name, length), value),
            .required = required,
        };
        o->n_required += required;
    }
    schema_set_free(&set);
}

// ---- names that aren't declared --------------------------------------------------------------

static void read_patterns(object *o) {
    schema_reader *reader = o->reader;
    for (size_t i = 0; i < o->members.count && schema_well(reader); i++) {
        int32_t node = o->members.nodes[i];
        const json_t *patterns = schema_get_object(reader, node, "patternProperties");
        const char *text;
        json_t *schema;
        json_object_foreach((json_t *)patterns, text, schema) {
            if (o->n_patterns == MOST_PATTERNS) {
                schema_fail(reader, GPTOSS_UNSUPPORTED, node, "patternProperties",
                            "more than %d patterns hold at once", MOST_PATTERNS);
                return;
            }
            language *names =
                schema_language_pattern(reader, node, "patternProperties", text, strlen(text));
            if (!names) {
                return;
            }
            o->patterns[o->n_patterns++] =
                (pattern){.node = node, .schema = schema, .names = names};
        }
    }
}

// What propertyNames of all members allow; NULL: everything.
static void read_allowed(object *o) {
    schema_reader *reader = o->reader;
    schema_set set = {0};
    for (size_t i = 0; i < o->members.count; i++) {
        int32_t node = o->members.nodes[i];
        const json_t *names = json_object_get(reader->nodes[node].value, "propertyNames");
        if (names) {
            schema_set_add(reader, &set, names, node, "propertyNames");
        }
    }
    if (schema_well(reader) && (set.never || set.items.length)) {
        o->allowed = schema_language_of_names(reader, &set);
    }
    schema_set_free(&set);
}

// Pairs whose names are in `names` and match the patterns before `next` as matches says.
static void split_others(object *o, const language *names, bool *matches, size_t next,
                         base_ids *ways) {
    schema_reader *reader = o->reader;
    if (next < o->n_patterns) {
        for (int without = 0; without < 2 && schema_well(reader); without++) {
            language *part = schema_language_cut(reader, names, o->patterns[next].names, without);
            matches[next] = !without;
            if (part && part->n_states) {
                split_others(o, part, matches, next + 1, ways);
            }
            language_free(part);
        }
        return;
    }
    schema_set set = {0};
    add_schemas(o, &set, NULL, matches);
    if (!set.never) {
        int32_t value = schema_set_rule(reader, &set);
        schema_push(reader, ways, schema_sequence2(reader, schema_any_key(reader, names), value));
    }
    schema_set_free(&set);
}

// Whether a name that isn't declared could be there at all.
static bool has_others(object *o) {
    schema_reader *reader = o->reader;
    bool closed = false;
    for (size_t i = 0; i < o->members.count; i++) {
        const char *key;
        const json_t *patterns =
            schema_get_object(reader, o->members.nodes[i], "patternProperties");
        closed = closed || (json_is_false(additional(reader, o->members.nodes[i], &key)) &&
                            !json_object_size(patterns));
    }
    return !closed && o->bounds.most > o->n_required;
}

static void read_others(object *o) {
    schema_reader *reader = o->reader;
    bool matches[MOST_PATTERNS] = {0};
    base_ids ways = {0};
    o->other = RULES_NONE;
    if (!has_others(o)) {
        return;
    }
    language *names = NULL;
    if (json_object_size(o->names) || o->n_patterns || o->allowed) {
        language *declared = schema_language_names(reader, o->names);
        language *any = o->allowed ? NULL : schema_language_any(reader);
        names = schema_language_cut(reader, any ? any : o->allowed, declared, true);
        language_free(any);
        language_free(declared);
    }
    if (schema_well(reader)) {
        split_others(o, names, matches, 0, &ways);
    }
    if (ways.length) {
        o->other = schema_choice(reader, &ways);
    }
    language_free(names);
    base_ids_free(&ways);
}

// ---- without counting ------------------------------------------------------------------------

static int32_t after_comma(object *o, int32_t pair) {
    schema_reader *reader = o->reader;
    return schema_sequence3(reader, schema_text(reader, ","), schema_blank(reader), pair);
}

// All from property `from` on, something being there already.
static int32_t started(object *o, size_t from) {
    schema_reader *reader = o->reader;
    base_ids parts = {0};
    for (size_t i = from; i < o->n; i++) {
        int32_t next = after_comma(o, o->properties[i].pair);
        next = o->properties[i].required ? next : schema_optional(reader, next);
        schema_push(reader, &parts, next);
    }
    if (o->other != RULES_NONE) {
        schema_push(reader, &parts,
                    rules_repeat(reader->rules, after_comma(o, o->other), 0, RULES_UNBOUNDED));
    }
    int32_t all = schema_sequence(reader, &parts);
    base_ids_free(&parts);
    return all;
}

// At least one property; which one may be first is open up to the first that is required.
static int32_t some(object *o) {
    schema_reader *reader = o->reader;
    size_t must = 0;
    while (must < o->n && !o->properties[must].required) {
        must++;
    }
    int32_t tail = started(o, must < o->n ? must + 1 : must);
    base_ids ways = {0};
    if (must) {
        tail = schema_rule(reader, tail);
    }
    int32_t last = must < o->n ? o->properties[must].pair : o->other;
    if (last != RULES_NONE) {
        schema_push(reader, &ways, schema_sequence2(reader, last, tail));
    }
    if (must && must < o->n) {
        tail = schema_rule(reader, schema_sequence2(reader, after_comma(o, last), tail));
    }
    for (size_t i = must; i-- > 0;) {
        int32_t pair = o->properties[i].pair;
        schema_push(reader, &ways, schema_sequence2(reader, pair, tail));
        if (i) {
            int32_t skipped = schema_optional(reader, after_comma(o, pair));
            tail = schema_rule(reader, schema_sequence2(reader, skipped, tail));
        }
    }
    int32_t all = schema_choice(reader, &ways);
    base_ids_free(&ways);
    return all;
}

// ---- counting --------------------------------------------------------------------------------

static int32_t others_counted(object *o, size_t count) {
    schema_reader *reader = o->reader;
    schema_bounds bounds = o->bounds;
    size_t least = bounds.least > count ? bounds.least - count : 0;
    size_t most = bounds.most == SIZE_MAX ? SIZE_MAX : bounds.most - count;
    if (o->other == RULES_NONE || !most) {
        return least ? rules_choice(reader->rules, NULL, 0) : schema_text(reader, "");
    }
    if (count) {
        return schema_repeat(reader, after_comma(o, o->other), (schema_bounds){least, most});
    }
    schema_bounds more = {least ? least - 1 : 0, most == SIZE_MAX ? most : most - 1};
    int32_t all =
        schema_sequence2(reader, o->other, schema_repeat(reader, after_comma(o, o->other), more));
    return least ? all : schema_optional(reader, all);
}

// A rule for each property and number of those before it: from the last to the first.
static int32_t counted(object *o) {
    schema_reader *reader = o->reader;
    size_t cap = o->bounds.most != SIZE_MAX ? o->bounds.most : o->bounds.least;
    cap = cap > o->n ? o->n : cap;
    cap = cap ? cap : 1;
    if ((o->n + 1) * (cap + 1) > SCHEMA_MAX_EDGES) {
        return schema_fail(reader, GPTOSS_UNSUPPORTED, o->members.nodes[0], NULL,
                           "too many properties to be counted");
    }
    base_ids next = {0};
    for (size_t c = 0; c <= cap; c++) {
        schema_push(reader, &next, schema_rule(reader, others_counted(o, c)));
    }
    for (size_t i = o->n; i-- > 0 && schema_well(reader);) {
        const property *p = &o->properties[i];
        for (size_t c = 0; c <= cap && c <= i; c++) { // next[c + 1] is still that of i + 1
            int32_t ways[2];
            size_t n_ways = 0;
            if (c < o->bounds.most) {
                int32_t pair = c ? after_comma(o, p->pair) : p->pair;
                ways[n_ways++] = schema_sequence2(reader, pair, next.data[c < cap ? c + 1 : cap]);
            }
            if (!p->required) {
                ways[n_ways++] = next.data[c];
            }
            next.data[c] = schema_rule(reader, rules_choice(reader->rules, ways, n_ways));
        }
    }
    int32_t all = schema_well(reader) ? next.data[0] : RULES_NONE;
    base_ids_free(&next);
    return all;
}

// ---- together --------------------------------------------------------------------------------

static int32_t write_object(object *o) {
    schema_reader *reader = o->reader;
    if (o->bounds.least <= o->n_required) {
        o->bounds.least = 0;
    }
    if (o->other == RULES_NONE && o->bounds.most >= o->n) {
        o->bounds.most = SIZE_MAX;
    }
    if (o->never || o->bounds.most < o->n_required || o->bounds.most < o->bounds.least) {
        return rules_choice(reader->rules, NULL, 0);
    }
    bool may_be_empty = !o->n_required && !o->bounds.least;
    if (!o->bounds.most || (!o->n && o->other == RULES_NONE)) {
        return may_be_empty ? schema_text(reader, "{}") : rules_choice(reader->rules, NULL, 0);
    }
    bool counts = o->bounds.least || o->bounds.most != SIZE_MAX;
    return schema_enclosed(reader, '{', counts ? counted(o) : some(o), '}', may_be_empty);
}

int32_t schema_object(schema_reader *reader, schema_members members) {
    object o = {
        .reader = reader,
        .members = members,
        .names = json_object(),
        .bounds = schema_get_bounds(reader, members, "minProperties", "maxProperties"),
    };
    int32_t all = RULES_NONE;
    if (!o.names) {
        return schema_no_memory(reader);
    }
    read_names(&o);
    read_patterns(&o);
    read_allowed(&o);
    o.properties = base_alloc(json_object_size(o.names), sizeof *o.properties);
    if (!o.properties) {
        schema_no_memory(reader);
    }
    const char *name;
    json_t *required;
    if (schema_well(reader)) {
        json_object_foreach(o.names, name, required) {
            read_property(&o, name, json_is_true(required));
        }
        read_others(&o);
        all = write_object(&o);
    }
    for (size_t i = 0; i < o.n_patterns; i++) {
        language_free(o.patterns[i].names);
    }
    language_free(o.allowed);
    base_free(o.properties);
    json_decref(o.names);
    return all;
}
