// cache: which page of the backend holds which positions of which sequence, and which earlier
// states of sequences are kept for texts that begin in the same way.
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

typedef struct cache_options {
    int32_t context;     // positions of a sequence
    int32_t sequences;   // that have their pages whatever else there is
    int32_t max_tokens;  // of a batch
    int32_t kept_states; // at most; each gets the pages of its windows
    int32_t kept_pages;  // of the full layers, for kept states, beyond those of the sequences
} cache_options;

// Pages of each group that this takes.
void cache_plan(const model_config *config, const cache_options *options,
                int32_t n_pages_out[BACKEND_GROUPS]);
// Memory that the kept states take beside their pages, at most: their tokens and page tables.
size_t cache_kept_bytes(const model_config *config, const cache_options *options);

// The backend's cache (cache_create was called with cache_plan's n_pages) must outlive this one.
gptoss_status cache_open(const backend_table *backend, void *handle, const model_config *config,
                         const cache_options *options, cache **cache_out, gptoss_error *error);
void cache_close(cache *cache);

// Pages that nobody holds, and those that no sequence holds: kept states give theirs away.
int32_t cache_free_pages(const cache *cache, backend_group group);
int32_t cache_available_pages(const cache *cache, backend_group group);

gptoss_status cache_sequence_init(const cache *cache, cache_sequence *sequence_out,
                                  gptoss_error *error);
void cache_sequence_free(cache *cache, cache_sequence *sequence);

// Covers `count` more positions, ready to be written. Kept states, the least recently used first,
// give up the pages that it takes. GPTOSS_NO_MEMORY when they don't suffice: the sequence and the
// kept states are then as they were. The sliding pages that the new positions' windows need stay.
gptoss_status cache_extend(cache *cache, cache_sequence *sequence, int32_t count,
                           gptoss_error *error);
// The largest count for which that does not run out of pages.
int32_t cache_room(const cache *cache, const cache_sequence *sequence);

// Pages of a group that the sequence must still get to rest at `length` positions, with the windows
// there.
int32_t cache_missing(const cache *cache, const cache_sequence *sequence, int32_t length,
                      backend_group group);

// Lets go of the sliding pages that are needed only to go back to before `length`, which is at most
// the sequence's. Call when the positions were computed.
void cache_trim(cache *cache, cache_sequence *sequence, int32_t length);

// Shortens the sequence to at most `length` positions, and to 0 where the sliding layers have
// already forgotten what position `length` would look at. Returns the new length.
int32_t cache_truncate(cache *cache, cache_sequence *sequence, int32_t length);

// Makes `copy` (initialised and empty) hold the same positions as `sequence`.
void cache_fork(cache *cache, const cache_sequence *sequence, cache_sequence *copy);

// ---- kept states ----------------------------------------------------------------------------
//
// A kept state is what a sequence had computed when it held certain tokens: references to its
// pages, of sliding layers only the window. Any text that begins with these tokens can go on from
// there, and from a little before, as far as the windows reach. States hang in a tree over token
// ids. They cost no page while their sequence lives on, except the copy of the last, unfinished
// one.

// Keeps the first `length` positions of a sequence that holds ids. Without memory, or where the
// windows are gone, nothing happens: a kept state only saves work.
void cache_keep(cache *cache, const cache_sequence *sequence, const int32_t *ids, int32_t length);

// Positions that a text of n_ids can take over at most.
int32_t cache_find(const cache *cache, const int32_t *ids, int32_t n_ids);
// Takes them over, unless the sequence (which holds the beginning of the same text) has as many.
// Returns its length.
int32_t cache_adopt(cache *cache, cache_sequence *sequence, const int32_t *ids, int32_t n_ids);

typedef struct cache_counts {
    int32_t free_pages[BACKEND_GROUPS];
    int32_t kept;                       // states
    int32_t kept_pages[BACKEND_GROUPS]; // that only they hold
    uint64_t evicted;                   // states, since cache_open
} cache_counts;

cache_counts cache_count(const cache *cache);
void cache_forget(cache *cache); // all kept states

#endif
