// What guesses would have been worth on texts that exist: pairs of lines of ids on stdin, a prompt
// and what was said behind it; the steps that saying it takes, for replay.py. Not a test.
//
//   test_engine_replay MOST    at most so many guesses a step; prints how many steps had 0, 1, ...
#include "engine/draft.h"
#include "support/check.h"

#include <ctype.h>
#include <string.h>

enum { CAPACITY = 1 << 18, MOST_GUESSES = 64 };

typedef struct replay {
    int32_t ids[CAPACITY];
    int64_t steps[MOST_GUESSES + 1]; // by number of guesses
    int64_t tokens, guessed, right;
} replay;

// Appends a line of ids; false at the end of the file.
static bool read_line(int32_t *ids, int32_t *length) {
    int c;
    while ((c = getchar()) != EOF && c != '\n') {
        if (isdigit(c))
            CHECK(*length < CAPACITY && ungetc(c, stdin) == c &&
                      scanf("%d", &ids[(*length)++]) == 1,
                  "a text of more than %d ids", CAPACITY);
    }
    return c != EOF;
}

// As the engine does it, where each token's row says what the text says.
static void play(replay *r, int32_t from, int32_t to, int32_t most) {
    draft d;
    draft_init(&d);
    CHECK(draft_reserve(&d, r->ids, CAPACITY), "memory");
    draft_follow(&d, r->ids, from);
    for (int32_t at = from; at < to;) {
        int32_t guesses[MOST_GUESSES], in_page = 63 - (at - 1) % 64;
        int32_t room = to - at - 1 < in_page ? to - at - 1 : in_page;
        int32_t n = at == from ? 0 : draft_guess(&d, r->ids, room < most ? room : most, guesses);
        r->steps[n]++;
        r->guessed += n;
        bool right = true;
        for (int32_t i = 0; right; i++) {
            right = i < n && guesses[i] == r->ids[at];
            r->right += right;
            r->tokens++;
            draft_follow(&d, r->ids, ++at);
        }
    }
    draft_free(&d);
}

int main(int argc, char **argv) {
    static replay r;
    int32_t most = argc > 1 ? atoi(argv[1]) : 23, prompt = 0;
    CHECK(most >= 0 && most <= MOST_GUESSES, "MOST is 0 to %d", MOST_GUESSES);
    while (read_line(r.ids, &prompt)) {
        int32_t whole = prompt;
        CHECK(read_line(r.ids, &whole), "a prompt without a text");
        if (prompt > 0)
            play(&r, prompt, whole, most);
        prompt = 0;
    }
    printf("%lld %lld %lld", (long long)r.tokens, (long long)r.guessed, (long long)r.right);
    for (int i = 0; i <= most; i++)
        printf(" %lld", (long long)r.steps[i]);
    puts("");
    return 0;
}
