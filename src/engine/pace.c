// Two running means and the quotient that they make.
#include "engine/pace.h"

// A step beside prompts may take so many times one without, and always this long: below it, nobody
// sees a difference.
static const double TIMES = 4, UNSEEN = 0.05;
static const double RATE = 0.25;
enum { LEAST_NOTED = 8 }; // tokens of a prompt from which on they say what one costs

static void follow(double *mean, double value) {
    *mean += *mean == 0 ? value : (value - *mean) * RATE;
}

void pace_note(pace *p, int32_t n_prompt, bool speech, double seconds) {
    if (n_prompt == 0) {
        follow(&p->speech, seconds);
        return;
    }
    if (n_prompt < LEAST_NOTED)
        return;
    // Prompts alone say something only as long as nothing better is known: their steps are large,
    // and tokens of large steps cost less.
    if (!speech && p->token != 0)
        return;
    double prompt = speech ? seconds - p->speech : seconds;
    double least = seconds / 1e3; // a step that was shorter than the mean
    follow(&p->token, (prompt > least ? prompt : least) / n_prompt);
}

int32_t pace_allowance(const pace *p) {
    double limit = p->limit;
    if (limit == 0)
        limit = TIMES * p->speech > UNSEEN ? TIMES * p->speech : UNSEEN;
    double tokens = p->token > 0 ? (limit - p->speech) / p->token : 0;
    if (tokens < PACE_LEAST)
        return PACE_LEAST;
    return tokens < 1e9 ? (int32_t)tokens : 1000000000;
}
