// The staircase: each step is the one before it and one idea more.
#include "plain/state.h"

#include "plain/plain.h"

#include <stdio.h>
#include <string.h>

static const plain_step steps[] = {
    {.name = "baseline"},
    {.name = "grouped-query", .shares_keys = true},
    {.name = "mapped-weights", .shares_keys = true, .maps_weights = true},
    {.name = "token-grouping", .shares_keys = true, .maps_weights = true, .groups_tokens = true},
    {.name = "cache",
     .shares_keys = true,
     .maps_weights = true,
     .groups_tokens = true,
     .caches = true},
};
enum { N_STEPS = sizeof steps / sizeof steps[0] };

const char *plain_step_name(size_t index) {
    return index < N_STEPS ? steps[index].name : NULL;
}

const plain_step *plain_find_step(const char *name) {
    if (!name)
        return &steps[N_STEPS - 1];
    for (size_t i = 0; i < N_STEPS; i++) {
        if (strcmp(steps[i].name, name) == 0)
            return &steps[i];
    }
    return NULL;
}

void plain_list_steps(char *text, size_t size) {
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < N_STEPS && length < size; i++)
        length +=
            (size_t)snprintf(text + length, size - length, "%s%s", i ? ", " : "", steps[i].name);
}
