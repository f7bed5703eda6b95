// loops.c: for each period, how long each token has been the one that stood a period before.
#include "loops.h"

int32_t loops_push(loops *l, int32_t id) {
    int32_t found = 0;
    if (!l->bound) {
        return 0;
    }
    size_t n_periods = l->n_tokens < LOOPS_PERIOD ? l->n_tokens : LOOPS_PERIOD;
    for (size_t period = 1; period <= n_periods; period++) {
        bool same = l->recent[(l->n_tokens - period) % LOOPS_PERIOD] == id;
        l->runs[period] = same ? l->runs[period] + 1 : 0;
        int32_t needed = LOOPS_REPEATS * (int32_t)period;
        needed = needed > l->bound ? needed : l->bound;
        if (!found && l->runs[period] >= needed) {
            found = (int32_t)period;
        }
    }
    l->recent[l->n_tokens++ % LOOPS_PERIOD] = id;
    return found;
}
