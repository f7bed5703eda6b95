// metrics.c: counters and histograms, and their text.
#include "metrics.h"

#include <inttypes.h>

static const double bounds[METRICS_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                               0.25,  0.5,    1,     2.5,  5,     10,   60};

bool metrics_init(metrics *m) {
    *m = (metrics){0};
    return !pthread_mutex_init(&m->lock, NULL);
}

void metrics_destroy(metrics *m) {
    pthread_mutex_destroy(&m->lock);
}

void metrics_request(metrics *m, const char *dialect, int status) {
    pthread_mutex_lock(&m->lock);
    int i = 0;
    while (i < m->n_requests &&
           (m->requests[i].dialect != dialect || m->requests[i].status != status)) {
        i++;
    }
    if (i < METRICS_ROWS) {
        m->n_requests += i == m->n_requests;
        m->requests[i].dialect = dialect;
        m->requests[i].status = status;
        m->requests[i].count++;
    }
    pthread_mutex_unlock(&m->lock);
}

static void observe(metrics *m, metrics_histogram *histogram, double seconds) {
    int bucket = 0;
    while (bucket < METRICS_BUCKETS && seconds > bounds[bucket]) {
        bucket++;
    }
    pthread_mutex_lock(&m->lock);
    histogram->counts[bucket]++;
    histogram->sum += seconds;
    pthread_mutex_unlock(&m->lock);
}

void metrics_queued(metrics *m, double seconds) {
    observe(m, &m->queued, seconds);
}

void metrics_first_token(metrics *m, double seconds) {
    observe(m, &m->first_token, seconds);
}

void metrics_token(metrics *m, double seconds) {
    observe(m, &m->token, seconds);
}

void metrics_finish(metrics *m, turn_finish finish) {
    pthread_mutex_lock(&m->lock);
    m->finishes[finish]++;
    pthread_mutex_unlock(&m->lock);
}

void metrics_usage(metrics *m, const turn_usage *usage) {
    pthread_mutex_lock(&m->lock);
    m->usage.prompt_tokens += usage->prompt_tokens;
    m->usage.cached_tokens += usage->cached_tokens;
    m->usage.completion_tokens += usage->completion_tokens;
    m->usage.reasoning_tokens += usage->reasoning_tokens;
    m->prompts++;
    m->prefix_hits += usage->cached_tokens > 0;
    pthread_mutex_unlock(&m->lock);
}

static void print_head(text *out, const char *name, const char *type, const char *help) {
    text_print(out, "# HELP gptoss_%s %s\n# TYPE gptoss_%s %s\n", name, help, name, type);
}

static void print_value(text *out, const char *name, const char *type, const char *help,
                        int64_t value) {
    print_head(out, name, type, help);
    text_print(out, "gptoss_%s %" PRId64 "\n", name, value);
}

static void print_histogram(text *out, const char *name, const char *help,
                            const metrics_histogram *h) {
    uint64_t total = 0;
    print_head(out, name, "histogram", help);
    for (int i = 0; i < METRICS_BUCKETS; i++) {
        total += h->counts[i];
        text_print(out, "gptoss_%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i], total);
    }
    total += h->counts[METRICS_BUCKETS];
    text_print(out,
               "gptoss_%s_bucket{le=\"+Inf\"} %" PRIu64 "\ngptoss_%s_sum %.6f\n"
               "gptoss_%s_count %" PRIu64 "\n",
               name, total, name, h->sum, name, total);
}

static void print_finishes(text *out, const metrics *m) {
    static const char *const names[] = {
        [FINISH_STOP] = "stop",       [FINISH_CALLS] = "calls", [FINISH_LENGTH] = "length",
        [FINISH_CONTEXT] = "context", [FINISH_LOOP] = "loop",   [FINISH_CANCELLED] = "cancelled",
        [FINISH_FAILED] = "failed",
    };
    print_head(out, "finishes_total", "counter", "Choices by why they ended.");
    for (int i = 0; i <= FINISH_FAILED; i++) {
        text_print(out, "gptoss_finishes_total{reason=\"%s\"} %" PRIu64 "\n", names[i],
                   m->finishes[i]);
    }
}

void metrics_print(metrics *m, int32_t running, int32_t waiting, const gptoss_totals *kept,
                   text *out) {
    pthread_mutex_lock(&m->lock);
    metrics seen = *m;
    pthread_mutex_unlock(&m->lock);
    print_head(out, "requests_total", "counter", "HTTP requests by dialect and status.");
    for (int i = 0; i < seen.n_requests; i++) {
        text_print(out, "gptoss_requests_total{dialect=\"%s\",status=\"%d\"} %" PRIu64 "\n",
                   seen.requests[i].dialect, seen.requests[i].status, seen.requests[i].count);
    }
    print_value(out, "running", "gauge", "Answers that are computed now.", running);
    print_value(out, "waiting", "gauge", "Answers that wait for their turn.", waiting);
    print_value(out, "prompts_total", "counter", "Answers that ended.", (int64_t)seen.prompts);
    print_value(out, "prompt_tokens_total", "counter", "Tokens of prompts.",
                seen.usage.prompt_tokens);
    print_value(out, "cached_tokens_total", "counter", "Of those, found in the cache.",
                seen.usage.cached_tokens);
    print_value(out, "prefix_hits_total", "counter", "Prompts that found something in the cache.",
                (int64_t)seen.prefix_hits);
    print_value(out, "completion_tokens_total", "counter", "Tokens sampled.",
                seen.usage.completion_tokens);
    print_value(out, "reasoning_tokens_total", "counter", "Of those, in analysis.",
                seen.usage.reasoning_tokens);
    print_value(out, "kept_states", "gauge", "Earlier texts' states in the cache.",
                (int64_t)kept->kept_states);
    print_value(out, "kept_bytes", "gauge", "Pages that only those hold.",
                (int64_t)kept->kept_bytes);
    print_value(out, "evicted_total", "counter", "States that gave way.", (int64_t)kept->evicted);
    print_finishes(out, &seen);
    print_histogram(out, "queue_seconds", "Time that answers waited for their turn.", &seen.queued);
    print_histogram(out, "first_token_seconds", "From the request to the first token.",
                    &seen.first_token);
    print_histogram(out, "token_seconds", "From a token to the next one.", &seen.token);
}
