// metrics.h: what the server counts, in Prometheus' text form (docs/server.md names each).
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"
#include "turn.h"

enum { METRICS_BUCKETS = 14, METRICS_ROWS = 64 };

typedef struct metrics_histogram {
    uint64_t counts[METRICS_BUCKETS + 1]; // the last one: greater than all bounds
    double sum;
} metrics_histogram;

typedef struct metrics_row {
    const char *dialect; // a constant
    int status;
    uint64_t count;
} metrics_row;

typedef struct metrics {
    pthread_mutex_t lock;
    metrics_row requests[METRICS_ROWS]; // [n_requests]
    int n_requests;
    turn_usage usage; // sums
    uint64_t prefix_hits, prompts;
    uint64_t finishes[FINISH_FAILED + 1];
    metrics_histogram first_token, token, queued;
} metrics;

bool metrics_init(metrics *metrics);
void metrics_destroy(metrics *metrics);

void metrics_request(metrics *metrics, const char *dialect, int status);
void metrics_queued(metrics *metrics, double seconds);
void metrics_first_token(metrics *metrics, double seconds); // since the request came
void metrics_token(metrics *metrics, double seconds);       // since the one before
void metrics_finish(metrics *metrics, turn_finish finish);
void metrics_usage(metrics *metrics, const turn_usage *usage);

// running, waiting: answers, now.
// kept: what the engine keeps of earlier texts.
void metrics_print(metrics *metrics, int32_t running, int32_t waiting, const gptoss_totals *kept,
                   text *out);

#endif
