// model.h: the options that choose a model and how it computes, and opening it with its messages.
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include <gptoss/gptoss.h>

#include "options.h"

typedef struct model_choice {
    gptoss_model_options options;
    int precision; // gptoss_precision
} model_choice;

extern const char *const model_precisions[]; // "fast", "exact"

// Rows for an option table.
#define MODEL_OPTIONS(choice)                                                                      \
    TEXT_OPTION("model", "DIR", &(choice).options.path,                                            \
                "checkpoint folder; without it, the built-in demo model"),                         \
        CHOICE_OPTION("precision", model_precisions, &(choice).precision,                          \
                      "fast (default), or exact: the reference"),                                  \
        COUNT_OPTION("threads", "N", 0, 256, &(choice).options.threads,                            \
                     "default: one per processor"),                                                \
        COUNT_OPTION("context", "N", 0, 1 << 24, &(choice).options.context,                        \
                     "positions to keep; default: the model's, 8192 at most")

// For commands that need the tokenizer alone.
#define TOKENIZER_OPTION(path)                                                                     \
    TEXT_OPTION("model", "DIR", &(path),                                                           \
                "checkpoint folder with a tokenizer.json; without it, o200k_harmony")

void model_choice_default(model_choice *choice_out);
// The built-in model's line on stderr, if it is the one.
void model_hint(const model_choice *choice);
// Opens it, with that line and a progress line. Returns an exit status.
int model_load(model_choice *choice, gptoss_model **model_out);
// Makes room for n positions where --context was not given and the default is smaller.
void model_choice_fit(model_choice *choice, size_t n);
// The choice as the library wants it, with the environment's GPTOSS_CPU.
void model_choice_complete(model_choice *choice);

#endif
