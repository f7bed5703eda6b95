// cache: which page of the backend holds which positions of which sequence.
//
// Pages are counted references: a fork shares all of them, and a page that is about to be written
// while it is shared is copied first. Full layers keep every page of a sequence; sliding layers
// only those that overlap the window of the next position. Nothing here touches keys or values,
// except by asking the backend to copy a page.
//
// One cache is used by one thread at a time.
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "backend/backend.h"

typedef struct cache cache;

// The pages of one sequence. Owned by the caller, changed only by the functions below.
typedef struct cache_sequence {
    int32_t *pages[BACKEND_GROUPS]; // [capacity]; -1 where there is none
    int32_t capacity;               // pages that max_context takes
    int32_t length;                 // positions that are covered
    int32_t first_sliding;          // positions before it are gone from the sliding layers
} cache_sequence;

// Pages that n_sequences of `context` positions need, of each group, when batches have at most
// max_tokens tokens and n_snapshots earlier states (forks) of each sequence are kept.
void cache_plan(const model_config *config, int32_t context, int32_t n_sequences,
                int32_t n_snapshots, int32_t max_tokens, int32_t n_pages_out[BACKEND_GROUPS]);

// The backend's cache (cache_create was called with these n_pages) must outlive this one.
// window as in model_config.
gptoss_status cache_open(const backend_table *backend, void *handle,
                         const int32_t n_pages[BACKEND_GROUPS], int32_t window, int32_t context,
                         cache **cache_out, gptoss_error *error);
void cache_close(cache *cache);

// Pages that nobody holds.
int32_t cache_free_pages(const cache *cache, backend_group group);

gptoss_status cache_sequence_init(const cache *cache, cache_sequence *sequence_out,
                                  gptoss_error *error);
void cache_sequence_free(cache *cache, cache_sequence *sequence);

// Covers `count` more positions, ready to be written. GPTOSS_NO_MEMORY when pages run out: the
// sequence is then as it was. The sliding pages that the new positions' windows need stay.
gptoss_status cache_extend(cache *cache, cache_sequence *sequence, int32_t count,
                           gptoss_error *error);

// Lets go of the sliding pages that are needed only to go back to before `length`, which is at most
// the sequence's. Call when the positions were computed.
void cache_trim(cache *cache, cache_sequence *sequence, int32_t length);

// Shortens the sequence to at most `length` positions, and to 0 where the sliding layers have
// already forgotten what position `length` would look at. Returns the new length.
int32_t cache_truncate(cache *cache, cache_sequence *sequence, int32_t length);

// Makes `copy` (initialised and empty) hold the same positions as `sequence`.
void cache_fork(cache *cache, const cache_sequence *sequence, cache_sequence *copy);

#endif
