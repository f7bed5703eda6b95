// base: what C lacks. Status and error text, allocation, byte and id buffers, mapped files, UTF-8,
// a thread pool, and what this processor can do. Every other module stands on this one.
//
// Nothing here keeps state between calls except the handles that it returns; every function may be
// called from any thread, on different objects.
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gptoss/gptoss.h>

// ---- errors ---------------------------------------------------------------------------------

// Writes a message into *error (which may be NULL) and returns status, so that a failure is one
// line: `return base_fail(error, GPTOSS_BAD_FILE, "%s: tensor %s: ...", path, name);`
// Control characters in the formatted text are replaced by '?': messages may quote hostile input.
gptoss_status base_fail(gptoss_error *error, gptoss_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The commonest failure, worded once.
gptoss_status base_fail_memory(gptoss_error *error, size_t bytes);

// ---- allocation -----------------------------------------------------------------------------

// As malloc, calloc and reallocarray: NULL when memory is short or count * size overflows.
// A size of zero gives a unique pointer. Release with base_free.
void *base_alloc(size_t count, size_t size);
void *base_alloc_zero(size_t count, size_t size);
void *base_resize(void *old, size_t count, size_t size);
void base_free(void *memory);

// Memory at an address divisible by 64 (a cache line, a zmm register), on 2 MB pages where it is
// large and the system gives them. Not zeroed. Release with base_free.
void *base_alloc_aligned(size_t count, size_t size);

char *base_copy_string(const char *text, size_t length); // adds a NUL; NULL when memory is short

// ---- buffers --------------------------------------------------------------------------------

// Growing bytes. Start with {0}. After a failed append the buffer keeps its old content.
typedef struct base_buffer {
    char *data;    // NULL while nothing was appended; always NUL-terminated after the first append
    size_t length; // bytes, without the NUL
    size_t capacity; // bytes allocated
} base_buffer;

// All return false when memory is short, and only then.
bool base_buffer_append(base_buffer *buffer, const void *data, size_t length);
bool base_buffer_text(base_buffer *buffer, const char *text);
bool base_buffer_format(base_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool base_buffer_reserve(base_buffer *buffer, size_t extra);
void base_buffer_free(base_buffer *buffer);

// Growing token ids. Start with {0}.
typedef struct base_ids {
    int32_t *data;
    size_t length, capacity; // counted in ids
} base_ids;

bool base_ids_append(base_ids *ids, const int32_t *data, size_t count);
bool base_ids_push(base_ids *ids, int32_t id);
void base_ids_free(base_ids *ids);

// ---- files ----------------------------------------------------------------------------------

// A whole file, read-only, mapped (shared between processes, loaded page by page as it is touched).
typedef struct base_map {
    const uint8_t *data; // NULL when size is 0
    size_t size;         // bytes
} base_map;

gptoss_status base_map_open(const char *path, base_map *map_out, gptoss_error *error);
void base_map_close(base_map *map);

// Lets go of the pages that were touched so far: they no longer count as this process's memory, and
// come back from the system's cache (or the disk) when they are touched again.
void base_map_release(const base_map *map);

// The file's bytes in a buffer; an error when it is larger than limit bytes.
gptoss_status base_read_file(const char *path, size_t limit, base_buffer *buffer_out,
                             gptoss_error *error);

// ---- UTF-8 ----------------------------------------------------------------------------------

// Decodes the code point at text[0 .. length-1], length >= 1. Returns the bytes it takes (1 to 4)
// and stores it; for ill-formed input stores -1 and returns the length of the maximal ill-formed
// part (Unicode 15, section 3.9, table 3-8: what becomes one U+FFFD). A sequence that is merely cut
// off by the end of the text stores -2 and returns length.
size_t base_utf8_decode(const char *text, size_t length, int32_t *code_point_out);
bool base_utf8_valid(const char *text, size_t length);
// Appends text with each ill-formed part replaced by U+FFFD; false when memory is short.
bool base_utf8_append_lossy(base_buffer *buffer, const char *text, size_t length);

// ---- threads --------------------------------------------------------------------------------

// A fixed team of threads that run one function together. The caller is thread 0. Workers spin
// briefly between calls and then sleep.
typedef struct base_pool base_pool;

typedef void base_pool_work(void *context, int thread, int n_threads);

// n_threads 1 .. BASE_POOL_MAX_THREADS.
enum { BASE_POOL_MAX_THREADS = 256 };
gptoss_status base_pool_create(int n_threads, base_pool **pool_out, gptoss_error *error);
void base_pool_destroy(base_pool *pool);
int base_pool_threads(const base_pool *pool);

// Calls work(context, t, n) once on each thread t and returns when all have returned. Calls on one
// pool must not overlap.
void base_pool_run(base_pool *pool, base_pool_work *work, void *context);

// Waits, inside work, until every thread of the team is here. What was written before it is seen
// by all after it.
void base_pool_barrier(base_pool *pool);

// [begin, end) of n items for one thread, in multiples of unit (except at the end of n).
void base_share(size_t n, size_t unit, int thread, int n_threads, size_t *begin_out,
                size_t *end_out);

// ---- machine --------------------------------------------------------------------------------

// Instruction sets that the processor has and the system saves (CPUID and XGETBV), as flags.
enum base_cpu_flag {
    BASE_CPU_AVX2 = 1 << 0,     // AVX2, FMA, F16C and BMI2 together
    BASE_CPU_AVX512 = 1 << 1,   // F, BW, DQ, VL
    BASE_CPU_VNNI = 1 << 2,     // AVX512_VNNI
    BASE_CPU_BF16 = 1 << 3,     // AVX512_BF16
    BASE_CPU_VBMI = 1 << 4,     // AVX512_VBMI
    BASE_CPU_AVX_VNNI = 1 << 5, // VEX-coded VNNI
    BASE_CPU_AMX_INT8 = 1 << 6,
    BASE_CPU_NEON = 1 << 7,    // Arm: ASIMD
    BASE_CPU_DOTPROD = 1 << 8, // sdot
    BASE_CPU_I8MM = 1 << 9,    // smmla
};
unsigned base_cpu_flags(void);
int base_cpu_count(void);           // processors that this process may run on, at least 1
size_t base_memory_available(void); // bytes that could be allocated without swapping; 0 if unknown
size_t base_memory_resident(void);  // bytes of this process in memory now; 0 if unknown
double base_seconds(void);          // monotonic clock

#endif
