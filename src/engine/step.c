// One step: compute the batch that was chosen, sample, publish.
#include "engine/internal.h"

#include <string.h>

// Samples the next token of a sequence from its row. The sequence is the step's own, so this needs
// no lock. False when that failed.
static bool sample_row(engine *e, engine_sequence *s, const float *logits) {
    sample_context context = {&s->request.sampling, s->ids.data, s->ids.length, s->n_prompt};
    engine_result *r = &s->results[s->n_results];
    r->kind = ENGINE_TOKEN;
    r->n_top = s->request.n_top;
    return sample_token(e->sampler, &context, logits, r->top, r->n_top, &r->token, &s->failure) ==
           GPTOSS_OK;
}

// Takes the sampled token into its sequence, and finds out whether it was the last.
static int32_t take_token(engine *e, engine_sequence *s) {
    int32_t id = s->results[s->n_results++].token.id;
    (void)base_ids_push(&s->ids, id); // has its room: see engine_start
    s->n_sampled++;
    if (s->request.speculation)
        draft_follow(&s->draft, s->ids.data, (int32_t)s->ids.length);
    for (int32_t i = 0; i < s->request.n_stops; i++) {
        if (id == s->request.stops[i])
            s->finish = ENGINE_STOPPED;
    }
    bool full = s->ids.length == (size_t)e->options.context;
    if (s->finish == ENGINE_RUNNING && (full || s->n_sampled == s->request.max_tokens))
        s->finish = ENGINE_LENGTH;
    return id;
}

// Samples from the rows of a part, one after another: each holds if the token that it was computed
// behind is the one that came.
static void sample_part(engine *e, step_part *part) {
    const step *st = &e->step;
    engine_sequence *s = part->owner;
    s->n_results = s->n_fetched = 0;
    bool right = true;
    while (right && part->n_used < part->n_rows && s->finish == ENGINE_RUNNING) {
        int32_t row = part->first_row + part->n_used++;
        if (!sample_row(e, s, st->logits + (size_t)row * (size_t)e->config->vocabulary))
            return;
        int32_t id = take_token(e, s);
        right = part->n_used < part->n_rows && id == st->ids[st->rows[row + 1]];
        s->right += right;
    }
}

// Keeps the states that others may begin with: at the ends of the prompt and of the generation, and
// at marks that were reached. Behind these there may be more that was computed.
static void keep_states(engine_sequence *s, int32_t before) {
    int32_t now = s->pages.length;
    for (int32_t i = 0; i < s->n_marks; i++) {
        if (s->marks[i] > now)
            continue;
        keep(s, s->marks[i]);
        s->marks[i--] = s->marks[--s->n_marks];
    }
    if (before < (int32_t)s->n_prompt && (int32_t)s->n_prompt <= now)
        keep(s, (int32_t)s->n_prompt);
    if (s->finish != ENGINE_RUNNING)
        keep(s, now);
}

// Ends the step for one sequence in it.
static void publish_part(engine *e, const step_part *part, const backend_run *run) {
    engine_sequence *s = part->owner;
    int32_t n_guesses = part->n_rows ? part->n_rows - 1 : 0;
    (void)cache_truncate(e->cache, &s->pages,
                         run->position + run->count - (part->n_rows - part->n_used));
    keep_states(s, run->position);
    // The caller does not know of what was guessed: it may still go back to before it.
    cache_trim(e->cache, &s->pages, run->position + run->count - n_guesses - 1);
    s->progressed = part->n_rows == 0 && s->n_sampled == 0;
}

// Ends the step for every sequence in it, under the lock.
static void publish(engine *e, const gptoss_error *failure) {
    step *st = &e->step;
    for (int32_t i = 0; i < st->n_runs; i++) {
        engine_sequence *s = st->parts[i].owner;
        s->in_step = false;
        if (failure->status == GPTOSS_OK) {
            publish_part(e, &st->parts[i], &st->runs[i]);
        } else {
            s->failure = *failure;
            cache_truncate(e->cache, &s->pages, st->runs[i].position); // they were not computed
        }
        if (s->finish != ENGINE_RUNNING || s->failure.status != GPTOSS_OK)
            s->admitted = false; // its pages are there for others
    }
}

// Samples from every row of logits that holds.
static void sample_rows(engine *e) {
    step *st = &e->step;
    double start = base_seconds();
    for (int32_t i = 0; i < st->n_runs; i++)
        sample_part(e, &st->parts[i]);
    gptoss_part *part = st->n_rows == st->n_tokens ? &e->sampled_decode : &e->sampled_prompt;
    part->seconds += base_seconds() - start;
    part->calls++;
}

bool run_step(engine *e) {
    step *st = &e->step;
    choose_batch(e);
    if (st->n_runs == 0)
        return false;
    unlock(e);

    double start = base_seconds();
    gptoss_error failure = {0};
    backend_batch batch = {st->n_tokens, st->ids, st->n_runs, st->runs, st->n_rows, st->rows};
    gptoss_status status = e->backend->forward(e->handle, &batch, st->logits, &failure);
    failure.status = status;
    if (status == GPTOSS_OK)
        sample_rows(e);

    pthread_mutex_lock(&e->lock);
    pace_note(&e->pace, st->n_prompt, st->speech, base_seconds() - start);
    publish(e, &failure);
    return true;
}
