// Guessing changes nothing but the time: the same lives of sequences, with and without it, must
// agree in every token, probability, end and length, compared with ==. If a guess were taken
// without having been sampled, a row were used behind a wrong guess, a page forgotten that a cut
// needs, or a token handed over that the caller had cancelled, this fails.
#include "lives.h"
#include "random_model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 3 };

static char folder[] = "/tmp/gptoss-speculation-XXXXXX";

static void compare(const life_log *a, const life_log *b, uint32_t seed, const char *what) {
    for (size_t i = 0; i < a->n && i < b->n; i++)
        CHECK(memcmp(&a->entries[i], &b->entries[i], sizeof a->entries[i]) == 0,
              "%s, life %u: entry %zu is %d %d %.9g, not %d %d %.9g", what, seed, i,
              b->entries[i].what, b->entries[i].value, b->entries[i].logprob, a->entries[i].what,
              a->entries[i].value, a->entries[i].logprob);
    CHECK(a->n == b->n, "%s, life %u: %zu entries, not %zu", what, seed, b->n, a->n);
}

typedef struct lived {
    engine *engine;
    uint32_t seed;
    bool speculation;
    int index;
    life_log log;
} lived;

static void *live(void *argument) {
    lived *l = argument;
    char path[64];
    snprintf(path, sizeof path, "%s/%d", folder, l->index);
    life_run(l->engine, l->seed, l->speculation, path, &l->log);
    unlink(path);
    return NULL;
}

static void check_lives(int layers, int window, backend_precision precision, int32_t batch_tokens,
                        uint32_t first, uint32_t n) {
    static lived plain, guessing, beside[THREADS];
    random_model m;
    model_make(&m, layers, window, first + 1);
    engine_options options = {.context = CONTEXT,
                              .sequences = LIFE_SEQUENCES,
                              .batch_tokens = batch_tokens,
                              .kept_states = 12,
                              .kept_pages = 12};
    open_engine own = engine_over(&m, &cpu_backend, precision, options);
    options.sequences *= THREADS;
    open_engine shared = engine_over(&m, &cpu_backend, precision, options);
    size_t guessed = 0, right = 0;
    for (uint32_t seed = first; seed < first + n; seed++) {
        plain = (lived){.engine = own.engine, .seed = seed};
        guessing = (lived){.engine = own.engine, .seed = seed, .speculation = true};
        live(&plain);
        live(&guessing);
        compare(&plain.log, &guessing.log, seed, "alone");
        CHECK(plain.log.guessed == 0, "guesses where they are switched off");
        guessed += guessing.log.guessed;
        right += guessing.log.right;
        pthread_t threads[THREADS];
        for (int t = 0; t < THREADS; t++) {
            beside[t] =
                (lived){.engine = shared.engine, .seed = seed, .speculation = t > 0, .index = t};
            CHECK(pthread_create(&threads[t], NULL, live, &beside[t]) == 0, "thread");
        }
        for (int t = 0; t < THREADS; t++) {
            pthread_join(threads[t], NULL);
            compare(&plain.log, &beside[t].log, seed, "beside others");
        }
    }
    CHECK(right > 20 * n && guessed - right > 2 * n, "%zu of %zu guesses were right: too little",
          right, guessed);
    engine_end(&own, &cpu_backend);
    engine_end(&shared, &cpu_backend);
    model_free(&m);
}

// ---- one text that repeats itself ------------------------------------------------------------

static int n_forwards;

static gptoss_status count_forward(void *handle, const backend_batch *batch, float *logits,
                                   gptoss_error *error) {
    n_forwards++;
    const backend_run *run = &batch->runs[0];
    int32_t last = run->position + run->count - 1;
    CHECK(batch->n_rows < 2 || run->position / BACKEND_PAGE == last / BACKEND_PAGE,
          "guesses from position %d to %d take a page", run->position, last);
    return cpu_backend.forward(handle, batch, logits, error);
}

enum { PERIOD = 20, PROMPT = 100 };

static int32_t phrase(size_t position) {
    return (int32_t)(position % PERIOD * 2);
}

static void say_phrase(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                       int32_t vocabulary) {
    (void)ids;
    (void)vocabulary;
    allowed[0] = allowed[1] = 0;
    if (n_ids == *(const size_t *)context)
        return; // nothing may come
    allowed[phrase(PROMPT + n_ids) / 32] |= 1u << phrase(PROMPT + n_ids) % 32;
}

