// One step: choose a batch from all sequences that have work, compute it, sample, publish.
#include "engine/internal.h"

#include <assert.h>
#include <string.h>

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static int32_t pending(const engine_sequence *s) {
    return (int32_t)s->ids.length - s->pages.length;
}

static bool wants_work(const engine_sequence *s) {
    return s->running && unfetched(s) == 0 && s->finish == ENGINE_RUNNING &&
           s->failure.status == GPTOSS_OK && !atomic_load(&s->cancelled) && pending(s) > 0;
}

// Guesses up to `most` tokens that come behind the one that was sampled last. They end before the
// generation does, and stay in the page of that token: a guess takes no memory that another
// sequence could miss.
static int32_t guess(const engine_sequence *s, int32_t most, int32_t *ids) {
    const engine *e = s->engine;
    int32_t length = (int32_t)s->ids.length;
    if (!s->request.speculation || s->n_sampled == 0)
        return 0;
    assert(s->draft.length == length);
    most = least(most, BACKEND_PAGE - 1 - (length - 1) % BACKEND_PAGE);
    most = least(most, e->options.context - length - 1);
    if (s->request.max_tokens)
        most = least(most, s->request.max_tokens - s->n_sampled - 1);
    return draft_guess(&s->draft, s->ids.data, most, ids);
}

// Puts up to `most` pending tokens of a sequence into the batch, and where that is all of them, up
// to `most_guesses` behind them.
static void add_run(engine *e, engine_sequence *s, int32_t most, int32_t most_guesses) {
    step *st = &e->step;
    int32_t *ids = st->ids + st->n_tokens;
    int32_t position = s->pages.length, wanted = least(pending(s), most), n_guesses = 0;
    bool whole = wanted == pending(s);
    if (whole)
        n_guesses = guess(s, least(most - wanted, most_guesses), ids + wanted);
    int32_t count = wanted + n_guesses;
    if (cache_extend(e->cache, &s->pages, count, &s->failure) != GPTOSS_OK)
        return;
    memcpy(ids, s->ids.data + position, (size_t)wanted * sizeof *ids);
    backend_run *run = &st->runs[st->n_runs];
    *run = (backend_run){.first = st->n_tokens, .count = count, .position = position};
    memcpy(run->pages, s->pages.pages, sizeof run->pages);
    step_part *part = &st->parts[st->n_runs++];
    *part = (step_part){.owner = s, .first_row = st->n_rows, .n_rows = whole ? 1 + n_guesses : 0};
    st->n_tokens += count;
    for (int32_t i = 0; i < part->n_rows; i++)
        st->rows[st->n_rows++] = st->n_tokens - part->n_rows + i;
    s->guessed += (size_t)n_guesses;
    s->in_step = true;
}

// Guesses that one sequence may add to a batch: those that speak at the same time share the rows.
static int32_t share_of_guesses(const engine *e) {
    int32_t n_speaking = 0;
    for (const engine_sequence *s = e->first; s; s = s->next)
        n_speaking += wants_work(s) && s->n_sampled > 0;
    return n_speaking ? DRAFT_ROWS / n_speaking - 1 : 0;
}

// Sequences that sample come first, then prompts; within each, the least recently computed.
static void choose_batch(engine *e) {
    step *st = &e->step;
    int32_t most_guesses = share_of_guesses(e);
    st->n_tokens = st->n_runs = st->n_rows = 0;
    for (int prompts = 0; prompts < 2; prompts++) {
        for (engine_sequence *s = e->first; s; s = s->next) {
            int32_t room = e->options.batch_tokens - st->n_tokens;
            if (room == 0 || st->n_rows == MAX_ROWS)
                return;
            if (!s->in_step && wants_work(s) && (pending(s) > 1) == prompts)
                add_run(e, s, room, least(most_guesses, MAX_ROWS - 1 - st->n_rows));
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
    s->progressed = part->n_rows == 0;
}

// Ends the step for every sequence in it, under the lock.
static void publish(engine *e, const gptoss_error *failure) {
    step *st = &e->step;
    for (int32_t i = 0; i < st->n_runs; i++) {
        engine_sequence *s = st->parts[i].owner;
        s->in_step = false;
        move_to_end(e, s);
        if (failure->status == GPTOSS_OK) {
            publish_part(e, &st->parts[i], &st->runs[i]);
        } else {
            s->failure = *failure;
            cache_truncate(e->cache, &s->pages, st->runs[i].position); // they were not computed
        }
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
