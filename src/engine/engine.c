// The engine's own life, its lock, and logits of a whole sequence.
#include "engine/internal.h"

#include <string.h>

static cache_options cache_options_of(const engine_options *o) {
    return (cache_options){.context = o->context,
                           .sequences = o->sequences,
                           .max_tokens = o->batch_tokens,
                           .kept_states = o->kept_states,
                           .kept_pages = o->kept_pages};
}

void engine_plan(const model_config *config, const engine_options *options,
                 int32_t n_pages_out[BACKEND_GROUPS]) {
    cache_options kept = cache_options_of(options);
    cache_plan(config, &kept, n_pages_out);
}

// Rows of logits: as many as sequences that speak at the same time.
static size_t rows_of(const engine_options *o) {
    return (size_t)(o->sequences < LEAST_ROWS  ? LEAST_ROWS
                    : o->sequences < MOST_ROWS ? o->sequences
                                               : MOST_ROWS);
}

size_t engine_bytes(const model_config *config, const engine_options *options) {
    size_t per_token = sizeof(int32_t) + sizeof(backend_run) + sizeof(step_part);
    size_t sampling = 5 * sizeof(float); // sampler: candidates, counts, adjusted logits
    cache_options kept = cache_options_of(options);
    return (size_t)config->vocabulary * (rows_of(options) * sizeof(float) + sampling) +
           (size_t)options->batch_tokens * per_token +
           (lookup_bytes(options->context) + (size_t)options->context * sizeof(int32_t)) *
               (size_t)options->sequences +
           cache_kept_bytes(config, &kept);
}

static gptoss_status step_init(engine *e, gptoss_error *error) {
    size_t n = (size_t)e->options.batch_tokens, vocabulary = (size_t)e->config->vocabulary;
    step *s = &e->step;
    s->ids = base_alloc(n, sizeof *s->ids);
    s->runs = base_alloc(n, sizeof *s->runs);
    s->parts = base_alloc(n, sizeof *s->parts);
    s->most_rows = (int32_t)rows_of(&e->options);
    s->rows = base_alloc((size_t)s->most_rows, sizeof *s->rows);
    s->logits = base_alloc_aligned((size_t)s->most_rows * vocabulary, sizeof *s->logits);
    if (!s->ids || !s->runs || !s->parts || !s->rows || !s->logits)
        return base_fail_memory(error, engine_bytes(e->config, &e->options));
    return GPTOSS_OK;
}

gptoss_status engine_open(const backend_table *backend, void *handle, const model_config *config,
                          const engine_options *options, engine **engine_out, gptoss_error *error) {
    *engine_out = NULL;
    engine *e = base_alloc_zero(1, sizeof *e);
    if (!e)
        return base_fail_memory(error, sizeof *e);
    e->backend = backend;
    e->handle = handle;
    e->config = config;
    e->options = *options;
    e->pace.limit = options->stall;
    e->sampled_prompt.name = e->sampled_decode.name = "sample";
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);

    cache_options kept = cache_options_of(options);
    int32_t n_pages[BACKEND_GROUPS];
    cache_plan(config, &kept, n_pages);
    gptoss_status status = backend->cache_create(handle, n_pages, error);
    if (status == GPTOSS_OK)
        status = cache_open(backend, handle, config, &kept, &e->cache, error);
    if (status == GPTOSS_OK)
        status = sampler_create(config->vocabulary, &e->sampler, error);
    if (status == GPTOSS_OK)
        status = step_init(e, error);
    if (status != GPTOSS_OK) {
        engine_close(e);
        return status;
    }
    *engine_out = e;
    return GPTOSS_OK;
}

void engine_close(engine *e) {
    if (!e)
        return;
    base_free(e->step.ids);
    base_free(e->step.runs);
    base_free(e->step.parts);
    base_free(e->step.rows);
    base_free(e->step.logits);
    sampler_free(e->sampler);
    cache_close(e->cache);
    base_free(e->ready);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    base_free(e);
}

// ---- the lock -------------------------------------------------------------------------------

void lock_idle(engine_sequence *s) {
    engine *e = s->engine;
    pthread_mutex_lock(&e->lock);
    s->n_locking++;
    while (s->in_step)
        pthread_cond_wait(&e->changed, &e->lock);
    s->n_locking--;
}

void unlock(engine *e) {
    pthread_mutex_unlock(&e->lock);
}

void claim(engine *e) {
    e->n_claiming++;
    while (e->stepping)
        pthread_cond_wait(&e->changed, &e->lock);
    e->n_claiming--;
    e->stepping = true;
}

// Each thread is woken by itself, and only for a reason: hundreds of streams would spend more time
// on waking than on computing. Whoever was called for a result takes it before the next step
// begins, so that all who speak are part of that.
static void call(engine *e, engine_sequence *s, bool news) {
    s->called = true;
    s->has_news = news;
    e->n_waiting--;
    e->n_called += news;
    pthread_cond_signal(&s->wake);
}

void release(engine *e) {
    e->stepping = false;
    pthread_cond_broadcast(&e->changed);
    if (e->n_waiting > 0) {
        for (engine_sequence *s = e->first; s; s = s->next) {
            if (s->waiting && !s->called && has_news(s))
                call(e, s, true);
        }
    }
    pass_on(e);
}

