// machine: what this computer gives at best, apart from any model: the measure of every kernel and
// of every step.
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "base/base.h"

// Loops that reach it, of one instruction set.
typedef struct machine_peaks {
    const char *name;
    unsigned needs; // processor flags (base_cpu_flags)
    // The exclusive or of all 64-bit words; data is aligned to 64, bytes a multiple of 1024.
    uint64_t (*read)(const void *data, size_t bytes);
    // Products of 8-bit integers added up in 32 bits, and of float32, from registers or the
    // first-level cache. Return how many that were: some number for each round.
    size_t (*int8)(size_t rounds);
    size_t (*f32)(size_t rounds);
} machine_peaks;

// All of them, slowest first; NULL past the last.
const machine_peaks *machine_peaks_at(size_t index);
// The fastest that needs no more than these flags.
const machine_peaks *machine_peaks_for(unsigned flags);

// What the pool's threads reach together with no more than these flags: a second of work, and
// 256 MiB for each thread, less where memory is short.
gptoss_status machine_limits(base_pool *pool, unsigned flags, gptoss_limits *limits_out,
                             gptoss_error *error);

#endif
