// The peaks that speed is held against: reading touches every byte, whatever the instruction set,
// and no loop of products was folded away by the compiler.
#include <string.h>
#include <time.h>

#include "machine/machine.h"
#include "support/check.h"

enum { BYTES = 8192 };
static _Alignas(64) uint8_t data[BYTES];

static void check_read(const machine_peaks *set) {
    uint64_t expected = 0, word;
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * i / 7 + i);
    for (size_t i = 0; i < BYTES; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        expected ^= word;
    }
    CHECK(set->read(data, BYTES) == expected, "%s reads something else", set->name);
    for (size_t i = 0; i < BYTES; i++) { // each byte counts
        data[i] ^= 0x10;
        CHECK(set->read(data, BYTES) != expected, "%s does not read byte %zu", set->name, i);
        data[i] ^= 0x10;
    }
}

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// No core makes more than a few 512-bit products a cycle, at a few GHz.
static void check_products(const machine_peaks *set, size_t (*multiply)(size_t), const char *what) {
    const double most = 64 * 4 * 8e9;
    size_t rounds = 1, macs;
    double seconds;
    do {
        rounds *= 4;
        double start = processor_seconds();
        macs = multiply(rounds);
        seconds = processor_seconds() - start;
        CHECK(rounds < (size_t)1 << 50, "%s: %s takes no time", set->name, what);
    } while (seconds < 0.02);
    double rate = (double)macs / seconds;
    CHECK(rate > 1e6 && rate < most, "%s: %s at %g a second", set->name, what, rate);
    printf("%-8s %s %.1f G multiply-accumulates/s\n", set->name, what, rate * 1e-9);
}

int main(void) {
    unsigned flags = base_cpu_flags();
    for (size_t i = 0; machine_peaks_at(i); i++) {
        const machine_peaks *set = machine_peaks_at(i);
        if ((set->needs & flags) != set->needs) {
            printf("%s: not on this machine\n", set->name);
            continue;
        }
        check_read(set);
        check_products(set, set->int8, "int8");
        check_products(set, set->f32, "f32");
        CHECK(machine_peaks_for(set->needs) == set, "flags of %s give another set", set->name);
    }
    return 0;
}
