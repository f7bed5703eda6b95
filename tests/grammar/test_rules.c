// Rules as they are built: classes of characters against UTF-8 itself, limits, faults; and the
// recogniser that other tests take for the truth, on texts whose answer is known.
#include <string.h>

#include "grammar/earley.h"
#include "support/check.h"

static int32_t text(rules *r, const char *string) {
    return rules_text(r, string, strlen(string));
}

static void start(rules *r, int32_t expression) {
    int32_t rule = rules_declare(r);
    rules_define(r, rule, expression);
    rules_start(r, rule);
}

static bool accepts(const rules *r, const char *string) {
    return earley_accepts(r, string, strlen(string));
}

static size_t encode(uint32_t c, char out[4]) {
    if (c < 0x80)
        return out[0] = (char)c, 1;
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(0xf00 >> n | c);
    return n;
}

// A class takes the code points in it, around every edge, and no byte sequence that is not UTF-8.
static void check_class(const rules_range *ranges, size_t n, bool negated) {
    rules *r = rules_create();
    start(r, rules_class(r, ranges, n, negated));
    CHECK(!rules_status(r, NULL), "a class is refused");
    static const uint32_t edges[] = {0,      0x7f,   0x80,    0x7ff,   0x800,   0xd7ff,
                                     0xe000, 0xffff, 0x10000, 0x3ffff, 0x40000, 0x10ffff};
    uint32_t points[200];
    size_t n_points = 0;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        points[n_points++] = edges[i];
    for (size_t i = 0; i < n; i++) {
        for (int d = -1; d <= 1; d++) {
            points[n_points++] = ranges[i].first + (uint32_t)d;
            points[n_points++] = ranges[i].last + (uint32_t)d;
        }
    }
    for (size_t p = 0; p < n_points; p++) {
        uint32_t c = points[p];
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            continue;
        bool inside = false;
        for (size_t i = 0; i < n; i++)
            inside = inside || (ranges[i].first <= c && c <= ranges[i].last);
        char bytes[4];
        size_t length = encode(c, bytes);
        CHECK(earley_accepts(r, bytes, length) == (inside != negated),
              "U+%04X is on the wrong side", c);
    }
    static const char *const broken[] = {
        "\x80", "\xc0\x80", "\xed\xa0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80",
        "\xff", "\xc3"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        CHECK(!accepts(r, broken[i]), "what is not UTF-8 (%zu) is a character", i);
    rules_free(r);
}

static void check_classes(void) {
    static const rules_range all[] = {{0, 0x10ffff}}, letters[] = {{'a', 'z'}, {'A', 'Z'}},
                             wide[] = {{0x3b1, 0x3c9}, {0x4e00, 0x9fff}, {0x1f600, 0x1f64f}},
                             odd[] = {{0x7e, 0x81},
                                      {0x7fe, 0x801},
                                      {0xd7fe, 0xe001},
                                      {0xfffe, 0x10001},
                                      {0x1234, 0x54321}};
    for (int negated = 0; negated < 2; negated++) {
        check_class(all, 1, negated);
        check_class(letters, 2, negated);
        check_class(wide, 3, negated);
        check_class(odd, 5, negated);
        check_class(NULL, 0, negated);
    }
}

// value = "a" | "[" value ("," value){0,1} "]", and a left-recursive, an ambiguous and an empty
// one.
static void check_oracle(void) {
    rules *r = rules_create();
    int32_t value = rules_declare(r), again = rules_reference(r, value);
    int32_t more[] = {text(r, ","), again};
    int32_t list[] = {text(r, "["), again, rules_repeat(r, rules_sequence(r, more, 2), 0, 1),
                      text(r, "]")};
    int32_t ways[] = {text(r, "a"), rules_sequence(r, list, 4)};
    rules_define(r, value, rules_choice(r, ways, 2));
    rules_start(r, value);
    CHECK(accepts(r, "[[a],a]"), "a nested list");
    CHECK(!accepts(r, "[a,a,a]"), "more repetitions than allowed");
    CHECK(!accepts(r, "[[a]"), "an open bracket");
    CHECK(earley_viable(r, "[[a],", 5), "a beginning");
    CHECK(!earley_viable(r, "[,", 2), "what can't begin anything");
    rules_free(r);

    r = rules_create();
    int32_t sum = rules_declare(r);
    int32_t plus[] = {rules_reference(r, sum), text(r, "+"), rules_reference(r, sum)};
    int32_t sums[] = {rules_sequence(r, plus, 3), text(r, "1"), text(r, "")};
    rules_define(r, sum, rules_choice(r, sums, 3));
    rules_start(r, sum);
    CHECK(accepts(r, "1+1+1") && accepts(r, "") && accepts(r, "+"), "left recursion, empty parts");
    CHECK(!accepts(r, "11"), "two without a plus");
    rules_free(r);

    r = rules_create();
    int32_t dead = rules_declare(r);
    int32_t loop[] = {text(r, "x"), rules_reference(r, dead)};
    rules_define(r, dead, rules_sequence(r, loop, 2));
    int32_t either[] = {rules_reference(r, dead), rules_choice(r, NULL, 0), text(r, "y")};
    start(r, rules_choice(r, either, 3));
    CHECK(!earley_viable(r, "x", 1), "what never ends is no beginning");
    CHECK(accepts(r, "y"), "its neighbour is");
    rules_free(r);
}

static void check_faults(void) {
    gptoss_error error;
    rules *r = rules_create();
    int32_t rule = rules_declare(r);
    start(r, rules_reference(r, rule));
    CHECK(rules_status(r, &error) == GPTOSS_BAD_INPUT, "a rule that is nowhere defined");
    rules_free(r);

    r = rules_create();
    int32_t x = text(r, "x");
    for (int i = 0; i < RULES_MAX_NODES + 10; i++)
        x = rules_repeat(r, text(r, "x"), 1, 2);
    CHECK(x == RULES_NONE, "no limit on nodes");
    start(r, x);
    CHECK(rules_status(r, &error) == GPTOSS_UNSUPPORTED, "too large: %s", error.message);
    rules_free(r);

    r = rules_create();
    x = text(r, "x");
    for (int i = 0; i < 100000; i++)
        x = rules_repeat(r, x, 1, 2);
    start(r, x);
    CHECK(rules_status(r, &error) == GPTOSS_UNSUPPORTED, "too deep: %s", error.message);
    rules_free(r);

    r = rules_create();
    CHECK(rules_repeat(r, text(r, "x"), 3, 2) == RULES_NONE, "3 to 2 times");
    CHECK(rules_status(r, &error) == GPTOSS_BAD_INPUT, "bounds: %s", error.message);
    rules_free(r);
}

int main(void) {
    check_classes();
    check_oracle();
    check_faults();
    return 0;
}
