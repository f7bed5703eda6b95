// bench_result.c: what the repetitions of a test say together, and the bound beside it.
#include <stdlib.h>
#include <string.h>

#include "bench.h"

void bench_result_free(bench_result *result) {
    free(result->samples);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_middle(const double *values, int n) {
    double sorted[BENCH_MOST_REPEATS];
    memcpy(sorted, values, (size_t)n * sizeof(*sorted));
    qsort(sorted, (size_t)n, sizeof(*sorted), compare);
    return n == 0 ? 0 : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

void bench_spread(const bench_result *r, double *least_out, double *most_out) {
    *least_out = *most_out = r->n_samples ? r->samples[0].tokens_per_second : 0;
    for (int i = 1; i < r->n_samples; i++) {
        double rate = r->samples[i].tokens_per_second;
        *least_out = rate < *least_out ? rate : *least_out;
        *most_out = rate > *most_out ? rate : *most_out;
    }
}

double bench_middle_of(const bench_result *r, size_t offset) {
    double values[BENCH_MOST_REPEATS];
    for (int i = 0; i < r->n_samples; i++) {
        memcpy(&values[i], (const char *)&r->samples[i] + offset, sizeof(double));
    }
    return bench_middle(values, r->n_samples);
}

double bench_joules_per_token(const bench_result *r) {
    double tokens = (double)r->test.tokens * r->test.batch * r->n_samples, joules = 0;
    for (int i = 0; i < r->n_samples; i++) {
        if (r->samples[i].joules < 0) {
            return -1; // no meter, or it began anew
        }
        joules += r->samples[i].joules;
    }
    return joules / tokens;
}

static void add_work(const gptoss_steps *steps, double *bytes, double *macs) {
    for (int i = 0; i < steps->n_parts; i++) {
        *bytes += (double)steps->parts[i].bytes;
        *macs += (double)steps->parts[i].macs;
    }
}

bool bench_disturbed(const bench_result *r) {
    double share = 0;
    for (int i = 0; i < r->n_samples; i++) {
        share += r->samples[i].processor_share / r->n_samples;
    }
    return share < 0.9;
}

double bench_peak(const gptoss_plan *plan, const gptoss_limits *limits) {
    return plan->precision == GPTOSS_EXACT ? limits->f32_macs : limits->int8_macs;
}

// Seconds that a token takes at least.
static double least_seconds(const bench_result *r, const gptoss_plan *plan,
                            const gptoss_limits *limits, bool *memory_out) {
    double reading = r->bytes_per_token / limits->read_bytes;
    double computing = r->macs_per_token / bench_peak(plan, limits);
    *memory_out = reading > computing;
    return *memory_out ? reading : computing;
}

void bench_result_hold(bench_result *r, const gptoss_plan *plan) {
    double bytes = 0, macs = 0;
    double tokens = (double)r->test.tokens * r->test.batch * r->n_samples;
    add_work(&r->profile.prompt, &bytes, &macs);
    add_work(&r->profile.decode, &bytes, &macs);
    r->bytes_per_token = bytes / tokens;
    r->macs_per_token = macs / tokens;
    for (int i = 0; i < r->n_samples; i++) {
        bench_sample *sample = &r->samples[i];
        bool memory;
        sample->bound = 1 / least_seconds(r, plan, &sample->limits, &memory);
        sample->reached = sample->tokens_per_second / sample->bound;
    }
    r->limits =
        (gptoss_limits){BENCH_MIDDLE(r, limits.read_bytes), BENCH_MIDDLE(r, limits.int8_macs),
                        BENCH_MIDDLE(r, limits.f32_macs)};
    least_seconds(r, plan, &r->limits, &r->bound_by_memory);
}
