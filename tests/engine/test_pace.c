// What prompts may take beside speech, on a machine whose costs are known: a step takes a fixed
// time, and more for each token. If the limit were missed, streams would stall; if it were
// undercut, prompts would crawl.
#include "engine/pace.h"
#include "support/check.h"

typedef struct machine {
    double step, chunk,
        token; // seconds: of any step, of any that has a prompt, of each token of it
} machine;

static double cost(const machine *m, int32_t n_prompt) {
    return m->step + (n_prompt > 0 ? m->chunk : 0) + n_prompt * m->token;
}

// The seconds that steps beside speech settle at.
static double settle(pace *p, const machine *m, int32_t most) {
    double seconds = 0;
    for (int i = 0; i < 60; i++) {
        int32_t n = pace_allowance(p);
        n = i % 8 == 7 ? 0 : n < most ? n : most;
        if (n > 0)
            seconds = cost(m, n);
        pace_note(p, n, true, cost(m, n));
    }
    return seconds;
}

int main(void) {
    static const machine machines[] = {
        {.001, .001, .0002}, {.02, .05, .001}, {.15, .4, .01}, {1, 1, .05}};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        const machine *m = &machines[i];
        pace p = {0};
        // A prompt alone comes first: large steps, whose tokens are cheap.
        pace_note(&p, 512, false, cost(m, 512));
        double limit = 4 * m->step > .05 ? 4 * m->step : .05, least = cost(m, PACE_LEAST);
        double seconds = settle(&p, m, 512);
        CHECK(seconds <= limit * 1.1 || seconds <= least, "machine %zu: steps of %g s, over %g", i,
              seconds, limit);
        CHECK(seconds >= limit * .7 || cost(m, 512) < limit || limit < least,
              "machine %zu: steps of %g s use too little of %g", i, seconds, limit);
        // A limit that was asked for.
        p.limit = 2 * limit;
        seconds = settle(&p, m, 512);
        CHECK(seconds <= p.limit * 1.1 || seconds <= least, "machine %zu: steps of %g s, over %g",
              i, seconds, p.limit);
    }
    pace fresh = {0};
    CHECK(pace_allowance(&fresh) == PACE_LEAST, "a first step of %d tokens",
          pace_allowance(&fresh));
    puts("steps beside speech settle at their limit");
    return 0;
}
