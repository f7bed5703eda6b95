// turn.c: a turn's life: checks, its place in the queue, and the thread that computes it.
//
// Each turn has a thread of its own that asks the engine for its choices' next tokens: whoever
// reads the events may then wait for a second, write to a slow client or go away, and a long prompt
// keeps nobody waiting for a sign of life.
#include "turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "guided.h"
#include "prompt.h"

struct turn {
    server *server;
    request request;
    names names;
    prompt prompt;
    gptoss_guide *guide; // NULL: RAW
    choice *choices;     // [request.n_choices]
    events events;
    ticket ticket;
    pthread_t worker;
    pthread_mutex_t lock; // of the choices' sequences, against turn_cancel
    atomic_bool cancelled;
    double asked, deadline; // in server_now; deadline 0: none
    turn_usage usage;
    bool over; // TURN_DONE was handed over
};

enum { THREAD_STACK = 1 << 20 };

// ---- computing ------------------------------------------------------------------------------

static void tell(turn *t, turn_event *event, bool certain) {
    if (events_add(&t->events, event, certain, t->server->options.idle_seconds) ==
        EVENTS_NO_MEMORY) {
        turn_cancel(t);
    }
}

static gptoss_generation generation_of(const turn *t, int32_t index) {
    const request *r = &t->request;
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.sampling = r->sampling;
    g.sampling.bias = r->bias;
    g.sampling.stream = (uint64_t)index;
    g.max_tokens = r->max_tokens;
    g.guide = t->guide;
    g.reuse = true;
    g.client = t->ticket.client;
    g.priority = r->priority;
    g.ignore_stop = r->kind == REQUEST_RAW;
    g.logprobs = r->logprobs ? r->n_logprobs : 0;
    return g;
}

static void set_sequence(turn *t, choice *c, gptoss_sequence *sequence) {
    pthread_mutex_lock(&t->lock);
    c->sequence = sequence;
    if (atomic_load(&t->cancelled)) {
        gptoss_cancel(sequence);
    }
    pthread_mutex_unlock(&t->lock);
}

// The first choice computes the prompt, the others are copies of it, if there is one.
static gptoss_status begin_choice(turn *t, choice *c, gptoss_error *error) {
    gptoss_sequence *sequence = NULL;
    gptoss_status status;
    gptoss_sequence *computed = t->choices[0].sequence;
    if (!computed) {
        status = gptoss_sequence_create(t->server->model, &sequence, error);
        status = status ? status : gptoss_push(sequence, t->prompt.ids, t->prompt.n_ids, error);
        if (!status && t->prompt.n_opening) { // others begin with it too: keep what it costs
            status = gptoss_mark(sequence, t->prompt.n_opening, error);
        }
    } else {
        status = gptoss_fork(computed, &sequence, error);
        status = status ? status : gptoss_truncate(sequence, t->prompt.n_ids, error);
    }
    gptoss_generation generation = generation_of(t, c->index);
    status = status ? status : gptoss_start(sequence, &generation, error);
    if (status) {
        gptoss_sequence_free(sequence);
        return status;
    }
    c->started = true;
    set_sequence(t, c, sequence); // after the start, which forgets an earlier cancelling
    return GPTOSS_OK;
}

static void tell_begin(turn *t) {
    gptoss_stats stats;
    gptoss_sequence_stats(t->choices[0].sequence, &stats);
    t->usage.prompt_tokens = (int64_t)t->prompt.n_ids;
    t->usage.cached_tokens = (int64_t)stats.cached_tokens;
    turn_event begin = {.kind = TURN_BEGIN, .usage = t->usage};
    tell(t, &begin, false);
}

static bool is_late(const turn *t) {
    return t->deadline > 0 && server_now() > t->deadline;
}

// One event of one choice.
static void step_choice(turn *t, choice *c) {
    gptoss_error error = {0};
    gptoss_event event;
    bool ready = c->index == 0 || t->choices[0].last_token > 0 || t->choices[0].done;
    if (!c->started && !ready) {
        return; // the prompt is not computed yet
    }
    if (atomic_load(&t->cancelled) || is_late(t)) {
        if (c->started) {
            gptoss_cancel(c->sequence);
        }
        if (is_late(t)) {
            snprintf(c->details, sizeof(c->details), "the answer's time was over");
        }
        choice_end(c, FINISH_CANCELLED, NULL);
        return;
    }
    if (!c->started) {
        if (begin_choice(t, c, &error)) {
            choice_end(c, FINISH_FAILED, &error);
        } else if (c->index == 0) {
            tell_begin(t);
        }
        return;
    }
    if (gptoss_next(c->sequence, &event, &error)) {
        choice_end(c, error.status == GPTOSS_CANCELLED ? FINISH_CANCELLED : FINISH_FAILED, &error);
    } else {
        choice_take(c, &event);
    }
}

static void compute(turn *t) {
    bool more = true;
    while (more) {
        more = false;
        for (int32_t i = 0; i < t->request.n_choices; i++) {
            if (!t->choices[i].done) {
                step_choice(t, &t->choices[i]);
                more |= !t->choices[i].done;
            }
        }
    }
}

static void finish(turn *t) {
    for (int32_t i = 0; i < t->request.n_choices; i++) {
        choice_end(&t->choices[i], FINISH_CANCELLED, NULL); // those that never began
        t->usage.completion_tokens += t->choices[i].n_sampled;
        t->usage.reasoning_tokens += t->choices[i].n_reasoning;
        pthread_mutex_lock(&t->lock);
        gptoss_sequence_free(t->choices[i].sequence);
        t->choices[i].sequence = NULL;
        pthread_mutex_unlock(&t->lock);
    }
    t->usage.prompt_tokens = (int64_t)t->prompt.n_ids;
    metrics_usage(&t->server->metrics, &t->usage);
    queue_leave(&t->server->queue, &t->ticket);
    turn_event done = {.kind = TURN_DONE,
                       .usage = t->usage,
                       .warnings = (const char *const *)t->request.warnings,
                       .n_warnings = t->request.n_warnings};
    tell(t, &done, true);
}

