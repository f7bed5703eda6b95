// Matches, how often they are right, and the length of a draft.
#include "engine/draft.h"

// A guess is computed when it will be right at least this often, with all before it: what it costs
// is in docs/benchmarks.md, Speculation.
static const float WORTH = 0.6f;
static const float RATE = 1.0f / 16;

// Where a sequence begins, by length of the match: docs/benchmarks.md too.
static const struct {
    int32_t shortest;
    float chance;
} levels[DRAFT_LEVELS] = {{0, .4f}, {6, .6f}, {12, .8f}, {24, .95f}};

static int level_of(int32_t matched) {
    int level = DRAFT_LEVELS - 1;
    while (levels[level].shortest > matched)
        level--;
    return level;
}

void draft_init(draft *draft_out) {
    *draft_out = (draft){0};
    for (int i = 0; i < DRAFT_LEVELS; i++)
        draft_out->chance[i] = levels[i].chance;
}

bool draft_reserve(draft *d, const int32_t *ids, int32_t capacity) {
    return lookup_reserve(&d->index, ids, capacity);
}

void draft_free(draft *d) {
    lookup_free(&d->index);
}

// Compares the token that came with the one that was thought of.
static void judge(draft *d, int32_t thought, int32_t came) {
    float *chance = &d->chance[level_of(d->match.length)];
    bool right = thought == came;
    *chance += ((float)right - *chance) * RATE;
    d->match = right ? (lookup_match){d->match.end + 1, d->match.length + 1} : (lookup_match){0, 0};
}

void draft_follow(draft *d, const int32_t *ids, int32_t length) {
    if (length == d->length)
        return;
    if (length == d->length + 1 && d->match.length > 0)
        judge(d, ids[d->match.end], ids[length - 1]);
    else
        d->match.length = 0;
    lookup_extend(&d->index, ids, length);
    if (d->match.length == 0)
        d->match = lookup_find(&d->index, ids, length);
    d->length = length;
}

void draft_cut(draft *d, const int32_t *ids, int32_t length) {
    if (length >= d->length)
        return;
    lookup_cut(&d->index, ids, length);
    d->length = length;
    d->match = lookup_find(&d->index, ids, length);
}

int32_t draft_guess(const draft *d, const int32_t *ids, int32_t most, int32_t *guesses) {
    if (d->match.length == 0)
        return 0;
    int32_t n = 0;
    float reached = 1; // the chance that all guesses so far are right
    for (; n < most; n++) {
        reached *= d->chance[level_of(d->match.length + n)];
        if (reached < WORTH)
            break;
        // A match may run into the guesses themselves: a text that repeats one short phrase.
        int32_t from = d->match.end + n;
        guesses[n] = from < d->length ? ids[from] : guesses[from - d->length];
    }
    return n;
}
