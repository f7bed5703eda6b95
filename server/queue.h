// queue.h: who computes now and who waits: places for answers, given by priority and fairly between
// clients.
#ifndef SERVER_QUEUE_H
#define SERVER_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct ticket {
    int32_t priority; // greater is sooner
    int32_t places;   // that it takes
    uint64_t client;  // whose it is: of two that wait, the one whose client has less is first
    bool running;
    double since; // when it began to wait or to run
    struct ticket *next;
} ticket;

typedef struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int32_t places, used;          // computing at the same time
    int32_t most_waiting, waiting; // tickets
    ticket *first;                 // waiting and running, in the order of arrival
    double mean_seconds;           // that an answer took, of late
} queue;

bool queue_init(queue *queue, int32_t places, int32_t most_waiting);
void queue_destroy(queue *queue);

// False when the queue is full: *retry_after_out is then when it may be worth trying again.
bool queue_enter(queue *queue, ticket *ticket, int32_t *retry_after_out);
// Waits for the places. False when *cancelled became true or the deadline (server_now; 0: none)
// passed. Whatever comes, queue_leave must follow.
bool queue_wait(queue *queue, ticket *ticket, const atomic_bool *cancelled, double deadline);
void queue_wake(queue *queue); // somebody's *cancelled has changed
void queue_leave(queue *queue, ticket *ticket);
// Waits until nobody is in, at latest until the time given.
bool queue_empty(queue *queue, double until);
void queue_count(queue *queue, int32_t *running_out, int32_t *waiting_out);

#endif
