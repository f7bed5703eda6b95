// Sampling against what the definitions say: frequencies, filters, penalties, masks, and numbers
// published for Philox4x32-10.
#include "sample/sample.h"
#include "support/check.h"

#include <math.h>
#include <string.h>

enum { VOCABULARY = 1000, DRAWS = 12000 };

static sampler *shared;

static sample_result sample(const gptoss_sampling *p, const float *logits, uint64_t position) {
    static int32_t ids[DRAWS];
    sample_context context = {p, ids, position, position};
    sample_result result;
    gptoss_error error;
    CHECK(sample_token(shared, &context, logits, NULL, 0, &result, &error) == GPTOSS_OK, "%s",
          error.message);
    return result;
}

static gptoss_sampling plain(void) {
    return (gptoss_sampling){.temperature = 1, .top_p = 1, .repetition_penalty = 1};
}

// Draws DRAWS times and compares each token's share with expected[id], 5 standard deviations
// and, for the rare ones, a few draws; what must not come at all comes never.
static void check_shares(const char *what, const gptoss_sampling *p, const float *logits,
                         const double *expected) {
    static int32_t counts[VOCABULARY];
    memset(counts, 0, sizeof counts);
    gptoss_sampling seeded = *p;
    seeded.repetition_penalty = 1;
    for (int i = 0; i < DRAWS; i++) {
        seeded.seed = (uint64_t)i;
        counts[sample(&seeded, logits, 3).id]++;
    }
    for (int id = 0; id < VOCABULARY; id++) {
        double share = expected[id], slack = 5 * sqrt(share * (1 - share) / DRAWS) + 4.0 / DRAWS;
        double found = (double)counts[id] / DRAWS;
        CHECK(share > 0 || counts[id] == 0, "%s: id %d was filtered, but came", what, id);
        CHECK(fabs(found - share) <= slack, "%s: id %d came with %g instead of %g", what, id, found,
              share);
    }
}

// The distribution that the definitions give, by a full sort and plain sums.
static void distribution(const gptoss_sampling *p, const float *logits, double *out) {
    int order[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++)
        order[i] = i;
    for (int i = 1; i < VOCABULARY; i++) // insertion sort: stable, so ties stay by id
        for (int j = i; j > 0 && logits[order[j]] > logits[order[j - 1]]; j--) {
            int swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
    int n = p->top_k > 0 && p->top_k < VOCABULARY ? p->top_k : VOCABULARY;
    double weights[VOCABULARY], total = 0, kept = 0;
    for (int i = 0; i < n; i++)
        weights[i] = exp((logits[order[i]] - logits[order[0]]) / p->temperature);
    while (n > 1 && weights[n - 1] < p->min_p)
        n--;
    for (int i = 0; i < n; i++)
        total += weights[i];
    int last = 0;
    do
        kept += weights[last++];
    while (last < n && kept < p->top_p * total);
    memset(out, 0, VOCABULARY * sizeof *out);
    for (int i = 0; i < last; i++)
        out[order[i]] = weights[i] / kept;
}

static void check_filters(const float *logits) {
    const gptoss_sampling cases[] = {
        {.temperature = 1, .top_p = 1},
        {.temperature = 0.5f, .top_p = 1},
        {.temperature = 1, .top_p = 0.6f},
        {.temperature = 1, .top_p = 1, .top_k = 7},
        {.temperature = 1.3f, .top_p = 1, .min_p = 0.2f},
        {.temperature = 0.8f, .top_p = 0.9f, .top_k = 400, .min_p = 0.01f},
        {.temperature = 30, .top_p = 0.95f}, // flat: hundreds of tokens are kept
    };
    double expected[VOCABULARY];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[32];
        snprintf(what, sizeof what, "filter case %zu", i);
        distribution(&cases[i], logits, expected);
        check_shares(what, &cases[i], logits, expected);
    }
}

static void ban_odd(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                    int32_t vocabulary) {
    (void)context, (void)ids;
    CHECK(n_ids == 0, "the mask is shown %zu sampled ids before there is one", n_ids);
    for (int32_t i = 0; i < vocabulary; i += 32)
        allowed[i / 32] &= 0x55555555;
}

static void ban_all(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                    int32_t vocabulary) {
    (void)context, (void)ids, (void)n_ids;
    memset(allowed, 0, (size_t)(vocabulary + 31) / 32 * 4);
}

