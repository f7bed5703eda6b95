// bench.h: what the files of gptoss bench share: tests by name, what they gave, the machine.
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gptoss/gptoss.h>

#include "model.h"
#include "text.h"

enum { BENCH_MOST_TESTS = 64, BENCH_MOST_REPEATS = 1000 };

// ---- tests by name (bench_test.c) ------------------------------------------------------------

// "pp512", "tg64", "tg32b8@d4096".
typedef struct bench_test {
    char name[40]; // as it was written
    bool prompt;   // a prompt of so many tokens, else so many decoded ones
    int32_t tokens;
    int32_t batch; // sequences that do the same together
    int32_t depth; // tokens of context before
} bench_test;

// A list with commas. Returns an exit status, after an error's line.
int bench_tests_parse(const char *text, bench_test tests_out[BENCH_MOST_TESTS], int *n_out);
// Positions that a sequence of the test holds in the end.
int64_t bench_test_positions(const bench_test *test);

// ---- running them (bench_run.c) --------------------------------------------------------------

// One repetition. Of doubles alone (BENCH_MIDDLE).
typedef struct bench_sample {
    double seconds;
    double tokens_per_second;
    double processor_share; // of the threads' time that they had a processor
    double joules;          // negative: unknown
    gptoss_limits limits;   // the better of just before and just after it
    double bound, reached;  // the tokens per second that these allow; the share of that
} bench_sample;

typedef struct bench_result {
    bench_test test;
    int n_samples;
    bench_sample *samples;  // [n_samples]
    gptoss_profile profile; // of all samples together
    double bytes_per_token, macs_per_token;
    gptoss_limits limits; // the middle of the samples'
    bool bound_by_memory; // by those
} bench_result;

typedef struct bench_job {
    gptoss_model *model;
    gptoss_plan plan;
    int repeat;
    int n_done, n_tests;  // for the progress line
    uint32_t n_groups;    // of sequences until now
    gptoss_limits limits; // as they were at
    double limits_at;     // bench_seconds; 0: not yet
} bench_job;

// One prompt of so many tokens and the first token after it, from nothing. Returns an exit status.
int bench_first_token(bench_job *job, int32_t tokens, double *seconds_out);
int bench_test_run(bench_job *job, const bench_test *test, bench_result *result_out);

// ---- what came out (bench_result.c) ----------------------------------------------------------

void bench_result_free(bench_result *result);
// Fills what the profile and the limits say: work of a token, bounds, shares.
void bench_result_hold(bench_result *result, const gptoss_plan *plan);
// Whether somebody else had the processors: such figures say little.
bool bench_disturbed(const bench_result *result);
// Of the arithmetic that the precision calls for.
double bench_peak(const gptoss_plan *plan, const gptoss_limits *limits);
double bench_joules_per_token(const bench_result *result); // negative: unknown
double bench_middle(const double *values, int n);          // the median
// Of one field of all samples.
#define BENCH_MIDDLE(result, field) bench_middle_of((result), offsetof(bench_sample, field))
double bench_middle_of(const bench_result *result, size_t offset);
// The least and the most tokens per second.
void bench_spread(const bench_result *result, double *least_out, double *most_out);

// ---- the machine (bench_machine.c) -----------------------------------------------------------

double bench_seconds(void);           // a clock
double bench_processor_seconds(void); // that this process had, all threads together
double bench_joules(void);            // a meter of the processors' packages; negative: none
void bench_processor_name(char *name, size_t size);
int bench_processors(void);
// Bytes of this process in memory, now and at most; 0 if unknown.
void bench_memory(uint64_t *now_out, uint64_t *most_out);

// ---- all of it (bench.c, bench_report.c, bench_json.c) ---------------------------------------

typedef struct bench_report {
    gptoss_plan plan;
    const char *config;   // NULL: all that the program knows
    gptoss_limits limits; // the best of all
    double least_read;    // a virtual machine's memory may be quick or slow by the minute
    char processor[128];
    int processors;
    double load_seconds;    // until the model can be asked: files, weights, threads, cache
    double weights_seconds; // of those: expanding or repacking weights
    double first_seconds;
    int32_t first_tokens; // of the prompt whose first token came after first_seconds
    uint64_t resident, resident_most;
    bool profile; // show where the time went
    int n_results;
    bench_result results[BENCH_MOST_TESTS];
} bench_report;

// What to measure, and how often.
typedef struct bench_options {
    bench_test tests[BENCH_MOST_TESTS];
    int n_tests;
    int32_t repeat, loads; // repetitions of each test, and of loading the model
    bool json, profile;
} bench_options;

// Loads the model, which has room for the tests, and runs them; returns an exit status. Why the
// model can't be loaded is printed, or, with a refusal that isn't NULL, left there. The report is
// to be freed in any case.
int bench_measure(model_choice *choice, const bench_options *options, bench_report *report,
                  gptoss_error *refusal);
void bench_report_free(bench_report *report);

// Measures each config in turn (bench_configs.c), prints them beside each other.
int bench_configs(const model_choice *choice, const bench_options *options);

// Append to text; false when memory is short.
bool bench_report_text(const bench_report *report, text_buffer *text);
bool bench_report_json(const bench_report *report, text_buffer *text);

#endif
