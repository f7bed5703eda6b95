// cpu: the backend that computes on the processor.
//
// Results depend on the model, the tokens and the precision alone: not on instruction set, number
// of threads, chunking or batch mates, bit for bit (docs/numerics.md says how).
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "backend/backend.h"

extern const backend_table cpu_backend;

// The sets of kernels in this build, slowest first ("scalar", "avx2", ...): names that
// backend_options.instruction_set takes. NULL past the last. *runs_out: this machine has it.
const char *cpu_kernel_set(size_t index, bool *runs_out);

#endif
