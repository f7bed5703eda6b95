// bench_run.c: runs one test: its context once, then the same work again and again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "interrupt.h"
#include "terminal.h"

// Sequences that do the same at the same time.
typedef struct group {
    bench_job *job;
    char doing[128]; // for the progress line
    double shown;    // when it was last written
    int n;
    gptoss_sequence **sequences; // [n]
    bool *running;               // [n]
    uint32_t state;              // of the random ids
} group;

// Numerical Recipes' generator: any spread of ids serves.
static int32_t random_id(group *g) {
    g->state = g->state * 1664525u + 1013904223u;
    return (int32_t)((g->state >> 8) % (uint32_t)g->job->plan.vocabulary);
}

// Lets one id through, at random, so that what is decoded is the same whatever the model says.
static void choose_id(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                      int32_t vocabulary) {
    (void)ids;
    (void)n_ids;
    group *g = context;
    int32_t id = random_id(g);
    memset(allowed, 0, ((size_t)vocabulary + 31) / 32 * sizeof(*allowed));
    allowed[id / 32] = 1u << (id % 32);
}

static void group_close(group *g) {
    for (int i = 0; g->sequences && i < g->n; i++) {
        gptoss_sequence_free(g->sequences[i]);
    }
    free(g->sequences);
    free(g->running);
}

static int group_open(bench_job *job, int n, group *g) {
    // Ids of its own, so that nothing is found that another group computed.
    *g = (group){.job = job, .n = n, .state = 1 + 0x9e3779b9u * job->n_groups++};
    g->sequences = calloc((size_t)n, sizeof(gptoss_sequence *));
    g->running = calloc((size_t)n, sizeof(*g->running));
    if (!g->sequences || !g->running) {
        return cli_fail("out of memory");
    }
    gptoss_error error = {0};
    for (int i = 0; i < n; i++) {
        if (gptoss_sequence_create(job->model, &g->sequences[i], &error)) {
            return cli_fail_with(&error);
        }
    }
    return CLI_OK;
}

// Appends n random ids to each sequence.
static int push(group *g, int32_t n) {
    gptoss_error error = {0};
    gptoss_status status = GPTOSS_OK;
    int32_t *ids = malloc((size_t)n * sizeof(*ids));
    if (!ids) {
        return cli_fail("out of memory");
    }
    for (int i = 0; i < g->n && status == GPTOSS_OK; i++) {
        for (int32_t t = 0; t < n; t++) {
            ids[t] = random_id(g);
        }
        status = gptoss_push(g->sequences[i], ids, (size_t)n, &error);
    }
    free(ids);
    return status == GPTOSS_OK ? CLI_OK : cli_fail_with(&error);
}

static int start(group *g, int32_t tokens) {
    gptoss_error error = {0};
    gptoss_generation generation;
    gptoss_generation_default(&generation);
    generation.ignore_stop = true;
    generation.max_tokens = tokens;
    generation.sampling.temperature = 0;
    generation.speculation = false; // bounds count the bytes of each token
    generation.sampling.mask = choose_id;
    generation.sampling.mask_context = g;
    for (int i = 0; i < g->n; i++) {
        if (gptoss_start(g->sequences[i], &generation, &error)) {
            return cli_fail_with(&error);
        }
        g->running[i] = true;
    }
    return CLI_OK;
}

// A few times a second, so that showing it is no part of what is measured.
static void show(group *g, double share) {
    double now = bench_seconds();
    if (*g->doing && now - g->shown > 0.25) {
        terminal_progress(g->doing, share);
        g->shown = now;
    }
}

// Samples so many tokens of each sequence. They take turns, so that each step of the engine
// computes for all of them.
static int run(group *g, int32_t tokens) {
    gptoss_error error = {0};
    int status = start(g, tokens);
    int running = g->n;
    int64_t n_sampled = 0;
    while (status == CLI_OK && running > 0) {
        for (int i = 0; i < g->n; i++) {
            gptoss_event event = {0};
            if (!g->running[i]) {
                continue;
            }
            if (gptoss_next(g->sequences[i], &event, &error)) {
                return cli_fail_with(&error);
            }
            if (interrupt_seen()) {
                return CLI_INTERRUPTED;
            }
            g->running[i] = event.kind != GPTOSS_EVENT_DONE;
            running -= !g->running[i];
            n_sampled += event.kind == GPTOSS_EVENT_TOKEN;
            show(g, event.kind == GPTOSS_EVENT_PROGRESS
                        ? (double)event.prompt_done / (double)event.prompt_total
                        : (double)n_sampled / ((double)tokens * g->n));
        }
    }
    return status;
}

static int cut(group *g, int32_t length) {
    gptoss_error error = {0};
    for (int i = 0; i < g->n; i++) {
        if (gptoss_truncate(g->sequences[i], (size_t)length, &error)) {
            return cli_fail_with(&error);
        }
    }
    return CLI_OK;
}

