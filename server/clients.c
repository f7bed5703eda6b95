// clients.c: the thread that looks at all connections.
#define _GNU_SOURCE // POLLRDHUP, pipe2
#include "clients.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "state.h"
#include "turn.h"

enum { LOOK_MS = 500 }; // how exactly deadlines are kept

static void wake(clients *c) {
    char byte = 0;
    while (write(c->wake[1], &byte, 1) < 0 && errno == EINTR) {
    }
}

// The sockets that are looked at: [0] is the pipe. Those of clients are in the order of the list.
typedef struct looked {
    struct pollfd *sockets;
    size_t capacity, n;
} looked;

static void collect(clients *c, looked *l) {
    size_t needed = (size_t)c->n_clients + 1;
    if (needed > l->capacity) {
        struct pollfd *more = realloc(l->sockets, 2 * needed * sizeof *more);
        if (more) {
            l->sockets = more;
            l->capacity = 2 * needed;
        }
    }
    l->n = 1;
    for (const client *one = c->first; one && l->n < l->capacity; one = one->next) {
        if (one->turn && !one->left) {
            l->sockets[l->n++] = (struct pollfd){.fd = one->socket, .events = POLLRDHUP};
        }
    }
}

static bool has_left(const looked *l, int socket) {
    for (size_t i = 1; i < l->n; i++) {
        if (l->sockets[i].fd == socket) {
            return l->sockets[i].revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL);
        }
    }
    return false;
}

static void look_at(clients *c, const looked *l, bool any) {
    double now = server_now();
    for (client *one = c->first; one; one = one->next) {
        if (any && one->turn && !one->left && has_left(l, one->socket)) {
            one->left = true;
            turn_cancel(one->turn);
        }
        if (one->deadline > 0 && now > one->deadline) {
            one->deadline = 0;
            shutdown(one->socket, SHUT_RDWR); // its own thread sees the end, and closes
        }
    }
}

static void *watch(void *context) {
    clients *c = context;
    looked l = {.sockets = calloc(64, sizeof *l.sockets), .capacity = 64};
    pthread_mutex_lock(&c->lock);
    while (l.sockets && !c->ending) {
        l.sockets[0] = (struct pollfd){.fd = c->wake[0], .events = POLLIN};
        collect(c, &l);
        pthread_mutex_unlock(&c->lock);
        int n = poll(l.sockets, l.n, LOOK_MS);
        char bytes[256];
        if (n > 0 && l.sockets[0].revents && read(c->wake[0], bytes, sizeof(bytes)) > 0) {
            n--;
        }
        pthread_mutex_lock(&c->lock);
        look_at(c, &l, n > 0);
    }
    pthread_mutex_unlock(&c->lock);
    free(l.sockets);
    return NULL;
}

bool clients_init(clients *c) {
    *c = (clients){0};
    if (pipe2(c->wake, O_CLOEXEC | O_NONBLOCK)) {
        return false;
    }
    if (pthread_mutex_init(&c->lock, NULL)) {
        close(c->wake[0]);
        close(c->wake[1]);
        return false;
    }
    if (pthread_create(&c->watcher, NULL, watch, c)) {
        pthread_mutex_destroy(&c->lock);
        close(c->wake[0]);
        close(c->wake[1]);
        return false;
    }
    return true;
}

void clients_destroy(clients *c) {
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    pthread_mutex_unlock(&c->lock);
    wake(c);
    pthread_join(c->watcher, NULL);
    pthread_mutex_destroy(&c->lock);
    close(c->wake[0]);
    close(c->wake[1]);
}

client *clients_add(clients *c, int socket, double deadline) {
    client *added = calloc(1, sizeof *added);
    if (!added) {
        return NULL;
    }
    *added = (client){.socket = socket, .deadline = deadline};
    pthread_mutex_lock(&c->lock);
    added->next = c->first;
    if (c->first) {
        c->first->previous = added;
    }
    c->first = added;
    c->n_clients++;
    pthread_mutex_unlock(&c->lock);
    return added;
}

void clients_remove(clients *c, client *gone) {
    if (!gone) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    *(gone->previous ? &gone->previous->next : &c->first) = gone->next;
    if (gone->next) {
        gone->next->previous = gone->previous;
    }
    c->n_clients--;
    pthread_mutex_unlock(&c->lock);
    free(gone);
}

void clients_set_deadline(clients *c, client *one, double deadline) {
    if (one) {
        pthread_mutex_lock(&c->lock);
        one->deadline = deadline;
        pthread_mutex_unlock(&c->lock);
    }
}

void clients_watch(clients *c, client *one, struct turn *turn) {
    if (one) {
        pthread_mutex_lock(&c->lock);
        one->turn = turn;
        pthread_mutex_unlock(&c->lock);
        wake(c);
    }
}

void clients_cancel_all(clients *c) {
    pthread_mutex_lock(&c->lock);
    for (client *one = c->first; one; one = one->next) {
        if (one->turn) {
            turn_cancel(one->turn);
        }
    }
    pthread_mutex_unlock(&c->lock);
}
