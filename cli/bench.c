// bench.c: gptoss bench: tokens per second of prompts and of decoding, beside what the machine's
// own limits allow.
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cli.h"
#include "interrupt.h"
#include "model.h"
#include "output.h"
#include "terminal.h"

enum {
    FIRST_PROMPT = 16,    // a line of text
    WARM_PROMPT = 64,     // enough to visit every expert
    LEAST_CONTEXT = 1024, // so that the batch keeps its size
};

// The longest context that the model can have; 0 after an error's line.
static int32_t longest_context(const model_choice *choice, int *status_out) {
    gptoss_error error = {0};
    gptoss_plan plan;
    gptoss_model_options options = choice->options;
    options.context = 0;
    options.sequences = 1;
    gptoss_status status = gptoss_model_plan(&options, &plan, &error);
    *status_out = status ? cli_fail_with(&error) : CLI_OK;
    return status ? 0 : plan.max_context;
}

// The model gets room for the largest test, in number of sequences and, without --context, in
// positions.
static int fit_model(model_choice *choice, const bench_test *tests, int n_tests) {
    int status;
    int32_t longest = longest_context(choice, &status);
    int64_t needed = LEAST_CONTEXT < longest ? LEAST_CONTEXT : longest;
    for (int i = 0; i < n_tests; i++) {
        int64_t positions = bench_test_positions(&tests[i]);
        needed = positions > needed ? positions : needed;
        if (tests[i].batch > choice->options.sequences) {
            choice->options.sequences = tests[i].batch;
        }
    }
    int32_t given = choice->options.context;
    for (int i = 0; i < n_tests && status == CLI_OK; i++) {
        int64_t positions = bench_test_positions(&tests[i]);
        if (positions > longest || (given && positions > given)) {
            status = cli_fail("%s needs a context of %lld positions, %s %d", tests[i].name,
                              (long long)positions,
                              positions > longest ? "the model has" : "--context gives",
                              (int)(positions > longest ? longest : given));
        }
    }
    if (!given) {
        choice->options.context = (int32_t)needed;
    }
    return status;
}

static void note_limits(bench_report *report) {
    for (int i = 0; i < report->n_results; i++) {
        for (int j = 0; j < report->results[i].n_samples; j++) {
            const gptoss_limits *now = &report->results[i].samples[j].limits;
            gptoss_limits *best = &report->limits;
#define KEEP(field) best->field = now->field > best->field ? now->field : best->field
            KEEP(read_bytes);
            KEEP(int8_macs);
            KEEP(f32_macs);
#undef KEEP
            if (report->least_read == 0 || now->read_bytes < report->least_read) {
                report->least_read = now->read_bytes;
            }
        }
    }
}

// The system's own maximum would count the buffers with which limits are measured.
static void note_memory(bench_report *report) {
    uint64_t most;
    bench_memory(&report->resident, &most);
    if (report->resident > report->resident_most) {
        report->resident_most = report->resident;
    }
}

static int run_tests(bench_job *job, const bench_test *tests, bench_report *report) {
    double warm;
    int status = bench_first_token(job, FIRST_PROMPT, &report->first_seconds);
    status = status == CLI_OK ? bench_first_token(job, WARM_PROMPT, &warm) : status;
    bench_memory(&report->resident, &report->resident_most);
    for (int i = 0; i < job->n_tests && status == CLI_OK; i++, job->n_done++) {
        status = bench_test_run(job, &tests[i], &report->results[report->n_results++]);
        note_memory(report);
    }
    return status;
}

// When the weights' part of loading began and ended, and when it was last shown.
typedef struct load_clock {
    double begin, end, shown;
    bool begun;
} load_clock;

// Drawing takes longer than a small model's weights: seldom enough not to be measured.
static bool on_load(void *context, double share) {
    const double seldom = 0.1; // seconds
    load_clock *clock = context;
    clock->end = bench_seconds();
    if (!clock->begun) {
        clock->begun = true;
        clock->begin = clock->shown = clock->end;
    }
    if (clock->end - clock->shown > seldom) {
        clock->shown = clock->end;
        terminal_progress("loading", share);
    }
    return !interrupt_seen();
}

