// draft: guesses the next tokens of a text from what followed its last ones before, and how many
// of the guesses are worth computing.
//
// Whether a match is right is counted for every token, drafted or not: that costs nothing, and so a
// text that never repeats itself is never drafted for, and one that begins to is at once. Depends
// on the text alone.
#ifndef ENGINE_DRAFT_H
#define ENGINE_DRAFT_H

#include "engine/lookup.h"

enum { DRAFT_LEVELS = 4 };

typedef struct draft {
    lookup index;
    int32_t length;             // of the text that `match` is about
    lookup_match match;         // where it is thought to go on
    float chance[DRAFT_LEVELS]; // that a match is right, by its length: a running mean
} draft;

void draft_init(draft *draft_out);
// Makes room for texts of `capacity` tokens; ids holds what was followed. False when memory is
// short: the draft is then as it was.
bool draft_reserve(draft *draft, const int32_t *ids, int32_t capacity);
void draft_free(draft *draft);

// Follows the text up to ids[length - 1].
void draft_follow(draft *draft, const int32_t *ids, int32_t length);
// Forgets what lies behind `length`. ids still holds all that was followed.
void draft_cut(draft *draft, const int32_t *ids, int32_t length);

// Guesses up to `most` tokens that come after the text that was followed; returns how many.
int32_t draft_guess(const draft *draft, const int32_t *ids, int32_t most, int32_t *guesses);

#endif