// Takes results until the end; the tokens must be the phrase's.
static engine_result run_phrase(engine_sequence *s, size_t *n_out, gptoss_status *status_out) {
    engine_result r;
    gptoss_error error;
    size_t before;
    (void)engine_ids(s, &before);
    for (*n_out = 0;;) {
        *status_out = engine_next(s, &r, &error);
        if (*status_out != GPTOSS_OK || r.kind == ENGINE_DONE)
            return r;
        if (r.kind != ENGINE_TOKEN)
            continue;
        CHECK(r.token.id == phrase(before + *n_out), "token %zu is %d", *n_out, r.token.id);
        ++*n_out;
        size_t length;
        (void)engine_ids(s, &length);
        CHECK(length == before + *n_out, "%zu tokens are known, %zu were handed over",
              length - before, *n_out);
    }
}

// What may end a generation ends it in the middle of right guesses, and it goes on behind.
static void check_ends(void) {
    random_model m;
    model_make(&m, 4, 30, 5);
    backend_table counting = cpu_backend;
    counting.forward = count_forward;
    engine_options options = {.context = CONTEXT, .sequences = 1, .batch_tokens = 128};
    open_engine o = engine_over(&m, &counting, BACKEND_FAST, options);
    engine_sequence *s;
    gptoss_error error;
    CHECK(engine_sequence_create(o.engine, &s, &error) == GPTOSS_OK, "%s", error.message);
    int32_t ids[PROMPT];
    for (size_t i = 0; i < PROMPT; i++)
        ids[i] = phrase(i);
    CHECK(engine_push(s, ids, PROMPT, &error) == GPTOSS_OK, "%s", error.message);
    size_t nothing_at = 1000, n;
    gptoss_status status;
    engine_request request = {.sampling = {.temperature = 1,
                                           .top_p = 1,
                                           .repetition_penalty = 1,
                                           .mask = say_phrase,
                                           .mask_context = &nothing_at},
                              .speculation = true};

    request.max_tokens = 33;
    CHECK(engine_start(s, &request, &error) == GPTOSS_OK, "%s", error.message);
    n_forwards = 0;
    engine_result r = run_phrase(s, &n, &status);
    CHECK(status == GPTOSS_OK && r.finish == ENGINE_LENGTH && n == 33, "%zu of 33 tokens", n);
    CHECK(n_forwards < 15 && r.right > 20, "%d steps for 33 tokens, %zu guesses right", n_forwards,
          r.right);
    CHECK(engine_cached(s) == PROMPT + 32, "%zu tokens are cached", engine_cached(s));

    // The mask counts from the start of a generation: its phrase begins anew here.
    engine_truncate(s, PROMPT);
    request.max_tokens = 0;
    request.n_stops = 1;
    request.stops[0] = phrase(PROMPT + 17);
    CHECK(engine_start(s, &request, &error) == GPTOSS_OK, "%s", error.message);
    r = run_phrase(s, &n, &status);
    CHECK(status == GPTOSS_OK && r.finish == ENGINE_STOPPED && n == 18, "stopped behind %zu", n);

    engine_truncate(s, PROMPT);
    request.n_stops = 0;
    nothing_at = 41;
    CHECK(engine_start(s, &request, &error) == GPTOSS_OK, "%s", error.message);
    (void)run_phrase(s, &n, &status);
    CHECK(status == GPTOSS_BAD_INPUT && n == 41, "%zu tokens before nothing was allowed", n);

    engine_truncate(s, PROMPT);
    nothing_at = 1000;
    CHECK(engine_start(s, &request, &error) == GPTOSS_OK, "%s", error.message);
    r = run_phrase(s, &n, &status);
    CHECK(status == GPTOSS_OK && r.finish == ENGINE_LENGTH && n == CONTEXT - PROMPT,
          "the context held %zu tokens", n);
    engine_sequence_free(s);
    engine_end(&o, &counting);
    model_free(&m);
}

int main(void) {
    CHECK(mkdtemp(folder), "mkdtemp");
    check_ends();
    check_lives(2, 5, BACKEND_FAST, 64, 100, 8);
    check_lives(4, 64, BACKEND_FAST, 33, 200, 8); // windows that end where pages do
    check_lives(3, 65, BACKEND_EXACT, 7, 300, 4); // less room in a batch than guesses
    check_lives(2, 0, BACKEND_FAST, 300, 400, 4); // nothing slides
    CHECK(rmdir(folder) == 0, "a file was left behind");
    puts("24 lives are the same with guesses and without");
    return 0;
}
