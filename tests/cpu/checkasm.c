// Every kernel of every instruction set against scalar: equal bits (NaN equals NaN) on odd shapes,
// nothing read or written outside of its buffers, which end at an unmapped page.
//
// With the arguments `bench [SET]` it prints the speed of each kernel on a shape of the 20b model
// instead, beside the peak of its instruction set on one core.
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cpu/kernels/kernels.h"
#include "machine/machine.h"
#include "number/number.h"
#include "support/check.h"

enum { N_SHAPES = 48, BENCH = N_SHAPES, MAX_BUFFERS = 24, GUARD = 16384, FILL = 0xa5 };

typedef struct buffer {
    uint8_t *map;
    size_t map_bytes, bytes;
} buffer;

// One call of one kernel: the same for every set, but for the kernels.
typedef struct trial {
    size_t shape;   // 0 .. N_SHAPES - 1, or BENCH
    uint64_t state; // of the random numbers
    size_t repeat;
    buffer buffers[MAX_BUFFERS];
    size_t n_buffers;
    double work;    // multiply-accumulates or values of one call
    size_t left;    // calls
    double seconds; // of all calls
} trial;

// Processor time: other programs' share of the machine does not count.
static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void begin(trial *t) {
    t->left = t->repeat;
    t->seconds = -processor_seconds();
}

static bool again(trial *t) {
    if (t->left == 0)
        t->seconds += processor_seconds();
    return t->left-- > 0;
}

static uint32_t draw(trial *t) { // xorshift64*
    t->state ^= t->state >> 12;
    t->state ^= t->state << 25;
    t->state ^= t->state >> 27;
    return (uint32_t)((t->state * 0x2545f4914f6cdd1du) >> 32);
}

static float draw_float(trial *t) {
    float value = ((float)draw(t) / 0x1p32f * 2 - 1) * 3;
    return draw(t) % 16 ? value : value * 0x1p-9f;
}

// Zero-sized needs are rounded up to one byte. The end touches the guard, which can be read while
// speed is measured: kernels fetch ahead, and that costs more where nothing is than in a model.
static void *take(trial *t, size_t bytes) {
    size_t whole = (bytes + GUARD - 1) / GUARD * GUARD + GUARD;
    CHECK(t->n_buffers < MAX_BUFFERS, "more buffers than the test has room for");
    uint8_t *map =
        mmap(NULL, whole + GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED, "no memory");
    int access = t->shape == BENCH ? PROT_READ : PROT_NONE;
    CHECK(mprotect(map + whole, GUARD, access) == 0, "no guard page");
    memset(map, FILL, whole);
    t->buffers[t->n_buffers++] = (buffer){map, whole + GUARD, bytes};
    return map + whole - bytes;
}

