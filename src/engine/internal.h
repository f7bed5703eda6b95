// What the files of the engine share. One mutex guards every field that is not marked otherwise.
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "engine/draft.h"
#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    MAX_ROWS = 32,   // logit rows of one batch; more sequences than that take turns
    DRAFT_ROWS = 24, // of those, the ones that sampled tokens and guesses behind them may use
    MAX_DRAFT = DRAFT_ROWS - 1, // guessed tokens of one sequence
};

// What a run of the batch is for. Rows are its last tokens: none in the middle of a prompt, one at
// its end, and one for each drafted token behind that.
typedef struct step_part {
    engine_sequence *owner;
    int32_t first_row, n_rows;
    int32_t n_used; // rows that were sampled from: those behind the first wrong guess are void
} step_part;

// A batch while it is computed. Touched only by the thread that computes.
typedef struct step {
    int32_t n_tokens, n_runs, n_rows;
    int32_t *ids;           // [batch_tokens]
    backend_run *runs;      // [batch_tokens]
    step_part *parts;       // [batch_tokens], of each run
    int32_t rows[MAX_ROWS]; // index of the token
    float *logits;          // [MAX_ROWS][vocabulary]
} step;

struct engine {
    const backend_table *backend;
    void *handle;
    const model_config *config;
    engine_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed; // a step ended
    bool stepping;          // one thread computes; cache, step and sampler are its own
    cache *cache;
    sampler *sampler;
    step step;
    gptoss_part sampled_prompt, sampled_decode; // for the profile
    engine_sequence *first, *last;              // all sequences, the least recently computed first
    engine_counts counts;                       // without the cache's own
};

struct engine_sequence {
    engine *engine;
    engine_sequence *previous, *next;
    base_ids ids;                // capacity for the whole context from the start
    size_t n_prompt;             // tokens before the generation
    cache_sequence pages;        // pages.length tokens are computed
    int32_t marks[ENGINE_MARKS]; // [n_marks] lengths whose states are to be kept
    int32_t n_marks;
    bool in_step;    // the computing thread works on it: everything else must wait
    bool running;    // between start and the last result
    bool progressed; // a part of the prompt was computed and not yet reported
    // Tokens of one step, handed out one by one; the next step comes when all are fetched.
    engine_result results[MAX_DRAFT + 1]; // [n_results], the first n_fetched are with the caller
    int32_t n_results, n_fetched;
    int32_t n_sampled;
    engine_request request;
    gptoss_logit_bias *bias; // copy, request.sampling.bias points here
    engine_finish finish;    // why it ended, reported after the tokens
    gptoss_error failure;    // the same; status GPTOSS_OK: none
    draft draft;             // follows the ids where a request speculates
    size_t guessed, right;   // since the generation began
    atomic_bool cancelled;   // without the lock
};

// Takes the lock and waits until no step works on the sequence.
void lock_idle(engine_sequence *sequence);
void unlock(engine *engine);

// Waits until no step runs and claims the cache and the step's memory for the caller; the lock is
// held before and after.
void claim(engine *engine);
void release(engine *engine);

// Runs one batch, if there is work; the caller has claimed the engine and holds the lock, which is
// let go while the backend computes.
void run_step(engine *engine);

// Tokens that the caller does not know of yet.
int32_t unfetched(const engine_sequence *sequence);

// Keeps the state that the sequence had at `length`, if its request wants that.
void keep(engine_sequence *sequence, int32_t length);

#endif
