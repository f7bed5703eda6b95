// queue.c: places for answers.
#include "queue.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#include "state.h"

bool queue_init(queue *q, int32_t places, int32_t most_waiting) {
    *q = (queue){.places = places, .most_waiting = most_waiting, .mean_seconds = 5};
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic)) {
        return false;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    bool good = !pthread_mutex_init(&q->lock, NULL);
    if (good && pthread_cond_init(&q->changed, &monotonic)) {
        pthread_mutex_destroy(&q->lock);
        good = false;
    }
    pthread_condattr_destroy(&monotonic);
    return good;
}

void queue_destroy(queue *q) {
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
}

// Places that a client computes in.
static int32_t places_of(const queue *q, uint64_t client) {
    int32_t places = 0;
    for (const ticket *t = q->first; t; t = t->next) {
        places += t->running && t->client == client ? t->places : 0;
    }
    return places;
}

// Who is next of those that wait. Nobody overtakes the one that is next, however few places it
// needs: otherwise a request for many would never get them.
static ticket *choose(const queue *q) {
    ticket *best = NULL;
    int32_t best_places = 0;
    for (ticket *t = q->first; t; t = t->next) {
        if (t->running || (best && t->priority < best->priority)) {
            continue;
        }
        int32_t places = places_of(q, t->client);
        if (!best || t->priority > best->priority || places < best_places) {
            best = t;
            best_places = places;
        }
    }
    return best;
}

// Gives free places to those that are next.
static void grant(queue *q) {
    for (ticket *t = choose(q); t && q->used + t->places <= q->places; t = choose(q)) {
        t->running = true;
        t->since = server_now();
        q->waiting--;
        q->used += t->places;
    }
    pthread_cond_broadcast(&q->changed);
}

bool queue_enter(queue *q, ticket *t, int32_t *retry_after_out) {
    pthread_mutex_lock(&q->lock);
    bool waits = q->waiting > 0 || q->used + t->places > q->places;
    bool room = !waits || q->waiting < q->most_waiting;
    if (room) {
        t->running = false;
        t->since = server_now();
        t->next = NULL;
        ticket **end = &q->first;
        while (*end) {
            end = &(*end)->next;
        }
        *end = t;
        q->waiting++;
        grant(q);
    } else {
        double seconds = q->mean_seconds * (1 + q->waiting / (double)q->places);
        *retry_after_out = seconds < 1 ? 1 : seconds > 120 ? 120 : (int32_t)ceil(seconds);
    }
    pthread_mutex_unlock(&q->lock);
    return room;
}

static bool wait_until(queue *q, double deadline) {
    if (!(deadline > 0)) {
        pthread_cond_wait(&q->changed, &q->lock);
        return true;
    }
    struct timespec at = {(time_t)deadline, (long)((deadline - floor(deadline)) * 1e9)};
    return pthread_cond_timedwait(&q->changed, &q->lock, &at) != ETIMEDOUT;
}

bool queue_wait(queue *q, ticket *t, const atomic_bool *cancelled, double deadline) {
    pthread_mutex_lock(&q->lock);
    bool in_time = true;
    while (in_time && !atomic_load(cancelled) && !t->running) {
        in_time = wait_until(q, deadline);
    }
    bool running = t->running && !atomic_load(cancelled);
    pthread_mutex_unlock(&q->lock);
    return running;
}

void queue_wake(queue *q) {
    pthread_mutex_lock(&q->lock);
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void queue_leave(queue *q, ticket *t) {
    pthread_mutex_lock(&q->lock);
    for (ticket **at = &q->first; *at; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            break;
        }
    }
    if (t->running) {
        q->used -= t->places;
        q->mean_seconds += 0.2 * (server_now() - t->since - q->mean_seconds);
    } else {
        q->waiting--;
    }
    grant(q);
    pthread_mutex_unlock(&q->lock);
}

bool queue_empty(queue *q, double until) {
    pthread_mutex_lock(&q->lock);
    while (q->first && wait_until(q, until)) {
    }
    bool empty = !q->first;
    pthread_mutex_unlock(&q->lock);
    return empty;
}

void queue_count(queue *q, int32_t *running_out, int32_t *waiting_out) {
    *running_out = 0;
    pthread_mutex_lock(&q->lock);
    for (const ticket *t = q->first; t; t = t->next) {
        *running_out += t->running;
    }
    *waiting_out = q->waiting;
    pthread_mutex_unlock(&q->lock);
}
