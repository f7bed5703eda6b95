// utf8.h: bytes of models and clients as UTF-8.
#ifndef SERVER_UTF8_H
#define SERVER_UTF8_H

#include "text.h"

// Bytes of the character that begins here: 0 when it may still be completed; negative: that many
// bytes are no character. length > 0.
int utf8_character(const char *bytes, size_t length);

// Appends the whole characters of the bytes, U+FFFD for what is broken; `last`: nothing follows.
// Returns how many bytes that took: a character that may still be completed is left.
size_t utf8_add(text *out, const char *bytes, size_t length, bool last);

#endif
