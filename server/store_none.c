// store_none.c: in the place of store.c where there is no SQLite: nothing is kept.
#include "store.h"

bool store_open(const char *path, const store_limits *limits, store **store_out, problem *problem) {
    (void)limits;
    *store_out = NULL;
    return !path || problem_set(problem, PROBLEM_UNSUPPORTED, "store",
                                "answers can't be kept: this program was built without SQLite");
}

static bool refuse(problem *problem) {
    return problem_set(problem, PROBLEM_UNSUPPORTED, "store", "answers are not kept");
}

void store_close(store *s) {
    (void)s;
}

bool store_put(store *s, const char *id, const kept_answer *answer, problem *problem) {
    (void)s;
    (void)id;
    (void)answer;
    return refuse(problem);
}

bool store_get(store *s, const char *id, kept_answer *answer_out, bool *found_out,
               problem *problem) {
    (void)s;
    (void)id;
    *answer_out = (kept_answer){0};
    *found_out = false;
    return refuse(problem);
}

bool store_delete(store *s, const char *id, bool *found_out, problem *problem) {
    (void)s;
    (void)id;
    *found_out = false;
    return refuse(problem);
}

void kept_answer_clear(kept_answer *answer) {
    (void)answer;
}
