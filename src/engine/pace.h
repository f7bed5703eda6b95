// pace: how many tokens of prompts a step may take beside sequences that speak, so that none of
// these waits much longer for its next token than without prompts.
//
// Learned from the steps themselves. It decides when something is computed, never what.
#ifndef ENGINE_PACE_H
#define ENGINE_PACE_H

#include "base/base.h"

enum { PACE_LEAST = 16 }; // tokens, however long they take: prompts go on

typedef struct pace {
    double limit;  // seconds that a step may take; 0: several times a step without prompts
    double speech; // seconds of a step without prompts: a running mean; 0: not known
    double token;  // what a token of a prompt adds beside speech; 0: not known
} pace;

// A step of so many tokens of prompts took so many seconds, beside sequences that speak or not.
void pace_note(pace *pace, int32_t n_prompt, bool speech, double seconds);

// Tokens of prompts for the next step beside speech.
int32_t pace_allowance(const pace *pace);

#endif