bool may_step(const engine *e) {
    return !e->stepping && e->n_called == 0 && e->n_claiming == 0;
}

void pass_on(engine *e) {
    if (!may_step(e) || e->n_waiting == 0)
        return;
    engine_sequence *s = e->first;
    while (!s->waiting || s->called)
        s = s->next;
    call(e, s, false);
}

void wait_turn(engine_sequence *s) {
    engine *e = s->engine;
    s->waiting = true;
    e->n_waiting++;
    while (!s->called)
        pthread_cond_wait(&s->wake, &e->lock);
    s->waiting = s->called = false;
    e->n_called -= s->has_news;
    s->has_news = false;
}

// ---- what it counts -------------------------------------------------------------------------

static void add_part(gptoss_steps *steps, const gptoss_part *part) {
    steps->seconds += part->seconds;
    if (steps->n_parts < GPTOSS_MAX_PARTS)
        steps->parts[steps->n_parts++] = *part;
}

void engine_profile(engine *e, gptoss_profile *profile_out) {
    pthread_mutex_lock(&e->lock);
    claim(e);
    e->backend->profile(e->handle, profile_out);
    add_part(&profile_out->prompt, &e->sampled_prompt);
    add_part(&profile_out->decode, &e->sampled_decode);
    release(e);
    unlock(e);
}

engine_counts engine_count(engine *e) {
    pthread_mutex_lock(&e->lock);
    engine_counts counts = e->counts;
    counts.cache = cache_count(e->cache);
    for (const engine_sequence *s = e->first; s; s = s->next) {
        counts.running += s->running;
        counts.waiting += s->running && !s->admitted && s->finish == ENGINE_RUNNING;
    }
    unlock(e);
    return counts;
}

gptoss_status engine_limits(engine *e, gptoss_limits *limits_out, gptoss_error *error) {
    pthread_mutex_lock(&e->lock);
    claim(e);
    unlock(e);
    gptoss_status status = e->backend->limits(e->handle, limits_out, error);
    pthread_mutex_lock(&e->lock);
    release(e);
    unlock(e);
    return status;
}

// One chunk of ids, all of whose logits are wanted. The engine is claimed; the lock is held before
// and after, and not while the backend computes.
static gptoss_status logits_chunk(engine *e, cache_sequence *pages, const int32_t *ids,
                                  int32_t count, gptoss_error *error) {
    int32_t *rows = e->step.rows;
    (void)make_room(e, NULL, pages, count, VICTIMS_ALL);
    backend_run run = {.count = count, .position = pages->length};
    gptoss_status status = cache_extend(e->cache, pages, count, error);
    if (status != GPTOSS_OK)
        return status;
    for (int32_t i = 0; i < count; i++)
        rows[i] = i;
    memcpy(run.pages, pages->pages, sizeof run.pages);
    backend_batch batch = {count, ids, 1, &run, count, rows};
    unlock(e);
    status = e->backend->forward(e->handle, &batch, e->step.logits, error);
    pthread_mutex_lock(&e->lock);
    cache_trim(e->cache, pages, pages->length);
    return status;
}

// Hands the rows of a chunk to the caller, without the lock.
static gptoss_status visit_rows(engine *e, size_t first, size_t count,
                                bool (*visit)(void *context, size_t token, const float *row),
                                void *context, gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    unlock(e);
    for (size_t i = 0; i < count && status == GPTOSS_OK; i++) {
        if (!visit(context, first + i, e->step.logits + i * (size_t)e->config->vocabulary))
            status = base_fail(error, GPTOSS_CANCELLED, "stopped by the caller");
    }
    pthread_mutex_lock(&e->lock);
    return status;
}

gptoss_status engine_logits(engine *e, const int32_t *ids, size_t n_ids,
                            bool (*visit)(void *context, size_t token, const float *row),
                            void *context, gptoss_error *error) {
    if (n_ids > (size_t)e->options.context)
        return base_fail(error, GPTOSS_BAD_INPUT, "%zu tokens do not fit the context of %d", n_ids,
                         e->options.context);
    for (size_t i = 0; i < n_ids; i++) {
        if (ids[i] < 0 || ids[i] >= e->config->vocabulary)
            return base_fail(error, GPTOSS_BAD_INPUT, "id %d is outside the vocabulary of %d",
                             ids[i], e->config->vocabulary);
    }
    cache_sequence pages;
    gptoss_status status = cache_sequence_init(e->cache, &pages, error);
    if (status != GPTOSS_OK)
        return status;
    size_t most = (size_t)e->options.batch_tokens;
    if (most > (size_t)e->step.most_rows)
        most = (size_t)e->step.most_rows;
    pthread_mutex_lock(&e->lock);
    claim(e);
    for (size_t at = 0; at < n_ids && status == GPTOSS_OK; at += most) {
        size_t count = n_ids - at < most ? n_ids - at : most;
        status = logits_chunk(e, &pages, ids + at, (int32_t)count, error);
        if (status == GPTOSS_OK)
            status = visit_rows(e, at, count, visit, context, error);
    }
    cache_sequence_free(e->cache, &pages);
    release(e);
    unlock(e);
    return status;
}
