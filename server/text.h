// text.h: a string that grows. A failed allocation is remembered and everything after it ignored,
// so that only the end asks.
#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct text {
    char *data; // [length], with a NUL behind; NULL while empty
    size_t length, capacity;
    bool failed;
} text;

void text_add(text *text, const char *bytes, size_t length);
void text_print(text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_json(text *text, const json_t *value); // compact, as UTF-8
void text_clear(text *text);                     // releases it; {0} again

// One server-sent event; event may be NULL. data is taken over and released; NULL counts as a
// failed allocation, so that json_pack's result can be passed unseen.
void text_event(text *text, const char *event, json_t *data);

#endif
