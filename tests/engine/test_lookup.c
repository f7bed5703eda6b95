// The index of runs against a slow, obvious search, over random texts that grow, are cut back and
// go on in another way. If a cut left a run behind, or a chain lost one, a match differs.
#include "engine/lookup.h"
#include "support/check.h"

enum { CAPACITY = 700, STEPS = 30000 };

static uint32_t state = 4711;
static uint32_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static int32_t agreeing(const int32_t *ids, int32_t length, int32_t end) {
    for (int32_t n = 0;; n++) {
        if (n == LOOKUP_LONGEST || n == end || ids[end - 1 - n] != ids[length - 1 - n])
            return n;
    }
}

// Every earlier place, the latest first; as many of them as the index promises to look at.
static lookup_match find_slowly(const int32_t *ids, int32_t length) {
    lookup_match best = {0, 0};
    int places = 0;
    for (int32_t end = length - 1; end > 0 && places < LOOKUP_PLACES; end--) {
        int32_t n = agreeing(ids, length, end);
        if (n < LOOKUP_GRAM)
            continue;
        places++;
        if (n > best.length)
            best = (lookup_match){end, n};
    }
    return best;
}

static void check_find(const lookup *index, const int32_t *ids, int32_t length) {
    lookup_match found = lookup_find(index, ids, length), right = find_slowly(ids, length);
    CHECK(found.length == right.length && (right.length == 0 || found.end == right.end),
          "behind %d tokens: a match of %d before %d, not of %d before %d", length, found.length,
          found.end, right.length, right.end);
}

// Small alphabets repeat themselves all the time, copies do so at length.
static int32_t next_id(const int32_t *ids, int32_t length, int32_t alphabet, int32_t *copying) {
    if (*copying > 0 && *copying < length && next_random() % 30)
        return ids[length - *copying];
    *copying = (int32_t)(next_random() % 200);
    return (int32_t)(next_random() % (uint32_t)alphabet) * 7919;
}

static void check_alphabet(int32_t alphabet) {
    static int32_t ids[CAPACITY];
    lookup index = {0};
    int32_t length = 0, copying = 0, matches = 0;
    for (int step = 0; step < STEPS; step++) {
        int32_t many = next_random() % 16 ? 1 : 1 + (int32_t)(next_random() % 40);
        for (; many > 0 && length < CAPACITY; many--, length++)
            ids[length] = next_id(ids, length, alphabet, &copying);
        // It grows with the text, as it does in a sequence.
        CHECK(lookup_reserve(&index, ids, length + (int32_t)(next_random() % 50)), "memory");
        lookup_extend(&index, ids, length);
        if (next_random() % 64 == 0 || length == CAPACITY) {
            length = (int32_t)(next_random() % (uint32_t)(length + 1));
            lookup_cut(&index, ids, length);
        }
        check_find(&index, ids, length);
        matches += lookup_find(&index, ids, length).length > 0;
    }
    CHECK(matches > STEPS / 100, "only %d matches: nothing was tested", matches);
    lookup_cut(&index, ids, 0);
    for (size_t i = 0; i < (size_t)1 << (32 - index.shift); i++)
        CHECK(index.latest[i] == 0, "an empty index remembers position %d", index.latest[i]);
    lookup_free(&index);
}

int main(void) {
    static const int32_t alphabets[] = {1, 2, 5, 40, 20000};
    for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++)
        check_alphabet(alphabets[i]);
    puts("the index finds what a slow search finds");
    return 0;
}
