// A crowd of sequences over the pages of one: whoever runs beside whom, waits, gives its pages away
// and gets them back, begins where another one ended, is cancelled, forked or cut at any moment:
// its tokens are those that a sequence of its own engine gets, compared with ==. If a page were
// taken from who computes, a state found for another text, a wake-up lost, or nobody able to go on,
// this fails or does not end.
#include "random_model.h"

#include <pthread.h>
#include <string.h>

enum { JOBS = 40, MOST_PROMPT = 250, MOST_TOKENS = 60, SLOTS = 12, OPERATIONS = 900, THREADS = 6 };

typedef struct job {
    int32_t prompt[MOST_PROMPT], n_prompt;
    engine_request request;
    sample_result expected[MOST_TOKENS];
    int32_t n_expected;
} job;

static job jobs[JOBS];
static random_model model;

static uint32_t roll(uint32_t *state, uint32_t n) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % n;
}

static void must(gptoss_status status, const gptoss_error *error) {
    CHECK(status == GPTOSS_OK, "%s", error->message);
}

static engine_sequence *new_sequence(engine *e) {
    gptoss_error error;
    engine_sequence *s;
    must(engine_sequence_create(e, &s, &error), &error);
    return s;
}

// Puts the job's prompt into a sequence, keeping what is there of it, and starts.
static void start(engine_sequence *s, const job *j, uint32_t *state) {
    gptoss_error error;
    size_t n, common = 0;
    const int32_t *ids = engine_ids(s, &n);
    while (common < n && common < (size_t)j->n_prompt && ids[common] == j->prompt[common])
        common++;
    engine_truncate(s, common);
    must(engine_push(s, j->prompt + common, (size_t)j->n_prompt - common, &error), &error);
    engine_request request = j->request;
    request.client = roll(state, 4);
    request.priority = roll(state, 8) == 0;
    request.reuse = roll(state, 8) > 0;
    if (roll(state, 2))
        engine_mark(s, roll(state, (uint32_t)j->n_prompt));
    must(engine_start(s, &request, &error), &error);
}

// Takes a result; true at the end. *at counts the tokens.
static bool take(engine_sequence *s, const job *j, int32_t *at, const char *what) {
    engine_result r;
    gptoss_error error;
    must(engine_next(s, &r, &error), &error);
    if (r.kind == ENGINE_TOKEN) {
        CHECK(*at < j->n_expected, "%s: %d tokens are too many", what, *at + 1);
        CHECK(r.token.id == j->expected[*at].id && r.token.logprob == j->expected[*at].logprob,
              "%s: token %d is %d %.9g, not %d %.9g", what, *at, r.token.id, r.token.logprob,
              j->expected[*at].id, j->expected[*at].logprob);
        ++*at;
    }
    if (r.kind == ENGINE_DONE && r.finish != ENGINE_CANCELLED)
        CHECK(*at == j->n_expected, "%s: %d tokens, not %d", what, *at, j->n_expected);
    return r.kind == ENGINE_DONE;
}

static void make_jobs(void) {
    uint32_t state = 4711;
    static int32_t heads[4][200];
    for (int h = 0; h < 4; h++) {
        for (int i = 0; i < 200; i++)
            heads[h][i] = h % 2 && i < 120 ? heads[h - 1][i] : (int32_t)roll(&state, VOCABULARY);
    }
    open_engine alone =
        engine_over(&model, &cpu_backend, BACKEND_FAST,
                    (engine_options){.context = CONTEXT, .sequences = 1, .batch_tokens = CONTEXT});
    for (job *j = jobs; j < jobs + JOBS; j++) {
        int32_t n_head = (int32_t)roll(&state, 190), n_tail = 1 + (int32_t)roll(&state, 50);
        memcpy(j->prompt, heads[roll(&state, 4)], (size_t)n_head * sizeof *j->prompt);
        for (int32_t i = 0; i < n_tail; i++)
            j->prompt[n_head + i] = (int32_t)roll(&state, roll(&state, 2) ? 2 : VOCABULARY);
        j->n_prompt = n_head + n_tail;
        j->request = (engine_request){
            .sampling = {.temperature = (float)roll(&state, 2),
                         .top_p = 1,
                         .repetition_penalty = 1},
            .max_tokens = 1 + (int32_t)roll(&state, MOST_TOKENS),
        };
        j->request.sampling.seed = roll(&state, 1000);
        engine_sequence *s = new_sequence(alone.engine);
        gptoss_error error;
        must(engine_push(s, j->prompt, (size_t)j->n_prompt, &error), &error);
        must(engine_start(s, &j->request, &error), &error);
        engine_result r = {0};
        while (r.kind != ENGINE_DONE) {
            must(engine_next(s, &r, &error), &error);
            if (r.kind == ENGINE_TOKEN)
                j->expected[j->n_expected++] = r.token;
        }
        engine_sequence_free(s);
        j->request.speculation = roll(&state, 2);
    }
    engine_end(&alone, &cpu_backend);
}

