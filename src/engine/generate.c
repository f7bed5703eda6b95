// Generations: how they start and end, and how their results reach the caller.
#include "engine/internal.h"

#include <string.h>

static gptoss_status check_request(const engine_sequence *s, const engine_request *r,
                                   gptoss_error *error) {
    if (r->max_tokens < 0)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "max_tokens must not be negative");
    if (r->n_top < 0 || r->n_top > ENGINE_MAX_TOP || r->n_top > s->engine->config->vocabulary)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "logprobs must be 0 to %d, not %d",
                         ENGINE_MAX_TOP, r->n_top);
    if (s->ids.length == 0)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no token to go on from");
    if (s->running)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence is sampling already");
    return sample_check(&r->sampling, s->engine->config->vocabulary, error);
}

// Tokens that a step may add to the sequence.
static int32_t step_room(const engine_sequence *s) {
    int32_t left = s->engine->options.context - (int32_t)s->ids.length;
    return left < MAX_DRAFT + 1 ? left : MAX_DRAFT + 1;
}

static bool has_room(const engine_sequence *s) {
    int32_t wanted = (int32_t)s->ids.length + step_room(s);
    return (size_t)wanted <= s->ids.capacity &&
           (!s->request.speculation || wanted <= s->draft.index.capacity);
}

// Sampling must not fail for want of memory, and the caller may look at the ids while others
// compute: so they grow here, in the thread that waits for the sequence, ahead of each step.
static bool grow(engine_sequence *s) {
    if (has_room(s))
        return true;
    size_t context = (size_t)s->engine->options.context;
    size_t capacity = 2 * (s->ids.length + (size_t)step_room(s));
    if (capacity > context)
        capacity = context;
    if (capacity > s->ids.capacity) {
        int32_t *ids = base_resize(s->ids.data, capacity, sizeof *ids);
        if (!ids)
            return false;
        s->ids.data = ids;
        s->ids.capacity = capacity;
    }
    return !s->request.speculation || draft_reserve(&s->draft, s->ids.data, (int32_t)capacity);
}

bool wants_work(const engine_sequence *s) {
    return s->running && !s->n_locking && unfetched(s) == 0 && s->finish == ENGINE_RUNNING &&
           s->failure.status == GPTOSS_OK && !atomic_load(&s->cancelled) && pending(s) > 0 &&
           has_room(s);
}

// Everything that a generation begins with. The bias is the sequence's own.
static void begin(engine_sequence *s) {
    engine *e = s->engine;
    s->n_prompt = s->ids.length;
    s->n_sampled = s->n_results = s->n_fetched = 0;
    s->guessed = s->right = 0;
    s->finish = s->ids.length < (size_t)e->options.context ? ENGINE_RUNNING : ENGINE_LENGTH;
    s->failure = (gptoss_error){0};
    atomic_store(&s->cancelled, false);
    s->leader = NULL;
    s->order = ++e->n_started;
    s->running = true;
    client_begin(e, s->client);
    // The logits to sample from are those of the last token: it is computed again if need be.
    int32_t most = (int32_t)s->ids.length - 1;
    s->reused = cache_truncate(e->cache, &s->pages, most);
    s->counted = false;
    int32_t kept = s->request.reuse ? cache_find(e->cache, s->ids.data, most) : 0;
    if (kept > s->reused)
        s->reused = kept; // it may be more, or less, when its turn comes
}

gptoss_status engine_start(engine_sequence *s, const engine_request *request, gptoss_error *error) {
    gptoss_logit_bias *bias = NULL;
    size_t n_bias = request->sampling.n_bias;
    lock_idle(s);
    gptoss_status status = check_request(s, request, error);
    if (status == GPTOSS_OK && n_bias) {
        bias = base_alloc(n_bias, sizeof *bias);
        if (!bias)
            status = base_fail_memory(error, n_bias * sizeof *bias);
        else
            memcpy(bias, request->sampling.bias, n_bias * sizeof *bias);
    }
    if (status == GPTOSS_OK && !client_set(s, request->client))
        status = base_fail_memory(error, sizeof(client));
    if (status == GPTOSS_OK) {
        base_free(s->bias);
        s->bias = bias;
        s->request = *request;
        s->request.sampling.bias = bias;
        begin(s);
    } else {
        base_free(bias);
    }
    unlock(s->engine);
    return status;
}

size_t engine_reused(engine_sequence *s) {
    lock_idle(s);
    size_t reused = (size_t)s->reused;
    unlock(s->engine);
    return reused;
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
    if (s->finish != ENGINE_RUNNING || s->failure.status != GPTOSS_OK)
        return;
    keep(s, s->pages.length);
    s->finish = ENGINE_CANCELLED;
}

bool has_news(const engine_sequence *s) {
    return unfetched(s) > 0 || s->finish != ENGINE_RUNNING || s->failure.status != GPTOSS_OK ||
           s->progressed || atomic_load(&s->cancelled);
}

// Fills *result with what is ready; false when the caller must wait.
static bool fetch(engine_sequence *s, engine_result *result) {
    if (unfetched(s) > 0) {
        *result = s->results[s->n_fetched++];
    } else if (s->finish != ENGINE_RUNNING) {
        *result = (engine_result){.kind = ENGINE_DONE, .finish = s->finish};
        stop(s);
    } else if (s->progressed) {
        *result = (engine_result){.kind = ENGINE_PROGRESS, .computed = (size_t)s->pages.length};
        s->progressed = false;
    } else {
        return false;
    }
    result->guessed = s->guessed;
    result->right = s->right;
    result->reused = (size_t)s->reused;
    return true;
}

// Whether a generation has ended by a failure, which is then handed over.
static bool failed(engine_sequence *s, gptoss_status *status_out, gptoss_error *error) {
    *status_out = GPTOSS_OK;
    if (!s->running) {
        *status_out = base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence is not sampling");
    } else if (s->failure.status != GPTOSS_OK && unfetched(s) == 0) {
        *status_out = s->failure.status;
        if (error)
            *error = s->failure;
        stop(s);
    }
    return *status_out != GPTOSS_OK;
}

// Lets the sequence's thread compute, or wait for the one that does.
static void advance(engine_sequence *s) {
    engine *e = s->engine;
    if (!may_step(e)) {
        wait_turn(s);
        return;
    }
    e->stepping = true;
    bool any = run_step(e);
    release(e);
    if (!any && !has_news(s)) // it asked for work, and even alone it got none
        (void)base_fail(&s->failure, GPTOSS_NO_MEMORY, "there are no pages for the sequence");
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
            if (failed(s, &status, error) || fetch(s, result_out))
                break;
            if (!grow(s))
                (void)base_fail_memory(&s->failure, s->ids.length * sizeof(int32_t));
            if (s->failure.status != GPTOSS_OK)
                continue;
        }
        advance(s);
    }
    pass_on(e);
    unlock(e);
    return status;
}
