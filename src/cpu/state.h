// What the files of this backend share: weights as they are computed with, working memory, one
// step of work. Sizes: N = max_tokens, H = hidden, Q = heads * head_dim, KV = kv_heads * head_dim,
// E = experts, K = experts per token, I = intermediate.
#ifndef CPU_STATE_H
#define CPU_STATE_H

#include <stdatomic.h>

#include "backend/backend.h"
#include "cpu/kernels/kernels.h"

enum {
    CPU_TOKEN_TILE = 128, // inputs that a panel of weights meets at a time
    CPU_QUERY_TILE = 8,   // query tokens that meet a page of keys at a time
    CPU_EXACT_ROWS = 4,   // weight rows that are decoded to float32 at a time
    CPU_ROUTER_ROWS = 8,  // experts whose router logits are one piece of work
    CPU_EXPERT_ROWS = 64, // gate_up rows of one piece of work: they give one block of 32
    CPU_MATRIX_PARTS = 3, // q, k, v
    CPU_SPAN = 1024,      // positions whose attention is summed by itself
    CPU_SPLIT_TOKENS = 8, // up to so many queries, spans are spread over the threads
    CPU_SPLIT_PIECES = 4, // pieces of work for each thread, then
    CPU_LONGEST_RUN = 16, // pieces of work that a thread takes at a time
};

// Memory from one allocation. With base NULL it only counts, so plan and use can't differ.
typedef struct cpu_arena {
    uint8_t *base;
    size_t used;
} cpu_arena;
void *cpu_arena_take(cpu_arena *arena, size_t count, size_t size);

// A dense matrix, out = W . x + bias, its rows those of up to three tensors one after another.
typedef struct cpu_matrix {
    size_t rows, columns;
    struct {
        const uint16_t *weight; // [rows][columns], as stored
        const uint16_t *bias;   // [rows] or NULL
        size_t rows;
    } part[CPU_MATRIX_PARTS];
    float *bias;      // [panels * CPU_PANEL], zero where there is none
    uint8_t *codes;   // fast: packed panels
    uint16_t *scales; // fast
} cpu_matrix;

typedef struct cpu_layer {
    cpu_matrix qkv, o;
    float *attention_norm, *mlp_norm; // [H]
    float *sinks;                     // [heads]
    float *router;                    // [E][H]
    float *router_bias;               // [E]
    const model_layer *stored;        // experts
    backend_group group;
    size_t group_index; // among the layers of its group
} cpu_layer;

// Inputs of a matrix: float32 in exact, 8-bit in fast.
typedef struct cpu_inputs {
    float *f32;
    size_t stride;
    cpu_q8_rows q8;
} cpu_inputs;

// Softmaxes that are under way, a row for each query head.
typedef struct cpu_softmax {
    float *maximum; // [rows], of the scores so far
    float *total;   // [rows], of the weights so far, relative to maximum
    float *output;  // [rows][padded_dim], not yet divided by total
} cpu_softmax;

typedef struct cpu_thread {
    size_t next, end;          // its run of pieces of work
    float *tile;               // [CPU_TOKEN_TILE][CPU_EXPERT_ROWS]
    float *weight_rows;        // exact: [CPU_EXACT_ROWS][widest input]
    uint8_t *panel_codes;      // fast: [2 panels][blocks of the widest expert input][32][32]
    uint16_t *panel_scales;    // fast: [2 panels][blocks][32]
    cpu_softmax softmax, part; // [CPU_QUERY_TILE][heads per kv head]
} cpu_thread;

// Query tokens of one run that are computed together.
typedef struct cpu_query_tile {
    int32_t run, first, count; // first: index in the batch
} cpu_query_tile;

typedef struct cpu_scratch {
    float *x;              // [N][H], the residual stream
    cpu_inputs norm;       // [N][H]
    float *qkv;            // [N][Q + 2 KV]
    cpu_inputs attended;   // [N][Q rounded up to 32]
    float *cos, *sin;      // [N][head_dim / 2]
    float *router;         // [N][E]
    int32_t *chosen;       // [N][K] experts, best first
    float *share;          // [N][K] weights of the chosen
    int32_t *position;     // [N]
    int32_t *identity;     // [N * K]: 0, 1, 2, ...
    cpu_query_tile *tiles; // [N]
    // Entries are (token, rank) pairs, numbered token * K + rank; sorted by expert they make slots.
    int32_t *slot_entry;     // [N * K]
    int32_t *slot_token;     // [N * K]
    int32_t *begin;          // [E + 1]: slots of each expert
    int32_t *active;         // [E] experts that have slots
    cpu_inputs hidden;       // [N * K][I], by slot
    float *down;             // [N * K][H], by entry
    cpu_softmax spans;       // [CPU_SPLIT_TOKENS][max_spans][heads]
    atomic_size_t *counters; // [layers + 1][CPU_PHASES]
    cpu_thread *threads;     // [n_threads]
} cpu_scratch;

// Pieces of a step between two barriers, each with a counter that hands out its work, and the name
// under which its time is reported.
#define CPU_PHASE_LIST(X)                                                                          \
    X(PREPARE, "prepare")                                                                          \
    X(START, "combine") /* of the layer before, and the norm */                                    \
    X(QKV, "qkv")                                                                                  \
    X(ROPE, "rope") /* and the cache's new keys and values */                                      \
    X(ATTEND, "attention")                                                                         \
    X(MERGE, "merge")                                                                              \
    X(ATTENDED, "quantise")                                                                        \
    X(O, "o")                                                                                      \
    X(NORM, "norm")                                                                                \
    X(ROUTER, "router")                                                                            \
    X(CHOOSE, "choose")                                                                            \
    X(GROUP, "group")                                                                              \
    X(GATE_UP, "gate_up")                                                                          \
    X(DOWN, "down")                                                                                \
    X(UNEMBED, "unembed")
