// Every way to compute gives the demo model the same words. The plain ones agree with each other in
// every bit, with or without a cache, beside another sequence, forked and saved; names that don't
// exist and wishes that contradict each other are refused with a sentence that says what would do.
#include "api.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static gptoss_model *open_config(const char *config) {
    gptoss_model_options options;
    gptoss_model_options_default(&options);
    options.config = config;
    options.sequences = 3;
    options.batch_tokens = 40; // prompts are cut
    options.context = 400;
    gptoss_model *model;
    OK(gptoss_model_open(&options, &model, error));
    return model;
}

enum { TOKENS = 14, BEFORE = 4 }; // of an answer, and where it is forked

// The beginning of an answer: without a cache each token costs as much as the prompt.
static tokens answer(gptoss_sequence *sequence) {
    tokens t = {.n = 0};
    gptoss_generation g = generation_for(0);
    g.max_tokens = TOKENS;
    OK(gptoss_start(sequence, &g, error));
    while (take(sequence, &t))
        ;
    return t;
}

static tokens answer_to(gptoss_model *model, int number) {
    gptoss_sequence *s = asked(model, number);
    tokens t = answer(s);
    gptoss_sequence_free(s);
    return t;
}

// Same tokens, and log-probabilities that differ by float32's roundings.
static void check_near(const tokens *a, const tokens *b, const char *what) {
    CHECK(a->n == b->n, "%s: %zu tokens, not %zu", what, a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        CHECK(a->ids[i] == b->ids[i], "%s: token %zu is %d, not %d", what, i, a->ids[i], b->ids[i]);
        CHECK(fabsf(a->logprobs[i] - b->logprobs[i]) < 1e-4f, "%s: logprob %g, not %g", what,
              a->logprobs[i], b->logprobs[i]);
    }
}

static void check_same_text(const tokens *a, const tokens *b, const char *what) {
    CHECK(a->n == b->n && memcmp(a->ids, b->ids, a->n * sizeof *a->ids) == 0,
          "%s gives another answer", what);
}

static void check_answers(void) {
    gptoss_model *model = open_config("kernels");
    tokens exact = answer_to(model, 0), plain = {.n = 0};
    gptoss_model_close(model);
    CHECK(exact.n == TOKENS, "an answer of %zu tokens", exact.n);
    bool fast = false;
    for (size_t i = 0; gptoss_config_at(i); i++) {
        const char *name = gptoss_config_at(i)->name;
        model = open_config(name);
        tokens t = answer_to(model, 0);
        fast = fast || strcmp(name, "integers") == 0;
        if (fast)
            check_same_text(&t, &exact, name);
        else
            check_near(&t, &exact, name);
        if (i == 0)
            plain = t;
        else if (i < 5)
            check_equal(&t, &plain, plain.n, name);
        gptoss_model_close(model);
    }
}

// Two sequences by turns, a fork, and a state from a file go on as one alone does.
static void check_states(const char *name, const char *another) {
    char folder[] = "/tmp/gptoss-config-XXXXXX", path[64];
    CHECK(mkdtemp(folder), "mkdtemp");
    snprintf(path, sizeof path, "%s/sequence", folder);
    gptoss_model *model = open_config(name);
    tokens whole = answer_to(model, 2), other_whole = answer_to(model, 4), t = {.n = 0};
    gptoss_sequence *s = asked(model, 2), *other = asked(model, 4), *copy;
    gptoss_generation g = generation_for(0);
    OK(gptoss_start(s, &g, error));
    while (t.n < BEFORE)
        take(s, &t);
    gptoss_cancel(s);
    while (take(s, &t))
        ;
    OK(gptoss_truncate(s, gptoss_sequence_length(s) - (t.n - BEFORE), error));
    OK(gptoss_fork(s, &copy, error));
    OK(gptoss_save(s, path, error));
    tokens rest = {.n = whole.n - BEFORE};
    memcpy(rest.ids, whole.ids + BEFORE, rest.n * sizeof *whole.ids);
    memcpy(rest.logprobs, whole.logprobs + BEFORE, rest.n * sizeof *whole.logprobs);
    tokens a = answer(s), b = answer(copy), c = answer(other);
    check_equal(&a, &rest, rest.n, "behind a fork");
    check_equal(&b, &rest, rest.n, "the fork");
    check_equal(&c, &other_whole, other_whole.n, "beside another");
    OK(gptoss_restore(other, path, error));
    a = answer(other);
    check_equal(&a, &rest, rest.n, "restored");

    gptoss_error why = {0};
    gptoss_model *foreign = open_config(another);
    gptoss_sequence *stranger = asked(foreign, 2);
    CHECK(gptoss_restore(stranger, path, &why) == GPTOSS_BAD_FILE, "%s takes %s's state", another,
          name);
    gptoss_sequence_free(stranger);
    gptoss_model_close(foreign);
    gptoss_sequence_free(s);
    gptoss_sequence_free(other);
    gptoss_sequence_free(copy);
    gptoss_model_close(model);
    unlink(path);
    rmdir(folder);
}

