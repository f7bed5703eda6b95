// lookup: where the last tokens of a text stood before, to guess what follows them now.
//
// An index of every run of LOOKUP_GRAM tokens by its hash. Each place remembers the one before it
// with the same hash, so that the index can be walked from the latest place backwards, and cut back
// to any length. The ids themselves belong to the caller, who passes the same array each time.
#ifndef ENGINE_LOOKUP_H
#define ENGINE_LOOKUP_H

#include "base/base.h"

enum {
    LOOKUP_GRAM = 3,     // tokens that must agree
    LOOKUP_PLACES = 16,  // the latest ones that are looked at
    LOOKUP_LONGEST = 32, // agreeing tokens that are counted
};

typedef struct lookup {
    int32_t length;   // runs that end at or before it are indexed
    int32_t capacity; // of the text
    int shift;        // of a 32-bit hash, leaves an index of `latest`
    int32_t *latest;  // [1 << (32 - shift)] by hash: where its latest run ends; 0: nowhere
    int32_t *earlier; // [capacity + 1] by end of a run: where the one before it ends
} lookup;

// Starts as {0}, for texts of no tokens. Makes room for texts of `capacity` tokens; ids holds what
// is indexed. False when memory is short: it is then as it was.
bool lookup_reserve(lookup *index, const int32_t *ids, int32_t capacity);
void lookup_free(lookup *index);
size_t lookup_bytes(int32_t capacity);

// Indexes ids up to `length`; those before are already there, or as they were.
void lookup_extend(lookup *index, const int32_t *ids, int32_t length);
// Forgets what lies behind `length`. ids still holds all that is indexed.
void lookup_cut(lookup *index, const int32_t *ids, int32_t length);

typedef struct lookup_match {
    int32_t end;    // ids[end] followed there
    int32_t length; // tokens before `end` that equal the text's last ones; 0: no match
} lookup_match;

// The longest match of the end of ids[0 .. length-1], the latest of equally long ones.
lookup_match lookup_find(const lookup *index, const int32_t *ids, int32_t length);

#endif
