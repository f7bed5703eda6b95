// JSON of a checkpoint, with bounds on what it may cost.
#include "checkpoint/checkpoint.h"

#include <jansson.h>

gptoss_status checkpoint_parse_json(const char *text, size_t length, size_t max_values,
                                    const char *name, struct json_t **json_out,
                                    gptoss_error *error) {
    *json_out = NULL;
    size_t commas = 0;
    for (size_t i = 0; i < length; i++) {
        commas += text[i] == ',';
    }
    if (commas > max_values) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: JSON with %zu commas, expected at most %zu",
                         name, commas, max_values);
    }
    json_error_t problem = {0};
    *json_out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (*json_out) {
        return GPTOSS_OK;
    }
    // jansson leaves the text empty when an allocation fails.
    if (json_error_code(&problem) == json_error_out_of_memory || problem.text[0] == '\0') {
        return base_fail(error, GPTOSS_NO_MEMORY, "%s: out of memory while reading JSON", name);
    }
    return base_fail(error, GPTOSS_BAD_FILE, "%s: not valid JSON: line %d, column %d: %s", name,
                     problem.line, problem.column, problem.text);
}
