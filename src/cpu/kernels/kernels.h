// The table of kernels: what the forward pass calls in its inner loops, once per instruction set.
//
// Every entry fixes the order of its sums, so that all sets give the same bits:
// - f32 dot products: 16 partial sums, element i into sum i % 16 by a fused multiply-add in order
// of
//   i, then halves added (i and i + 8, then 4, 2, 1).
// - 8-bit dot products: the integer sum of a block of 32 is exact, whatever its order; block b
// joins
//   partial sum b % 4 as fma((float)integer, weight scale * input scale, sum); in the end
//   (p0 + p2) + (p1 + p3).
// - attention: one page of keys after another, by position; within a head in order of lanes.
#ifndef CPU_KERNELS_KERNELS_H
#define CPU_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CPU_LINE = 64,         // bytes of a cache line
    CPU_PANEL = 32,        // rows of a weight matrix that are packed and computed together
    CPU_BLOCK = 32,        // inputs that share a scale (NUMBER_BLOCK)
    CPU_GROUP = 4,         // blocks that lie together in an 8-bit row: a zmm register of nibbles
    CPU_GROUP_BYTES = 128, // of codes
    CPU_PAGE = 64,         // keys of an attention page (BACKEND_PAGE)
    CPU_LANES = 16,        // head_dim is padded to a multiple of it in values and outputs
    CPU_Q8_OFFSET = 128,   // what is added to a signed code to store it unsigned
    CPU_MX_OFFSET = 12,    // the same for doubled e2m1 codes
};

// Rows of activations as signed codes. In a group of four blocks come first the even inputs of each
// block (4 x 16 bytes), then the odd ones: the order in which the nibbles of MXFP4 lie. Blocks that
// fill up the last group are zero.
typedef struct cpu_q8_rows {
    size_t groups; // of a row
    int8_t *codes; // [rows][groups][2][4][16]
    float *scales; // [rows][groups * 4]
    // [rows][groups * 4]: what a block's sum starts from, because weights are stored unsigned:
    // minus their offset times the sum of the block's codes.
    int32_t *q8_starts, *mx_starts;
    // The same for sums in int16, [0] over the first two codes of each quad, [1] over the others:
    // neither leaves +-12 * 127 * 16, so that sums of a block may be added modulo 2^16.
    int16_t (*mx_pair_starts)[2];
} cpu_q8_rows;

// Where input i (0 .. 31) of block b lies in a row.
static inline size_t cpu_q8_place(size_t block, size_t i) {
    return block / CPU_GROUP * CPU_GROUP_BYTES + (i & 1) * 64 + block % CPU_GROUP * 16 + i / 2;
}

// 32 rows of weights, packed: quad g < 4 of a block holds its even inputs 8g, 8g + 2, 8g + 4,
// 8g + 6, and quad 4 + g the odd ones after each. For mx panels the codes are doubled and the
// scales halved.
typedef struct cpu_panel {
    size_t n_blocks;
    const uint8_t *codes;   // [n_blocks][8][32 rows][4], unsigned: with their offset added
    const uint16_t *scales; // [n_blocks][32 rows], bf16
    // What will be read next: kernels fetch it into the cache between their own work.
    const uint8_t *ahead;
    size_t ahead_bytes; // 0: nothing
} cpu_panel;

// One page of attention for the query heads that share a key head.
typedef struct cpu_page {
    int head_dim, padded_dim; // padded_dim: the next multiple of CPU_LANES
    int n_heads;
    int first, last; // keys of this page that are seen, inclusive
    const float *q;  // [n_heads][head_dim], already divided by sqrt(head_dim)
    const void *k;   // [head_dim][CPU_PAGE], float32 or bf16
    const void *v;   // [CPU_PAGE][padded_dim]
    // The keys and values that come next, to be fetched into the cache meanwhile; NULL: none.
    const uint8_t *ahead;
    float *maximum; // [n_heads], of the scores so far
    float *total;   // [n_heads], of the weights so far, relative to maximum
    float *output;  // [n_heads][padded_dim], not yet divided by total
} cpu_page;

