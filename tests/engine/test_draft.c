// How much is guessed, and how well: much in a text that copies itself, nothing in one that does
// not, and nothing any more where matches have misled. Costs of a wrong policy are time, not bits.
#include "engine/draft.h"
#include "support/check.h"

#include <string.h>

enum { CAPACITY = 6000, MOST = 15 };

static int32_t ids[CAPACITY];
static uint32_t state = 99;
static uint32_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

typedef struct outcome {
    int32_t steps, guessed, right;
} outcome;

// Plays the engine: the text is known, and each step confirms guesses up to the first wrong one.
static outcome play(draft *d, int32_t from, int32_t to) {
    outcome o = {0, 0, 0};
    draft_follow(d, ids, from);
    for (int32_t at = from; at < to; o.steps++) {
        int32_t guesses[MOST];
        int32_t n = draft_guess(d, ids, to - at - 1 < MOST ? to - at - 1 : MOST, guesses);
        o.guessed += n;
        for (int32_t i = 0;; i++) {
            bool right = i < n && guesses[i] == ids[at];
            draft_follow(d, ids, ++at);
            if (!right)
                break;
            o.right++;
        }
    }
    return o;
}

static void random_text(int32_t from, int32_t to) {
    for (int32_t i = from; i < to; i++)
        ids[i] = (int32_t)(next_random() % 100000);
}

static outcome play_fresh(int32_t from, int32_t to) {
    draft d;
    draft_init(&d);
    CHECK(draft_reserve(&d, ids, CAPACITY), "memory");
    outcome o = play(&d, from, to);
    draft_free(&d);
    return o;
}

static void check_copy(void) {
    random_text(0, 1000);
    for (int32_t i = 1000; i < 3000; i++)
        ids[i] = i % 50 == 0 ? -1 : ids[i - 1000]; // with an edit here and there
    outcome o = play_fresh(1000, 3000);
    CHECK(o.right > 1500 && o.steps < 500, "a copy of 2000 tokens took %d steps", o.steps);
    CHECK(o.guessed - o.right < 500, "%d of %d guesses were wrong", o.guessed - o.right, o.guessed);
}

static void check_phrase(void) {
    random_text(0, 100);
    for (int32_t i = 100; i < 400; i++)
        ids[i] = i % 4; // a guess reaches into the guesses
    outcome o = play_fresh(100, 400);
    CHECK(o.steps < 60 && o.guessed == o.right, "a phrase of 4 took %d steps for 300 tokens",
          o.steps);
}

static void check_no_repetition(void) {
    random_text(0, 3000);
    outcome o = play_fresh(500, 3000);
    CHECK(o.guessed == 0 && o.steps == 2500, "%d guesses in a random text", o.guessed);
}

// Runs of 6 come again and again, each time with something else behind.
static void check_misleading(void) {
    for (int32_t i = 0; i < 5000; i++)
        ids[i] = i % 7 < 6 ? i % 7 : (int32_t)(next_random() % 100000);
    outcome o = play_fresh(700, 5000);
    CHECK(o.right > 1500, "only %d guesses inside of the runs were right", o.right);
    CHECK(o.guessed - o.right < 30, "%d guesses were wrong: it does not learn",
          o.guessed - o.right);
}

// Cut back and gone on in another way, it stands where a fresh one stands.
static void check_cut(void) {
    draft d, fresh;
    draft_init(&d);
    draft_init(&fresh);
    CHECK(draft_reserve(&d, ids, CAPACITY) && draft_reserve(&fresh, ids, CAPACITY), "memory");
    random_text(0, 300);
    memcpy(ids + 300, ids, 250 * sizeof *ids);
    (void)play(&d, 300, 500);
    draft_cut(&d, ids, 280);
    memcpy(ids + 280, ids + 40, 30 * sizeof *ids);
    draft_follow(&d, ids, 310);
    draft_follow(&fresh, ids, 310);
    CHECK(d.match.end == 70 && d.match.end == fresh.match.end && d.length == 310,
          "expects to go on at %d, a fresh one at %d", d.match.end, fresh.match.end);
    draft_free(&d);
    draft_free(&fresh);
}

int main(void) {
    check_copy();
    check_phrase();
    check_no_repetition();
    check_misleading();
    check_cut();
    puts("guesses follow repetitions and nothing else");
    return 0;
}
