// prompt.c: limits, and prompts of both kinds.
#include "prompt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 16384, MAX_TOOLS = 1024, MAX_STOPS = 64 };

static bool check_counts(const server *s, const request *r, problem *problem) {
    if (r->n_choices < 1 || r->n_choices > s->options.parallel) {
        return problem_set(problem, PROBLEM_INVALID, "n",
                           "must be 1 to %d: this server computes no more answers at once",
                           (int)s->options.parallel);
    }
    if (r->n_items > MAX_ITEMS) {
        return problem_set(problem, PROBLEM_INVALID, "messages", "has %zu parts, at most %d",
                           r->n_items, MAX_ITEMS);
    }
    if (r->n_tools > MAX_TOOLS) {
        return problem_set(problem, PROBLEM_INVALID, "tools", "has %zu tools, at most %d",
                           r->n_tools, MAX_TOOLS);
    }
    if (r->n_stops > MAX_STOPS) {
        return problem_set(problem, PROBLEM_INVALID, "stop", "has %zu strings, at most %d",
                           r->n_stops, MAX_STOPS);
    }
    if (r->kind == REQUEST_CHAT && r->n_items == 0 && !r->instructions) {
        return problem_set(problem, PROBLEM_INVALID, "messages", "must not be empty");
    }
    return true;
}

static bool check_bias(const server *s, const request *r, problem *problem) {
    for (size_t i = 0; i < r->sampling.n_bias; i++) {
        if (r->bias[i].id < 0 || r->bias[i].id >= s->plan.vocabulary || isnan(r->bias[i].bias)) {
            return problem_set(problem, PROBLEM_INVALID, "logit_bias", "token %d: ids are 0 to %d",
                               (int)r->bias[i].id, (int)s->plan.vocabulary - 1);
        }
    }
    return true;
}

static bool check_choice(const request *r, problem *problem) {
    if (r->choice == CHOICE_REQUIRED && r->n_tools == 0) {
        return problem_set(problem, PROBLEM_INVALID, "tool_choice", "there are no tools to choose");
    }
    for (size_t i = 0; r->choice == CHOICE_NAMED && i <= r->n_tools; i++) {
        if (i == r->n_tools) {
            return problem_set(problem, PROBLEM_INVALID, "tool_choice", "there is no tool '%s'",
                               r->chosen_tool ? r->chosen_tool : "");
        }
        if (r->chosen_tool && strcmp(r->tools[i].name, r->chosen_tool) == 0) {
            break;
        }
    }
    return true;
}

bool prompt_check(const server *s, request *r, problem *problem) {
    if (r->max_tokens >= s->plan.context) {
        r->max_tokens = 0; // the context ends it first, and that is told
    }
    return check_counts(s, r, problem) && check_bias(s, r, problem) && check_choice(r, problem);
}

static bool copy_ids(const int32_t *ids, size_t n_ids, prompt *out, problem *problem) {
    out->ids = malloc((n_ids + 1) * sizeof *out->ids);
    if (out->ids && n_ids) {
        memcpy(out->ids, ids, n_ids * sizeof *ids);
    }
    out->n_ids = n_ids;
    return out->ids || problem_set(problem, PROBLEM_FAILED, "", "out of memory");
}

static bool raw_prompt(const server *s, const request *r, prompt *prompt, problem *problem) {
    int32_t *ids = NULL;
    size_t n_ids = r->n_ids;
    gptoss_error error = {0};
    for (size_t i = 0; i < r->n_ids; i++) {
        if (r->ids[i] < 0 || r->ids[i] >= s->plan.vocabulary) {
            return problem_set(problem, PROBLEM_INVALID, "prompt", "token %d: ids are 0 to %d",
                               (int)r->ids[i], (int)s->plan.vocabulary - 1);
        }
    }
    // Special tokens that a prompt spells are such here: there is no Harmony that it could break.
    if (r->prompt &&
        gptoss_encode(s->tokenizer, r->prompt, strlen(r->prompt), true, &ids, &n_ids, &error)) {
        return problem_set(problem, PROBLEM_INVALID, "prompt", "%s", error.message);
    }
    bool empty = n_ids == 0 && s->markers.end_of_text >= 0; // the beginning of any text
    bool good = empty ? copy_ids(&s->markers.end_of_text, 1, prompt, problem)
                      : copy_ids(r->prompt ? ids : r->ids, n_ids, prompt, problem);
    gptoss_free(ids);
    return good;
}

static bool check_length(const server *s, const request *r, size_t n_ids, problem *problem) {
    size_t context = (size_t)s->plan.context;
    const char *field = r->kind == REQUEST_CHAT ? "messages" : "prompt";
    if (n_ids == 0) {
        return problem_set(problem, PROBLEM_INVALID, field, "must not be empty");
    }
    if (n_ids >= context) {
        return problem_set(problem, PROBLEM_TOO_LONG, field,
                           "This model's maximum context length is %zu tokens. However, your %s "
                           "resulted in %zu tokens: prompt is too long: %zu tokens > %zu maximum. "
                           "Please reduce the length of the %s.",
                           context, field, n_ids, n_ids, context - 1, field);
    }
    return true;
}

bool prompt_make(server *s, const request *r, names *names, prompt *prompt, problem *problem) {
    *prompt = (struct prompt){0};
    if (!names_init(names, r)) {
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    bool good = r->kind == REQUEST_CHAT ? conversation_prompt(s, r, names, prompt, problem)
                                        : raw_prompt(s, r, prompt, problem);
    return good && check_length(s, r, prompt->n_ids, problem);
}