int bench_first_token(bench_job *job, int32_t tokens, double *seconds_out) {
    group g;
    double begin = bench_seconds();
    int status = group_open(job, 1, &g);
    status = status == CLI_OK ? push(&g, tokens) : status;
    status = status == CLI_OK ? run(&g, 1) : status;
    *seconds_out = bench_seconds() - begin;
    group_close(&g);
    return status;
}

// What the progress line says from here on; repetition 0 is what comes before the first.
static void announce(group *g, const bench_test *test, int repetition) {
    bench_job *job = g->job;
    char part[48] = "its context";
    if (repetition > 0) {
        snprintf(part, sizeof(part), "repetition %d of %d", repetition, job->repeat);
    }
    snprintf(g->doing, sizeof(g->doing), "test %d of %d: %s, %s", job->n_done + 1, job->n_tests,
             test->name, part);
    terminal_progress(g->doing, 0);
}

// A disturbance only lowers what is measured.
static gptoss_limits better(const gptoss_limits *a, const gptoss_limits *b) {
#define BETTER(field) .field = a->field > b->field ? a->field : b->field
    return (gptoss_limits){BETTER(read_bytes), BETTER(int8_macs), BETTER(f32_macs)};
#undef BETTER
}

// What the machine gives now, measured again if that is older than a few seconds.
static int limits_now(bench_job *job, gptoss_limits *limits_out) {
    const double fresh = 2; // seconds
    gptoss_error error = {0};
    if (job->limits_at == 0 || bench_seconds() - job->limits_at > fresh) {
        if (gptoss_model_limits(job->model, &job->limits, &error)) {
            return cli_fail_with(&error);
        }
        job->limits_at = bench_seconds();
    }
    *limits_out = job->limits;
    return interrupt_seen() ? CLI_INTERRUPTED : CLI_OK;
}

// One repetition behind the context that is there already.
static int measure(group *g, const bench_test *test, bench_sample *sample) {
    int status = cut(g, test->depth);
    status = status == CLI_OK ? push(g, test->prompt ? test->tokens : 1) : status;
    double joules = bench_joules(), processor = bench_processor_seconds();
    double begin = bench_seconds();
    status = status == CLI_OK ? run(g, test->prompt ? 1 : test->tokens) : status;
    double seconds = bench_seconds() - begin;
    processor = bench_processor_seconds() - processor;
    *sample = (bench_sample){
        .seconds = seconds,
        .tokens_per_second = (double)test->tokens * test->batch / seconds,
        .processor_share = processor / (seconds * g->job->plan.threads),
        .joules = joules < 0 ? -1 : bench_joules() - joules,
    };
    return status;
}

static void subtract(gptoss_steps *from, const gptoss_steps *what) {
    from->steps -= what->steps;
    from->tokens -= what->tokens;
    from->seconds -= what->seconds;
    for (int i = 0; i < from->n_parts; i++) {
        from->parts[i].seconds -= what->parts[i].seconds;
        from->parts[i].calls -= what->parts[i].calls;
        from->parts[i].bytes -= what->parts[i].bytes;
        from->parts[i].macs -= what->parts[i].macs;
    }
}

static int measure_all(group *g, bench_result *r) {
    gptoss_profile before;
    gptoss_model_profile(g->job->model, &before);
    gptoss_limits earlier = {0}, later = {0};
    int status = limits_now(g->job, &earlier);
    for (int i = 0; i < g->job->repeat && status == CLI_OK; i++) {
        announce(g, &r->test, i + 1);
        status = measure(g, &r->test, &r->samples[i]);
        r->n_samples += status == CLI_OK;
        status = status == CLI_OK ? limits_now(g->job, &later) : status;
        r->samples[i].limits = better(&earlier, &later);
        earlier = later;
    }
    gptoss_model_profile(g->job->model, &r->profile);
    subtract(&r->profile.prompt, &before.prompt);
    subtract(&r->profile.decode, &before.decode);
    return status;
}

int bench_test_run(bench_job *job, const bench_test *test, bench_result *result_out) {
    *result_out = (bench_result){.test = *test};
    result_out->samples = calloc((size_t)job->repeat, sizeof(bench_sample));
    if (!result_out->samples) {
        return cli_fail("out of memory");
    }
    group g;
    int status = group_open(job, test->batch, &g);
    if (status == CLI_OK && test->depth > 0) {
        announce(&g, test, 0);
        status = push(&g, test->depth);
        status = status == CLI_OK ? run(&g, 1) : status;
    }
    status = status == CLI_OK ? measure_all(&g, result_out) : status;
    group_close(&g);
    terminal_progress("", -1);
    return status;
}
