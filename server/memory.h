// memory.h: what the server remembers of what the model said, by call id.
//
// A client that sends a call back seldom sends all that led to it: reasoning is dropped, arguments
// are spelled anew. The tokens that were sampled are kept here, so that the conversation goes on
// from what the model said, and from what the cache holds. Call ids are unguessable, and so stand
// for the right to what belongs to them. All is in this process alone, and bounded.
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALL_ID_SIZE = 32 }; // "call_" and 24 letters, and a NUL

typedef struct said_call {
    char id[CALL_ID_SIZE];
    char *name, *arguments; // as the client got them
} said_call;

// What the assistant said in one go, up to its calls. Never changes.
typedef struct said {
    int32_t *ids; // [n_ids], behind <|start|>assistant, the last one <|call|>
    size_t n_ids;
    char *reasoning, *preamble; // "" where there was none
    said_call *calls;           // [n_calls]
    size_t n_calls;
    // The memory's own.
    size_t bytes;
    int32_t holders;
    struct said *newer, *older;
} said;

typedef struct memory_date {
    uint64_t key;
    double first, last; // when it was asked for, in server_now
    char date[16];
} memory_date;

enum { MEMORY_DATES = 1024 };

typedef struct memory {
    pthread_mutex_t lock;
    said *newest, *oldest;
    size_t bytes, most_bytes;
    memory_date dates[MEMORY_DATES]; // at key % MEMORY_DATES
} memory;

bool memory_init(memory *memory, size_t most_bytes);
void memory_destroy(memory *memory);

void memory_add(memory *memory, said *said); // takes it over
// What contained the call; to be given back. NULL: unknown, or forgotten.
const said *memory_find(memory *memory, const char *call_id);
void memory_release(memory *memory, const said *said);
void said_free(said *said); // of one that was not added

// The date of a conversation, "2026-11-24": today's where it is new, and the same from then on.
void memory_date_of(memory *memory, uint64_t conversation, char date_out[16]);

#endif
