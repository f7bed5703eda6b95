// model.c: opening a model for any subcommand.
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "interrupt.h"
#include "terminal.h"

const char *const model_precisions[] = {
    [GPTOSS_FAST] = "fast", [GPTOSS_EXACT] = "exact", [GPTOSS_EXACT + 1] = NULL};

void model_choice_default(model_choice *choice_out) {
    *choice_out = (model_choice){.precision = GPTOSS_FAST};
    gptoss_model_options_default(&choice_out->options);
}

void model_choice_complete(model_choice *choice) {
    const char *instruction_set = getenv("GPTOSS_CPU");
    choice->options.instruction_set = instruction_set && *instruction_set ? instruction_set : NULL;
    choice->options.precision = (gptoss_precision)choice->precision;
}

void model_choice_fit(model_choice *choice, size_t n) {
    enum { DEFAULT_CONTEXT = 8192, LONGEST = 1 << 30 }; // the first is gptoss.h's
    if (choice->options.context == 0 && n > DEFAULT_CONTEXT) {
        choice->options.context = n < LONGEST ? (int32_t)n : LONGEST;
    }
}

static bool on_progress(void *context, double share) {
    (void)context;
    terminal_progress("loading", share);
    return !interrupt_seen();
}

void model_hint(const model_choice *choice) {
    if (!choice->options.path) {
        fprintf(stderr,
                "No --model: using the small built-in demo model (sums, counting letters, sorting "
                "words, dates, calling a function, small JSON forms). For the real one: hf "
                "download openai/gpt-oss-20b "
                "--local-dir gpt-oss-20b, then --model gpt-oss-20b\n");
    }
}

int model_load(model_choice *choice, gptoss_model **model_out) {
    model_choice_complete(choice);
    choice->options.progress = on_progress;
    model_hint(choice);
    gptoss_error error = {0};
    gptoss_status status = gptoss_model_open(&choice->options, model_out, &error);
    terminal_progress("", -1);
    return status == GPTOSS_OK ? CLI_OK : cli_fail_with(&error);
}
