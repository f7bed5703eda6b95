// Clients: how much each was served, among those that are active.
#include "engine/internal.h"

static void leave(engine *e, client *c) {
    if (!c || --c->n_users > 0)
        return;
    client **link = &e->clients;
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    base_free(c);
}

bool client_set(engine_sequence *s, uint64_t id) {
    engine *e = s->engine;
    client *c = e->clients;
    while (c && c->id != id)
        c = c->next;
    if (!c) {
        c = base_alloc_zero(1, sizeof *c);
        if (!c)
            return false;
        *c = (client){.next = e->clients, .id = id};
        e->clients = c;
    }
    c->n_users++;
    leave(e, s->client);
    s->client = c;
    return true;
}

void client_leave(engine_sequence *s) {
    leave(s->engine, s->client);
    s->client = NULL;
}

void client_begin(engine *e, client *c) {
    if (c->n_running++ > 0)
        return;
    // Whoever comes, or comes back, counts as the one who was served least of those that run:
    // neither is time away saved up, nor does anybody wait until all have caught up.
    bool any = false;
    for (const client *other = e->clients; other; other = other->next) {
        if (other == c || other->n_running == 0)
            continue;
        if (!any || other->served < c->served)
            c->served = other->served;
        any = true;
    }
    if (!any)
        c->served = 0;
}

void client_end(client *c) {
    c->n_running--;
}
