// Stop strings, whole characters, loops: what streams are cut by.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/loops.h"
#include "server/names.h"
#include "server/stops.h"
#include "server/utf8.h"

static void must(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

static void check_stop(const char *stop, const char *words, size_t from, bool found, size_t at) {
    const char *stops[] = {stop, "never"};
    stops_match match = stops_find(stops, 2, words, from, strlen(words));
    must((match.stop != NULL) == found && match.at == at, words);
}

static void test_stops(void) {
    check_stop("END", "abc END", 0, true, 4);
    check_stop("END", "abc EN", 0, false, 4);  // held back
    check_stop("END", "abc E E", 0, false, 6); // the first E goes on otherwise
    check_stop("END", "abc", 3, false, 3);     // nothing is new
    check_stop("aab", "aaab", 0, true, 1);     // a beginning inside a beginning
    check_stop("\xC3\xA9", "x\xC3\xA8", 0, false, 3);
    const char *both[] = {"bcd", "c"};
    stops_match match = stops_find(both, 2, "abce", 0, 4);
    must(match.at == 2 && match.stop == both[1], "the stop that comes");
}

static void check_whole(const char *bytes, bool last, const char *wanted, size_t used) {
    text out = {0};
    must(utf8_add(&out, bytes, strlen(bytes), last) == used, "bytes used");
    must(strcmp(out.data ? out.data : "", wanted) == 0, wanted);
    text_clear(&out);
}

static void test_characters(void) {
    check_whole("a\xC3\xA9", false, "a\xC3\xA9", 3);
    check_whole("a\xF0\x9F\x99", false, "a", 1); // may be completed
    check_whole("a\xF0\x9F\x99", true, "a\xEF\xBF\xBD", 4);
    check_whole("\xC3(", false, "\xEF\xBF\xBD(", 2);
    check_whole("\xED\xA0\x80", false, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 3); // a surrogate
    check_whole("\xFF", false, "\xEF\xBF\xBD", 1);
}

// When a text of `period` tokens that repeat, behind 100 others, is found to loop; 0: never.
static int found_after(int32_t bound, int period, int length) {
    loops *l = calloc(1, sizeof *l);
    must(l, "memory");
    l->bound = bound;
    for (int i = 0; i < 100; i++) {
        must(!loops_push(l, 1000 + i), "no loop in different tokens");
    }
    int found = 0;
    for (int i = 0; i < length && !found; i++) {
        int32_t seen = loops_push(l, i % period);
        must(!seen || seen == period, "the period");
        found = seen ? i + 1 : 0;
    }
    free(l);
    return found;
}

static void test_loops(void) {
    must(found_after(64, 1, 1000) == 65, "a token");
    must(found_after(64, 7, 1000) == 71, "a phrase");
    must(found_after(64, 200, 5000) == 200 * 9, "a long one must come eight times more");
    must(found_after(64, 300, 9000) == 0, "longer than any");
    must(found_after(0, 1, 9000) == 0, "off");
}

static void test_names(void) {
    request asked;
    names spelled;
    const char *name;
    request_init(&asked);
    must(request_add_tool(&asked, TOOL_FUNCTION, "get time") &&
             request_add_tool(&asked, TOOL_FUNCTION, "get.time") &&
             request_add_tool(&asked, TOOL_FUNCTION, "") &&
             request_add_tool(&asked, TOOL_FUNCTION, "plain"),
         "memory");
    must(names_init(&spelled, &asked), "memory");
    must(!strcmp(spelled.shown[0], "get_time") && !strcmp(spelled.shown[1], "get_time_2"),
         "two names that would be one");
    must(names_find(&spelled, "functions.get_time_2", &name) == 1 && !strcmp(name, "get.time"),
         "back");
    must(names_find(&spelled, "plain", &name) == 3, "without the prefix");
    must(names_find(&spelled, "functions.other", &name) < 0 && !strcmp(name, "other"), "unknown");
    names_clear(&spelled);
    request_clear(&asked);
}

int main(void) {
    test_stops();
    test_characters();
    test_loops();
    test_names();
    return 0;
}
