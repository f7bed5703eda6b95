// JSON as the reference's serde_json reads and prints it, which no C library does: the order of
// keys is kept, integers are whole 64-bit numbers of either sign, others are doubles rounded as
// serde_json rounds them, and the source text of every value is at hand.
#ifndef HARMONY_JSON_H
#define HARMONY_JSON_H

#include "harmony/arena.h"

typedef enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
} json_kind;

typedef struct json json;
struct json {
    json_kind kind;
    harmony_text source; // the value's text in the input
    harmony_text string; // JSON_STRING, decoded; may hold zero bytes
    harmony_text key;    // of a member of an object
    json *first, *next;  // children in order; next sibling
    size_t count;        // children
};

// Nesting that serde_json refuses.
enum { JSON_DEPTH = 128 };

// Nodes live in the arena and point into the input. what names the text in messages. A repeated
// key keeps its first place and its last value.
gptoss_status harmony_json_read(const char *text, size_t length, const char *what,
                                harmony_arena *arena, json **json_out, gptoss_error *error);

// The member of an object; NULL where it is missing or the value is NULL or no object.
const json *harmony_json_get(const json *object, const char *key);

// A number's text, split into the three kinds that serde_json tells apart.
typedef struct json_number {
    enum { JSON_UNSIGNED, JSON_SIGNED, JSON_FLOAT } kind;
    uint64_t u;
    int64_t i;
    double f;
} json_number;

// text follows the grammar of numbers. False where a double can't hold it.
bool harmony_json_number_read(harmony_text text, json_number *number_out);
bool harmony_json_number_print(base_buffer *buffer, const json_number *number);

// All printers return false when memory is short, and only then.
bool harmony_json_print(base_buffer *buffer, const json *value); // compact, as serde_json
bool harmony_json_print_python(base_buffer *buffer,
                               const json *value); // as json.dumps, numbers verbatim
bool harmony_json_print_string_python(base_buffer *buffer, harmony_text text);

#endif
