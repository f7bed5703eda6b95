// The instruction sets whose peaks this build can measure.
#include "machine/peaks.h"

static const machine_peaks *const sets[] = {
    &machine_scalar,
#if defined(__x86_64__)
    &machine_avx2,
    &machine_avxvnni,
    &machine_avx512,
#elif defined(__aarch64__)
    &machine_neon,
    &machine_dotprod,
#endif
};
enum { N_SETS = sizeof sets / sizeof sets[0] };

const machine_peaks *machine_peaks_at(size_t index) {
    return index < N_SETS ? sets[index] : NULL;
}

const machine_peaks *machine_peaks_for(unsigned flags) {
    size_t best = N_SETS - 1;
    while ((sets[best]->needs & flags) != sets[best]->needs)
        best--; // the first needs nothing
    return sets[best];
}
