// Sequences: their tokens, their pages, and the states that are kept to come back to.
#include "engine/internal.h"

#include <string.h>

gptoss_status engine_sequence_create(engine *e, engine_sequence **sequence_out,
                                     gptoss_error *error) {
    *sequence_out = NULL;
    engine_sequence *s = base_alloc_zero(1, sizeof *s);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    s->engine = e;
    atomic_init(&s->cancelled, false);
    // Sampling must not fail for want of memory, so the ids have their room from the start.
    s->ids.data = base_alloc((size_t)e->options.context, sizeof *s->ids.data);
    s->ids.capacity = (size_t)e->options.context;
    gptoss_status status = GPTOSS_OK;
    if (!s->ids.data)
        status = base_fail_memory(error, s->ids.capacity * sizeof *s->ids.data);
    if (status == GPTOSS_OK && !draft_init(&s->draft, e->options.context))
        status = base_fail_memory(error, lookup_bytes(e->options.context));
    if (status == GPTOSS_OK)
        status = cache_sequence_init(e->cache, &s->pages, error);
    if (status != GPTOSS_OK) {
        draft_free(&s->draft);
        base_ids_free(&s->ids);
        base_free(s);
        return status;
    }
    pthread_mutex_lock(&e->lock);
    s->previous = e->last;
    if (e->last)
        e->last->next = s;
    else
        e->first = s;
    e->last = s;
    unlock(e);
    *sequence_out = s;
    return GPTOSS_OK;
}

void engine_sequence_free(engine_sequence *s) {
    if (!s)
        return;
    engine *e = s->engine;
    lock_idle(s);
    if (s->previous)
        s->previous->next = s->next;
    else
        e->first = s->next;
    if (s->next)
        s->next->previous = s->previous;
    else
        e->last = s->previous;
    cache_sequence_free(e->cache, &s->pages);
    unlock(e);
    draft_free(&s->draft);
    base_ids_free(&s->ids);
    base_free(s->bias);
    base_free(s);
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
    else if (n_ids > s->ids.capacity - s->ids.length)
        status = base_fail(error, GPTOSS_NO_MEMORY,
                           "%zu more tokens do not fit behind %zu: the context is %d", n_ids,
                           s->ids.length, e->options.context);
    else
        (void)base_ids_append(&s->ids, ids, n_ids); // has its room: can't fail
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

// Forgets the tokens from `length` on, and those that the caller does not know of.
static void cut(engine_sequence *s, size_t length) {
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
    s->running = s->progressed = false;
    cut(s, length);
    unlock(s->engine);
}

gptoss_status engine_fork(engine_sequence *s, engine_sequence **copy_out, gptoss_error *error) {
    gptoss_status status = engine_sequence_create(s->engine, copy_out, error);
    if (status != GPTOSS_OK)
        return status;
    engine_sequence *copy = *copy_out;
    lock_idle(s);
    (void)base_ids_append(&copy->ids, s->ids.data, known_length(s)); // same capacity: can't fail
    copy->n_prompt = s->n_prompt;
    cache_fork(s->engine->cache, &s->pages, &copy->pages);
    (void)cache_truncate(s->engine->cache, &copy->pages, (int32_t)copy->ids.length);
    unlock(s->engine);
    return GPTOSS_OK;
}

static gptoss_status check_request(const engine_sequence *s, const engine_request *r,
                                   gptoss_error *error) {
    if (r->max_tokens < 0)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "max_tokens must not be negative");
    if (r->n_top < 0 || r->n_top > ENGINE_MAX_TOP || r->n_top > s->engine->config->vocabulary)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "logprobs must be 0 to %d, not %d",
                         ENGINE_MAX_TOP, r->n_top);
    if (s->ids.length == 0)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no token to go on from");
    return sample_check(&r->sampling, s->engine->config->vocabulary, error);
}