static void check_greedy_and_mask(void) {
    float logits[VOCABULARY] = {0};
    logits[501] = 5;
    logits[500] = logits[700] = 4;
    gptoss_sampling p = plain();
    p.temperature = 0;
    sample_result r = sample(&p, logits, 9);
    CHECK(r.id == 501, "greedy took %d", r.id);
    double total = 997 + exp(5) + 2 * exp(4);
    CHECK(fabs(r.logprob - (5 - log(total))) < 1e-5, "its logprob is %g", r.logprob);
    p.mask = ban_odd;
    CHECK(sample(&p, logits, 9).id == 500, "a mask without 501, or ties to the lower id");
    p.mask = ban_all;
    sample_context context = {&p, NULL, 0, 0};
    CHECK(sample_token(shared, &context, logits, NULL, 0, &r, NULL) == GPTOSS_BAD_INPUT,
          "a mask that forbids all must be an error");
    p.mask = NULL;
    logits[3] = NAN;
    CHECK(sample_token(shared, &context, logits, NULL, 0, &r, NULL) == GPTOSS_BAD_INPUT,
          "NaN logits must be an error");
}

static void check_penalties(void) {
    float logits[VOCABULARY] = {0};
    logits[10] = 2;
    logits[11] = 1.9f;
    logits[12] = 1.8f;
    int32_t ids[] = {10, 10, 11};
    gptoss_sampling p = plain();
    p.temperature = 0;
    sample_context context = {&p, ids, 3, 3};
    sample_result r;
    const struct {
        float repetition, presence, frequency;
        int32_t expected;
    } cases[] = {
        {1, 0, 0, 10}, {1.5f, 0, 0, 12}, {1, 0, 0.08f, 10}, {1, 0, 0.12f, 12}, {1, 0.5f, 0, 12}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        p.repetition_penalty = cases[i].repetition;
        p.presence_penalty = cases[i].presence;
        p.frequency_penalty = cases[i].frequency;
        CHECK(sample_token(shared, &context, logits, NULL, 0, &r, NULL) == GPTOSS_OK, "penalty");
        CHECK(r.id == cases[i].expected, "penalty case %zu took %d", i, r.id);
    }
    gptoss_logit_bias bias = {10, -INFINITY};
    p = plain();
    p.temperature = 0;
    p.bias = &bias;
    p.n_bias = 1;
    CHECK(sample(&p, logits, 0).id == 11, "a token with bias -infinity must not come");
}

static void check_arguments(void) {
    gptoss_sampling p = plain();
    CHECK(sample_check(&p, VOCABULARY, NULL) == GPTOSS_OK, "the defaults");
    p.top_p = NAN;
    CHECK(sample_check(&p, VOCABULARY, NULL) == GPTOSS_BAD_ARGUMENT, "NaN is no top_p");
    p = plain();
    p.temperature = -1;
    CHECK(sample_check(&p, VOCABULARY, NULL) == GPTOSS_BAD_ARGUMENT, "negative temperature");
    gptoss_logit_bias bias = {VOCABULARY, 0};
    p = plain();
    p.bias = &bias;
    p.n_bias = 1;
    CHECK(sample_check(&p, VOCABULARY, NULL) == GPTOSS_BAD_ARGUMENT, "bias outside the vocabulary");
}

int main(void) {
    CHECK(sampler_create(VOCABULARY, &shared, NULL) == GPTOSS_OK, "create");
    float logits[VOCABULARY];
    for (int i = 0; i < VOCABULARY; i++)
        logits[i] = 6 * (float)sample_uniform(1, 2, (uint64_t)i);
    logits[17] = logits[18] = 7;

    // Known answer of the Random123 distribution (kat_vectors: philox4x32 10, all zeros):
    // 6627e8d5 e169c58d bc57ac4c 9b00dbd8; ours joins the first two words.
    double expected = (double)(0xe169c58d6627e8d5u >> 11) * 0x1p-53;
    CHECK(sample_uniform(0, 0, 0) == expected, "Philox: %.17g", sample_uniform(0, 0, 0));

    check_filters(logits);
    check_greedy_and_mask();
    check_penalties();
    check_arguments();
    sampler_free(shared);
    puts("sampling follows its definitions");
    return 0;
}
