// Sequences: their tokens, their pages, and the marks in them.
#include "engine/internal.h"

#include <string.h>

// Room in the list of those that are chosen from, so that choosing can't fail.
static bool grow_ready(engine *e) {
    if (e->n_sequences < e->ready_capacity)
        return true;
    int32_t capacity = e->ready_capacity ? 2 * e->ready_capacity : 8;
    engine_sequence **ready = base_resize(e->ready, (size_t)capacity, sizeof(engine_sequence *));
    if (!ready)
        return false;
    e->ready = ready;
    e->ready_capacity = capacity;
    return true;
}

gptoss_status engine_sequence_create(engine *e, engine_sequence **sequence_out,
                                     gptoss_error *error) {
    *sequence_out = NULL;
    engine_sequence *s = base_alloc_zero(1, sizeof *s);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    s->engine = e;
    gptoss_status status = cache_sequence_init(e->cache, &s->pages, error);
    if (status != GPTOSS_OK) {
        base_free(s);
        return status;
    }
    draft_init(&s->draft);
    atomic_init(&s->cancelled, false);
    pthread_mutex_lock(&e->lock);
    if (!grow_ready(e)) {
        cache_sequence_free(e->cache, &s->pages);
        unlock(e);
        base_free(s);
        return base_fail_memory(error, sizeof *s);
    }
    pthread_cond_init(&s->wake, NULL);
    s->next = e->first;
    if (e->first)
        e->first->previous = s;
    e->first = s;
    e->n_sequences++;
    unlock(e);
    *sequence_out = s;
    return GPTOSS_OK;
}

// Nobody waits for a sequence that is gone, or will not compute what it was to.
static void forget_leader(engine *e, const engine_sequence *leader) {
    for (engine_sequence *s = e->first; s; s = s->next) {
        if (s->leader == leader)
            s->leader = NULL;
    }
}

void engine_sequence_free(engine_sequence *s) {
    if (!s)
        return;
    engine *e = s->engine;
    lock_idle(s);
    stop(s);
    forget_leader(e, s);
    client_leave(s);
    if (s->previous)
        s->previous->next = s->next;
    else
        e->first = s->next;
    if (s->next)
        s->next->previous = s->previous;
    e->n_sequences--;
    cache_sequence_free(e->cache, &s->pages);
    pass_on(e);
    unlock(e);
    pthread_cond_destroy(&s->wake);
    draft_free(&s->draft);
    base_ids_free(&s->ids);
    base_free(s->bias);
    base_free(s);
}

void stop(engine_sequence *s) {
    if (s->running)
        client_end(s->client);
    s->running = s->admitted = s->progressed = false;
}

int32_t pending(const engine_sequence *s) {
    return (int32_t)s->ids.length - s->pages.length;
}

int32_t unfetched(const engine_sequence *s) {
    return s->n_results - s->n_fetched;
}

// What the caller knows of.
static size_t known_length(const engine_sequence *s) {
    return s->ids.length - (size_t)unfetched(s);
}

const int32_t *engine_ids(engine_sequence *s, size_t *n_ids_out) {
    lock_idle(s);
    *n_ids_out = known_length(s);
    unlock(s->engine);
    return s->ids.data;
}

size_t engine_cached(engine_sequence *s) {
    lock_idle(s);
    size_t length = (size_t)s->pages.length;
    unlock(s->engine);
    return length;
}

gptoss_status engine_push(engine_sequence *s, const int32_t *ids, size_t n_ids,
                          gptoss_error *error) {
    engine *e = s->engine;
    for (size_t i = 0; i < n_ids; i++) {
        if (ids[i] < 0 || ids[i] >= e->config->vocabulary)
            return base_fail(error, GPTOSS_BAD_INPUT, "id %d is outside the vocabulary of %d",
                             ids[i], e->config->vocabulary);
    }
    lock_idle(s);
    gptoss_status status = GPTOSS_OK;
    if (s->running)
        status = base_fail(error, GPTOSS_BAD_ARGUMENT, "tokens can't be added while it samples");
    else if (n_ids > (size_t)e->options.context - s->ids.length)
        status = base_fail(error, GPTOSS_NO_MEMORY,
                           "%zu more tokens do not fit behind %zu: the context is %d", n_ids,
                           s->ids.length, e->options.context);
    else if (!base_ids_append(&s->ids, ids, n_ids))
        status = base_fail_memory(error, n_ids * sizeof *ids);
    unlock(e);
    return status;
}

void engine_mark(engine_sequence *s, size_t length) {
    lock_idle(s);
    if (s->n_marks < ENGINE_MARKS && length > (size_t)s->pages.length && length <= known_length(s))
        s->marks[s->n_marks++] = (int32_t)length;
    unlock(s->engine);
}

void keep(engine_sequence *s, int32_t length) {
    if (s->request.reuse)
        cache_keep(s->engine->cache, &s->pages, s->ids.data, length);
}

void cut(engine_sequence *s, size_t length) {
    size_t known = known_length(s);
    if (length > known)
        length = known;
    s->n_results = s->n_fetched = 0;
    if (length == s->ids.length)
        return;
    draft_cut(&s->draft, s->ids.data, (int32_t)length);
    s->ids.length = length;
    (void)cache_truncate(s->engine->cache, &s->pages, (int32_t)length);
    for (int32_t i = 0; i < s->n_marks; i++) {
        if ((size_t)s->marks[i] > length)
            s->marks[i--] = s->marks[--s->n_marks];
    }
    if (s->n_prompt > length)
        s->n_prompt = length;
}

void engine_truncate(engine_sequence *s, size_t length) {
    lock_idle(s);
    bool ends = s->running && s->failure.status == GPTOSS_OK;
    stop(s);
    cut(s, length);
    if (ends)
        keep(s, s->pages.length);
    unlock(s->engine);
}

gptoss_status engine_fork(engine_sequence *s, engine_sequence **copy_out, gptoss_error *error) {
    gptoss_status status = engine_sequence_create(s->engine, copy_out, error);
    if (status != GPTOSS_OK)
        return status;
    engine_sequence *copy = *copy_out;
    lock_idle(s);
    size_t length = known_length(s);
    bool copied = base_ids_append(&copy->ids, s->ids.data, length);
    if (copied) {
        copy->n_prompt = s->n_prompt < length ? s->n_prompt : length;
        cache_fork(s->engine->cache, &s->pages, &copy->pages);
        (void)cache_truncate(s->engine->cache, &copy->pages, (int32_t)length);
    }
    unlock(s->engine);
    if (!copied) {
        engine_sequence_free(copy);
        *copy_out = NULL;
        return base_fail_memory(error, length * sizeof(int32_t));
    }
    return GPTOSS_OK;
}