static void *work(void *context) {
    turn *t = context;
    if (queue_wait(&t->server->queue, &t->ticket, &t->cancelled, t->deadline)) {
        metrics_queued(&t->server->metrics, server_now() - t->asked);
        compute(t);
    }
    finish(t);
    return NULL;
}

// ---- starting -------------------------------------------------------------------------------

static uint64_t hash_client(const char *user) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; user && *user; user++) {
        hash = (hash ^ (unsigned char)*user) * 0x100000001b3u;
    }
    return hash;
}

static bool make_choices(turn *t) {
    t->choices = calloc((size_t)t->request.n_choices, sizeof *t->choices);
    for (int32_t i = 0; t->choices && i < t->request.n_choices; i++) {
        choice *c = &t->choices[i];
        c->server = t->server;
        c->request = &t->request;
        c->names = &t->names;
        c->events = &t->events;
        c->patience = t->server->options.idle_seconds;
        c->index = i;
        c->n_prompt = t->prompt.n_ids;
        c->asked = t->asked;
        if (!choice_init(c)) {
            return false;
        }
    }
    return t->choices != NULL;
}

static void set_times(turn *t) {
    double most = t->server->options.answer_seconds, own = t->request.deadline;
    t->asked = server_now();
    double limit = own > 0 && (most <= 0 || own < most) ? own : most;
    t->deadline = limit > 0 ? t->asked + limit : 0;
}

static bool start_worker(turn *t) {
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) {
        return false;
    }
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    bool good = !pthread_create(&t->worker, &attributes, work, t);
    pthread_attr_destroy(&attributes);
    return good;
}

// Everything but the worker goes; the request too.
static void release(turn *t) {
    for (int32_t i = 0; t->choices && i < t->request.n_choices; i++) {
        choice_clear(&t->choices[i]);
    }
    free(t->choices);
    gptoss_guide_free(t->guide);
    names_clear(&t->names);
    free(t->prompt.ids);
    pthread_mutex_destroy(&t->lock);
    request_clear(&t->request);
    free(t);
}

static bool no_memory(problem *problem) {
    return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
}

// With the turn's prompt and names made: its place in the queue, and its thread.
static bool enter(turn *t, problem *problem) {
    if (!make_choices(t)) {
        return no_memory(problem);
    }
    // Besides its delivery, an item's end, a choice's end and the turn's must never be lost.
    if (!events_init(&t->events, 2 * (size_t)t->request.n_choices + 1)) {
        return no_memory(problem);
    }
    t->ticket = (ticket){.priority = t->request.priority,
                         .places = t->request.n_choices,
                         .client = hash_client(t->request.user)};
    int32_t retry_after = 0;
    if (!queue_enter(&t->server->queue, &t->ticket, &retry_after)) {
        problem_set(problem, PROBLEM_BUSY, "", "%d requests are waiting already: try again later",
                    (int)t->server->options.queue);
        problem->retry_after = retry_after;
        events_destroy(&t->events);
        return false;
    }
    if (!start_worker(t)) {
        queue_leave(&t->server->queue, &t->ticket);
        events_destroy(&t->events);
        return problem_set(problem, PROBLEM_FAILED, "", "no thread can be started");
    }
    return true;
}

bool turn_start(server *server, request *request, turn **turn_out, problem *problem) {
    *turn_out = NULL;
    if (atomic_load(&server->draining)) {
        request_clear(request);
        return problem_set(problem, PROBLEM_DRAINING, "", "the server is shutting down");
    }
    turn *t = calloc(1, sizeof *t);
    if (!t || pthread_mutex_init(&t->lock, NULL)) {
        free(t);
        request_clear(request);
        return no_memory(problem);
    }
    t->server = server;
    t->request = *request;
    request_init(request); // taken over
    if (!t->request.has_seed) {
        t->request.sampling.seed = server_random_number();
    }
    set_times(t);
    bool good = prompt_check(server, &t->request, problem) &&
                prompt_make(server, &t->request, &t->names, &t->prompt, problem) &&
                guided_make(server, &t->request, &t->names, &t->guide, problem) &&
                enter(t, problem);
    if (!good) {
        release(t);
        return false;
    }
    *turn_out = t;
    return true;
}

// ---- reading --------------------------------------------------------------------------------

bool turn_next(turn *t, turn_event *event_out) {
    *event_out = (turn_event){0};
    if (t->over) {
        return false;
    }
    const turn_event *event = events_take(&t->events, 1);
    if (!event) {
        event_out->kind = TURN_WAIT;
        return true;
    }
    t->over = event->kind == TURN_DONE;
    *event_out = *event;
    return true;
}

void turn_cancel(turn *t) {
    pthread_mutex_lock(&t->lock);
    bool first = !atomic_exchange(&t->cancelled, true);
    for (int32_t i = 0; first && i < t->request.n_choices; i++) {
        if (t->choices[i].sequence) {
            gptoss_cancel(t->choices[i].sequence);
        }
    }
    pthread_mutex_unlock(&t->lock);
    if (first) {
        queue_wake(&t->server->queue);
    }
}

const request *turn_request(const turn *t) {
    return &t->request;
}

void turn_free(turn *t) {
    if (!t) {
        return;
    }
    turn_cancel(t);
    events_abandon(&t->events);
    pthread_join(t->worker, NULL);
    events_destroy(&t->events);
    release(t);
}
