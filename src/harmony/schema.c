// JSON schema -> TypeScript, as the reference writes it, its oddities included: docs/harmony.md
// lists them. The model was trained on this text, so that it must not be "repaired" here.
#define _GNU_SOURCE // memmem
#include "harmony/schema.h"

#include <stdlib.h>
#include <string.h>

static const json *get_string(const json *schema, const char *key) {
    const json *value = harmony_json_get(schema, key);
    return value && value->kind == JSON_STRING ? value : NULL;
}

static const json *get_array(const json *schema, const char *key) {
    const json *value = harmony_json_get(schema, key);
    return value && value->kind == JSON_ARRAY ? value : NULL;
}

static bool is(const json *string, const char *text) {
    return string->string.length == strlen(text) &&
           !memcmp(string->string.data, text, string->string.length);
}

static bool same_string(const json *a, const json *b) {
    return a && b && a->string.length == b->string.length &&
           !memcmp(a->string.data, b->string.data, a->string.length);
}

static bool put_blanks(base_buffer *out, int n) {
    return base_buffer_format(out, "%*s", n, "");
}

static bool put_string(base_buffer *out, const json *string) {
    return base_buffer_append(out, string->string.data, string->string.length);
}

// A line `// text`.
static bool put_comment(base_buffer *out, int indent, const json *text) {
    return put_blanks(out, indent) && base_buffer_text(out, "// ") && put_string(out, text) &&
           base_buffer_text(out, "\n");
}

static bool has_enum(const json *schema) {
    const json *values = get_array(schema, "enum");
    return values && values->count;
}

// Strings stand in quotes without escapes, and bare where the schema has an enum, except in a
// variant of a oneOf that is not a property's: there escaped in quotes.
static bool put_default(base_buffer *out, const json *schema, bool bare_in_enum) {
    const json *value = harmony_json_get(schema, "default");
    if (!base_buffer_text(out, "default: ")) {
        return false;
    }
    if (value->kind != JSON_STRING || (has_enum(schema) && !bare_in_enum)) {
        return harmony_json_print(out, value);
    }
    const char *quote = has_enum(schema) ? "" : "\"";
    return base_buffer_text(out, quote) && put_string(out, value) && base_buffer_text(out, quote);
}

// The type of a property or variant; ` | null` follows where it is nullable and the text so far
// doesn't say null anywhere.
static bool put_nullable(base_buffer *out, const json *schema, int indent) {
    size_t start = out->length;
    if (!harmony_print_type(out, schema, indent)) {
        return false;
    }
    const json *nullable = harmony_json_get(schema, "nullable");
    if (!nullable || nullable->kind != JSON_TRUE) {
        return true;
    }
    size_t length = out->length - start;
    if (length && memmem(out->data + start, length, "null", 4)) {
        return true;
    }
    return base_buffer_text(out, " | null");
}

// ` // description default: value`, of what there is. description may be NULL.
static bool put_trailing(base_buffer *out, const json *schema, const json *description,
                         bool bare_in_enum) {
    bool has_default = harmony_json_get(schema, "default");
    if (!description && !has_default) {
        return true;
    }
    return base_buffer_text(out, " // ") && (!description || put_string(out, description)) &&
           (!(description && has_default) || base_buffer_text(out, " ")) &&
           (!has_default || put_default(out, schema, bare_in_enum));
}

static bool put_one_of(base_buffer *out, const json *variants, int indent) {
    for (const json *variant = variants->first; variant; variant = variant->next) {
        if (!base_buffer_text(out, "\n") || !put_blanks(out, indent) ||
            !base_buffer_text(out, " | ") || !put_nullable(out, variant, indent + 3) ||
            !put_trailing(out, variant, get_string(variant, "description"), false)) {
            return false;
        }
    }
    return true;
}

static bool put_name(base_buffer *out, const json *property, int indent, bool required) {
    return put_blanks(out, indent) &&
           base_buffer_append(out, property->key.data, property->key.length) &&
           base_buffer_text(out, required ? ":" : "?:");
}

// A property that is a oneOf: comments, the name, a line for each variant.
static bool put_one_of_property(base_buffer *out, const json *property, const json *variants,
                                int indent, bool required) {
    const json *description = get_string(property, "description");
    const json *first = variants->first ? get_string(variants->first, "description") : NULL;
    bool above = description && !same_string(description, first);
    if (above && !put_comment(out, indent, description)) {
        return false;
    }
    if (harmony_json_get(property, "default") &&
        (!put_blanks(out, indent) || !base_buffer_text(out, "// ") ||
         !put_default(out, property, true) || !base_buffer_text(out, "\n"))) {
        return false;
    }
    if (!put_name(out, property, indent, required) || !base_buffer_text(out, "\n")) {
        return false;
    }
    for (const json *variant = variants->first; variant; variant = variant->next) {
        const json *own = get_string(variant, "description");
        if ((variant == variants->first && above) || same_string(own, description)) {
            own = NULL;
        }
        if (!put_blanks(out, indent) || !base_buffer_text(out, " | ") ||
            !put_nullable(out, variant, indent + 3) || !put_trailing(out, variant, own, true) ||
            !base_buffer_text(out, "\n")) {
            return false;
        }
    }
    return put_blanks(out, indent) && base_buffer_text(out, ",\n");
}