// Rows are chosen by index[n]; out is [n][out_stride].
#define CPU_KERNELS(X)                                                                             \
    /* out[t][r] = w[r] . x[index[t]], r < n_rows; w [n_rows][columns], x [..][x_stride] */        \
    X(dots_f32, (const float *w, size_t n_rows, size_t columns, const float *x, size_t x_stride,   \
                 const int32_t *index, size_t n, float *out, size_t out_stride))                   \
    X(decode_bf16, (const uint16_t *from, size_t n, float *to))                                    \
    X(encode_bf16, (const float *from, size_t n, uint16_t *to))                                    \
    /* blocks [n_blocks][16], scales [n_blocks] -> values [n_blocks * 32] */                       \
    X(decode_mxfp4,                                                                                \
      (const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, float *values))              \
    /* values [n_blocks * 32] -> blocks first_block .. of one row */                               \
    X(encode_q8, (const float *values, size_t first_block, size_t n_blocks, const cpu_q8_rows *to, \
                  size_t row))                                                                     \
    /* 32 rows of `columns` bf16 weights (NULL: zeros) -> a packed panel */                        \
    X(pack_q8,                                                                                     \
      (const uint16_t *const rows[CPU_PANEL], size_t columns, uint8_t *codes, uint16_t *scales))   \
    /* 32 rows of MXFP4 in the published layout -> a packed panel */                               \
    X(pack_mx, (const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, uint8_t *codes,     \
                uint16_t *panel_scales))                                                           \
    X(panel_q8, (const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,     \
                 float *out, size_t out_stride))                                                   \
    X(panel_mx, (const cpu_panel *panel, const cpu_q8_rows *x, const int32_t *index, size_t n,     \
                 float *out, size_t out_stride))                                                   \
    /* as pack_mx and panel_mx, straight from the published bytes: for few tokens */               \
    X(rows_mxfp4,                                                                                  \
      (const uint8_t *blocks, const uint8_t *scales, size_t n_blocks, const cpu_q8_rows *x,        \
       const int32_t *index, size_t n, float *out, size_t out_stride))                             \
    X(attend_f32, (const cpu_page *page))                                                          \
    X(attend_bf16, (const cpu_page *page)) /* the same sums, keys and values widened */            \
    /* gate_up [2n], interleaved -> out [n] */                                                     \
    X(swiglu, (const float *gate_up, size_t n, float limit, float alpha, float *out))

typedef struct cpu_kernels {
    const char *name;
    unsigned needs;       // processor flags, set by select.c
    size_t direct_tokens; // up to so many tokens rows_mxfp4 is faster than packing
#define CPU_KERNEL_FIELD(name, parameters) void(*name) parameters;
    CPU_KERNELS(CPU_KERNEL_FIELD)
#undef CPU_KERNEL_FIELD
} cpu_kernels;

// Each set and the processor flags that it needs, slowest first. A set leaves NULL what it does not
// do better than the last one before it that needs none but these flags.
#if defined(__x86_64__)
#define CPU_KERNEL_SETS(X)                                                                         \
    X(scalar, 0)                                                                                   \
    X(avx2, BASE_CPU_AVX2)                                                                         \
    X(avxvnni, BASE_CPU_AVX2 | BASE_CPU_AVX_VNNI)                                                  \
    X(avx512, BASE_CPU_AVX2 | BASE_CPU_AVX512 | BASE_CPU_VNNI)
#elif defined(__aarch64__)
#define CPU_KERNEL_SETS(X)                                                                         \
    X(scalar, 0)                                                                                   \
    X(neon, BASE_CPU_NEON)                                                                         \
    X(dotprod, BASE_CPU_NEON | BASE_CPU_DOTPROD)
#else
#define CPU_KERNEL_SETS(X) X(scalar, 0)
#endif

#define CPU_KERNEL_SET_DECLARATION(set, flags) extern const cpu_kernels cpu_kernels_##set;
CPU_KERNEL_SETS(CPU_KERNEL_SET_DECLARATION)
#undef CPU_KERNEL_SET_DECLARATION

// The entries of a set over those of the set below it, which stay where it has none.
void cpu_kernels_override(cpu_kernels *kernels, const cpu_kernels *set, unsigned needs);

// All sets, slowest first, each filled up; those that this machine lacks have runs = false. Returns
// how many there are.
typedef struct cpu_kernel_choice {
    cpu_kernels kernels;
    bool runs;
} cpu_kernel_choice;
enum { CPU_MAX_KERNEL_SETS = 8 };
size_t cpu_kernel_sets(cpu_kernel_choice choices_out[CPU_MAX_KERNEL_SETS]);

#endif
