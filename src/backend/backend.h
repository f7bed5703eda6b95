// backend: the table between the engine and whatever computes: a CPU, a GPU, a TPU.
//
// It is coarse on purpose: a CPU runs loops, a TPU runs whole programs, and both can do
// "forward this batch". A backend knows no sequence and no request: it sees flat arrays of token
// ids and page numbers. Each backend exports one `backend_table`; what several of them need is here
// too: checking a batch, and pages in ordinary memory.
//
// Life of a backend: open -> describe -> load -> cache_create -> forward, page_* ... -> close.
// Calls on one handle must not overlap.
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "base/base.h"
#include "model/model.h"

// ---- the cache, as a backend sees it ---------------------------------------------------------

// Keys and values live in pages of BACKEND_PAGE consecutive positions of one sequence, the first a
// multiple of BACKEND_PAGE. Layers come in two groups, and a page holds its positions for all
// layers of its group: full layers need every page of a sequence, sliding layers only those that
// overlap the window. Which page holds what is decided above (cache.h); page numbers are
// 0 .. n_pages[group] - 1.
enum { BACKEND_PAGE = 64 };
typedef enum backend_group { BACKEND_FULL, BACKEND_SLIDING, BACKEND_GROUPS } backend_group;

// ---- a batch ---------------------------------------------------------------------------------

// Consecutive tokens of one sequence: a chunk of a prompt, or one token that was just sampled.
typedef struct backend_run {
    int32_t first;    // index of its first token in the batch
    int32_t count;    // tokens, at least 1
    int32_t position; // of the first token in its sequence; the others follow
    // pages[group][p / BACKEND_PAGE] holds position p. Valid for every position that a layer of the
    // group may read or write: 0 .. position + count - 1 for full layers, the window before
    // `position` and after it for sliding ones (entries before that are not looked at).
    const int32_t *pages[BACKEND_GROUPS];
} backend_run;

// Runs belong to different sequences and cover the tokens in order. Whatever else is in the batch,
// a token's result is the same, bit for bit.
typedef struct backend_batch {
    int32_t n_tokens;   // 1 .. backend_options.max_tokens
    const int32_t *ids; // [n_tokens], each 0 .. vocabulary - 1
    int32_t n_runs;
    const backend_run *runs; // [n_runs]
    int32_t n_rows;          // tokens that want logits
    const int32_t *rows;     // [n_rows], ascending indices of tokens
} backend_batch;

// ---- options and plan ------------------------------------------------------------------------

typedef enum backend_precision {
    BACKEND_EXACT, // weights as stored, activations and sums float32
    BACKEND_FAST,  // integer products against 8-bit activations, dense weights rounded to 8 bits
} backend_precision;

typedef struct backend_options {
    backend_precision precision;
    int n_threads;       // 1 .. BASE_POOL_MAX_THREADS
    int32_t max_tokens;  // the largest batch, at least 1
    int32_t max_context; // the largest position + 1
    // NULL for the best, or a name that lowers it: of cpu an instruction set ("scalar", "avx2"), of
    // plain a step ("baseline").
    const char *instruction_set;
} backend_options;

// What a backend is and what it would need, in bytes, before anything is allocated.
typedef struct backend_description {
    char device[96];                   // "AMD EPYC, 2 threads"
    char kernels[48];                  // "avx2"
    size_t mapped_bytes;               // weights that stay in the checkpoint's file
    size_t weight_bytes;               // weights that are repacked into memory
    size_t scratch_bytes;              // working memory for max_tokens
    size_t page_bytes[BACKEND_GROUPS]; // of one page
    size_t attention_bytes;            // keys and values of one position in one layer
} backend_description;

// ---- the table -------------------------------------------------------------------------------

typedef struct backend_table {
    const char *name; // "cpu"

    // Cheap: checks that this device can run the model with these options (an error says why not)
    // and keeps the pointers; config and weights must outlive the handle.
    gptoss_status (*open)(const backend_options *options, const model_config *config,
                          const model_weights *weights, void **handle_out, gptoss_error *error);
    void (*describe)(const void *handle, backend_description *description_out);

    // Repacks weights and allocates working memory. progress (may be NULL) is called now and then
    // with the share done, 0 to 1; when it returns false loading ends with GPTOSS_CANCELLED.
    gptoss_status (*load)(void *handle, bool (*progress)(void *context, double share),
                          void *context, gptoss_error *error);

    // Allocates all pages, once, after load. Their content is undefined.
    gptoss_status (*cache_create)(void *handle, const int32_t n_pages[BACKEND_GROUPS],
                                  gptoss_error *error);

    // Computes the batch, writes its keys and values into the pages, and stores one row of logits
    // per entry of batch->rows: logits[n_rows][vocabulary], float32. Fails only for a batch that is
    // malformed or when the device is lost.
    gptoss_status (*forward)(void *handle, const backend_batch *batch, float *logits,
                             gptoss_error *error);

    // Where the time of all forwards since open went.
    void (*profile)(const void *handle, gptoss_profile *profile_out);
    // Measures what the device gives at best, after load.
    gptoss_status (*limits)(void *handle, gptoss_limits *limits_out, gptoss_error *error);

    // Copies page `from` to page `to` of a group.
    gptoss_status (*page_copy)(void *handle, backend_group group, int32_t from, int32_t to,
                               gptoss_error *error);
    // Moves one page's content out of and into the device: page_bytes[group] bytes, in a layout
    // that this backend (same options, same model) reads back.
    gptoss_status (*page_read)(void *handle, backend_group group, int32_t page, void *bytes,
                               gptoss_error *error);
    gptoss_status (*page_write)(void *handle, backend_group group, int32_t page, const void *bytes,
                                gptoss_error *error);

    void (*close)(void *handle); // NULL is fine
} backend_table;

// ---- for backends whose pages lie in ordinary memory --------------------------------------------

typedef struct backend_pages {
    size_t bytes[BACKEND_GROUPS];    // of one page, set before the rest; 0: no memory
    int32_t count[BACKEND_GROUPS];   // 0 until backend_pages_create
    uint8_t *memory[BACKEND_GROUPS]; // [count][bytes]
} backend_pages;

gptoss_status backend_pages_create(backend_pages *pages, const int32_t n_pages[BACKEND_GROUPS],
                                   gptoss_error *error);
void backend_pages_free(backend_pages *pages);

// What the table's functions of these names do.
gptoss_status backend_page_copy(backend_pages *pages, backend_group group, int32_t from, int32_t to,
                                gptoss_error *error);
gptoss_status backend_page_read(const backend_pages *pages, backend_group group, int32_t page,
                                void *bytes, gptoss_error *error);
gptoss_status backend_page_write(backend_pages *pages, backend_group group, int32_t page,
                                 const void *bytes, gptoss_error *error);

// Everything that `forward` may rely on: ids, runs and rows are as described above, and their pages
// exist.
gptoss_status backend_check_batch(const backend_options *options, const model_config *config,
                                  const backend_pages *pages, const backend_batch *batch,
                                  gptoss_error *error);
gptoss_status backend_check_options(const backend_options *options, gptoss_error *error);

#endif
