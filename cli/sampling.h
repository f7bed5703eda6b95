// sampling.h: rows of an option table for a gptoss_sampling.
#ifndef CLI_SAMPLING_H
#define CLI_SAMPLING_H

#include "options.h"

#define SAMPLING_OPTIONS(sampling, temperature_help)                                               \
    {.name = "temperature",                                                                        \
     .kind = OPTION_NUMBER,                                                                        \
     .value = "T",                                                                                 \
     .low = 0,                                                                                     \
     .high = 100,                                                                                  \
     .target = &(sampling).temperature,                                                            \
     .help = (temperature_help)},                                                                  \
        {.name = "top-p",                                                                          \
         .kind = OPTION_NUMBER,                                                                    \
         .value = "P",                                                                             \
         .low = 0,                                                                                 \
         .high = 1,                                                                                \
         .target = &(sampling).top_p,                                                              \
         .help = "keep the most probable tokens up to this sum"},                                  \
        {.name = "top-k",                                                                          \
         .kind = OPTION_COUNT,                                                                     \
         .value = "K",                                                                             \
         .low = 0,                                                                                 \
         .high = 1 << 24,                                                                          \
         .target = &(sampling).top_k,                                                              \
         .help = "keep the K most probable tokens"},                                               \
        {.name = "min-p",                                                                          \
         .kind = OPTION_NUMBER,                                                                    \
         .value = "P",                                                                             \
         .low = 0,                                                                                 \
         .high = 1,                                                                                \
         .target = &(sampling).min_p,                                                              \
         .help = "keep tokens at least this probable, relative to the best"},                      \
        {.name = "seed",                                                                           \
         .kind = OPTION_SEED,                                                                      \
         .value = "S",                                                                             \
         .target = &(sampling).seed,                                                               \
         .help = "the same seed gives the same answer"}

#endif
