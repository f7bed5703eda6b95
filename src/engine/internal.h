// What the files of the engine share. One mutex guards every field that is not marked otherwise.
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "engine/draft.h"
#include "engine/engine.h"
#include "engine/pace.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    LEAST_ROWS = 32, // logit rows of one batch, for few sequences and for many: sequences beyond
    MOST_ROWS = 256, // these take turns
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
    int32_t n_tokens, n_runs, n_rows, most_rows;
    int32_t n_prompt;  // tokens of prompts
    bool speech;       // somebody speaks beside them
    int32_t *ids;      // [batch_tokens]
    backend_run *runs; // [batch_tokens]
    step_part *parts;  // [batch_tokens], of each run
    int32_t *rows;     // [most_rows] index of the token
    float *logits;     // [most_rows][vocabulary]
} step;

// Who asks. Those whose sequences run at the same time get the same number of tokens.
typedef struct client {
    struct client *next;
    uint64_t id;
    uint64_t served;            // tokens computed, in the time that all who run count in
    int32_t n_users, n_running; // sequences that were started for it last
} client;

struct engine {
    const backend_table *backend;
    void *handle;
    const model_config *config;
    engine_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed; // a step ended
    bool stepping;      // one thread computes; step and sampler are its own, and so is the device
    int32_t n_claiming; // threads that want the device for something else: they come first
    int32_t n_waiting;  // sequences whose thread waits and was not called
    int32_t n_called;   // those that were called because there is something for them
    cache *cache;
    sampler *sampler;
    step step;
    pace pace;
    uint64_t n_steps, n_started;
    gptoss_part sampled_prompt, sampled_decode; // for the profile
    engine_sequence *first;                     // all sequences, the newest first
    int32_t n_sequences;
    engine_sequence **ready; // [ready_capacity], at least n_sequences: those with work, in order
    int32_t ready_capacity;
    client *clients;
    engine_counts counts; // without the cache's own
};

struct engine_sequence {
    engine *engine;
    engine_sequence *previous, *next;
    base_ids ids;                // with room for the next step, which must not fail for want of it
    size_t n_prompt;             // tokens before the generation
    cache_sequence pages;        // pages.length tokens are computed
    int32_t marks[ENGINE_MARKS]; // [n_marks] lengths whose states are to be kept
    int32_t n_marks;
    bool in_step;      // the computing thread works on it: everything else must wait
    bool running;      // between start and the last result
    bool admitted;     // running, and there are pages for its tokens
    bool progressed;   // a part of the prompt was computed and not yet reported
    int32_t n_locking; // threads that want to change it: it takes no part in steps
    uint64_t order;    // of starts
    uint64_t computed; // the step that it was last part of
    int32_t step_from; // in a step: the length before
    client *client;
    // Another sequence computes the same beginning: this one waits until that has leader_length.
    engine_sequence *leader;
    uint64_t leader_order;
    int32_t leader_length;
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
    int32_t reused;          // tokens of its prompt that were there; a guess until `counted`
    bool counted;
    atomic_bool cancelled;          // without the lock
    pthread_cond_t wake;            // its thread waits for a result, or to compute
    bool waiting, called, has_news; // that thread: waits; was called; because there is a result
};

// ---- the lock (engine.c) --------------------------------------------------------------------

// Takes the lock and waits until no step works on the sequence.
void lock_idle(engine_sequence *sequence);
void unlock(engine *engine);

// Waits until no step runs and claims the device and the step's memory for the caller; the lock is
// held before and after.
void claim(engine *engine);
void release(engine *engine);

// Waits until the sequence has something for its thread, or that thread should compute.
void wait_turn(engine_sequence *sequence);
// Whether the caller may compute now; it then sets `stepping`.
bool may_step(const engine *engine);
// Calls somebody to compute, if nobody does and somebody waits. Before the lock is let go.
void pass_on(engine *engine);

// ---- sequences (sequence.c, generate.c) ------------------------------------------------------

// Tokens that the caller does not know of yet.
int32_t unfetched(const engine_sequence *sequence);
// Whether engine_next has something to return.
bool has_news(const engine_sequence *sequence);
// Whether a step may compute it.
bool wants_work(const engine_sequence *sequence);
// Tokens that are not computed.
int32_t pending(const engine_sequence *sequence);
// Keeps the state that the sequence had at `length`, if its request wants that.
void keep(engine_sequence *sequence, int32_t length);
// Forgets the tokens from `length` on, and those that the caller does not know of.
void cut(engine_sequence *sequence, size_t length);
// It does not run any more.
void stop(engine_sequence *sequence);

// ---- steps (step.c, schedule.c) -------------------------------------------------------------

// Runs one batch; false when there was nothing to compute. The caller has claimed the engine and
// holds the lock, which is let go while the backend computes.
bool run_step(engine *engine);
void choose_batch(engine *engine);

// Whose pages may be taken to make room.
typedef enum victim_kind {
    VICTIMS_IDLE,    // sequences that don't run: they are computed again when they go on
    VICTIMS_LOWER,   // and those of lower priority
    VICTIMS_YOUNGER, // and those that were started later
    VICTIMS_ALL,
} victim_kind;

// Makes room for `count` more positions of pages, which are `who`'s (NULL: nobody's). Returns how
// many there is room for, at most count.
int32_t make_room(engine *engine, const engine_sequence *who, const cache_sequence *pages,
                  int32_t count, victim_kind victims);

// ---- clients (client.c) ---------------------------------------------------------------------

// The sequence is a client's from now on, or nobody's. False when memory is short.
bool client_set(engine_sequence *sequence, uint64_t id);
void client_leave(engine_sequence *sequence);
// One of its sequences runs, or ran.
void client_begin(engine *engine, client *client);
void client_end(client *client);

#endif
