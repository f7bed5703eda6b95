// The ways to compute a model, by name: the only list of backends.
#include "api/internal.h"
#include "cpu/cpu.h"
#include "plain/plain.h"

#include <stdio.h>
#include <string.h>

static const api_config configs[] = {
    {{"baseline", "every weight made float32, keys repeated per query head, no cache"},
     &plain_backend,
     "baseline",
     BACKEND_EXACT,
     1},
    {{"grouped-query", "query heads read the keys that their group shares"},
     &plain_backend,
     "grouped-query",
     BACKEND_EXACT,
     1},
    {{"mapped-weights", "weights stay in the file and are decoded where they are used"},
     &plain_backend,
     "mapped-weights",
     BACKEND_EXACT,
     1},
    {{"token-grouping", "an expert's weights are decoded once for all of its tokens"},
     &plain_backend,
     "token-grouping",
     BACKEND_EXACT,
     1},
    {{"cache", "keys and values are kept, so that a token is computed once"},
     &plain_backend,
     "cache",
     BACKEND_EXACT,
     1},
    {{"kernels", "vector instructions over tiles that stay in registers and caches"},
     &cpu_backend,
     NULL,
     BACKEND_EXACT,
     1},
    {{"integers", "8-bit activations against 4- and 8-bit weights"},
     &cpu_backend,
     NULL,
     BACKEND_FAST,
     1},
    {{"optimized", "all processors"}, &cpu_backend, NULL, BACKEND_FAST, 0},
};
enum { N_CONFIGS = sizeof configs / sizeof configs[0] };

const gptoss_config *gptoss_config_at(size_t index) {
    return index < N_CONFIGS ? &configs[index].listed : NULL;
}

gptoss_status api_find_config(const char *name, const api_config **config_out,
                              gptoss_error *error) {
    char names[256] = "";
    size_t length = 0;
    *config_out = &configs[N_CONFIGS - 1];
    if (!name)
        return GPTOSS_OK;
    for (size_t i = 0; i < N_CONFIGS; i++) {
        *config_out = &configs[i];
        if (strcmp(configs[i].listed.name, name) == 0)
            return GPTOSS_OK;
        if (length < sizeof names)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "",
                                       configs[i].listed.name);
    }
    *config_out = NULL;
    return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no config '%s', only: %s", name, names);
}
