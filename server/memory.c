// memory.c: what the model said, by call id, the least recently used forgotten first.
#include "memory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "state.h"

bool memory_init(memory *m, size_t most_bytes) {
    *m = (memory){.most_bytes = most_bytes};
    return !pthread_mutex_init(&m->lock, NULL);
}

void said_free(said *s) {
    if (!s) {
        return;
    }
    for (size_t i = 0; i < s->n_calls; i++) {
        free(s->calls[i].name);
        free(s->calls[i].arguments);
    }
    free(s->calls);
    free(s->ids);
    free(s->reasoning);
    free(s->preamble);
    free(s);
}

static void unlink_said(memory *m, said *s) {
    *(s->newer ? &s->newer->older : &m->newest) = s->older;
    *(s->older ? &s->older->newer : &m->oldest) = s->newer;
    s->newer = s->older = NULL;
}

static void link_said(memory *m, said *s) {
    s->older = m->newest;
    *(m->newest ? &m->newest->newer : &m->oldest) = s;
    m->newest = s;
}

void memory_destroy(memory *m) {
    while (m->oldest) {
        said *s = m->oldest;
        unlink_said(m, s);
        said_free(s);
    }
    pthread_mutex_destroy(&m->lock);
}

static size_t bytes_of(const said *s) {
    size_t bytes = sizeof *s + s->n_ids * sizeof *s->ids + strlen(s->reasoning) +
                   strlen(s->preamble) + s->n_calls * sizeof *s->calls;
    for (size_t i = 0; i < s->n_calls; i++) {
        bytes += strlen(s->calls[i].name) + strlen(s->calls[i].arguments);
    }
    return bytes;
}

// Forgets what is over the bound. Those that somebody reads are left out of the list, and freed
// when they are given back.
static void forget(memory *m) {
    while (m->bytes > m->most_bytes && m->oldest) {
        said *s = m->oldest;
        unlink_said(m, s);
        m->bytes -= s->bytes;
        if (--s->holders == 0) {
            said_free(s);
        }
    }
}

void memory_add(memory *m, said *s) {
    s->bytes = bytes_of(s);
    s->holders = 1;
    pthread_mutex_lock(&m->lock);
    link_said(m, s);
    m->bytes += s->bytes;
    forget(m);
    pthread_mutex_unlock(&m->lock);
}

static bool has_call(const said *s, const char *call_id) {
    for (size_t i = 0; i < s->n_calls; i++) {
        if (strcmp(s->calls[i].id, call_id) == 0) {
            return true;
        }
    }
    return false;
}

const said *memory_find(memory *m, const char *call_id) {
    pthread_mutex_lock(&m->lock);
    said *s = m->newest;
    while (s && !has_call(s, call_id)) {
        s = s->older;
    }
    if (s) {
        unlink_said(m, s);
        link_said(m, s);
        s->holders++;
    }
    pthread_mutex_unlock(&m->lock);
    return s;
}

void memory_release(memory *m, const said *s) {
    if (!s) {
        return;
    }
    said *held = (said *)s; // the memory's own: only handed out as constant
    pthread_mutex_lock(&m->lock);
    bool last = --held->holders == 0;
    pthread_mutex_unlock(&m->lock);
    if (last) {
        said_free(held);
    }
}

static void today(char date_out[16]) {
    time_t now = time(NULL);
    struct tm local;
    if (!localtime_r(&now, &local) || !strftime(date_out, 16, "%Y-%m-%d", &local)) {
        date_out[0] = 0;
    }
}

void memory_date_of(memory *m, uint64_t conversation, char date_out[16]) {
    enum { DAY = 24 * 3600, PAUSE = 3600 }; // a day that passed shows, once nobody is talking
    double now = server_now();
    pthread_mutex_lock(&m->lock);
    memory_date *kept = &m->dates[conversation % MEMORY_DATES];
    bool known = kept->date[0] && kept->key == conversation;
    if (!known || (now - kept->first > DAY && now - kept->last > PAUSE)) {
        *kept = (memory_date){.key = conversation, .first = now};
        today(kept->date);
    }
    kept->last = now;
    memcpy(date_out, kept->date, sizeof kept->date);
    pthread_mutex_unlock(&m->lock);
}
