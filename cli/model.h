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
    {.name = "model",                                                                              \
     .kind = OPTION_TEXT,                                                                          \
     .value = "DIR",                                                                               \
     .target = &(choice).options.path,                                                             \
     .help = "checkpoint folder; without it, the built-in demo model"},                            \
        {.name = "precision",                                                                      \
         .kind = OPTION_CHOICE,                                                                    \
         .choices = model_precisions,                                                              \
         .target = &(choice).precision,                                                            \
         .help = "fast (default), or exact: the reference"},                                       \
        {.name = "threads",                                                                        \
         .kind = OPTION_COUNT,                                                                     \
         .value = "N",                                                                             \
         .low = 0,                                                                                 \
         .high = 256,                                                                              \
         .target = &(choice).options.threads,                                                      \
         .help = "default: one per processor"},                                                    \
        {.name = "context",                                                                        \
         .kind = OPTION_COUNT,                                                                     \
         .value = "N",                                                                             \
         .low = 0,                                                                                 \
         .high = 1 << 24,                                                                          \
         .target = &(choice).options.context,                                                      \
         .help = "positions to keep; default: the model's, 8192 at most"}

void model_choice_default(model_choice *choice_out);
// Opens it, with the built-in model's line on stderr and a progress line. Returns an exit status.
int model_load(model_choice *choice, gptoss_model **model_out);
// The choice as the library wants it, with the environment's GPTOSS_CPU.
void model_choice_complete(model_choice *choice);

#endif
