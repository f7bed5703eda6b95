// What the tests of the public interface share: a model, prompts, and tokens of one generation.
#ifndef TESTS_API_API_H
#define TESTS_API_API_H

#include <gptoss/gptoss.h>

#include "support/check.h"

#include <string.h>

enum { MAX_TOKENS = 64 };

typedef struct tokens {
    int32_t ids[MAX_TOKENS];
    float logprobs[MAX_TOKENS];
    size_t n;
    gptoss_finish finish;
} tokens;

#define OK(call)                                                                                   \
    do {                                                                                           \
        gptoss_error error_ = {0};                                                                 \
        gptoss_error *error = &error_;                                                             \
        gptoss_status status_ = (call);                                                            \
        CHECK(status_ == GPTOSS_OK, "%s: %s", gptoss_status_name(status_), error->message);        \
    } while (0)

static inline gptoss_model *open_model(gptoss_precision precision, int32_t sequences,
                                       int32_t batch_tokens, int32_t context) {
    gptoss_model_options options;
    gptoss_model_options_default(&options);
    options.precision = precision;
    options.sequences = sequences;
    options.batch_tokens = batch_tokens;
    options.context = context;
    options.threads = 2;
    options.instruction_set = getenv("GPTOSS_CPU"); // so that every path can be tested
    gptoss_model *model;
    OK(gptoss_model_open(&options, &model, error));
    return model;
}

// A conversation with one question, different for each number.
static inline gptoss_conversation *question(int number) {
    gptoss_setting setting = {.effort = number % 3, .date = "2026-11-24"};
    gptoss_conversation *talk;
    OK(gptoss_conversation_create(&setting, &talk, error));
    char text[64];
    snprintf(text, sizeof text, "What is %d + %d?", 12 + 7 * number, 30 + 11 * number);
    OK(gptoss_add_user(talk, text, strlen(text), error));
    return talk;
}

static inline gptoss_sequence *asked(gptoss_model *model, int number) {
    gptoss_sequence *sequence;
    gptoss_conversation *talk = question(number);
    OK(gptoss_sequence_create(model, &sequence, error));
    OK(gptoss_prompt(sequence, talk, error));
    gptoss_conversation_free(talk);
    return sequence;
}

// Odd numbers sample at temperature 1, even ones greedily; MAX_TOKENS each, whatever they are.
static inline gptoss_generation generation_for(int number) {
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.sampling.temperature = (float)(number % 2);
    g.sampling.seed = (uint64_t)number;
    g.max_tokens = MAX_TOKENS;
    g.ignore_stop = true;
    return g;
}

// Takes one event; false at the end.
static inline bool take(gptoss_sequence *sequence, tokens *t) {
    gptoss_event event;
    OK(gptoss_next(sequence, &event, error));
    if (event.kind == GPTOSS_EVENT_TOKEN) {
        t->ids[t->n] = event.id;
        t->logprobs[t->n++] = event.logprob;
    }
    t->finish = event.finish;
    return event.kind != GPTOSS_EVENT_DONE;
}

static inline void check_equal(const tokens *a, const tokens *b, size_t n, const char *what) {
    CHECK(a->n >= n && b->n >= n, "%s: %zu and %zu tokens instead of %zu", what, a->n, b->n, n);
    for (size_t i = 0; i < n; i++) {
        CHECK(a->ids[i] == b->ids[i], "%s: token %zu is %d, not %d", what, i, a->ids[i], b->ids[i]);
        CHECK(a->logprobs[i] == b->logprobs[i], "%s: logprob of token %zu is %.9g, not %.9g", what,
              i, a->logprobs[i], b->logprobs[i]);
    }
}

static inline tokens alone(gptoss_model *model, int number) {
    tokens t = {.n = 0};
    gptoss_sequence *sequence = asked(model, number);
    gptoss_generation g = generation_for(number);
    OK(gptoss_start(sequence, &g, error));
    while (take(sequence, &t))
        ;
    gptoss_sequence_free(sequence);
    return t;
}

#endif
