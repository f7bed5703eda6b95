// clients.h: the connections that are open: whose time is over, and who left.
//
// One thread looks at all of them. A client that leaves while its answer is computed is noticed at
// once, whether or not something is being written, and the answer is cancelled.
#ifndef SERVER_CLIENTS_H
#define SERVER_CLIENTS_H

#include <pthread.h>
#include <stdbool.h>

struct turn;

typedef struct client {
    int socket;
    double deadline;   // of the phase that it is in, in server_now; 0: none
    struct turn *turn; // that it waits for, or NULL
    bool left;
    struct client *next, *previous;
} client;

typedef struct clients {
    pthread_mutex_t lock;
    pthread_t watcher;
    int wake[2]; // a pipe: something changed
    bool ending;
    client *first;
    int n_clients;
} clients;

bool clients_init(clients *clients);
void clients_destroy(clients *clients); // all must have been removed

client *clients_add(clients *clients, int socket, double deadline); // NULL: no memory
void clients_remove(clients *clients, client *client);              // before its socket is closed
// The connection is shut down when the deadline passes.
void clients_set_deadline(clients *clients, client *client, double deadline);
// Cancels the turn when the client leaves. The turn must live until it is unset, with NULL.
void clients_watch(clients *clients, client *client, struct turn *turn);
// Cancels every turn that is waited for.
void clients_cancel_all(clients *clients);

#endif
