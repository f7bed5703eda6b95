// A library for LD_PRELOAD that makes one allocation fail: the FAIL_ALLOC-th one (from 1) that the
// program or libgptoss itself asks for. Allocations that other libraries make for themselves
// (stdio, the loader, terminals) pass, as do all when FAIL_ALLOC is unset or 0. With FAIL_ALLOC_LOG
// set, the number of allocations is written to that file when the program ends.
//
// Whose an allocation is, is told by its return address: inside the program's own mapping or that
// of a library named in WATCHED.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Libraries that allocate on the program's behalf through our calls: their failures are ours to
// handle (a JSON parser that returns NULL, a pattern that does not compile).
static const char *const WATCHED[] = {"libgptoss", "libjansson", "libpcre2"};

// jansson 2.14 reads behind its text buffer when that could not grow (lex_scan_string looks for the
// closing quote in what lex_save failed to save), and nobody who calls it can prevent that. The
// buffer doubles, so allocations of 32, 64, ... bytes by jansson pass.
static const char JANSSON[] = "libjansson";

enum { MAX_RANGES = 64 };
typedef struct range {
    uintptr_t begin, end;
    bool is_jansson;
} range;

static range ranges[MAX_RANGES];
static int n_ranges;
static long fail_at;
static atomic_long n_asked;
static atomic_bool ready;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool watched(const char *name) {
    if (!*name) // the program itself
        return true;
    for (size_t i = 0; i < sizeof WATCHED / sizeof *WATCHED; i++) {
        if (strncmp(name, WATCHED[i], strlen(WATCHED[i])) == 0)
            return true;
    }
    return false;
}

static int add_ranges(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    const char *name = file_name(info->dlpi_name);
    if (!watched(name))
        return 0;
    for (int i = 0; i < info->dlpi_phnum && n_ranges < MAX_RANGES; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            uintptr_t begin = info->dlpi_addr + part->p_vaddr;
            ranges[n_ranges++] =
                (range){begin, begin + part->p_memsz, strncmp(name, JANSSON, strlen(JANSSON)) == 0};
        }
    }
    return 0;
}

__attribute__((constructor)) static void start(void) {
    const char *wanted = getenv("FAIL_ALLOC");
    fail_at = wanted ? strtol(wanted, NULL, 10) : 0;
    dl_iterate_phdr(add_ranges, NULL);
    atomic_store(&ready, true);
}

__attribute__((destructor)) static void finish(void) {
    const char *log = getenv("FAIL_ALLOC_LOG");
    if (!log)
        return;
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    char line[32];
    int length = snprintf(line, sizeof line, "%ld\n", atomic_load(&n_asked));
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        _exit(99);
    close(fd);
}

static bool spared(const range *from, size_t size) {
    return from->is_jansson && size >= 32 && (size & (size - 1)) == 0;
}

// Counts an allocation asked for at `caller` and tells whether it is the one to fail.
static bool fails(const void *caller, size_t size) {
    if (!atomic_load_explicit(&ready, memory_order_acquire))
        return false;
    uintptr_t at = (uintptr_t)caller;
    for (int i = 0; i < n_ranges; i++) {
        if (at >= ranges[i].begin && at < ranges[i].end) {
            if (spared(&ranges[i], size))
                return false;
            bool now = atomic_fetch_add(&n_asked, 1) + 1 == fail_at;
            if (now)
                errno = ENOMEM;
            return now;
        }
    }
    return false;
}

#define CALLER __builtin_return_address(0)
#define EXPORT __attribute__((visibility("default"), noinline))

EXPORT void *malloc(size_t size) {
    return fails(CALLER, size) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size) {
    return fails(CALLER, count * size) ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *old, size_t size) {
    return fails(CALLER, size) ? NULL : __libc_realloc(old, size);
}

EXPORT int posix_memalign(void **memory_out, size_t alignment, size_t size) {
    if (fails(CALLER, size))
        return ENOMEM;
    void *memory = __libc_memalign(alignment, size);
    if (!memory)
        return ENOMEM;
    *memory_out = memory;
    return 0;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    return fails(CALLER, size) ? NULL : __libc_memalign(alignment, size);
}

EXPORT char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = fails(CALLER, size) ? NULL : __libc_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

EXPORT void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
    if (fails(CALLER, size))
        return MAP_FAILED;
    typedef void *mmap_function(void *, size_t, int, int, int, off_t);
    static _Atomic(mmap_function *) real;
    mmap_function *call = atomic_load(&real);
    if (!call) {
        call = (mmap_function *)dlsym(RTLD_NEXT, "mmap");
        atomic_store(&real, call);
    }
    return call(at, size, protection, flags, fd, offset);
}
