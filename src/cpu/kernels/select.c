// The sets of kernels that this build has, and which of them this machine can run.
#include "cpu/kernels/kernels.h"

#include "base/base.h"

size_t cpu_kernel_sets(cpu_kernel_choice *choices_out, size_t capacity) {
    const struct {
        const cpu_kernels *kernels;
        unsigned needs;
    } sets[] = {
#define SET(name, flags) {&cpu_kernels_##name, flags},
        CPU_KERNEL_SETS(SET)
#undef SET
    };
    size_t n = sizeof sets / sizeof *sets;
    unsigned flags = base_cpu_flags();
    for (size_t i = 0; i < n && i < capacity; i++)
        choices_out[i] = (cpu_kernel_choice){sets[i].kernels, (flags & sets[i].needs) == sets[i].needs};
    return n;
}
