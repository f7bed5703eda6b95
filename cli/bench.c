// bench.c: gptoss bench: tokens per second of a prompt and of an answer.
#include "cli.h"
#include "interrupt.h"
#include "model.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct bench_options {
    int32_t prompt, tokens, repeat;
    bool json;
} bench_options;

static double rate(size_t tokens, double seconds) {
    return seconds > 0 ? (double)tokens / seconds : 0;
}

static bool on_event(void *context, const gptoss_event *event) {
    (void)context;
    (void)event;
    return !interrupt_seen();
}

static int measure(gptoss_model *model, const bench_options *bench, const int32_t *ids,
                   gptoss_stats *stats_out) {
    gptoss_error error = {0};
    gptoss_sequence *sequence = NULL;
    gptoss_generation generation;
    gptoss_generation_default(&generation);
    generation.ignore_stop = true;
    generation.max_tokens = bench->tokens;
    generation.sampling.temperature = 0;
    int status = CLI_OK;
    if (gptoss_sequence_create(model, &sequence, &error) ||
        gptoss_push(sequence, ids, (size_t)bench->prompt, &error) ||
        gptoss_run(sequence, &generation, on_event, NULL, &error)) {
        status = cli_fail_with(&error);
    } else if (interrupt_seen()) {
        status = CLI_INTERRUPTED;
    } else {
        gptoss_sequence_stats(sequence, stats_out);
    }
    gptoss_sequence_free(sequence);
    return status;
}

static int run(gptoss_model *model, const bench_options *bench) {
    gptoss_plan plan;
    gptoss_model_describe(model, &plan);
    int32_t *ids = calloc((size_t)bench->prompt, sizeof(*ids));
    if (!ids) {
        return cli_fail("out of memory");
    }
    uint32_t state = 1; // Numerical Recipes' generator: any spread of ids serves
    for (int32_t i = 0; i < bench->prompt; i++) {
        state = state * 1664525u + 1013904223u;
        ids[i] = (int32_t)((state >> 8) % (uint32_t)plan.vocabulary);
    }
    if (!bench->json) {
        printf("%s, %s, %s, %s\n", plan.name, plan.device, plan.kernels,
               model_precisions[plan.precision]);
    }
    int status = CLI_OK;
    for (int32_t i = 0; i < bench->repeat && status == CLI_OK; i++) {
        gptoss_stats stats = {0};
        status = measure(model, bench, ids, &stats);
        if (status == CLI_OK) {
            size_t computed = stats.prompt_tokens - stats.cached_tokens;
            const char *line = bench->json
                                   ? "{\"prompt_tokens\":%zu,\"prompt_per_second\":%.2f,"
                                     "\"tokens\":%zu,\"tokens_per_second\":%.2f}\n"
                                   : "prompt %zu tokens: %.1f/s   answer %zu tokens: %.1f/s\n";
            printf(line, computed, rate(computed, stats.prompt_seconds), stats.sampled_tokens,
                   rate(stats.sampled_tokens, stats.sample_seconds));
            fflush(stdout);
        }
    }
    free(ids);
    return status;
}

int command_bench(int argc, char **argv) {
    model_choice choice;
    model_choice_default(&choice);
    bench_options bench = {.prompt = 256, .tokens = 64, .repeat = 3};
    const option table[] = {
        MODEL_OPTIONS(choice),
        COUNT_OPTION("prompt", "N", 1, 1 << 20, &bench.prompt, "tokens of the prompt; default 256"),
        COUNT_OPTION("tokens", "N", 1, 1 << 20, &bench.tokens, "tokens of the answer; default 64"),
        COUNT_OPTION("repeat", "N", 1, 1000, &bench.repeat, "measurements; default 3"),
        FLAG_OPTION("json", &bench.json, "one JSON object a measurement"),
    };
    const command_syntax syntax = {"bench",
                                   "",
                                   "Measures tokens per second, of a prompt and of an answer.",
                                   table,
                                   sizeof(table) / sizeof(table[0]),
                                   0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    gptoss_model *model = NULL;
    output_file out = {stdout, 0};
    if ((status = model_load(&choice, &model)) == CLI_OK) {
        status = run(model, &bench);
    }
    gptoss_model_close(model);
    return output_finish(&out, status);
}
