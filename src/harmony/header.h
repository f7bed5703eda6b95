// A message's header as the parser meets it: bytes of ordinary tokens, with places of special ones.
#ifndef HARMONY_HEADER_H
#define HARMONY_HEADER_H

#include "harmony/arena.h"

// Special tokens stand in raw as single bytes that occur nowhere in UTF-8; such bytes in a token's
// own text become U+FFFD first, which is what they would become anyway.
enum { HEADER_CHANNEL = 0xFF, HEADER_CONSTRAIN = 0xFE, HEADER_OTHER = 0xFD };

typedef struct harmony_header {
    harmony_role role;
    harmony_text name, recipient, channel, content_type;
    harmony_text extra; // words that fit nowhere, with blanks between
    harmony_text text;  // harmony_header_as_text: what is no header
    unsigned irregular;
} harmony_header;

bool harmony_header_append(base_buffer *raw, const char *bytes, size_t length);
bool harmony_header_mark(base_buffer *raw, unsigned char mark);

// Reads a header that <|message|> completed. role is -1 where the header must say it. Texts live in
// the arena. False when memory is short.
bool harmony_header_read(harmony_text raw, int role, harmony_arena *arena,
                         harmony_header *header_out);

// Reads one that was cut off: a role and a channel are recognised, the rest becomes its text.
bool harmony_header_as_text(harmony_text raw, int role, harmony_arena *arena,
                            harmony_header *header_out);

#endif
