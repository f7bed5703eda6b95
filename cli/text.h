// text.h: growing bytes, and text as JSON.
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// Start with {0}. data is NUL-terminated after the first append. Functions return false when memory
// is short, and the content is unchanged then.
typedef struct text_buffer {
    char *data;
    size_t length, capacity;
} text_buffer;

bool buffer_append(text_buffer *text, const void *data, size_t length);
bool buffer_add(text_buffer *text, const char *string);
bool buffer_format(text_buffer *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Appends a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. NULL data: null.
bool buffer_json(text_buffer *text, const char *data, size_t length);
bool buffer_json_string(text_buffer *text, const char *string);
void buffer_clear(text_buffer *text); // keeps the memory
void buffer_free(text_buffer *text);

// Bytes of the UTF-8 character at data (1 to 4), or 0 when there is none.
size_t buffer_character(const char *data, size_t length);

#endif
