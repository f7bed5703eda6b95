// engine: sequences of tokens, and the loop that computes them together.
//
// Any number of threads may call in at the same time, on different sequences. Whoever waits for a
// token and finds nobody computing becomes the one who computes: it picks a batch from all
// sequences that have work (one token of each that samples, then chunks of prompts), runs the
// backend once, samples, and wakes the others. A sequence runs ahead of its caller by one step at
// most. What a sequence gets does not depend on who else is in its batches.
//
// Speculation (a request's choice): where a text seems to repeat itself, the guessed next tokens
// are computed together with the last one (draft.h). A token's logits do not depend on the others
// in the batch, so each row is what it would have been alone, as long as the guesses before it were
// what was sampled; the rest is forgotten. Tokens and probabilities are the same, bit for bit.
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "backend/backend.h"
#include "cache/cache.h"
#include "sample/sample.h"

enum {
    ENGINE_MARKS = 8,    // of one sequence
    ENGINE_MAX_TOP = 20, // most probable tokens reported with a sampled one
    ENGINE_MAX_STOPS = 8,
};

typedef struct engine engine;
typedef struct engine_sequence engine_sequence;

typedef struct engine_options {
    int32_t context;      // positions per sequence
    int32_t sequences;    // that the cache is planned for
    int32_t batch_tokens; // as in backend_options.max_tokens
    int32_t kept_states;  // as in cache_options
    int32_t kept_pages;
    double stall; // seconds that a step may take while sequences speak; 0: as pace.h has it
} engine_options;

// Pages of each group that engine_open will ask of the backend.
void engine_plan(const model_config *config, const engine_options *options,
                 int32_t n_pages_out[BACKEND_GROUPS]);

// Working memory of the engine itself (logits, sampling), bytes.
size_t engine_bytes(const model_config *config, const engine_options *options);

// handle: opened and loaded; its cache is created here. Config and handle must outlive the engine.
gptoss_status engine_open(const backend_table *backend, void *handle, const model_config *config,
                          const engine_options *options, engine **engine_out, gptoss_error *error);
// All sequences must be freed before.
void engine_close(engine *engine);

// The backend's profile, with what the engine adds to each step. Waits for a step that is running.
void engine_profile(engine *engine, gptoss_profile *profile_out);
// The backend's limits, while no step runs.
gptoss_status engine_limits(engine *engine, gptoss_limits *limits_out, gptoss_error *error);

// ---- sequences ------------------------------------------------------------------------------

gptoss_status engine_sequence_create(engine *engine, engine_sequence **sequence_out,
                                     gptoss_error *error);
void engine_sequence_free(engine_sequence *sequence);

// Tokens held, computed or not, without those that engine_next has yet to hand over. The pointer
// lives as long as the sequence, its content until a change.
const int32_t *engine_ids(engine_sequence *sequence, size_t *n_ids_out);
size_t engine_cached(engine_sequence *sequence); // tokens whose keys and values are there

// Appends ids. GPTOSS_BAD_INPUT for one outside the vocabulary, GPTOSS_NO_MEMORY when they don't
// fit into the context; the sequence is then as it was.
gptoss_status engine_push(engine_sequence *sequence, const int32_t *ids, size_t n_ids,
                          gptoss_error *error);
// Others will begin with the first `length` tokens: when they are computed, that state is kept.
// A sequence has at most ENGINE_MARKS marks ahead; more are not looked at.
void engine_mark(engine_sequence *sequence, size_t length);
// Forgets tokens from `length` on, and those that were not handed over; what is cached before
// stays, as far as windows allow. Ends a generation that is under way.
void engine_truncate(engine_sequence *sequence, size_t length);
gptoss_status engine_fork(engine_sequence *sequence, engine_sequence **copy_out,
                          gptoss_error *error);

// The state of a sequence as a file. Restoring checks everything against this engine's model and
// leaves the sequence as it was when it fails. `fingerprint` names model and precision.
gptoss_status engine_save(engine_sequence *sequence, uint64_t fingerprint, const char *path,
                          gptoss_error *error);
gptoss_status engine_restore(engine_sequence *sequence, uint64_t fingerprint, const char *path,
                             gptoss_error *error);

// ---- generation -----------------------------------------------------------------------------

typedef struct engine_request {
    gptoss_sampling sampling;
    int32_t max_tokens;              // 0: until the context is full
    int32_t n_top;                   // 0 .. ENGINE_MAX_TOP
    int32_t stops[ENGINE_MAX_STOPS]; // [n_stops] ids that end it; they are kept and reported
    int32_t n_stops;
    bool speculation;
    bool reuse; // begin with what is kept of the same tokens, and keep the ends of this prompt and
                // of this generation
    uint64_t client;  // whom it is for: clients that run at the same time get equally much
    int32_t priority; // greater ones go first, and take pages from lower ones
} engine_request;

// The bias array is copied. The sequence must hold at least one token.
gptoss_status engine_start(engine_sequence *sequence, const engine_request *request,
                           gptoss_error *error);

typedef enum engine_finish {
    ENGINE_RUNNING,
    ENGINE_STOPPED, // one of the stop ids
    ENGINE_LENGTH,  // max_tokens, or the context is full
    ENGINE_CANCELLED,
} engine_finish;

typedef enum engine_result_kind {
    ENGINE_PROGRESS, // more of the prompt was computed
    ENGINE_TOKEN,
    ENGINE_DONE,
} engine_result_kind;

typedef struct engine_result {
    engine_result_kind kind;
    size_t computed;                    // PROGRESS: tokens of the sequence that are computed
    sample_result token;                // TOKEN
    gptoss_logprob top[ENGINE_MAX_TOP]; // TOKEN: [n_top]
    int32_t n_top;
    engine_finish finish;  // DONE
    size_t guessed, right; // all: tokens computed in advance until now, and those that then came
    size_t reused;         // all: tokens of the prompt that were not computed
} engine_result;

// Tokens of the prompt that are not computed, as far as is known now.
size_t engine_reused(engine_sequence *sequence);

// The next result, in order. A failure ends the generation. After DONE: GPTOSS_BAD_ARGUMENT.
gptoss_status engine_next(engine_sequence *sequence, engine_result *result_out,
                          gptoss_error *error);

typedef struct engine_counts {
    uint64_t prompts, prompt_tokens; // of generations that were started with `reuse`
    uint64_t hits, reused_tokens;    // of those, what was not computed again
    uint64_t preempted;              // times that a running sequence had to give its pages away
    int32_t running, waiting;        // sequences now; waiting ones have no pages yet
    cache_counts cache;
} engine_counts;

// Whether a sequence of so many tokens would be computed at once, without anybody giving up pages.
bool engine_fits(engine *engine, int32_t n_tokens);

// What was kept and what it was good for, since engine_open.
engine_counts engine_count(engine *engine);

// Asks a generation to end; from any thread, or a signal handler. Tokens that were not handed over
// are forgotten.
void engine_cancel(engine_sequence *sequence);

// Logits of each of the ids as a sequence of their own: row[vocabulary], valid during the call.
gptoss_status engine_logits(engine *engine, const int32_t *ids, size_t n_ids,
                            bool (*visit)(void *context, size_t token, const float *row),
                            void *context, gptoss_error *error);

#endif
