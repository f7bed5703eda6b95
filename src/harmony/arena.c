// Memory of things that live and die together: blocks in a list, filled from the front.
#include "harmony/arena.h"

#include <string.h>

enum { BLOCK_BYTES = 4096, ALIGNMENT = 16 };

struct harmony_arena_block {
    harmony_arena_block *next;
    size_t used, size; // bytes of data
    _Alignas(ALIGNMENT) char data[];
};

void *harmony_arena_alloc(harmony_arena *arena, size_t count, size_t size) {
    if (size && count > (SIZE_MAX / 2) / size) {
        return NULL;
    }
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    harmony_arena_block *block = arena->blocks;
    if (!block || block->size - block->used < bytes) {
        // Small first blocks: most messages are short, and a chat has many.
        size_t wanted = block ? BLOCK_BYTES : 512;
        size_t room = bytes > wanted ? bytes : wanted;
        block = base_alloc(1, sizeof *block + room);
        if (!block) {
            return NULL;
        }
        *block = (harmony_arena_block){.next = arena->blocks, .size = room};
        arena->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += bytes;
    return memset(memory, 0, bytes);
}

bool harmony_arena_text(harmony_arena *arena, harmony_text text, harmony_text *copy_out) {
    *copy_out = (harmony_text){0};
    if (!text.data) {
        return true;
    }
    base_buffer repaired = {0};
    if (!base_utf8_valid(text.data, text.length)) {
        if (!base_utf8_append_lossy(&repaired, text.data, text.length)) {
            base_buffer_free(&repaired);
            return false;
        }
        text = (harmony_text){repaired.data, repaired.length};
    }
    char *copy = harmony_arena_alloc(arena, text.length + 1, 1);
    if (copy) {
        memcpy(copy, text.data, text.length);
        *copy_out = (harmony_text){copy, text.length};
    }
    base_buffer_free(&repaired);
    return copy;
}

void harmony_arena_free(harmony_arena *arena) {
    for (harmony_arena_block *block = arena->blocks; block;) {
        harmony_arena_block *next = block->next;
        base_free(block);
        block = next;
    }
    arena->blocks = NULL;
}