// ---- one thread, any order ------------------------------------------------------------------

typedef struct slot {
    engine_sequence *sequence;
    const job *job;
    int32_t at;
    bool running;
} slot;

static void begin(slot *s, uint32_t *state) {
    s->job = &jobs[roll(state, JOBS)];
    s->at = 0;
    s->running = true;
    start(s->sequence, s->job, state);
}

// The copy goes on where the original is.
static void fork_slot(slot *from, slot *to) {
    gptoss_error error;
    if (from == to || from->at == from->job->n_expected)
        return;
    engine_sequence_free(to->sequence);
    must(engine_fork(from->sequence, &to->sequence, &error), &error);
    *to = (slot){to->sequence, from->job, from->at, true};
    engine_request request = from->job->request;
    request.max_tokens -= from->at;
    request.reuse = true;
    must(engine_start(to->sequence, &request, &error), &error);
}

static void operate(engine *e, slot *slots, uint32_t *state) {
    slot *s = &slots[roll(state, SLOTS)];
    uint32_t what = roll(state, 40);
    if (!s->running || what == 0) {
        begin(s, state);
    } else if (what == 1) {
        engine_sequence_free(s->sequence);
        s->sequence = new_sequence(e);
        begin(s, state);
    } else if (what == 2) {
        int32_t before = s->at;
        engine_cancel(s->sequence);
        while (!take(s->sequence, s->job, &s->at, "cancelled"))
            ;
        CHECK(s->at == before, "a token came behind a cancel");
        s->running = false;
    } else if (what == 3) {
        fork_slot(s, &slots[roll(state, SLOTS)]);
    } else {
        for (uint32_t n = 1 + roll(state, 20); n > 0 && s->running; n--)
            s->running = !take(s->sequence, s->job, &s->at, "in any order");
    }
}

static void check_order(int32_t sequences, int32_t batch_tokens, int32_t kept, uint32_t seed) {
    open_engine o = engine_over(&model, &cpu_backend, BACKEND_FAST,
                                (engine_options){.context = CONTEXT,
                                                 .sequences = sequences,
                                                 .batch_tokens = batch_tokens,
                                                 .kept_states = kept});
    static slot slots[SLOTS];
    uint32_t state = seed;
    for (int i = 0; i < SLOTS; i++)
        slots[i] = (slot){.sequence = new_sequence(o.engine)};
    for (int i = 0; i < OPERATIONS; i++)
        operate(o.engine, slots, &state);
    engine_counts counts = engine_count(o.engine);
    for (int i = 0; i < SLOTS; i++)
        engine_sequence_free(slots[i].sequence);
    CHECK(counts.preempted > 50, "pages were taken only %d times", (int)counts.preempted);
    CHECK(!kept || (counts.hits > 20 && counts.cache.evicted > 50),
          "%d states used, %d evicted: too little", (int)counts.hits, (int)counts.cache.evicted);
    counts = engine_count(o.engine);
    CHECK(counts.running == 0 && counts.waiting == 0, "%d sequences run, %d wait", counts.running,
          counts.waiting);
    CHECK(engine_fits(o.engine, CONTEXT), "pages are lost: a whole context does not fit");
    engine_end(&o, &cpu_backend);
}

// ---- many threads ---------------------------------------------------------------------------

