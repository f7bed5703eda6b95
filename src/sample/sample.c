// Sampling: penalties, mask, temperature, filters, the draw.
#include "sample/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sample/log_sum.h"

typedef struct candidate {
    int32_t id;
    float logit;
} candidate;

struct sampler {
    int32_t vocabulary;
    candidate *candidates; // [vocabulary]
    uint32_t *allowed;     // [ceil(vocabulary / 32)]
    int32_t *occurrences;  // [vocabulary], all 0 between calls
    float *adjusted;       // [vocabulary], logits after penalties and bias
};

gptoss_status sampler_create(int32_t vocabulary, sampler **sampler_out, gptoss_error *error) {
    *sampler_out = NULL;
    size_t n = (size_t)vocabulary;
    sampler *s = base_alloc_zero(1, sizeof *s);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    s->vocabulary = vocabulary;
    s->candidates = base_alloc(n, sizeof *s->candidates);
    s->allowed = base_alloc((n + 31) / 32, sizeof *s->allowed);
    s->occurrences = base_alloc_zero(n, sizeof *s->occurrences);
    s->adjusted = base_alloc(n, sizeof *s->adjusted);
    if (!s->candidates || !s->allowed || !s->occurrences || !s->adjusted) {
        sampler_free(s);
        return base_fail_memory(error, n * sizeof *s->candidates);
    }
    *sampler_out = s;
    return GPTOSS_OK;
}

void sampler_free(sampler *s) {
    if (!s)
        return;
    base_free(s->candidates);
    base_free(s->allowed);
    base_free(s->occurrences);
    base_free(s->adjusted);
    base_free(s);
}

gptoss_status sample_check(const gptoss_sampling *p, int32_t vocabulary, gptoss_error *error) {
    const struct {
        const char *name;
        float value, low, high;
    } ranges[] = {
        {"temperature", p->temperature, 0, 100},
        {"top_p", p->top_p, 0, 1},
        {"min_p", p->min_p, 0, 1},
        {"repetition_penalty", p->repetition_penalty, 1e-3f, 1e3f},
        {"presence_penalty", p->presence_penalty, -100, 100},
        {"frequency_penalty", p->frequency_penalty, -100, 100},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        // Written so that a NaN fails too.
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "%s must be %g to %g, not %g",
                             ranges[i].name, ranges[i].low, ranges[i].high, ranges[i].value);
    }
    if (p->top_k < 0)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "top_k must not be negative");
    for (size_t i = 0; i < p->n_bias; i++) {
        if (p->bias[i].id < 0 || p->bias[i].id >= vocabulary)
            return base_fail(error, GPTOSS_BAD_ARGUMENT,
                             "logit bias %zu: id %d is outside the vocabulary of %d", i,
                             p->bias[i].id, vocabulary);
        if (!(p->bias[i].bias <= 1e6f)) // -infinity forbids a token; NaN fails
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "logit bias %zu: %g is too large", i,
                             p->bias[i].bias);
    }
    return GPTOSS_OK;
}

static void apply_penalties(sampler *s, const sample_context *context, float *logits) {
    const gptoss_sampling *p = context->sampling;
    if (p->repetition_penalty != 1 || p->presence_penalty != 0 || p->frequency_penalty != 0) {
        for (size_t i = 0; i < context->n_ids; i++)
            s->occurrences[context->ids[i]]++;
        for (size_t i = 0; i < context->n_ids; i++) {
            int32_t id = context->ids[i];
            if (s->occurrences[id] == 0)
                continue; // seen at an earlier place
            float *logit = &logits[id];
            *logit = *logit > 0 ? *logit / p->repetition_penalty : *logit * p->repetition_penalty;
            *logit -= p->presence_penalty + p->frequency_penalty * (float)s->occurrences[id];
            s->occurrences[id] = 0;
        }
    }
    for (size_t i = 0; i < p->n_bias; i++)
        logits[p->bias[i].id] += p->bias[i].bias;
}

// Gathers the tokens that the mask allows; returns how many.
static int32_t gather(sampler *s, const sample_context *context, const float *logits) {
    const gptoss_sampling *p = context->sampling;
    size_t words = ((size_t)s->vocabulary + 31) / 32;
    if (p->mask) {
        memset(s->allowed, 0xff, words * sizeof *s->allowed);
        p->mask(p->mask_context, context->ids + context->n_prompt,
                context->n_ids - context->n_prompt, s->allowed, s->vocabulary);
    }
    int32_t n = 0;
    for (int32_t id = 0; id < s->vocabulary; id++) {
        bool allowed = !p->mask || (s->allowed[id / 32] >> (id % 32) & 1);
        if (allowed && logits[id] > -INFINITY)
            s->candidates[n++] = (candidate){id, logits[id]};
    }
    return n;
}

