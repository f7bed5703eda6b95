// plain: the forward pass as one would write it first. One thread, float32, loops that say what the
// model computes and nothing else: the place to read how gpt-oss works, the start of
// docs/optimizations.md, and an independent witness of what the cpu backend computes.
//
// Four ideas can be added to it, one after another. They change what it takes, and not one bit of
// what it computes. backend_options.instruction_set names how far to go; NULL is all the way.
#ifndef PLAIN_PLAIN_H
#define PLAIN_PLAIN_H

#include "backend/backend.h"

extern const backend_table plain_backend;

// The steps, "baseline" first; NULL past the last.
const char *plain_step_name(size_t index);

#endif
