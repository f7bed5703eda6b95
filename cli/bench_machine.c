// bench_machine.c: what the system tells of the machine and of this process.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

double bench_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

double bench_processor_seconds(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

// The first line of a small file, without its newline; false when it can't be read.
static bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(line, size, file);
    if (file) {
        fclose(file);
    }
    if (ok) {
        line[strcspn(line, "\n")] = 0;
    }
    return ok;
}

// The kernel's RAPL meters, one folder a domain; those named package-N hold the others.
double bench_joules(void) {
    double joules = -1;
    for (int i = 0; i < 64; i++) {
        char path[80], line[64];
        snprintf(path, sizeof(path), "/sys/class/powercap/intel-rapl:%d/name", i);
        if (!read_line(path, line, sizeof(line))) {
            break;
        }
        snprintf(path, sizeof(path), "/sys/class/powercap/intel-rapl:%d/energy_uj", i);
        if (strncmp(line, "package", 7) == 0 && read_line(path, line, sizeof(line))) {
            joules = (joules < 0 ? 0 : joules) + strtod(line, NULL) * 1e-6;
        }
    }
    return joules;
}

// The text behind "key" and a colon in a file of such lines; false when there is none.
static bool find_field(const char *path, const char *key, char *value, size_t size) {
    FILE *file = fopen(path, "re");
    bool found = false;
    char line[512];
    while (file && !found && fgets(line, sizeof(line), file)) {
        const char *colon = strchr(line, ':');
        found = colon && strncmp(line, key, strlen(key)) == 0;
        if (found) {
            colon += 1 + strspn(colon + 1, " \t");
            snprintf(value, size, "%.*s", (int)strcspn(colon, "\n"), colon);
        }
    }
    if (file) {
        fclose(file);
    }
    return found;
}

void bench_processor_name(char *name, size_t size) {
    if (!find_field("/proc/cpuinfo", "model name", name, size)) {
        snprintf(name, size, "unknown processor"); // arm64 names numbers only
    }
}

int bench_processors(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

void bench_memory(uint64_t *now_out, uint64_t *most_out) {
    char value[64];
    *now_out = *most_out = 0;
    if (find_field("/proc/self/status", "VmRSS", value, sizeof(value))) {
        *now_out = strtoull(value, NULL, 10) * 1024;
    }
    if (find_field("/proc/self/status", "VmHWM", value, sizeof(value))) {
        *most_out = strtoull(value, NULL, 10) * 1024;
    }
}
