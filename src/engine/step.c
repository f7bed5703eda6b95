// One step: choose a batch from all sequences that have work, compute it, sample, publish.
#include "engine/internal.h"

#include <string.h>

static int32_t pending(const engine_sequence *s) {
    return (int32_t)s->ids.length - s->pages.length;
}

static bool wants_work(const engine_sequence *s) {
    return s->running && !s->has_token && s->finish == ENGINE_RUNNING &&
           s->failure.status == GPTOSS_OK && !atomic_load(&s->cancelled) && pending(s) > 0;
}

// Puts up to `most` pending tokens of a sequence into the batch. A sequence that can't be continued
// gets its failure.
static void add_run(engine *e, engine_sequence *s, int32_t most) {
    step *st = &e->step;
    int32_t count = pending(s) < most ? pending(s) : most;
    int32_t position = s->pages.length;
    gptoss_status status = cache_extend(e->cache, &s->pages, count, &s->failure);
    if (status == GPTOSS_NO_MEMORY && s->n_snapshots > 0) {
        snapshots_drop(s, 0); // they only save work: give their pages to the living
        s->failure = (gptoss_error){0};
        status = cache_extend(e->cache, &s->pages, count, &s->failure);
    }
    if (status != GPTOSS_OK)
        return;
    backend_run *run = &st->runs[st->n_runs];
    *run = (backend_run){.first = st->n_tokens, .count = count, .position = position};
    memcpy(run->pages, s->pages.pages, sizeof run->pages);
    memcpy(st->ids + st->n_tokens, s->ids.data + position, (size_t)count * sizeof *st->ids);
    st->owners[st->n_runs] = s;
    st->n_tokens += count;
    if (pending(s) == 0) {
        st->rows[st->n_rows] = st->n_tokens - 1;
        st->row_run[st->n_rows++] = st->n_runs;
    }
    st->n_runs++;
    s->in_step = true;
}

// Sequences that sample come first, then prompts; within each, the least recently computed.
static void choose_batch(engine *e) {
    step *st = &e->step;
    st->n_tokens = st->n_runs = st->n_rows = 0;
    for (int prompts = 0; prompts < 2; prompts++) {
        for (engine_sequence *s = e->first; s; s = s->next) {
            int32_t room = e->options.batch_tokens - st->n_tokens;
            if (room == 0 || st->n_rows == MAX_ROWS)
                return;
            if (!s->in_step && wants_work(s) && (pending(s) > 1) == prompts)
                add_run(e, s, room);
        }
    }
}

static void move_to_end(engine *e, engine_sequence *s) {
    if (e->last == s)
        return;
    if (s->previous)
        s->previous->next = s->next;
    else
        e->first = s->next;
    s->next->previous = s->previous;
    s->previous = e->last;
    s->next = NULL;
    e->last->next = s;
    e->last = s;
}

// Samples the next token of one sequence from its row.
static void sample_row(engine *e, engine_sequence *s, const float *logits) {
    sample_context context = {&s->request.sampling, s->ids.data, s->ids.length, s->n_prompt};
    engine_result *r = &s->result;
    r->kind = ENGINE_TOKEN;
    r->n_top = s->request.n_top;
    (void)sample_token(e->sampler, &context, logits, r->top, r->n_top, &r->token, &s->failure);
}

// Takes a sampled token into its sequence, and finds out whether it was the last.
static void publish_token(engine *e, engine_sequence *s) {
    (void)base_ids_push(&s->ids, s->result.token.id); // has its room: see engine_start
    s->n_sampled++;
    s->has_token = true;
    for (int32_t i = 0; i < s->request.n_stops; i++) {
        if (s->result.token.id == s->request.stops[i])
            s->finish = ENGINE_STOPPED;
    }
    bool full = s->ids.length == (size_t)e->options.context;
    if (s->finish == ENGINE_RUNNING && (full || s->n_sampled == s->request.max_tokens))
        s->finish = ENGINE_LENGTH;
}

// Ends the step for every sequence in it, under the lock.
static void publish(engine *e, const gptoss_error *failure) {
    step *st = &e->step;
    for (int32_t i = 0; i < st->n_runs; i++) {
        engine_sequence *s = st->owners[i];
        s->in_step = false;
        move_to_end(e, s);
        if (failure->status != GPTOSS_OK) {
            s->failure = *failure;
            cache_truncate(e->cache, &s->pages, st->runs[i].position); // they were not computed
            continue;
        }
        cache_trim(e->cache, &s->pages);
        s->progressed = pending(s) > 0;
        if (s->n_sampled == 0 && pending(s) == 0)
            snapshot_take(s);
    }
    for (int32_t i = 0; i < st->n_rows && failure->status == GPTOSS_OK; i++) {
        engine_sequence *s = st->owners[st->row_run[i]];
        if (s->failure.status == GPTOSS_OK)
            publish_token(e, s);
    }
}

// Samples from every row of logits.
static void sample_rows(engine *e) {
    step *st = &e->step;
    double start = base_seconds();
    for (int32_t i = 0; i < st->n_rows; i++)
        sample_row(e, st->owners[st->row_run[i]],
                   st->logits + (size_t)i * (size_t)e->config->vocabulary);
    gptoss_part *part = st->n_rows == st->n_tokens ? &e->sampled_decode : &e->sampled_prompt;
    part->seconds += base_seconds() - start;
    part->calls++;
}

void run_step(engine *e) {
    step *st = &e->step;
    choose_batch(e);
    if (st->n_runs == 0)
        return;
    unlock(e);

    gptoss_error failure = {0};
    backend_batch batch = {st->n_tokens, st->ids, st->n_runs, st->runs, st->n_rows, st->rows};
    gptoss_status status = e->backend->forward(e->handle, &batch, st->logits, &failure);
    failure.status = status;
    if (status == GPTOSS_OK)
        sample_rows(e);

    pthread_mutex_lock(&e->lock);
    publish(e, &failure);
}