// Title, description and examples above a property.
static bool put_property_comments(base_buffer *out, const json *property, int indent) {
    const json *title = get_string(property, "title");
    const json *description = get_string(property, "description");
    const json *examples = get_array(property, "examples");
    if (title && (!put_comment(out, indent, title) || !put_blanks(out, indent) ||
                  !base_buffer_text(out, "//\n"))) {
        return false;
    }
    if (description && !harmony_json_get(property, "oneOf") &&
        !put_comment(out, indent, description)) {
        return false;
    }
    if (!examples || !examples->count) {
        return true;
    }
    if (!put_blanks(out, indent) || !base_buffer_text(out, "// Examples:\n")) {
        return false;
    }
    for (const json *example = examples->first; example; example = example->next) {
        if (example->kind == JSON_STRING &&
            (!put_blanks(out, indent) || !base_buffer_text(out, "// - \"") ||
             !put_string(out, example) || !base_buffer_text(out, "\"\n"))) {
            return false;
        }
    }
    return true;
}

static bool put_property(base_buffer *out, const json *property, int indent, bool required) {
    if (!put_property_comments(out, property, indent)) {
        return false;
    }
    const json *one_of = harmony_json_get(property, "oneOf");
    if (one_of && one_of->kind == JSON_ARRAY) {
        return put_one_of_property(out, property, one_of, indent, required);
    }
    if (!put_name(out, property, indent, required) || !base_buffer_text(out, " ") ||
        !put_nullable(out, property, indent + 4) || !base_buffer_text(out, ",")) {
        return false;
    }
    if (harmony_json_get(property, "default") && !one_of) {
        if (!base_buffer_text(out, " // ") || !put_default(out, property, true)) {
            return false;
        }
    }
    return base_buffer_text(out, "\n");
}

static int compare_texts(const void *a, const void *b) {
    const harmony_text *x = a, *y = b;
    if (x->length != y->length) {
        return x->length < y->length ? -1 : 1;
    }
    return memcmp(x->data, y->data, x->length);
}

// The required names, sorted, to be found in hostile schemas too. NULL when memory is short.
static harmony_text *sort_required(const json *required, size_t *n_out) {
    *n_out = 0;
    harmony_text *names = base_alloc(required ? required->count : 0, sizeof *names);
    for (const json *name = names && required ? required->first : NULL; name; name = name->next) {
        if (name->kind == JSON_STRING) {
            names[(*n_out)++] = name->string;
        }
    }
    if (names) {
        qsort(names, *n_out, sizeof *names, compare_texts);
    }
    return names;
}

static bool put_properties(base_buffer *out, const json *schema, int indent) {
    const json *properties = harmony_json_get(schema, "properties");
    if (!properties || properties->kind != JSON_OBJECT) {
        return true;
    }
    size_t n_required;
    harmony_text *required = sort_required(get_array(schema, "required"), &n_required);
    bool good = required;
    for (const json *property = properties->first; good && property; property = property->next) {
        bool found = bsearch(&property->key, required, n_required, sizeof *required, compare_texts);
        good = put_property(out, property, indent, found);
    }
    base_free(required);
    return good;
}

static bool put_object(base_buffer *out, const json *schema, int indent) {
    const json *description = get_string(schema, "description");
    return (!description || put_comment(out, indent, description)) &&
           base_buffer_text(out, "{\n") && put_properties(out, schema, indent) &&
           put_blanks(out, indent) && base_buffer_text(out, "}");
}

// The strings of a list, put between quotes and joined by ` | `; *any_out says whether there are.
static bool put_union(base_buffer *out, const json *list, const char *quote, bool *any_out) {
    *any_out = false;
    for (const json *item = list->first; item; item = item->next) {
        if (item->kind != JSON_STRING) {
            continue;
        }
        bool integer = !*quote && is(item, "integer"); // of types: TypeScript has numbers alone
        if ((*any_out && !base_buffer_text(out, " | ")) || !base_buffer_text(out, quote) ||
            !(integer ? base_buffer_text(out, "number") : put_string(out, item)) ||
            !base_buffer_text(out, quote)) {
            return false;
        }
        *any_out = true;
    }
    return true;
}

static bool put_named_type(base_buffer *out, const json *schema, const json *type, int indent) {
    bool any = false;
    if (is(type, "object")) {
        return put_object(out, schema, indent);
    }
    if (is(type, "string")) {
        const json *values = get_array(schema, "enum");
        if (values && !put_union(out, values, "\"", &any)) {
            return false;
        }
        return any || base_buffer_text(out, "string");
    }
    if (is(type, "array")) {
        const json *items = harmony_json_get(schema, "items");
        if (!items) {
            return base_buffer_text(out, "Array<any>");
        }
        return harmony_print_type(out, items, indent) && base_buffer_text(out, "[]");
    }
    bool number = is(type, "number") || is(type, "integer");
    return base_buffer_text(out, number ? "number" : is(type, "boolean") ? "boolean" : "any");
}

bool harmony_print_type(base_buffer *out, const json *schema, int indent) {
    const json *one_of = get_array(schema, "oneOf"), *types = get_array(schema, "type");
    const json *type = get_string(schema, "type");
    if (one_of) {
        return put_one_of(out, one_of, indent);
    }
    bool any = false;
    if (types && !put_union(out, types, "", &any)) {
        return false;
    }
    if (any) {
        return true;
    }
    return type ? put_named_type(out, schema, type, indent) : base_buffer_text(out, "any");
}

gptoss_status harmony_schema_to_typescript(const char *schema, size_t length,
                                           base_buffer *typescript, gptoss_error *error) {
    harmony_arena arena = {0};
    json *tree;
    size_t before = typescript->length;
    gptoss_status status = harmony_json_read(schema, length, "schema", &arena, &tree, error);
    if (!status && !harmony_print_type(typescript, tree, 0)) {
        typescript->length = before;
        status = base_fail_memory(error, typescript->capacity);
    }
    harmony_arena_free(&arena);
    return status;
}
