// bench_test.c: the names of tests, as llama-bench has them: pp512, tg64, tg32@d4096.
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { LONGEST = 1 << 24, MOST_TOGETHER = 1024 };

// Digits at *at as a number from low to high; *at moves behind them.
static bool take_number(const char **at, const char *end, int32_t low, int32_t high,
                        int32_t *number_out) {
    int64_t number = 0;
    const char *begin = *at;
    while (*at < end && **at >= '0' && **at <= '9' && number <= high) {
        number = number * 10 + (*(*at)++ - '0');
    }
    *number_out = (int32_t)number;
    return *at > begin && number >= low && number <= high;
}

static bool take_text(const char **at, const char *end, const char *text) {
    size_t length = strlen(text);
    if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static bool parse(const char *at, const char *end, bench_test *test) {
    *test = (bench_test){.batch = 1};
    size_t length = (size_t)(end - at);
    if (length >= sizeof(test->name)) {
        return false;
    }
    memcpy(test->name, at, length);
    test->prompt = take_text(&at, end, "pp");
    if (!test->prompt && !take_text(&at, end, "tg")) {
        return false;
    }
    if (!take_number(&at, end, 1, LONGEST, &test->tokens) ||
        (take_text(&at, end, "b") && !take_number(&at, end, 1, MOST_TOGETHER, &test->batch)) ||
        (take_text(&at, end, "@d") && !take_number(&at, end, 0, LONGEST, &test->depth))) {
        return false;
    }
    return at == end;
}

int bench_tests_parse(const char *text, bench_test tests_out[BENCH_MOST_TESTS], int *n_out) {
    *n_out = 0;
    for (const char *at = text;; at++) {
        const char *end = at + strcspn(at, ",");
        if (*n_out == BENCH_MOST_TESTS) {
            return cli_usage("bench", "--test: at most %d tests", BENCH_MOST_TESTS);
        }
        if (!parse(at, end, &tests_out[(*n_out)++])) {
            return cli_usage("bench",
                             "--test: \"%.*s\" is no test: pp512 is a prompt of 512 tokens, tg64 "
                             "are 64 decoded ones, tg64b8 those of 8 sequences together, "
                             "tg64@d4096 those behind 4096 tokens",
                             (int)(end - at < 40 ? end - at : 40), at);
        }
        at = end;
        if (!*at) {
            return CLI_OK;
        }
    }
}

int64_t bench_test_positions(const bench_test *test) {
    return (int64_t)test->depth + test->tokens + 1; // a prompt is followed by one sampled token,
                                                    // decoding begins with one that is given
}