static const gptoss_part *find_part(const gptoss_steps *steps, const char *name) {
    for (int32_t i = 0; i < steps->n_parts; i++) {
        if (strcmp(steps->parts[i].name, name) == 0)
            return &steps->parts[i];
    }
    return NULL;
}

// Two ways that compute each token once multiply the same numbers, part by part.
static void check_profiles(void) {
    gptoss_profile profiles[2];
    const char *const names[] = {"cache", "kernels"};
    for (int i = 0; i < 2; i++) {
        gptoss_model *model = open_config(names[i]);
        (void)answer_to(model, 0);
        gptoss_model_profile(model, &profiles[i]);
        gptoss_model_close(model);
    }
    int compared = 0;
    for (int32_t i = 0; i < profiles[0].decode.n_parts; i++) {
        const gptoss_part *a = &profiles[0].decode.parts[i];
        const gptoss_part *b = find_part(&profiles[1].decode, a->name);
        if (a->macs == 0)
            continue;
        CHECK(b && a->macs == b->macs, "%s: %llu multiply-accumulates", a->name,
              (unsigned long long)a->macs);
        compared++;
    }
    CHECK(compared == 7, "%d parts", compared);
}

static gptoss_plan plan_of(const char *config) {
    gptoss_model_options options;
    gptoss_model_options_default(&options);
    options.config = config;
    gptoss_plan plan;
    OK(gptoss_model_plan(&options, &plan, error));
    return plan;
}

static void check_plans(void) {
    gptoss_plan baseline = plan_of("baseline"), grouped = plan_of("grouped-query");
    gptoss_plan mapped = plan_of("mapped-weights"), cache = plan_of("cache");
    CHECK(baseline.threads == 1 && baseline.precision == GPTOSS_EXACT, "what the config fixes");
    CHECK(baseline.attention_bytes ==
              grouped.attention_bytes * (size_t)(baseline.heads / baseline.kv_heads),
          "repeated keys: %zu, shared: %zu", baseline.attention_bytes, grouped.attention_bytes);
    CHECK(baseline.weight_bytes == baseline.parameters * sizeof(float) && !baseline.mapped_bytes,
          "float32 weights: %zu", baseline.weight_bytes);
    CHECK(mapped.weight_bytes == 0 && mapped.mapped_bytes * 2 < baseline.weight_bytes,
          "mapped weights: %zu", mapped.mapped_bytes);
    CHECK(mapped.cache_bytes < cache.cache_bytes / 100, "ids take %zu bytes", mapped.cache_bytes);
    gptoss_plan usual = plan_of(NULL), optimized = plan_of("optimized");
    CHECK(memcmp(&usual, &optimized, sizeof usual) == 0, "the last config is the usual one");
}

static void check_refused(const char *config, int32_t threads, gptoss_precision precision,
                          const char *says) {
    gptoss_model_options options;
    gptoss_model_options_default(&options);
    options.config = config;
    options.threads = threads;
    options.precision = precision;
    gptoss_error error = {0};
    gptoss_model *model = NULL;
    CHECK(gptoss_model_open(&options, &model, &error) == GPTOSS_BAD_ARGUMENT, "'%s' opens: %s",
          config, error.message);
    CHECK(!model && strstr(error.message, says), "'%s' is not in: %s", says, error.message);
}

static void check_options(void) {
    check_refused("", 0, GPTOSS_FAST, "baseline, grouped-query");
    check_refused("Baseline", 0, GPTOSS_FAST, "integers, optimized");
    check_refused("baseline,cache", 0, GPTOSS_FAST, "cache");
    check_refused("baseline", 2, GPTOSS_FAST, "1 thread, not 2");
    check_refused("integers", 0, GPTOSS_EXACT, "exactly");
    check_refused("cache", -1, GPTOSS_FAST, "threads");
    check_refused("cache", 0, (gptoss_precision)7, "precision");
    CHECK(!gptoss_config_at(SIZE_MAX), "a config past the last");
    CHECK(strcmp(gptoss_config_at(0)->name, "baseline") == 0, "the first config");
}

int main(void) {
    check_options();
    check_plans();
    check_answers();
    check_profiles();
    check_states("baseline", "cache");
    check_states("cache", "kernels");
    return 0;
}
