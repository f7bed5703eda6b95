// The sets of kernels that this build has, and which of them this machine can run.
#include "cpu/kernels/kernels.h"

#include "base/base.h"

void cpu_kernels_override(cpu_kernels *kernels, const cpu_kernels *set, unsigned needs) {
    kernels->name = set->name;
    kernels->needs = needs;
    kernels->direct_tokens = set->direct_tokens;
#define OVERRIDE(kernel, parameters)                                                               \
    if (set->kernel)                                                                               \
        kernels->kernel = set->kernel;
    CPU_KERNELS(OVERRIDE)
#undef OVERRIDE
}

size_t cpu_kernel_sets(cpu_kernel_choice choices_out[CPU_MAX_KERNEL_SETS]) {
    const struct {
        const cpu_kernels *kernels;
        unsigned needs;
    } sets[] = {
#define SET(name, flags) {&cpu_kernels_##name, flags},
        CPU_KERNEL_SETS(SET)
#undef SET
    };
    enum { N = sizeof sets / sizeof *sets };
    _Static_assert((int)N <= (int)CPU_MAX_KERNEL_SETS, "room for every set");
    unsigned flags = base_cpu_flags();
    for (size_t i = 0; i < N; i++) {
        size_t below = i ? i - 1 : 0;
        while (sets[below].needs & ~sets[i].needs)
            below--; // the first needs nothing
        cpu_kernels kernels = i ? choices_out[below].kernels : *sets[0].kernels;
        cpu_kernels_override(&kernels, sets[i].kernels, sets[i].needs);
        choices_out[i] = (cpu_kernel_choice){kernels, (flags & sets[i].needs) == sets[i].needs};
    }
    return N;
}
