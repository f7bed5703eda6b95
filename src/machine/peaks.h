// The sets that select.c chooses from, one file each.
#ifndef MACHINE_PEAKS_H
#define MACHINE_PEAKS_H

#include "machine/machine.h"

extern const machine_peaks machine_scalar, machine_avx2, machine_avxvnni, machine_avx512;
extern const machine_peaks machine_neon, machine_dotprod;

// What another set reaches no more of, it takes from one below it.
uint64_t machine_avx2_read(const void *data, size_t bytes);
size_t machine_avx2_f32(size_t rounds);
uint64_t machine_neon_read(const void *data, size_t bytes);
size_t machine_neon_f32(size_t rounds);

// For loops of products: the value may be anything from here on, so that neither equal nor constant
// operands are folded; and: the value is needed, so that what made it stays.
#define MACHINE_UNKNOWN(constraint, x) __asm__ volatile("" : "+" constraint(x))
#define MACHINE_NEEDED(constraint, x) __asm__ volatile("" ::constraint(x))

#endif
