// Measures the limits: all threads do the same at the same time, the best of some passes counts.
#include "machine/machine.h"

#include <stdatomic.h>

// One measurement: every thread does the same, at the same time.
typedef struct trial {
    const machine_peaks *peaks;
    size_t (*multiply)(size_t rounds); // NULL: read
    size_t rounds;
    uint8_t *memory; // [threads][bytes]
    size_t bytes;
    atomic_size_t done;    // bytes, or multiply-accumulates
    atomic_ullong content; // so that reading is needed
} trial;

static void fill(void *context, int thread, int n_threads) {
    (void)n_threads;
    trial *t = context;
    uint64_t *words = (uint64_t *)(t->memory + (size_t)thread * t->bytes);
    for (size_t i = 0; i < t->bytes / sizeof *words; i++)
        words[i] = i;
}

static void run(void *context, int thread, int n_threads) {
    (void)n_threads;
    trial *t = context;
    size_t done = t->bytes;
    if (t->multiply)
        done = t->multiply(t->rounds);
    else
        t->content ^= t->peaks->read(t->memory + (size_t)thread * t->bytes, t->bytes);
    t->done += done;
}

static double seconds_of(base_pool *pool, trial *t) {
    t->done = 0;
    double start = base_seconds();
    base_pool_run(pool, run, t);
    return base_seconds() - start;
}

// The best of some passes: whatever disturbs, others on the machine or its clock, only slows.
static double best_rate(base_pool *pool, trial *t) {
    enum { LEAST_PASSES = 5 };
    const double long_enough = 0.1; // seconds
    double best = 0, total = 0;
    for (int i = 0; i < LEAST_PASSES || total < long_enough; i++) {
        double seconds = seconds_of(pool, t), rate = (double)t->done / seconds;
        best = rate > best ? rate : best;
        total += seconds;
    }
    return best;
}

static double multiply_rate(base_pool *pool, size_t (*multiply)(size_t)) {
    const double measurable = 0.005; // seconds
    trial t = {.multiply = multiply, .rounds = 64};
    while (seconds_of(pool, &t) < measurable)
        t.rounds *= 2;
    return best_rate(pool, &t);
}

gptoss_status machine_limits(base_pool *pool, unsigned flags, gptoss_limits *limits_out,
                             gptoss_error *error) {
    enum { MOST = 256 << 20, LEAST = 1 << 20 }; // bytes of each thread: far more than caches hold
    *limits_out = (gptoss_limits){0};
    size_t threads = (size_t)base_pool_threads(pool);
    size_t share = base_memory_available() / 4 / threads;
    trial t = {.peaks = machine_peaks_for(flags), .bytes = MOST};
    if (share && share < MOST)
        t.bytes = share < LEAST ? LEAST : share / LEAST * LEAST;
    t.memory = base_alloc_aligned(threads, t.bytes);
    if (!t.memory)
        return base_fail_memory(error, threads * t.bytes);
    base_pool_run(pool, fill, &t);
    limits_out->read_bytes = best_rate(pool, &t);
    base_free(t.memory);
    limits_out->int8_macs = multiply_rate(pool, t.peaks->int8);
    limits_out->f32_macs = multiply_rate(pool, t.peaks->f32);
    return GPTOSS_OK;
}
