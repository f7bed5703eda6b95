// The life of a few sequences, as a function of a seed: prompts, generations with all kinds of
// requests, in turns; cancelled, cut, forked, saved and restored at any moment.
#ifndef TESTS_ENGINE_LIVES_H
#define TESTS_ENGINE_LIVES_H

#include "engine/engine.h"

enum { LIFE_SEQUENCES = 3, LIFE_ENTRIES = 6000 };

typedef struct life_entry {
    int what;      // engine_result_kind, or -1: a token array was looked at
    int32_t value; // id, finish or status
    int32_t length;
    float logprob;
    int32_t n_top;
    gptoss_logprob top[4];
} life_entry;

typedef struct life_log {
    life_entry entries[LIFE_ENTRIES];
    size_t n, guessed, right;
} life_log;

// path: of a file that the life may write. Nothing else is written but the log.
void life_run(engine *engine, uint32_t seed, bool speculation, const char *path, life_log *log);

#endif
