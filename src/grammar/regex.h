// regex.h: regular expressions with the options that only readers in this folder use.
#ifndef GRAMMAR_REGEX_H
#define GRAMMAR_REGEX_H

#include "grammar/rules.h"

typedef struct regex_options {
    bool anywhere;    // it may match within a longer text
    bool in_json;     // the text is the inside of a JSON string
    bool ignore_case; // of ASCII's letters
    bool dot_all;     // . is any character
} regex_options;

// As rules_regex.
int32_t rules_regex_with(rules *rules, const char *regex, size_t length, regex_options options,
                         gptoss_error *error);

#endif