// Takes over what is computed already: by the sequence itself, or by any other.
static void begin(engine_sequence *s) {
    engine *e = s->engine;
    // The logits to sample from are those of the last token: it is computed again if need be.
    int32_t most = (int32_t)s->ids.length - 1;
    (void)cache_truncate(e->cache, &s->pages, most);
    if (!s->request.reuse)
        return;
    int32_t length = cache_adopt(e->cache, &s->pages, s->ids.data, most);
    e->counts.prompts++;
    e->counts.prompt_tokens += s->ids.length;
    e->counts.hits += length > 0;
    e->counts.reused_tokens += (uint64_t)length;
}

gptoss_status engine_start(engine_sequence *s, const engine_request *request, gptoss_error *error) {
    gptoss_logit_bias *bias = NULL;
    lock_idle(s);
    gptoss_status status = check_request(s, request, error);
    if (status == GPTOSS_OK && s->running)
        status = base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence is sampling already");
    size_t n_bias = request->sampling.n_bias;
    if (status == GPTOSS_OK && n_bias) {
        bias = base_alloc(n_bias, sizeof *bias);
        if (!bias)
            status = base_fail_memory(error, n_bias * sizeof *bias);
        else
            memcpy(bias, request->sampling.bias, n_bias * sizeof *bias);
    }
    if (status == GPTOSS_OK) {
        base_free(s->bias);
        s->bias = bias;
        s->request = *request;
        s->request.sampling.bias = bias;
        s->n_prompt = s->ids.length;
        s->n_sampled = 0;
        s->running = true;
        s->progressed = false;
        s->n_results = s->n_fetched = 0;
        s->guessed = s->right = 0;
        s->finish = s->ids.length < s->ids.capacity ? ENGINE_RUNNING : ENGINE_LENGTH;
        s->failure = (gptoss_error){0};
        atomic_store(&s->cancelled, false);
        begin(s);
    }
    unlock(s->engine);
    return status;
}

void engine_cancel(engine_sequence *s) {
    atomic_store(&s->cancelled, true);
}

// Ends a generation behind the token that the caller has, as if nothing else had been computed.
static void cancel(engine_sequence *s) {
    if (unfetched(s) > 0) {
        s->finish = ENGINE_RUNNING;
        s->failure = (gptoss_error){0};
        cut(s, s->ids.length);
    }
    if (s->finish == ENGINE_RUNNING && s->failure.status == GPTOSS_OK)
        keep(s, s->pages.length);
    if (s->finish == ENGINE_RUNNING)
        s->finish = ENGINE_CANCELLED;
}

// Fills *result with what is ready; false when the caller must wait.
static bool fetch(engine_sequence *s, engine_result *result) {
    if (unfetched(s) > 0) {
        *result = s->results[s->n_fetched++];
    } else if (s->finish != ENGINE_RUNNING) {
        *result = (engine_result){.kind = ENGINE_DONE, .finish = s->finish};
        s->running = false;
    } else if (s->progressed) {
        *result = (engine_result){.kind = ENGINE_PROGRESS, .computed = (size_t)s->pages.length};
        s->progressed = false;
    } else {
        return false;
    }
    result->guessed = s->guessed;
    result->right = s->right;
    return true;
}

// Whether a generation has ended by a failure, which is then handed over.
static bool failed(engine_sequence *s, gptoss_status *status_out, gptoss_error *error) {
    *status_out = GPTOSS_OK;
    if (!s->running)
        *status_out = base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence is not sampling");
    else if (s->failure.status != GPTOSS_OK && unfetched(s) == 0) {
        *status_out = s->failure.status;
        if (error)
            *error = s->failure;
        s->running = false;
    }
    return *status_out != GPTOSS_OK;
}

gptoss_status engine_next(engine_sequence *s, engine_result *result_out, gptoss_error *error) {
    *result_out = (engine_result){.kind = ENGINE_DONE};
    engine *e = s->engine;
    gptoss_status status = GPTOSS_OK;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        if (!s->in_step) {
            if (s->running && atomic_load(&s->cancelled))
                cancel(s);
            if (failed(s, &status, error))
                break;
            if (fetch(s, result_out))
                break;
        }
        if (e->stepping) {
            pthread_cond_wait(&e->changed, &e->lock);
            continue;
        }
        claim(e);
        run_step(e);
        release(e);
    }
    unlock(e);
    return status;
}