#define CPU_PHASE_NUMBER(phase, name) CPU_PHASE_##phase,
typedef enum cpu_phase { CPU_PHASE_LIST(CPU_PHASE_NUMBER) CPU_PHASES } cpu_phase;
#undef CPU_PHASE_NUMBER

typedef struct cpu_cache {
    backend_pages pages;
    size_t head_bytes;  // one key/value head of one layer in one page: keys, then values
    size_t key_count;   // elements of its keys: [head_dim][CPU_PAGE]
    size_t value_count; // of its values: [CPU_PAGE][padded_dim]
    size_t element_bytes;
} cpu_cache;

typedef struct cpu_state {
    const model_config *config;
    const model_weights *weights;
    cpu_kernels kernels; // by value: entries of several sets together
    backend_precision precision;
    int n_threads;
    int32_t max_tokens;
    backend_options options; // all of them, as a batch is checked by
    size_t q_width, kv_width, padded_dim, max_spans;
    model_rope rope;
    size_t weight_bytes, scratch_bytes;

    cpu_layer *layers; // [config->layers], from open
    cpu_matrix unembedding;
    float *final_norm;
    void *weight_memory, *scratch_memory; // from load
    cpu_scratch scratch;
    cpu_cache cache;
    base_pool *pool;
    gptoss_profile profile;
} cpu_state;

// One forward pass.
typedef struct cpu_step {
    cpu_state *cpu;
    const backend_batch *batch;
    size_t n, n_tiles, n_active;
    size_t n_spans; // that the deepest position reaches
    float *logits;
    gptoss_steps *profile; // what this step adds to
    double mark;           // when its present phase began
} cpu_step;

static inline size_t cpu_round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

// The next piece of work of a phase for a thread; false when there is none left. Pieces are handed
// out in runs, long ones first: pieces of a run lie one after another in memory.
static inline bool cpu_take(const cpu_step *step, cpu_thread *thread, int layer, cpu_phase phase,
                            size_t n_items, size_t *item_out) {
    if (thread->next == thread->end) {
        atomic_size_t *counter = &step->cpu->scratch.counters[layer * CPU_PHASES + phase];
        size_t begin = atomic_load_explicit(counter, memory_order_relaxed), end;
        do {
            if (begin >= n_items)
                return false;
            size_t run = (n_items - begin) / (2 * (size_t)step->cpu->n_threads);
            end = begin + (run < 1 ? 1 : run < CPU_LONGEST_RUN ? run : CPU_LONGEST_RUN);
        } while (!atomic_compare_exchange_weak_explicit(counter, &begin, end, memory_order_relaxed,
                                                        memory_order_relaxed));
        thread->next = begin;
        thread->end = end;
    }
    *item_out = thread->next++;
    return true;
}

// plan.c
void cpu_plan_weights(cpu_state *cpu, cpu_arena *arena);
void cpu_plan_scratch(cpu_state *cpu, cpu_arena *arena);
void cpu_plan_cache(cpu_state *cpu);

// weights.c: fills what cpu_plan_weights laid out.
gptoss_status cpu_load_weights(cpu_state *cpu, bool (*progress)(void *, double), void *context,
                               gptoss_error *error);

// batch.c: prepares positions and query tiles.
void cpu_prepare(cpu_step *step);

// linear.c
// The stored row, or NULL past the last one.
const uint16_t *cpu_stored_row(const cpu_matrix *matrix, size_t row);
// One panel of a matrix against inputs index[n], n <= CPU_TOKEN_TILE; out [n][stride],
// without bias.
void cpu_linear(const cpu_state *cpu, cpu_thread *thread, const cpu_matrix *matrix, size_t panel,
                const cpu_inputs *inputs, const int32_t *index, size_t n, float *out,
                size_t out_stride);
// Makes 8-bit codes of row `row` of inputs (fast only).
void cpu_encode_row(const cpu_state *cpu, const cpu_inputs *inputs, size_t row, size_t columns);
// to = from / rms(from) * weight
void cpu_norm(const cpu_state *cpu, const float *from, const float *weight, float *to);

// attention.c: the phases between the qkv product and the output product.
void cpu_rope_and_store(const cpu_step *step, int layer, size_t token);
void cpu_attend(const cpu_step *step, int layer, size_t item, cpu_thread *thread);
// Whether the spans of a layer are computed by themselves (attend_split), then merged.
bool cpu_splits(const cpu_step *step, int layer);
size_t cpu_split_items(const cpu_step *step);
void cpu_attend_split(const cpu_step *step, int layer, size_t item);
void cpu_merge_split(const cpu_step *step, size_t item); // item: token * kv_heads + key head

// experts.c
void cpu_router(const cpu_step *step, int layer, size_t item);
size_t cpu_router_items(const cpu_step *step);
void cpu_choose(const cpu_step *step, int layer, size_t token);
void cpu_group(cpu_step *step);
void cpu_gate_up(const cpu_step *step, int layer, size_t item, cpu_thread *thread);
size_t cpu_gate_up_items(const cpu_step *step);
void cpu_down(const cpu_step *step, int layer, size_t item, cpu_thread *thread);
size_t cpu_down_items(const cpu_step *step);
void cpu_combine(const cpu_step *step, size_t token);

// profile.c
void cpu_profile_init(gptoss_profile *profile_out);
void cpu_profile_begin(cpu_step *step);
// A phase of a layer ended, for all threads; the next one begins.
void cpu_profile_phase(cpu_step *step, int layer, cpu_phase phase);

// forward.c
void cpu_forward_step(cpu_step *step);

#endif
