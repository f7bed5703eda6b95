// What the files of the public interface share: the handles' insides.
#ifndef API_INTERNAL_H
#define API_INTERNAL_H

#include "base/base.h"
#include "checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "harmony/harmony.h"
#include "model/model.h"
#include "tokenizer/tokenizer.h"

struct gptoss_tokenizer {
    tokenizer *tokenizer;
    harmony *harmony; // NULL where the vocabulary lacks Harmony's markers
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

// Moves a buffer's bytes to the caller of the library.
gptoss_status api_give(base_buffer *buffer, char **text_out, size_t *length_out,
                       gptoss_error *error);

#endif
