// bench_configs.c: every way to compute the same, from the plain one to the program as it is, as a
// staircase: what each idea gains over the first row.
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "cli.h"
#include "output.h"

typedef struct stair {
    const gptoss_config *config;
    gptoss_error refusal; // with a status: it could not be loaded
    bench_report report;
} stair;

typedef struct stairs {
    int n;
    stair *all;                // [n]
    const bench_report *first; // that was measured: the others are compared with it
} stairs;

// A quantity and how many times better than the first row's it is.
static bool add_value(text_buffer *text, double value, double better) {
    int digits = value < 1 ? 3 : value < 100 ? 2 : 0;
    return better > 0 && better < 1e6
               ? buffer_format(text, " %10.*f %7.*fx", digits, value, better < 100 ? 1 : 0, better)
               : buffer_format(text, " %10.*f %8s", digits, value, "-");
}

static bool add_time(text_buffer *text, double first, double seconds) {
    return add_value(text, seconds * 1e3, seconds > 0 ? first / seconds : 0);
}

static bool add_stair(const stairs *s, const stair *step, text_buffer *text) {
    const bench_report *r = &step->report, *first = s->first;
    bool ok = buffer_format(text, "%-15s", step->config->name);
    if (ok && step->refusal.status) {
        return buffer_format(text, " %s\n", step->refusal.message);
    }
    ok = ok && add_time(text, first->load_seconds, r->load_seconds) &&
         add_time(text, first->weights_seconds, r->weights_seconds);
    for (int t = 0; t < r->n_results && ok; t++) {
        double median = BENCH_MIDDLE(&r->results[t], tokens_per_second);
        ok = add_value(text, median, median / BENCH_MIDDLE(&first->results[t], tokens_per_second));
    }
    bool disturbed = false;
    for (int t = 0; t < r->n_results; t++) {
        disturbed = disturbed || bench_disturbed(&r->results[t]);
    }
    double bytes = (double)r->plan.attention_bytes;
    return ok && add_value(text, bytes, (double)first->plan.attention_bytes / bytes) &&
           buffer_format(text, " %8.1f%s\n", (double)r->plan.total_bytes / (1 << 20),
                         disturbed ? "  disturbed" : "");
}

static bool add_table(const stairs *s, text_buffer *text) {
    const bench_report *first = s->first;
    bool ok = buffer_format(text, "%s: %s, %d processor%s; xN: times better than %s\n\n%-15s",
                            first->plan.name, first->processor, first->processors,
                            first->processors == 1 ? "" : "s", first->config, "") &&
              buffer_format(text, " %10s %8s %10s %8s", "load ms", "", "weights ms", "");
    for (int t = 0; t < first->n_results && ok; t++) {
        ok = buffer_format(text, " %10s %8s", first->results[t].test.name, "");
    }
    ok = ok && buffer_format(text, " %10s %8s %8s\n", "attention B", "", "MiB");
    for (int i = 0; i < s->n && ok; i++) {
        ok = add_stair(s, &s->all[i], text);
    }
    ok = ok && buffer_add(
                   text, "\nload: until the model can be asked, weights of that; tests: tokens/s; "
                         "attention: bytes\nof keys and values for a position in a layer; MiB: all "
                         "memory, mapped weights included\n\n");
    for (int i = 0; i < s->n && ok; i++) {
        ok = buffer_format(text, "%-15s %s\n", s->all[i].config->name, s->all[i].config->adds);
    }
    return ok;
}

static bool add_document(const stairs *s, text_buffer *json) {
    bool ok = buffer_add(json, "{\"configs\":[\n"), any = false;
    for (int i = 0; i < s->n && ok; i++) {
        if (s->all[i].refusal.status == GPTOSS_OK) {
            ok = buffer_add(json, any ? ",\n" : "") && bench_report_json(&s->all[i].report, json);
            any = true;
        }
    }
    return ok && buffer_add(json, "]}\n");
}

static int print(const stairs *s, bool json) {
    text_buffer text = {0};
    output_file out = {stdout, 0};
    int status = CLI_OK;
    if (json ? add_document(s, &text) : add_table(s, &text)) {
        output_write(&out, text.data, text.length);
    } else {
        status = cli_fail("out of memory");
    }
    buffer_free(&text);
    return output_finish(&out, status);
}

// One that can't be loaded (the plain ones take much memory) has its reason for a row.
static int measure_all(const model_choice *choice, const bench_options *options, stairs *s) {
    for (int i = 0; i < s->n; i++) {
        stair *step = &s->all[i];
        model_choice one = *choice;
        step->config = gptoss_config_at((size_t)i);
        one.options.config = step->config->name;
        if (i + 1 < s->n) { // precision and threads are the last one's choice, the others fix them
            one.options.precision = GPTOSS_FAST;
            one.options.threads = 0;
        }
        int status = bench_measure(&one, options, &step->report, &step->refusal);
        if (status != CLI_OK && step->refusal.status == GPTOSS_OK) {
            return status;
        }
        if (status == CLI_OK && !s->first) {
            s->first = &step->report;
        }
    }
    return s->first ? CLI_OK : cli_fail_with(&s->all[s->n - 1].refusal);
}

int bench_configs(const model_choice *choice, const bench_options *options) {
    stairs s = {0};
    while (gptoss_config_at((size_t)s.n)) {
        s.n++;
    }
    s.all = calloc((size_t)s.n, sizeof(stair));
    if (!s.all) {
        return cli_fail("out of memory");
    }
    int status = measure_all(choice, options, &s);
    status = status == CLI_OK ? print(&s, options->json) : status;
    for (int i = 0; i < s.n; i++) {
        bench_report_free(&s.all[i].report);
    }
    free(s.all);
    return status;
}
