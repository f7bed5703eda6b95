// loops.h: whether a text has begun to repeat itself without end.
#ifndef SERVER_LOOPS_H
#define SERVER_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOOPS_PERIOD = 256,
    LOOPS_REPEATS = 8
}; // longest cycle; how often it must have come at least

typedef struct loops {
    int32_t bound;                  // tokens of a cycle, repeated, that make a loop; 0: never
    int32_t recent[LOOPS_PERIOD];   // the last tokens, at number % LOOPS_PERIOD
    int32_t runs[LOOPS_PERIOD + 1]; // of each period: how long the text has followed it
    size_t n_tokens;
} loops;

// Takes the next token. The period of the loop that it completes, or 0.
int32_t loops_push(loops *loops, int32_t id);

#endif
