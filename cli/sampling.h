// sampling.h: rows of an option table for a gptoss_sampling.
#ifndef CLI_SAMPLING_H
#define CLI_SAMPLING_H

#include "options.h"

#define SAMPLING_OPTIONS(sampling, temperature_help)                                               \
    NUMBER_OPTION("temperature", "T", 0, 100, &(sampling).temperature, (temperature_help)),        \
        NUMBER_OPTION("top-p", "P", 0, 1, &(sampling).top_p,                                       \
                      "keep the most probable tokens up to this sum"),                             \
        COUNT_OPTION("top-k", "K", 0, 1 << 24, &(sampling).top_k,                                  \
                     "keep the K most probable tokens"),                                           \
        NUMBER_OPTION("min-p", "P", 0, 1, &(sampling).min_p,                                       \
                      "keep tokens at least this probable, relative to the best"),                 \
        SEED_OPTION("seed", "S", &(sampling).seed, "the same seed gives the same answer")

#endif
