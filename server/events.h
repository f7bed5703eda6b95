// events.h: turn events on their way from the thread that computes to the one that writes.
//
// Bounded: who reads slowly lets the computing wait, and loses his place when it waited too long.
// Memory may run out at any event; what must not be missing (the end of an item, of a choice, of
// the turn) is then still delivered, without its words.
#ifndef SERVER_EVENTS_H
#define SERVER_EVENTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "turn.h"

typedef struct event_node {
    turn_event event; // its strings and tokens lie behind the node
    struct event_node *next;
    bool spare; // one of events.spares: not to be freed
} event_node;

typedef struct events {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    event_node *first, *last, *held; // held: what the reader looks at
    size_t n_events;
    event_node *spares; // [n_spares], the first n_used are in use
    size_t n_spares, n_used;
    bool abandoned; // nobody reads any more
} events;

// n_spares: how many events may be put for certain.
bool events_init(events *events, size_t n_spares);
void events_destroy(events *events);

typedef enum events_put {
    EVENTS_TAKEN,
    EVENTS_NO_MEMORY, // it is lost, or, where certain, there without its words
    EVENTS_STALLED,   // the reader did not come for `patience` seconds; it is there all the same
} events_put;

// Copies the event. Waits while there are too many, unless nobody reads.
events_put events_add(events *events, const turn_event *event, bool certain, double patience);
// The next event; it lives until the next call. NULL when none came within `seconds`.
const turn_event *events_take(events *events, double seconds);
void events_abandon(events *events);

#endif
