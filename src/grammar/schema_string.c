// Strings as they are written in JSON.
//
// A free string may use every escape; surrogates only in pairs, control characters only escaped.
// Strings with a pattern or a format, literal ones and keys have one way to write each character:
// escaped if it has to be, else as it is.
#include "grammar/schema.h"
#include "grammar/schema_text.h"

#include <stdio.h>

static int32_t quote(schema_reader *reader) {
    return schema_text(reader, "\"");
}

// ---- free strings ----------------------------------------------------------------------------

static int32_t hex(schema_reader *reader, uint32_t last) {
    rules_range ranges[] = {{'0', last < 'a' ? last : '9'}, {'a', last}, {'A', last - 32}};
    return rules_class(reader->rules, ranges, last < 'a' ? 1 : 3, false);
}

// What follows `\u`: a character of its own, or two surrogates.
static int32_t unicode(schema_reader *reader) {
    static const rules_range d[] = {{'d', 'd'}, {'D', 'D'}};
    static const rules_range not_d[] = {{'0', '9'}, {'a', 'c'}, {'e', 'f'}, {'A', 'C'}, {'E', 'F'}};
    static const rules_range high[] = {{'8', '9'}, {'a', 'b'}, {'A', 'B'}};
    static const rules_range low[] = {{'c', 'f'}, {'C', 'F'}};
    rules *to = reader->rules;
    int32_t any = hex(reader, 'f'), hex_d = rules_class(to, d, 2, false);
    int32_t two = schema_sequence2(reader, any, any);
    int32_t below = schema_sequence3(reader, rules_class(to, not_d, 5, false), any, two);
    int32_t behind = schema_sequence3(reader, hex_d, hex(reader, '7'), two);
    int32_t first = schema_sequence3(reader, hex_d, rules_class(to, high, 3, false), two);
    int32_t second = schema_sequence3(reader, hex_d, rules_class(to, low, 2, false), two);
    int32_t pair = schema_sequence3(reader, first, schema_text(reader, "\\u"), second);
    return rules_choice(to, (int32_t[]){below, behind, pair}, 3);
}

static int32_t character(schema_reader *reader) {
    static const rules_range not_plain[] = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}};
    static const rules_range letters[] = {{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'b', 'b'},
                                          {'f', 'f'}, {'n', 'n'},   {'r', 'r'}, {'t', 't'}};
    rules *to = reader->rules;
    if (!reader->character) {
        int32_t code = schema_sequence2(reader, schema_text(reader, "u"), unicode(reader));
        int32_t letter = rules_class(to, letters, sizeof letters / sizeof *letters, false);
        int32_t escape = schema_sequence2(reader, schema_text(reader, "\\"),
                                          schema_choice2(reader, letter, code));
        reader->character = 1 + schema_choice2(reader, rules_class(to, not_plain, 3, true), escape);
    }
    return reader->character - 1;
}

static int32_t any_string(schema_reader *reader) {
    if (!reader->string) {
        int32_t inside = rules_repeat(reader->rules, character(reader), 0, RULES_UNBOUNDED);
        int32_t rule = rules_declare(reader->rules);
        rules_define(reader->rules, rule,
                     schema_sequence3(reader, quote(reader), inside, quote(reader)));
        reader->string = 1 + rule;
    }
    return rules_reference(reader->rules, reader->string - 1);
}

// ---- strings that are held to something ------------------------------------------------------

int32_t schema_language_string(schema_reader *reader, const language *strings) {
    gptoss_error error = {0};
    int32_t inside = language_spell(strings, reader->rules, &error);
    if (inside == RULES_NONE) {
        return schema_well(reader) ? schema_no_memory(reader) : RULES_NONE;
    }
    return schema_sequence3(reader, quote(reader), inside, quote(reader));
}

// One pattern or one format, and no length.
static int32_t regex_string(schema_reader *reader, const schema_text_wishes *wishes) {
    char anchored[SCHEMA_FORMAT_BYTES];
    gptoss_error error = {0};
    bool format = wishes->format >= 0;
    const json_t *pattern =
        format ? NULL : json_object_get(reader->nodes[wishes->pattern_node].value, "pattern");
    const char *text = format ? anchored : json_string_value(pattern);
    size_t length =
        format ? schema_format_regex(wishes->format, anchored) : json_string_length(pattern);
    int32_t inside = rules_regex(reader->rules, text, length, true, true, &error);
    if (inside == RULES_NONE) {
        return schema_regex_failed(reader, reader->rules, wishes->pattern_node, "pattern", &error);
    }
    return schema_sequence3(reader, quote(reader), inside, quote(reader));
}

int32_t schema_string(schema_reader *reader, schema_members members) {
    schema_text_wishes wishes = schema_text_wishes_of(reader, members);
    bool counted = wishes.bounds.least || wishes.bounds.most != SIZE_MAX;
    if (!wishes.n && counted) {
        int32_t inside = schema_repeat(reader, character(reader), wishes.bounds);
        return schema_sequence3(reader, quote(reader), inside, quote(reader));
    }
    if (!wishes.n) {
        return any_string(reader);
    }
    if (wishes.n == 1 && !counted && schema_well(reader)) {
        return regex_string(reader, &wishes);
    }
    language *strings = schema_language_of(reader, members);
    int32_t string = strings ? schema_language_string(reader, strings) : RULES_NONE;
    language_free(strings);
    return string;
}

// ---- literal strings -------------------------------------------------------------------------

int32_t schema_string_literal(schema_reader *reader, const char *text, size_t length) {
    base_buffer out = {0};
    bool well = base_buffer_append(&out, "\"", 1);
    for (size_t i = 0; i < length && well; i++) {
        char escape[LANGUAGE_ESCAPE_BYTES];
        size_t n = language_escape((uint8_t)text[i], escape);
        well = base_buffer_append(&out, escape, n);
    }
    well = well && base_buffer_append(&out, "\"", 1);
    int32_t literal =
        well ? rules_text(reader->rules, out.data, out.length) : schema_no_memory(reader);
    base_buffer_free(&out);
    return literal;
}

int32_t schema_colon(schema_reader *reader) {
    return schema_sequence2(reader, schema_text(reader, ":"),
                            schema_optional(reader, schema_text(reader, " ")));
}

int32_t schema_key(schema_reader *reader, const char *key, size_t length) {
    return schema_sequence2(reader, schema_string_literal(reader, key, length),
                            schema_colon(reader));
}

int32_t schema_any_key(schema_reader *reader, const language *strings) {
    return schema_sequence2(reader,
                            strings ? schema_language_string(reader, strings) : any_string(reader),
                            schema_colon(reader));
}
