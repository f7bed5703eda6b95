// Memory of things that live and die together: a message with its strings, a parsed JSON text.
#ifndef HARMONY_ARENA_H
#define HARMONY_ARENA_H

#include "harmony/harmony.h"

typedef struct harmony_arena_block harmony_arena_block;

// Start with {0}. Nothing is released before arena_free.
typedef struct harmony_arena {
    harmony_arena_block *blocks;
} harmony_arena;

// Zeroed, aligned for any type; NULL when memory is short. count 0 gives a valid pointer.
void *harmony_arena_alloc(harmony_arena *arena, size_t count, size_t size);

// A copy with a NUL after it; an absent text stays absent. Broken UTF-8 becomes U+FFFD. False when
// memory is short.
bool harmony_arena_text(harmony_arena *arena, harmony_text text, harmony_text *copy_out);

void harmony_arena_free(harmony_arena *arena);

#endif
