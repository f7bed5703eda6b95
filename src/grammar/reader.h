// reader.h: what the readers of texts share: a place in the text, names of rules, errors with line
// and column.
#ifndef GRAMMAR_READER_H
#define GRAMMAR_READER_H

#include "grammar/interner.h"
#include "grammar/rules.h"

enum { READER_MAX_DEPTH = 150 }; // of groups in groups: reading them is recursive

typedef struct reader_name {
    int32_t rule;
    size_t used_at; // in the text, where it was first used
    bool defined, used;
} reader_name;

typedef struct reader {
    const char *form; // "GBNF", for errors
    const char *text;
    size_t length, at;
    rules *rules;
    interner names;    // as lists of characters
    reader_name *list; // [n_names]
    size_t n_names, name_capacity;
    int depth;
    gptoss_error *error;
    gptoss_status status; // of the first failure
} reader;

void reader_free(reader *reader);

// Notes a failure at a place of the text, if it is the first; returns RULES_NONE.
int32_t reader_fail(reader *reader, gptoss_status status, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int32_t reader_fail_memory(reader *reader);

// The index of a name in the list, new or not; RULES_NONE when memory is short.
int32_t reader_name_of(reader *reader, const char *name, size_t length);
// A reference to a named rule, defined or not.
int32_t reader_use(reader *reader, const char *name, size_t length, size_t at);
// After all was read: every name that is used must be defined, and `start` too, which becomes the
// start.
gptoss_status reader_finish(reader *reader, const char *start);

// The character at the present place (which must not be the end), which is passed. RULES_NONE if it
// is not UTF-8.
int32_t reader_character(reader *reader);
// Passes `text` if it comes next.
bool reader_take(reader *reader, const char *text);
// A number in decimal digits, at most RULES_MAX_NODES; RULES_NONE if there is none or it is larger.
int32_t reader_number(reader *reader);
// Exactly n hexadecimal digits; RULES_NONE otherwise.
int32_t reader_hex(reader *reader, int n);

static inline bool reader_ends(const reader *rd) {
    return rd->at >= rd->length;
}
// The byte at the present place, or `ahead` of it; 0 past the end.
static inline char reader_peek(const reader *rd, size_t ahead) {
    return rd->at + ahead < rd->length ? rd->text[rd->at + ahead] : 0;
}

#endif