// So that each load finds its memory as the first one of a process does.
static void give_memory_back(void) {
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

// Opens the model so many times and leaves the last one open.
static gptoss_status load(model_choice *choice, int times, bench_report *report,
                          gptoss_model **model_out, gptoss_error *error) {
    double loads[BENCH_MOST_REPEATS], weights[BENCH_MOST_REPEATS];
    gptoss_status status = GPTOSS_OK;
    *model_out = NULL;
    for (int i = 0; i < times && status == GPTOSS_OK; i++) {
        load_clock clock = {0};
        choice->options.progress = on_load;
        choice->options.progress_context = &clock;
        gptoss_model_close(*model_out);
        give_memory_back();
        double begin = bench_seconds();
        status = gptoss_model_open(&choice->options, model_out, error);
        loads[i] = bench_seconds() - begin;
        weights[i] = clock.end - clock.begin;
        terminal_progress("", -1);
    }
    if (status == GPTOSS_OK) {
        report->load_seconds = bench_middle(loads, times);
        report->weights_seconds = bench_middle(weights, times);
    }
    return status;
}

int bench_measure(model_choice *choice, const bench_options *options, bench_report *report,
                  gptoss_error *refusal) {
    bench_job job = {.repeat = options->repeat, .n_tests = options->n_tests};
    gptoss_error error = {0};
    if (load(choice, options->loads, report, &job.model, &error)) {
        if (refusal && error.status != GPTOSS_CANCELLED) {
            *refusal = error;
            return CLI_FAILED;
        }
        return cli_fail_with(&error);
    }
    report->first_tokens = FIRST_PROMPT;
    report->profile = options->profile;
    report->config = choice->options.config;
    gptoss_model_describe(job.model, &job.plan);
    report->plan = job.plan;
    bench_processor_name(report->processor, sizeof(report->processor));
    report->processors = bench_processors();
    int status = run_tests(&job, options->tests, report);
    gptoss_model_close(job.model);
    note_limits(report);
    for (int i = 0; i < report->n_results; i++) {
        bench_result_hold(&report->results[i], &report->plan);
    }
    return status;
}

void bench_report_free(bench_report *report) {
    for (int i = 0; i < report->n_results; i++) {
        bench_result_free(&report->results[i]);
    }
}

static int bench_one(model_choice *choice, const bench_options *options) {
    bench_report *report = calloc(1, sizeof(*report));
    if (!report) {
        return cli_fail("out of memory");
    }
    text_buffer text = {0};
    output_file out = {stdout, 0};
    int status = bench_measure(choice, options, report, NULL);
    if (status == CLI_OK) {
        if (options->json ? bench_report_json(report, &text) : bench_report_text(report, &text)) {
            output_write(&out, text.data, text.length);
        } else {
            status = cli_fail("out of memory");
        }
    }
    buffer_free(&text);
    bench_report_free(report);
    free(report);
    return output_finish(&out, status);
}

int command_bench(int argc, char **argv) {
    model_choice choice;
    model_choice_default(&choice);
    bench_options options = {.repeat = 5, .loads = 1};
    const char *tests = "pp512,tg64";
    const option table[] = {
        TEXT_OPTION("test", "LIST", &tests,
                    "ppN: a prompt of N tokens; tgN: N decoded tokens; with bN: N sequences\n"
                    "                            together; with @dN: behind N tokens of context. "
                    "Default pp512,tg64"),
        COUNT_OPTION("repeat", "N", 1, BENCH_MOST_REPEATS, &options.repeat,
                     "measurements of each test; default 5"),
        FLAG_OPTION("profile", &options.profile, "where the time goes, by part of a layer"),
        FLAG_OPTION("json", &options.json, "one JSON document"),
        MODEL_OPTIONS(choice),
        TEXT_OPTION("config", "NAME", &choice.options.config,
                    "baseline ... optimized (default): how much of what the program knows is\n"
                    "                            used; all: each of them, beside each other"),
        COUNT_OPTION("batch", "N", 0, 1 << 16, &choice.options.batch_tokens,
                     "tokens computed together at most; default 512"),
    };
    const command_syntax syntax = {
        "bench",
        "",
        "Measures tokens per second of prompts and of decoding, as median and spread, beside the\n"
        "bound that the machine's own limits set, measured beside each repetition: the bytes\n"
        "that a token needs over the speed of reading memory, or its multiply-accumulates over "
        "the\n"
        "peak of the instruction set, whichever is slower (GB and GMAC are 10^9). The context is\n"
        "what the longest test needs, if --context doesn't say more. Example:\n\n"
        "  gptoss bench --model gpt-oss-20b --test pp512,pp2048,tg64,tg32@d4096,tg32b8",
        table,
        sizeof(table) / sizeof(table[0]),
        0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    bool all = choice.options.config && strcmp(choice.options.config, "all") == 0;
    if (all) {
        options.loads = options.repeat;
        choice.options.config = NULL;
    }
    model_choice_complete(&choice);
    status = bench_tests_parse(tests, options.tests, &options.n_tests);
    status = status == CLI_OK ? fit_model(&choice, options.tests, options.n_tests) : status;
    if (status != CLI_OK) {
        return status;
    }
    model_hint(&choice);
    return all ? bench_configs(&choice, &options) : bench_one(&choice, &options);
}
