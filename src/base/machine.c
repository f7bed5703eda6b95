// What this machine has: instruction sets, processors, memory, a clock.
#define _GNU_SOURCE
#include "base/base.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

// XCR0: which register files the system saves on a context switch (Intel SDM 1, 13.3).
static uint64_t saved_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has(uint32_t word, int bit) {
    return word >> bit & 1;
}

// Leaf numbers and bits: Intel SDM 2A, CPUID.
unsigned base_cpu_flags(void) {
    uint32_t a, b1, c1, d, a7, b7, c7, d7;
    if (!__get_cpuid(1, &a, &b1, &c1, &d) || !has(c1, 27))
        return 0;
    if (!__get_cpuid_count(7, 0, &a7, &b7, &c7, &d7))
        return 0;
    uint64_t state = saved_state();
    bool ymm = (state & 0x6) == 0x6, zmm = (state & 0xe6) == 0xe6;
    bool tiles = (state & 0x60000) == 0x60000;
    uint32_t leaf71 = 0, b, c;
    if (a7 >= 1 && !__get_cpuid_count(7, 1, &leaf71, &b, &c, &d))
        leaf71 = 0;

    unsigned flags = 0;
    // 28 AVX, 12 FMA, 29 F16C; 5 AVX2, 8 BMI2
    if (ymm && has(c1, 28) && has(c1, 12) && has(c1, 29) && has(b7, 5) && has(b7, 8))
        flags |= BASE_CPU_AVX2;
    // 16 F, 17 DQ, 30 BW, 31 VL
    if (zmm && has(b7, 16) && has(b7, 17) && has(b7, 30) && has(b7, 31))
        flags |= BASE_CPU_AVX512;
    if ((flags & BASE_CPU_AVX512) && has(c7, 11))
        flags |= BASE_CPU_VNNI;
    if ((flags & BASE_CPU_AVX512) && has(c7, 1))
        flags |= BASE_CPU_VBMI;
    if ((flags & BASE_CPU_AVX512) && has(leaf71, 5))
        flags |= BASE_CPU_BF16;
    if ((flags & BASE_CPU_AVX2) && has(leaf71, 4))
        flags |= BASE_CPU_AVX_VNNI;
    if (tiles && has(d7, 24) && has(d7, 25))
        flags |= BASE_CPU_AMX_INT8;
    return flags;
}
#elif defined(__aarch64__)
#include <sys/auxv.h>

// What the kernel says about the processor (Linux, "ARM64 ELF hwcaps").
unsigned base_cpu_flags(void) {
    unsigned flags = BASE_CPU_NEON; // a part of the base architecture
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
        flags |= BASE_CPU_DOTPROD;
    if ((flags & BASE_CPU_DOTPROD) && (getauxval(AT_HWCAP2) & HWCAP2_I8MM))
        flags |= BASE_CPU_I8MM;
    return flags;
}
#else
unsigned base_cpu_flags(void) {
    return 0;
}
#endif

int base_cpu_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

// The number behind key in a /proc file of "Key:   123 kB" lines, in bytes; 0 when absent.
static size_t proc_bytes(const char *path, const char *key) {
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    char line[256];
    size_t kilobytes = 0, key_length = strlen(key);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, key, key_length) == 0 &&
            sscanf(line + key_length, "%zu", &kilobytes) == 1)
            break;
    }
    fclose(file);
    return kilobytes * 1024;
}

size_t base_memory_available(void) {
    return proc_bytes("/proc/meminfo", "MemAvailable:");
}

size_t base_memory_resident(void) {
    return proc_bytes("/proc/self/status", "VmRSS:");
}

double base_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
