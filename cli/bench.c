// bench.c: gptoss bench: tokens per second of prompts and of decoding, beside what the machine's
// own limits allow.
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "interrupt.h"
#include "model.h"
#include "output.h"
#include "terminal.h"

typedef struct bench_options {
    const char *tests;
    int32_t repeat;
    bool json, profile;
} bench_options;

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

// Keeps the better of what was known and what is measured now: a disturbance only lowers it.
static int measure_limits(gptoss_model *model, gptoss_limits *limits) {
    gptoss_error error = {0};
    gptoss_limits now;
    terminal_progress("measuring the machine", 0);
    gptoss_status status = gptoss_model_limits(model, &now, &error);
    terminal_progress("", -1);
    if (status) {
        return cli_fail_with(&error);
    }
#define KEEP(field) limits->field = now.field > limits->field ? now.field : limits->field
    KEEP(read_bytes);
    KEEP(int8_macs);
    KEEP(f32_macs);
#undef KEEP
    return interrupt_seen() ? CLI_INTERRUPTED : CLI_OK;
}

static int run_tests(bench_job *job, const bench_test *tests, bench_report *report) {
    double warm;
    int status = bench_first_token(job, FIRST_PROMPT, &report->first_seconds);
    status = status == CLI_OK ? bench_first_token(job, WARM_PROMPT, &warm) : status;
    bench_memory(&report->resident, &report->resident_most); // without the limits' buffers
    status = status == CLI_OK ? measure_limits(job->model, &report->limits) : status;
    for (int i = 0; i < job->n_tests && status == CLI_OK; i++, job->n_done++) {
        status = bench_test_run(job, &tests[i], &report->results[report->n_results++]);
    }
    return status == CLI_OK ? measure_limits(job->model, &report->limits) : status;
}

static int print(const bench_report *report, bool json) {
    text_buffer text = {0};
    output_file out = {stdout, 0};
    int status = CLI_OK;
    if (json ? bench_report_json(report, &text) : bench_report_text(report, &text)) {
        output_write(&out, text.data, text.length);
    } else {
        status = cli_fail("out of memory");
    }
    text_free(&text);
    return output_finish(&out, status);
}

static int bench(model_choice *choice, const bench_options *options, bench_report *report) {
    bench_test tests[BENCH_MOST_TESTS];
    bench_job job = {.repeat = options->repeat};
    int status = bench_tests_parse(options->tests, tests, &job.n_tests);
    model_choice_complete(choice);
    status = status == CLI_OK ? fit_model(choice, tests, job.n_tests) : status;
    double begin = bench_seconds();
    status = status == CLI_OK ? model_load(choice, &job.model) : status;
    if (status != CLI_OK) {
        return status;
    }
    report->load_seconds = bench_seconds() - begin;
    report->first_tokens = FIRST_PROMPT;
    report->profile = options->profile;
    report->config = choice->options.config;
    gptoss_model_describe(job.model, &job.plan);
    report->plan = job.plan;
    bench_processor_name(report->processor, sizeof(report->processor));
    report->processors = bench_processors();
    status = run_tests(&job, tests, report);
    gptoss_model_close(job.model);
    for (int i = 0; i < report->n_results; i++) {
        bench_result_hold(&report->results[i], &report->plan, &report->limits);
    }
    return status == CLI_OK ? print(report, options->json) : status;
}

int command_bench(int argc, char **argv) {
    model_choice choice;
    model_choice_default(&choice);
    bench_options options = {.tests = "pp512,tg64", .repeat = 5};
    const option table[] = {
        TEXT_OPTION("test", "LIST", &options.tests,
                    "ppN: a prompt of N tokens; tgN: N decoded tokens; with bN: N sequences\n"
                    "                            together; with @dN: behind N tokens of context. "
                    "Default pp512,tg64"),
        COUNT_OPTION("repeat", "N", 1, BENCH_MOST_REPEATS, &options.repeat,
                     "measurements of each test; default 5"),
        FLAG_OPTION("profile", &options.profile, "where the time goes, by part of a layer"),
        FLAG_OPTION("json", &options.json, "one JSON document"),
        MODEL_OPTIONS(choice),
        TEXT_OPTION("config", "NAME", &choice.options.config,
                    "baseline ... optimized (default): how much of what the program knows is used"),
        COUNT_OPTION("batch", "N", 0, 1 << 16, &choice.options.batch_tokens,
                     "tokens computed together at most; default 512"),
    };
    const command_syntax syntax = {
        "bench",
        "",
        "Measures tokens per second of prompts and of decoding, as median and spread, beside the\n"
        "bound that the machine's own limits set, measured in the same run: the bytes that a "
        "token\n"
        "needs over the speed of reading memory, or its multiply-accumulates over the peak of the\n"
        "instruction set, whichever is slower (GB and GMAC are 10^9). The context is what the "
        "longest test needs, if\n"
        "--context doesn't say more. Example:\n\n"
        "  gptoss bench --model gpt-oss-20b --test pp512,pp2048,tg64,tg32@d4096,tg32b8",
        table,
        sizeof(table) / sizeof(table[0]),
        0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    bench_report *report = calloc(1, sizeof(*report));
    if (!report) {
        return cli_fail("out of memory");
    }
    status = bench(&choice, &options, report);
    for (int i = 0; i < report->n_results; i++) {
        bench_result_free(&report->results[i]);
    }
    free(report);
    return status;
}
