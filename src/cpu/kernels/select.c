// The sets of kernels that this build has, and which of them this machine can run.
#include "cpu/kernels/kernels.h"

#include "base/base.h"

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
        cpu_kernels *merged = &choices_out[i].kernels;
        const cpu_kernels *own = sets[i].kernels;
        *merged = i ? choices_out[i - 1].kernels : *own;
        merged->name = own->name;
        merged->needs = sets[i].needs;
        merged->direct_tokens = own->direct_tokens;
#define OVERRIDE(kernel, parameters)                                                               \
    if (own->kernel)                                                                               \
        merged->kernel = own->kernel;
        CPU_KERNELS(OVERRIDE)
#undef OVERRIDE
        choices_out[i].runs = (flags & sets[i].needs) == sets[i].needs;
    }
    return N;
}
