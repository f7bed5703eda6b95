// What kernels with tiles of registers share, whatever the instruction set.
#ifndef CPU_KERNELS_TILE_H
#define CPU_KERNELS_TILE_H

#include "cpu/kernels/kernels.h"

// A tile of sums is an array that must live in registers: every loop over it is unrolled, in a
// function that is expanded where the tile's size is a constant.
#define UNROLL(i, n) _Pragma("GCC unroll 16") for (__typeof__(+(n)) i = 0; i < (n); i++)
#define ALWAYS_INLINE static inline __attribute__((always_inline))

// Brings the cache lines of cpu_panel.ahead in, a few with each block of each tile of tokens.
typedef struct tile_ahead {
    const uint8_t *next, *end;
    size_t step; // bytes per block
} tile_ahead;

static inline tile_ahead tile_ahead_of(const cpu_panel *panel, size_t tiles) {
    size_t lines = (panel->ahead_bytes + CPU_LINE - 1) / CPU_LINE;
    size_t turns = tiles * panel->n_blocks;
    return (tile_ahead){panel->ahead, panel->ahead + panel->ahead_bytes,
                        (lines + turns - 1) / turns * CPU_LINE};
}

ALWAYS_INLINE void tile_fetch(tile_ahead *ahead) {
    if (ahead->next >= ahead->end)
        return;
    for (size_t i = 0; i < ahead->step; i += CPU_LINE)
        __builtin_prefetch(ahead->next + i, 0, 2); // into the second level
    ahead->next += ahead->step;
}

#endif