static float *take_floats(trial *t, size_t n) {
    float *x = take(t, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = draw_float(t);
    return x;
}

static void *take_bytes(trial *t, size_t n) {
    uint8_t *x = take(t, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)draw(t);
    return x;
}

static uint8_t *take_scales(trial *t, size_t n) { // e8m0, the extreme ones now and then
    static const uint8_t extreme[] = {0, 1, 2, 254, 255};
    uint8_t *x = take(t, n);
    for (size_t i = 0; i < n; i++)
        x[i] = draw(t) % 64 || t->shape == BENCH ? (uint8_t)(115 + draw(t) % 12)
                                                 : extreme[draw(t) % sizeof extreme];
    return x;
}

static int32_t *take_index(trial *t, size_t n, size_t rows) {
    int32_t *index = take(t, n * sizeof *index);
    for (size_t i = 0; i < n; i++)
        index[i] = (int32_t)(draw(t) % rows);
    return index;
}

static void release(trial *t, const char *kernel, const char *set) {
    for (size_t i = 0; i < t->n_buffers; i++) {
        const buffer *b = &t->buffers[i];
        for (const uint8_t *p = b->map; p < b->map + b->map_bytes - GUARD - b->bytes; p++)
            CHECK(*p == FILL, "%s of %s writes before its buffer", kernel, set);
        munmap(b->map, b->map_bytes);
    }
    t->n_buffers = 0;
}

// Numbers of things, from the shape.
static size_t pick(const trial *t, size_t which, size_t large) {
    static const size_t small[3][8] = {
        {1, 2, 3, 4, 5, 7, 10, 13},       // blocks
        {1, 2, 3, 4, 5, 6, 7, 20},        // tokens
        {2, 15, 16, 17, 24, 33, 48, 130}, // columns
    };
    return t->shape == BENCH ? large : small[which][(t->shape * (which + 3) + t->shape / 8) % 8];
}

static cpu_q8_rows take_q8(trial *t, size_t rows, size_t blocks) {
    size_t groups = (blocks + CPU_GROUP - 1) / CPU_GROUP;
    cpu_q8_rows x = {groups,
                     take(t, rows * groups * CPU_GROUP_BYTES),
                     take(t, rows * groups * CPU_GROUP * sizeof(float)),
                     take(t, rows * groups * CPU_GROUP * sizeof(int32_t)),
                     take(t, rows * groups * CPU_GROUP * sizeof(int32_t)),
                     take(t, rows * groups * CPU_GROUP * sizeof(int32_t))};
    memset(x.codes, 0, rows * groups * CPU_GROUP_BYTES);
    memset(x.scales, 0, rows * groups * CPU_GROUP * sizeof(float));
    memset(x.q8_starts, 0, rows * groups * CPU_GROUP * sizeof(int32_t));
    memset(x.mx_starts, 0, rows * groups * CPU_GROUP * sizeof(int32_t));
    memset(x.mx_pair_starts, 0, rows * groups * CPU_GROUP * sizeof(int32_t));
    for (size_t r = 0; r < rows; r++) {
        for (size_t b = 0; b < blocks; b++) {
            size_t at = r * groups * CPU_GROUP + b;
            x.scales[at] = draw_float(t) * 0.01f;
            for (size_t i = 0; i < CPU_BLOCK; i++) {
                int q = draw(t) % 8 ? (int)(draw(t) % 255) - 127 : 127;
                x.codes[r * groups * CPU_GROUP_BYTES + cpu_q8_place(b, i)] = (int8_t)q;
                x.q8_starts[at] -= CPU_Q8_OFFSET * q;
                x.mx_starts[at] -= CPU_MX_OFFSET * q;
                x.mx_pair_starts[at][i / 4 % 2] -= (int16_t)(CPU_MX_OFFSET * q);
            }
        }
    }
    return x;
}

#define REPEAT for (begin(t); again(t);)

static void run_dots_f32(trial *t, const cpu_kernels *k) {
    size_t columns = pick(t, 2, 2880), n = pick(t, 1, 32),
           n_rows = t->shape == BENCH ? 4 : 1 + t->shape % 9;
    size_t stride = columns + t->shape % 3;
    float *w = take_floats(t, n_rows * columns), *x = take_floats(t, 5 * stride);
    int32_t *index = take_index(t, n, 5);
    float *out = take(t, n * (n_rows + 3) * sizeof *out);
    t->work = (double)(n * n_rows * columns);
    REPEAT k->dots_f32(w, n_rows, columns, x, stride, index, n, out, n_rows + 3);
}

static void run_decode_bf16(trial *t, const cpu_kernels *k) {
    size_t n = pick(t, 2, 2880);
    uint16_t *from = take_bytes(t, n * 2);
    float *to = take(t, n * sizeof *to);
    t->work = (double)n;
    REPEAT k->decode_bf16(from, n, to);
}

static void run_encode_bf16(trial *t, const cpu_kernels *k) {
    size_t n = pick(t, 2, 2880);
    float *from = take_bytes(t, n * sizeof *from); // any bits: NaN and infinities too
    uint16_t *to = take(t, n * 2);
    from[0] = number_f32_of_bits(0x7f800001), from[1] = -INFINITY;
    t->work = (double)n;
    REPEAT k->encode_bf16(from, n, to);
}

static void run_decode_mxfp4(trial *t, const cpu_kernels *k) {
    size_t n = pick(t, 0, 90);
    uint8_t *blocks = take_bytes(t, n * 16), *scales = take_scales(t, n);
    float *to = take(t, n * CPU_BLOCK * sizeof *to);
    t->work = (double)(n * CPU_BLOCK);
    REPEAT k->decode_mxfp4(blocks, scales, n, to);
}

static void run_encode_q8(trial *t, const cpu_kernels *k) {
    size_t n = pick(t, 0, 90), first = t->shape % 5, groups = (first + n + 3) / CPU_GROUP;
    size_t rows = 1 + t->shape % 3;
    float *values = take_floats(t, n * CPU_BLOCK);
    cpu_q8_rows to = take_q8(t, rows, groups * CPU_GROUP);
    static const float odd[] = {0, 0x1p-101f, 0x1p-99f, 0x1.fffffep127f, INFINITY, NAN, 1e-42f};
    for (size_t i = 0; i < CPU_BLOCK && t->shape % 2; i++)
        values[i] *= odd[t->shape / 2 % 7] * 0.25f; // a block of unusual size
    t->work = (double)(n * CPU_BLOCK);
    REPEAT k->encode_q8(values, first, n, &to, rows - 1);
}

static void run_pack_q8(trial *t, const cpu_kernels *k) {
    size_t columns = pick(t, 2, 2880), blocks = (columns + CPU_BLOCK - 1) / CPU_BLOCK;
    const uint16_t *rows[CPU_PANEL];
    uint16_t *weights = take(t, CPU_PANEL * columns * 2);
    for (size_t i = 0; i < CPU_PANEL * columns; i++)
        weights[i] =
            number_f32_to_bf16(draw(t) % 500 ? draw_float(t) * 0x1p-5f : draw_float(t) * 1e38f);
    for (size_t r = 0; r < CPU_PANEL; r++)
        rows[r] = t->shape % 4 == 3 && r > 20 ? NULL : weights + r * columns;
    uint8_t *codes = take(t, blocks * CPU_BLOCK * CPU_PANEL);
    uint16_t *scales = take(t, blocks * CPU_PANEL * 2);
    t->work = (double)(CPU_PANEL * columns);
    REPEAT k->pack_q8(rows, columns, codes, scales);
}

static void run_pack_mx(trial *t, const cpu_kernels *k) {
    size_t n = pick(t, 0, 90);
    uint8_t *blocks = take_bytes(t, CPU_PANEL * n * 16), *scales = take_scales(t, CPU_PANEL * n);
    uint8_t *codes = take(t, n * CPU_BLOCK * CPU_PANEL);
    uint16_t *to = take(t, n * CPU_PANEL * 2);
    t->work = (double)(n * CPU_BLOCK * CPU_PANEL);
    REPEAT k->pack_mx(blocks, scales, n, codes, to);
}

static void run_panel(trial *t, const cpu_kernels *k, bool mx) {
    size_t blocks = pick(t, 0, 90), n = pick(t, 1, 48);
    uint8_t *codes = take_bytes(t, blocks * CPU_BLOCK * CPU_PANEL);
    uint16_t *scales = take(t, blocks * CPU_PANEL * 2);
    for (size_t i = 0; i < blocks * CPU_BLOCK * CPU_PANEL; i++)
        codes[i] = mx ? codes[i] % 25 : codes[i] ? codes[i] : 1; // 1 .. 255 is -127 .. 127
    for (size_t i = 0; i < blocks * CPU_PANEL; i++)
        scales[i] = number_f32_to_bf16(draw_float(t) * 0.01f);
    cpu_q8_rows x = take_q8(t, 7, blocks);
    int32_t *index = take_index(t, n, 7);
    size_t stride = CPU_PANEL + t->shape % 2 * 32;
    float *out = take(t, n * stride * sizeof *out);
    t->work = (double)(n * blocks * CPU_BLOCK * CPU_PANEL);
    cpu_panel panel = {.n_blocks = blocks, .codes = codes, .scales = scales, .ahead = codes};
    panel.ahead_bytes = t->shape % 3 * 1000;
    REPEAT(mx ? k->panel_mx : k->panel_q8)(&panel, &x, index, n, out, stride);
}

static void run_panel_q8(trial *t, const cpu_kernels *k) {
    run_panel(t, k, false);
}

static void run_panel_mx(trial *t, const cpu_kernels *k) {
    run_panel(t, k, true);
}

// Also checks that packing and multiplying give what the direct product gives.
static void run_rows_mxfp4(trial *t, const cpu_kernels *k) {
    size_t blocks = pick(t, 0, 90), n = pick(t, 1, 1);
    uint8_t *bytes = take_bytes(t, CPU_PANEL * blocks * 16);
    uint8_t *scales = take_scales(t, CPU_PANEL * blocks);
    cpu_q8_rows x = take_q8(t, 7, blocks);
    int32_t *index = take_index(t, n, 7);
    float *out = take(t, n * CPU_PANEL * sizeof *out);
    t->work = (double)(n * blocks * CPU_BLOCK * CPU_PANEL);
    REPEAT k->rows_mxfp4(bytes, scales, blocks, &x, index, n, out, CPU_PANEL);
    if (t->shape == BENCH)
        return;
    uint8_t *codes = take(t, blocks * CPU_BLOCK * CPU_PANEL);
    uint16_t *panel_scales = take(t, blocks * CPU_PANEL * 2);
    float *other = take(t, n * CPU_PANEL * sizeof *other);
    k->pack_mx(bytes, scales, blocks, codes, panel_scales);
    cpu_panel panel = {.n_blocks = blocks, .codes = codes, .scales = panel_scales};
    k->panel_mx(&panel, &x, index, n, other, CPU_PANEL);
    for (size_t i = 0; i < n * CPU_PANEL; i++)
        CHECK(out[i] == other[i] || (out[i] != out[i] && other[i] != other[i]),
              "prompt and decode of %s disagree: %a and %a", k->name, out[i], other[i]);
}

static const uint16_t *round_bf16(trial *t, const float *from, size_t n) {
    uint16_t *to = take(t, n * sizeof *to);
    for (size_t i = 0; i < n; i++)
        to[i] = number_f32_to_bf16(from[i]);
    return to;
}

static void run_attend(trial *t, bool bf16, void (*attend)(const cpu_page *page)) {
    static const int dims[] = {2, 6, 16, 18, 64, 80, 128, 30};
    bool bench = t->shape == BENCH;
    int dim = bench ? 64 : dims[t->shape % 8], heads = bench ? 8 : 1 + (int)(t->shape / 8) % 9;
    size_t padded = (size_t)(dim + CPU_LANES - 1) / CPU_LANES * CPU_LANES, n = (size_t)heads;
    cpu_page page = {.head_dim = dim, .padded_dim = (int)padded, .n_heads = heads};
    page.first = bench ? 0 : (int)(draw(t) % CPU_PAGE);
    page.last =
        bench ? CPU_PAGE - 1 : page.first + (int)(draw(t) % (uint32_t)(CPU_PAGE - page.first));
    float *key = take_floats(t, (size_t)dim * CPU_PAGE), *v = take_floats(t, padded * CPU_PAGE);
    for (int i = 0; i < CPU_PAGE; i++) { // what lies outside of the range may be anything
        for (size_t d = 0; d < padded && (i < page.first || i > page.last); d++) {
            v[(size_t)i * padded + d] = NAN;
            key[d % (size_t)dim * CPU_PAGE + (size_t)i] = NAN;
        }
    }
    if (t->shape % 6 == 5) // a NaN that is seen spoils sums and outputs, but not the maximum
        key[draw(t) % (uint32_t)dim * CPU_PAGE + (uint32_t)page.last] = NAN;
    page.q = take_floats(t, n * (size_t)dim);
    page.k = key, page.v = v;
    if (bf16) {
        page.k = round_bf16(t, key, (size_t)dim * CPU_PAGE);
        page.v = round_bf16(t, v, padded * CPU_PAGE);
    }
    page.maximum = take_floats(t, n), page.total = take_floats(t, n);
    page.output = take_floats(t, n * padded);
    t->work = 2.0 * heads * dim * (page.last - page.first + 1);
    REPEAT attend(&page);
}

static void run_attend_f32(trial *t, const cpu_kernels *k) {
    run_attend(t, false, k->attend_f32);
}

static void run_attend_bf16(trial *t, const cpu_kernels *k) {
    run_attend(t, true, k->attend_bf16);
}

static void run_swiglu(trial *t, const cpu_kernels *k) {
    size_t n = pick(t, 2, 2880);
    float *from = take_floats(t, 2 * n), *to = take(t, n * sizeof *to);
    for (size_t i = 0; i < 2 * n; i++)
        from[i] *= draw(t) % 8 ? 3 : 100;
    from[0] = NAN;
    t->work = (double)n;
    REPEAT k->swiglu(from, n, 7, 1.702f, to);
}

// Buffers in which floats lie are compared as floats, all others as bytes that must agree too:
// equal bits are equal in both readings, so bits first, then values where they may be NaN.
static void compare(const trial *a, const trial *b, const char *kernel, const char *set) {
    for (size_t i = 0; i < a->n_buffers; i++) {
        size_t bytes = a->buffers[i].bytes;
        const uint8_t *x = a->buffers[i].map + a->buffers[i].map_bytes - GUARD - bytes;
        const uint8_t *y = b->buffers[i].map + b->buffers[i].map_bytes - GUARD - bytes;
        for (size_t j = 0; j < bytes; j += 4) {
            size_t size = bytes - j < 4 ? bytes - j : 4;
            float p = 0, q = 0;
            memcpy(&p, x + j, size);
            memcpy(&q, y + j, size);
            CHECK(memcmp(x + j, y + j, size) == 0 || p == q || (p != p && q != q),
                  "%s of %s differs from scalar: shape %zu, buffer %zu, word %zu: %a, not %a",
                  kernel, set, a->shape, i, j / 4, q, p);
        }
    }
}

typedef void runner(trial *t, const cpu_kernels *k);

static void check(runner *run, const char *name, const cpu_kernels *scalar,
                  const cpu_kernels *set) {
    for (size_t shape = 0; shape < N_SHAPES; shape++) {
        trial a = {.shape = shape, .state = shape * 77 + 1, .repeat = 1}, b = a;
        run(&a, scalar);
        run(&b, set);
        compare(&a, &b, name, set->name);
        release(&a, name, "scalar");
        release(&b, name, set->name);
    }
}

// ---- speed ----------------------------------------------------------------------------------

// What one unit of a kernel's work is, which peak it is held against, and how many bytes of weights
// or inputs it reads: 0 where a panel meets so many tokens that they don't matter.
typedef enum unit { VALUES, F32, INT8 } unit;
static const struct {
    const char *prefix; // of the kernel's name
    unit unit;
    double bytes;
} units[] = {
    {"dots_f32", F32, 0},
    {"decode_bf16", VALUES, 2},
    {"encode_bf16", VALUES, 4},
    {"decode_mxfp4", VALUES, 17 / 32.0},
    {"encode_q8", VALUES, 4},
    {"pack_q8", VALUES, 2},
    {"pack_mx", VALUES, 17 / 32.0},
    {"panel", INT8, 0},
    {"rows_mxfp4", INT8, 17 / 32.0},
    {"attend", F32, 0},
    {"swiglu", VALUES, 8},
};

typedef struct peaks {
    double read, per_second[3]; // bytes; of each unit, 0 where there is none
} peaks;

enum { TIMES = 5 }; // the best of

static double best_products(size_t (*multiply)(size_t rounds)) {
    double best = 0;
    for (size_t rounds = 64, timed = 0; timed < TIMES; rounds *= timed ? 1 : 2) {
        double seconds = -processor_seconds();
        size_t macs = multiply(rounds);
        seconds += processor_seconds();
        best = seconds > 0 && (double)macs / seconds > best ? (double)macs / seconds : best;
        timed += seconds > 0.01;
    }
    return best;
}

static double best_read(const machine_peaks *set) {
    enum { BYTES = 256 << 20 };
    uint64_t *memory = base_alloc_aligned(1, BYTES), content = 0;
    CHECK(memory, "no memory");
    memset(memory, 1, BYTES);
    double best = 0;
    for (int i = 0; i < TIMES; i++) {
        double seconds = -processor_seconds();
        content += set->read(memory, BYTES);
        seconds += processor_seconds();
        best = BYTES / seconds > best ? BYTES / seconds : best;
    }
    base_free(memory);
    return content == 1 ? 0 : best; // so that it is needed
}

static void bench(runner *run, const char *name, const cpu_kernels *set, const peaks *peak) {
    double best = 0, work = 0;
    for (size_t repeat = 1, timed = 0; timed < TIMES; repeat *= timed ? 1 : 4) {
        trial t = {.shape = BENCH, .state = 1, .repeat = repeat};
        run(&t, set);
        release(&t, name, set->name);
        double rate = (double)repeat / t.seconds;
        best = rate > best ? rate : best;
        work = t.work;
        timed += t.seconds > 0.01;
    }
    size_t i = 0;
    while (i < sizeof units / sizeof units[0] - 1 &&
           strncmp(units[i].prefix, name, strlen(units[i].prefix)) != 0)
        i++;
    static const char *const names[] = {"G values/s", "GMAC/s f32", "GMAC/s int8"};
    printf("%-8s %-16s %10.2f us %8.2f %-11s", set->name, name, 1e6 / best, best * work * 1e-9,
           names[units[i].unit]);
    if (peak->per_second[units[i].unit] > 0)
        printf(" %4.0f %% of peak", best * work / peak->per_second[units[i].unit] * 100);
    if (units[i].bytes > 0) {
        double bytes = best * work * units[i].bytes;
        printf(" %8.2f GB/s, memory gives %.1f", bytes * 1e-9, peak->read * 1e-9);
    }
    printf("\n");
}

static void bench_set(const cpu_kernels *set) {
    const machine_peaks *of = machine_peaks_for(set->needs);
    peaks p = {best_read(of), {0, best_products(of->f32), best_products(of->int8)}};
    printf("%-8s peaks of one core: %.1f GB/s from memory, %.1f GMAC/s f32, %.1f GMAC/s int8\n",
           set->name, p.read * 1e-9, p.per_second[F32] * 1e-9, p.per_second[INT8] * 1e-9);
#define BENCH_KERNEL(kernel, parameters) bench(run_##kernel, #kernel, set, &p);
    CPU_KERNELS(BENCH_KERNEL)
#undef BENCH_KERNEL
}

// Sets that only tests run: AVX-VNNI's code in the encoding of AVX-512.
static size_t add_test_sets(cpu_kernel_choice *sets, size_t n) {
#if defined(__x86_64__)
    extern const cpu_kernels cpu_kernels_avxvnni_evex;
    const unsigned needs = BASE_CPU_AVX2 | BASE_CPU_AVX512 | BASE_CPU_VNNI;
    cpu_kernel_choice evex = {.runs = (base_cpu_flags() & needs) == needs};
    for (size_t i = 0; i < n; i++)
        if (sets[i].kernels.needs == BASE_CPU_AVX2)
            evex.kernels = sets[i].kernels;
    cpu_kernels_override(&evex.kernels, &cpu_kernels_avxvnni_evex, needs);
    evex.kernels.name = "vnni256";
    sets[n++] = evex;
#else
    (void)sets;
#endif
    return n;
}

int main(int argc, char **argv) {
    cpu_kernel_choice sets[CPU_MAX_KERNEL_SETS + 1];
    size_t n = add_test_sets(sets, cpu_kernel_sets(sets));
    bool timing = argc > 1 && strcmp(argv[1], "bench") == 0;
    for (size_t i = 0; i < n; i++) {
        const cpu_kernels *set = &sets[i].kernels;
        if (!sets[i].runs) {
            printf("%s: not on this machine\n", set->name);
        } else if (timing) {
            if (argc < 3 || strcmp(argv[2], set->name) == 0)
                bench_set(set);
        } else {
#define CHECK_KERNEL(kernel, parameters) check(run_##kernel, #kernel, &sets[0].kernels, set);
            CPU_KERNELS(CHECK_KERNEL)
#undef CHECK_KERNEL
        }
    }
    return 0;
}