typedef struct worker {
    engine *engine;
    uint32_t state;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    engine_sequence *s = new_sequence(w->engine);
    for (int i = 0; i < 40; i++) {
        const job *j = &jobs[roll(&w->state, JOBS)];
        int32_t at = 0, leave = roll(&w->state, 3) ? MOST_TOKENS : (int32_t)roll(&w->state, 20);
        start(s, j, &w->state);
        bool gone = false;
        while (at < leave && !gone)
            gone = take(s, j, &at, "beside others");
        if (!gone && roll(&w->state, 2))
            engine_cancel(s);
        if (roll(&w->state, 6) == 0) {
            engine_sequence_free(s);
            s = new_sequence(w->engine);
        }
    }
    engine_sequence_free(s);
    return NULL;
}

static void check_threads(int32_t sequences, int32_t batch_tokens, int32_t kept) {
    open_engine o = engine_over(&model, &cpu_backend, BACKEND_FAST,
                                (engine_options){.context = CONTEXT,
                                                 .sequences = sequences,
                                                 .batch_tokens = batch_tokens,
                                                 .kept_states = kept});
    pthread_t threads[THREADS];
    worker workers[THREADS];
    for (uint32_t t = 0; t < THREADS; t++) {
        workers[t] = (worker){o.engine, 77 + t};
        CHECK(pthread_create(&threads[t], NULL, work, &workers[t]) == 0, "thread");
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    CHECK(engine_fits(o.engine, CONTEXT), "pages are lost: a whole context does not fit");
    engine_end(&o, &cpu_backend);
}

// ---- work that is not done ------------------------------------------------------------------

static int32_t n_computed;

static gptoss_status count_forward(void *handle, const backend_batch *batch, float *logits,
                                   gptoss_error *error) {
    n_computed += batch->n_tokens;
    return cpu_backend.forward(handle, batch, logits, error);
}

// Five that begin in the same way, at the same time: the beginning is computed once. The first is
// cancelled in the middle of it: no more of its prompt is computed, and the others go on.
static void check_once(bool cancel_first) {
    enum { N = 5, HEAD = 200 };
    backend_table counting = cpu_backend;
    counting.forward = count_forward;
    open_engine o = engine_over(
        &model, &counting, BACKEND_FAST,
        (engine_options){
            .context = CONTEXT, .sequences = N, .batch_tokens = 32, .kept_states = 4 * N});
    engine_sequence *sequences[N];
    engine_request request = {
        .sampling = {.top_p = 1, .repetition_penalty = 1}, .max_tokens = 1, .reuse = true};
    gptoss_error error;
    engine_result r;
    for (int i = 0; i < N; i++) {
        int32_t ids[HEAD + 2];
        for (int32_t k = 0; k < HEAD; k++)
            ids[k] = k * k % VOCABULARY;
        ids[HEAD] = ids[HEAD + 1] = i;
        sequences[i] = new_sequence(o.engine);
        must(engine_push(sequences[i], ids, HEAD + 2, &error), &error);
        must(engine_start(sequences[i], &request, &error), &error);
    }
    n_computed = 0;
    must(engine_next(sequences[0], &r, &error), &error);
    CHECK(r.kind == ENGINE_PROGRESS && n_computed <= 32, "a first step of %d tokens", n_computed);
    if (cancel_first) {
        engine_cancel(sequences[0]);
        must(engine_next(sequences[0], &r, &error), &error);
        CHECK(r.kind == ENGINE_DONE && r.finish == ENGINE_CANCELLED && n_computed <= 32,
              "%d tokens were computed behind a cancel", n_computed - 32);
    }
    for (int i = cancel_first; i < N; i++) {
        do
            must(engine_next(sequences[i], &r, &error), &error);
        while (r.kind != ENGINE_DONE);
    }
    CHECK(n_computed <= HEAD + 2 * N + 32, "%d tokens were computed for %d that differ", n_computed,
          HEAD + 2 * N);
    for (int i = 0; i < N; i++)
        engine_sequence_free(sequences[i]);
    engine_end(&o, &counting);
}

int main(void) {
    model_make(&model, 4, 40, 3);
    make_jobs();
    check_once(false);
    check_once(true);
    check_order(1, 64, 8, 1);
    check_order(2, 7, 20, 2);
    check_order(1, 1, 5, 3);
    check_order(1, 300, 0, 4);
    check_threads(1, 64, 8);
    check_threads(3, 33, 8);
    model_free(&model);
    puts("a crowd gets the tokens that each gets alone");
    return 0;
}
