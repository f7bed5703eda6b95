// schema_text.h: what strings have to be, as languages (language.h).
#ifndef GRAMMAR_SCHEMA_TEXT_H
#define GRAMMAR_SCHEMA_TEXT_H

#include "grammar/language.h"
#include "grammar/schema.h"

typedef struct schema_format {
    const char *name, *regex;
    size_t shortest, longest; // characters
} schema_format;

enum { SCHEMA_FORMAT_BYTES = 4096 };

int schema_find_format(const char *name); // its number; -1: none
const schema_format *schema_get_format(int number);
size_t schema_format_regex(int number, char regex[SCHEMA_FORMAT_BYTES]); // anchored; its length

// What all members ask of a string, but for enum and const.
typedef struct schema_text_wishes {
    int32_t pattern_node; // -1: no pattern
    int format;           // -1: none
    size_t n;             // patterns and formats
    schema_bounds bounds; // without those that a format keeps to anyway
} schema_text_wishes;

schema_text_wishes schema_text_wishes_of(schema_reader *reader, schema_members members);

// NULL after a failure. schema_language_of: the strings that members allow.
language *schema_language_of(schema_reader *reader, schema_members members);
language *schema_language_any(schema_reader *reader);
language *schema_language_pattern(schema_reader *reader, int32_t node, const char *key,
                                  const char *pattern, size_t length);
language *schema_language_names(schema_reader *reader,
                                const json_t *names); // the keys of an object
// What a set of propertyNames allows.
language *schema_language_of_names(schema_reader *reader, const schema_set *set);
// What is in a and (without: but not) in b.
language *schema_language_cut(schema_reader *reader, const language *a, const language *b,
                              bool without);
// Says why rules_regex gave nothing.
int32_t schema_regex_failed(schema_reader *reader, const rules *rules, int32_t node,
                            const char *key, const gptoss_error *error);
// A JSON string of it, in quotes.
int32_t schema_language_string(schema_reader *reader, const language *language);
// A key of it (NULL: any) and its colon.
int32_t schema_any_key(schema_reader *reader, const language *language);

#endif
