// Random rules over a few letters: after random tokens, every token's bit and the end are what the
// slow recogniser says. If this fails, a text that should hold to a form doesn't, or can't go on.
#include "grammar/small.h"

enum { ALPHABET = 3, MAX_RULES = 5 };

typedef struct maker {
    rules *rules;
    uint64_t *seed;
    int32_t rule[MAX_RULES];
    size_t n_rules;
} maker;

static size_t pick(maker *m, size_t n) {
    return small_random(m->seed, n);
}

static int32_t make(maker *m, int depth);

static int32_t make_list(maker *m, int depth, bool choice) {
    int32_t parts[4];
    size_t n = pick(m, 4) + (choice ? pick(m, 10) > 0 : 0);
    for (size_t i = 0; i < n && i < 4; i++)
        parts[i] = make(m, depth - 1);
    n = n > 4 ? 4 : n;
    return choice ? rules_choice(m->rules, parts, n) : rules_sequence(m->rules, parts, n);
}

static int32_t make(maker *m, int depth) {
    char text[3] = {(char)('a' + pick(m, ALPHABET)), (char)('a' + pick(m, ALPHABET)), 0};
    switch (depth > 0 ? pick(m, 9) : pick(m, 4)) {
    case 0:
        return rules_text(m->rules, text, pick(m, 3));
    case 1: {
        rules_range range = {'a', 'a' + (uint32_t)pick(m, ALPHABET)};
        return rules_class(m->rules, &range, 1, false);
    }
    case 2:
    case 3:
    case 4:
        return rules_reference(m->rules, m->rule[pick(m, m->n_rules)]);
    case 5:
        return make_list(m, depth, true);
    case 6: {
        int32_t least = (int32_t)pick(m, 3);
        int32_t most = pick(m, 3) ? least + (int32_t)pick(m, 3) : RULES_UNBOUNDED;
        return rules_repeat(m->rules, make(m, depth - 1), least, most);
    }
    default:
        return make_list(m, depth, false);
    }
}

static rules *make_rules(uint64_t *seed) {
    maker m = {.rules = rules_create(), .seed = seed};
    CHECK(m.rules, "out of memory");
    m.n_rules = 1 + pick(&m, MAX_RULES);
    for (size_t i = 0; i < m.n_rules; i++)
        m.rule[i] = rules_declare(m.rules);
    for (size_t i = 0; i < m.n_rules; i++) {
        int32_t ways[] = {make(&m, 3), make(&m, 2), rules_text(m.rules, "b", pick(&m, 2))};
        rules_define(m.rules, m.rule[i], rules_choice(m.rules, ways, 2 + pick(&m, 2)));
    }
    rules_start(m.rules, m.rule[0]);
    return m.rules;
}

int main(int argc, char **argv) {
    // All the strings of two letters, some of three and more.
    static const char *const strings[] = {"aa",  "bb",  "cc",   "ba",   "ca",   "ac",     "cb",
                                          "aaa", "abb", "bca",  "cab",  "aab",  "bbb",    "ccc",
                                          "cba", "acb", "abca", "bbbb", "aaaa", "ababab", "abcab"};
    small s = small_create(strings, sizeof strings / sizeof strings[0]);
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int rounds = argc > 2 ? atoi(argv[2]) : 500, followed = 0, refused = 0;
    for (int round = 0; round < rounds; round++) {
        uint64_t before = seed;
        rules *r = make_rules(&seed);
        gptoss_error error = {0};
        grammar *g;
        gptoss_status status = grammar_create_from_rules(s.vocabulary, r, &g, &error);
        if (argc > 3)
            printf("seed %llu: %d %s\n", (unsigned long long)before, (int)status, error.message);
        if (status == GPTOSS_BAD_INPUT) {
            CHECK(!earley_viable(r, "", 0), "refused as empty: seed %llu",
                  (unsigned long long)before);
        } else if (status == GPTOSS_UNSUPPORTED) {
            refused++;
            CHECK(strstr(error.message, "left recursion"), "%s", error.message);
        } else {
            CHECK(!status, "%s", error.message);
            followed++;
            for (int i = 0; i < 3; i++)
                small_follow(&s, r, g, 4, &seed);
            grammar_free(g);
        }
        rules_free(r);
    }
    printf("%d followed, %d refused\n", followed, refused);
    CHECK(followed > rounds / 2, "the rules say too little");
    small_free(&s);
    return 0;
}