static bool before(candidate a, candidate b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

static int compare(const void *a, const void *b) {
    return before(*(const candidate *)a, *(const candidate *)b) ? -1 : 1;
}

static candidate best(const candidate *candidates, int32_t n) {
    candidate winner = candidates[0];
    for (int32_t i = 1; i < n; i++) {
        if (before(candidates[i], winner))
            winner = candidates[i];
    }
    return winner;
}

// Restores the heap "no child is before its parent's place" downwards from `at`, where the root is
// the last in order: the one to be pushed out.
static void sift_down(candidate *heap, int32_t n, int32_t at) {
    for (;;) {
        int32_t worst = at, child = 2 * at + 1;
        for (int32_t i = child; i < child + 2 && i < n; i++) {
            if (before(heap[worst], heap[i]))
                worst = i;
        }
        if (worst == at)
            return;
        candidate swap = heap[at];
        heap[at] = heap[worst];
        heap[worst] = swap;
        at = worst;
    }
}

// Puts the k first candidates in order at the front: a heap of k, then a sort. O(n log k).
static void select_first(candidate *candidates, int32_t n, int32_t k) {
    for (int32_t i = k / 2 - 1; i >= 0; i--)
        sift_down(candidates, k, i);
    for (int32_t i = k; i < n; i++) {
        if (before(candidates[i], candidates[0])) {
            candidate swap = candidates[0];
            candidates[0] = candidates[i];
            candidates[i] = swap;
            sift_down(candidates, k, 0);
        }
    }
    qsort(candidates, (size_t)k, sizeof *candidates, compare);
}

static double weight(candidate c, float highest, const gptoss_sampling *p) {
    return exp(((double)c.logit - highest) / p->temperature);
}

static double sum_weights(const candidate *c, int32_t n, float highest, const gptoss_sampling *p) {
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += weight(c[i], highest, p);
    return sum;
}

// Drops the candidates less probable than min_p of the best; returns how many are left.
static int32_t filter_min_p(candidate *c, int32_t n, float highest, const gptoss_sampling *p) {
    int32_t kept = 0;
    for (int32_t i = 0; i < n; i++) {
        if (weight(c[i], highest, p) >= p->min_p)
            c[kept++] = c[i];
    }
    return kept;
}

// Leaves the smallest set of first candidates, in order, whose weights reach top_p of all. The set
// is small as a rule, so it is looked for among the first 256, 512, ... rather than by a full sort.
static int32_t filter_top_p(candidate *c, int32_t n, float highest, const gptoss_sampling *p) {
    double enough = sum_weights(c, n, highest, p) * p->top_p;
    for (int64_t k = 256;; k *= 2) {
        int32_t sorted = k < n ? (int32_t)k : n;
        select_first(c, n, sorted);
        double sum = 0;
        for (int32_t i = 0; i < sorted; i++) {
            sum += weight(c[i], highest, p);
            if (sum >= enough)
                return i + 1;
        }
        if (sorted == n)
            return n; // rounding
    }
}

// The candidate at which the running sum of weights passes uniform * their sum.
static int32_t draw(const candidate *c, int32_t n, float highest, const gptoss_sampling *p,
                    double uniform) {
    double target = uniform * sum_weights(c, n, highest, p), sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += weight(c[i], highest, p);
        if (target < sum)
            return c[i].id;
    }
    return c[n - 1].id; // rounding
}

// Chooses among n >= 1 gathered candidates.
static int32_t choose(candidate *c, int32_t n, const sample_context *context) {
    const gptoss_sampling *p = context->sampling;
    candidate first = best(c, n);
    if (p->temperature == 0 || p->top_k == 1)
        return first.id;
    if (p->top_k > 0 && p->top_k < n) {
        select_first(c, n, p->top_k);
        n = p->top_k;
    }
    if (p->min_p > 0)
        n = filter_min_p(c, n, first.logit, p);
    if (p->top_p < 1)
        n = filter_top_p(c, n, first.logit, p);
    double uniform = sample_uniform(p->seed, p->stream, context->n_ids);
    return draw(c, n, first.logit, p, uniform);
}

// Fills top[n_top] with the most probable tokens of the logits as they came.
static void report_top(sampler *s, const float *logits, double log_total, gptoss_logprob *top,
                       int32_t n_top) {
    for (int32_t id = 0; id < s->vocabulary; id++)
        s->candidates[id] = (candidate){id, logits[id]};
    select_first(s->candidates, s->vocabulary, n_top);
    for (int32_t i = 0; i < n_top; i++)
        top[i] = (gptoss_logprob){s->candidates[i].id, (float)(s->candidates[i].logit - log_total)};
}

gptoss_status sample_token(sampler *s, const sample_context *context, const float *logits,
                           gptoss_logprob *top, int32_t n_top, sample_result *result_out,
                           gptoss_error *error) {
    *result_out = (sample_result){.id = -1};
    double log_total = log_sum(logits, s->vocabulary);
    if (isnan(log_total))
        return base_fail(error, GPTOSS_BAD_INPUT,
                         "the model computed no usable logits at position %zu", context->n_ids);
    if (n_top > 0)
        report_top(s, logits, log_total, top, n_top);

    memcpy(s->adjusted, logits, (size_t)s->vocabulary * sizeof *logits);
    apply_penalties(s, context, s->adjusted);
    int32_t n = gather(s, context, s->adjusted);
    if (n == 0)
        return base_fail(error, GPTOSS_BAD_INPUT, "no token is allowed at position %zu",
                         context->n_ids);
    int32_t id = choose(s->candidates, n, context);
    *result_out = (sample_result){id, (float)(logits[id] - log_total)};
    return GPTOSS_OK;
}
