// What the files of the public interface share: the handles' insides.
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "base/base.h"
#include "checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "guide/guide.h"
#include "harmony/harmony.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

#include <pthread.h>

// Made when the first guide is.
typedef struct api_guides {
    pthread_mutex_t lock;
    guide_library *library;
} api_guides;

struct gptoss_tokenizer {
    tokenizer *tokenizer;
    harmony *harmony;   // NULL where the vocabulary lacks Harmony's markers
    api_guides *guides; // not const where the tokenizer is: it may be shared
};

struct gptoss_conversation {
    harmony_conversation *messages;
};

// A way to compute (configs.c).
typedef struct api_config {
    gptoss_config listed;
    const backend_table *backend;
    const char *step; // of a backend that has steps, else NULL
    backend_precision precision;
    int threads; // that precision on so many threads; 0: both are the caller's choice
} api_config;

struct gptoss_model {
    checkpoint *checkpoint;
    model_config config;
    model_weights weights;
    const api_config *way;
    const backend_table *backend; // the way's
    void *handle;
    backend_options backend_options;
    engine_options engine_options;
    engine *engine;
    gptoss_tokenizer *tokenizer; // NULL where the checkpoint has none
    gptoss_plan plan;
    uint64_t fingerprint; // of the weights and the precision: what a saved sequence belongs to
};

// NULL is the last, "optimized".
gptoss_status api_find_config(const char *name, const api_config **config_out, gptoss_error *error);

// The checkpoint in a folder, or the one linked into the program (path NULL).
gptoss_status api_open_checkpoint(const char *path, checkpoint **checkpoint_out,
                                  gptoss_error *error);
gptoss_status api_open_builtin(checkpoint **checkpoint_out, gptoss_error *error);

// Takes the tokenizer over, also when it fails.
gptoss_status api_wrap_tokenizer(tokenizer *tokenizer, gptoss_tokenizer **out, gptoss_error *error);

// GPTOSS_UNSUPPORTED where there is no Harmony vocabulary; NULL is a tokenizer that is missing.
gptoss_status api_require_harmony(const gptoss_tokenizer *tokenizer, gptoss_error *error);

struct gptoss_guide {
    const gptoss_tokenizer *tokenizer;
    guide *guide;
};

// A guided generation (turn.c): what its mask needs, and how far its calls are.
typedef struct api_turn api_turn;

// Begins behind ids, and puts the guide's mask before the caller's in *sampling. The turn must
// live until the generation has ended.
gptoss_status api_turn_create(const gptoss_guide *guide, const gptoss_tokenizer *tokenizer,
                              const int32_t *ids, size_t n_ids, int32_t vocabulary,
                              gptoss_sampling *sampling, api_turn **turn_out, gptoss_error *error);
void api_turn_free(api_turn *turn);

// Whether it can go on behind a call: then <|call|> is no stop.
bool api_turn_passes_calls(const api_turn *turn);
// It ended with the last token that was taken: no more calls may come.
bool api_turn_is_over(const api_turn *turn);
// That token ended a call: the turn may end here.
bool api_turn_called(const api_turn *turn);
// The error of a generation that failed: the mask's own, where that was it.
gptoss_status api_turn_failure(const api_turn *turn, gptoss_status status, gptoss_error *error);

// What a token means for the turn, when it comes out of the engine.
typedef enum api_verdict {
    API_PASS,  // it is the caller's
    API_HOLD,  // it waits
    API_BOTH,  // the one that waits and it are the caller's
    API_ENDED, // it and the one that waits are not of this turn, which has ended before
} api_verdict;
api_verdict api_turn_take(api_turn *turn, const engine_result *result);
// API_BOTH: the one that waited.
const engine_result *api_turn_held(const api_turn *turn);

// Moves a buffer's bytes to the caller of the library.
gptoss_status api_give(base_buffer *buffer, char **text_out, size_t *length_out,
                       gptoss_error *error);

#endif
