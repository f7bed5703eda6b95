// events.c: a bounded queue of copied events, between two threads.
#include "events.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "state.h"

enum { MOST_EVENTS = 256 };

bool events_init(events *e, size_t n_spares) {
    *e = (events){.n_spares = n_spares};
    pthread_condattr_t monotonic;
    e->spares = calloc(n_spares, sizeof *e->spares);
    if (!e->spares || pthread_condattr_init(&monotonic)) {
        free(e->spares);
        return false;
    }
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    bool good = !pthread_mutex_init(&e->lock, NULL);
    if (good && pthread_cond_init(&e->changed, &monotonic)) {
        pthread_mutex_destroy(&e->lock);
        good = false;
    }
    pthread_condattr_destroy(&monotonic);
    if (!good) {
        free(e->spares);
    }
    return good;
}

static void free_node(event_node *node) {
    if (node && !node->spare) {
        free(node);
    }
}

void events_destroy(events *e) {
    free_node(e->held);
    while (e->first) {
        event_node *next = e->first->next;
        free_node(e->first);
        e->first = next;
    }
    free(e->spares);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
}

// ---- copies ---------------------------------------------------------------------------------

// A place in the memory behind the node.
typedef struct packer {
    char *at;
} packer;

static const char *pack(packer *p, const char *string, size_t length) {
    if (!string) {
        return NULL;
    }
    char *copy = p->at;
    memcpy(copy, string, length);
    copy[length] = 0;
    p->at += length + 1;
    return copy;
}

static size_t room(const char *string) {
    return string ? strlen(string) + 1 : 0;
}

static event_node *copy_event(const turn_event *from) {
    size_t n_top = 0;
    for (size_t i = 0; i < from->n_tokens; i++) {
        n_top += (size_t)from->tokens[i].n_top;
    }
    size_t strings = (from->text ? from->text_length + 1 : 0) + room(from->call_id) +
                     room(from->name) + room(from->stop) + room(from->details);
    event_node *node = malloc(sizeof *node + from->n_tokens * sizeof *from->tokens +
                              n_top * sizeof *from->tokens->top + strings);
    if (!node) {
        return NULL;
    }
    *node = (event_node){.event = *from};
    turn_token *tokens = (turn_token *)(node + 1);
    gptoss_logprob *top = (gptoss_logprob *)(tokens + from->n_tokens);
    packer p = {(char *)(top + n_top)};
    for (size_t i = 0; i < from->n_tokens; i++) {
        tokens[i] = from->tokens[i];
        if (tokens[i].n_top) {
            memcpy(top, from->tokens[i].top, (size_t)tokens[i].n_top * sizeof *top);
        }
        tokens[i].top = top;
        top += tokens[i].n_top;
    }
    turn_event *to = &node->event;
    to->tokens = from->n_tokens ? tokens : NULL;
    to->text = pack(&p, from->text, from->text_length);
    to->call_id = pack(&p, from->call_id, room(from->call_id) - (from->call_id != NULL));
    to->name = pack(&p, from->name, room(from->name) - (from->name != NULL));
    to->stop = pack(&p, from->stop, room(from->stop) - (from->stop != NULL));
    to->details = pack(&p, from->details, room(from->details) - (from->details != NULL));
    return node;
}

// A node without the event's words.
static event_node *spare_event(events *e, const turn_event *from) {
    if (e->n_used == e->n_spares) {
        return NULL;
    }
    event_node *node = &e->spares[e->n_used++];
    *node = (event_node){.event = *from, .spare = true};
    turn_event *to = &node->event;
    to->text = to->text ? "" : NULL;
    to->text_length = to->n_tokens = 0;
    to->tokens = NULL;
    to->call_id = to->call_id ? "" : NULL;
    to->name = to->name ? "" : NULL;
    to->stop = to->details = NULL;
    return node;
}

// ---- the queue ------------------------------------------------------------------------------

static bool wait_until(events *e, double deadline) {
    struct timespec at = {(time_t)deadline, (long)((deadline - floor(deadline)) * 1e9)};
    return pthread_cond_timedwait(&e->changed, &e->lock, &at) != ETIMEDOUT;
}

events_put events_add(events *e, const turn_event *event, bool certain, double patience) {
    events_put result = EVENTS_TAKEN;
    event_node *node = copy_event(event);
    pthread_mutex_lock(&e->lock);
    if (!node) {
        result = EVENTS_NO_MEMORY;
        node = certain ? spare_event(e, event) : NULL;
    }
    if (node) {
        *(e->last ? &e->last->next : &e->first) = node;
        e->last = node;
        e->n_events++;
        pthread_cond_broadcast(&e->changed);
    }
    double deadline = server_now() + patience;
    while (!e->abandoned && e->n_events > MOST_EVENTS && !certain) {
        if (!wait_until(e, deadline)) {
            result = EVENTS_STALLED;
            break;
        }
    }
    pthread_mutex_unlock(&e->lock);
    return result;
}

const turn_event *events_take(events *e, double seconds) {
    double deadline = server_now() + seconds;
    pthread_mutex_lock(&e->lock);
    free_node(e->held);
    e->held = NULL;
    while (!e->first && wait_until(e, deadline)) {
    }
    event_node *node = e->first;
    if (node) {
        e->first = node->next;
        e->last = e->first ? e->last : NULL;
        e->held = node;
        if (e->n_events-- > MOST_EVENTS / 2) {
            pthread_cond_broadcast(&e->changed);
        }
    }
    pthread_mutex_unlock(&e->lock);
    return node ? &node->event : NULL;
}

void events_abandon(events *e) {
    pthread_mutex_lock(&e->lock);
    e->abandoned = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}
