// A team of threads that run one function together: spin briefly, then sleep.
//
// A call is announced by a new ticket; each worker runs it and reports back through a counter.
// Waiting spins for a while (a decode step has a few hundred calls, microseconds apart) and then
// sleeps on a futex, so that an idle program costs nothing.
#define _GNU_SOURCE
#include "base/base.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

// About 20 microseconds of pauses: longer than the serial part between two calls of a step.
enum { SPINS = 2000 };

typedef struct worker {
    base_pool *pool;
    int index;
    pthread_t thread;
} worker;

struct base_pool {
    int n_threads;
    int spins; // 0 where the team has more threads than processors: spinning would only delay
    base_pool_work *work; // NULL tells the workers to end
    void *context;
    _Alignas(64) atomic_uint ticket;  // one more with each call
    _Alignas(64) atomic_uint running; // workers that have not finished the current call
    _Alignas(64) atomic_uint arrived; // threads at the barrier
    _Alignas(64) atomic_uint phase;   // one more each time that a barrier opens
    int n_workers;                    // started, n_threads - 1 unless creation failed
    worker workers[];                 // [n_threads - 1]
};

static void futex(atomic_uint *word, int operation, unsigned value) {
    // The result is of no use: a wait may end early for many reasons, and the caller looks again.
    (void)syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Returns when *word is no longer old.
static unsigned wait_change(const base_pool *pool, atomic_uint *word, unsigned old) {
    for (int i = 0; i < pool->spins; i++) {
        unsigned now = atomic_load_explicit(word, memory_order_acquire);
        if (now != old)
            return now;
        pause_cpu();
    }
    for (;;) {
        unsigned now = atomic_load_explicit(word, memory_order_acquire);
        if (now != old)
            return now;
        futex(word, FUTEX_WAIT, old);
    }
}

static void *worker_main(void *argument) {
    worker *self = argument;
    base_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_change(pool, &pool->ticket, seen);
        if (!pool->work)
            return NULL;
        pool->work(pool->context, self->index, pool->n_threads);
        if (atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel) == 1)
            futex(&pool->running, FUTEX_WAKE, 1);
    }
}

static void announce(base_pool *pool, base_pool_work *work, void *context) {
    pool->work = work;
    pool->context = context;
    atomic_store_explicit(&pool->running, (unsigned)pool->n_workers, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_release);
    futex(&pool->ticket, FUTEX_WAKE, (unsigned)pool->n_workers);
}

void base_pool_run(base_pool *pool, base_pool_work *work, void *context) {
    if (pool->n_threads == 1) {
        work(context, 0, 1);
        return;
    }
    announce(pool, work, context);
    work(context, 0, pool->n_threads);
    unsigned left;
    while ((left = atomic_load_explicit(&pool->running, memory_order_acquire)) != 0)
        wait_change(pool, &pool->running, left);
}

void base_pool_barrier(base_pool *pool) {
    if (pool->n_threads == 1)
        return;
    unsigned phase = atomic_load_explicit(&pool->phase, memory_order_acquire);
    unsigned here = atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1;
    if (here == (unsigned)pool->n_threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&pool->phase, 1, memory_order_release);
        futex(&pool->phase, FUTEX_WAKE, (unsigned)pool->n_threads);
        return;
    }
    wait_change(pool, &pool->phase, phase);
}

gptoss_status base_pool_create(int n_threads, base_pool **pool_out, gptoss_error *error) {
    *pool_out = NULL;
    if (n_threads < 1 || n_threads > BASE_POOL_MAX_THREADS)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "threads must be 1 to %d, not %d",
                         BASE_POOL_MAX_THREADS, n_threads);
    size_t size = sizeof(base_pool) + (size_t)(n_threads - 1) * sizeof(worker);
    base_pool *pool = base_alloc_aligned(1, size);
    if (!pool)
        return base_fail_memory(error, size);
    *pool = (base_pool){.n_threads = n_threads, .spins = n_threads <= base_cpu_count() ? SPINS : 0};

    // Workers block every signal: the program's handlers run on its own threads.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = 0;
    for (int i = 0; i < n_threads - 1 && code == 0; i++) {
        worker *w = &pool->workers[i];
        *w = (worker){.pool = pool, .index = i + 1};
        code = pthread_create(&w->thread, NULL, worker_main, w);
        if (code == 0)
            pool->n_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code != 0) {
        base_pool_destroy(pool);
        return base_fail(error, GPTOSS_NO_MEMORY, "could not start %d threads", n_threads);
    }
    *pool_out = pool;
    return GPTOSS_OK;
}

void base_pool_destroy(base_pool *pool) {
    if (!pool)
        return;
    if (pool->n_workers)
        announce(pool, NULL, NULL);
    for (int i = 0; i < pool->n_workers; i++)
        pthread_join(pool->workers[i].thread, NULL);
    base_free(pool);
}

int base_pool_threads(const base_pool *pool) {
    return pool->n_threads;
}

void base_share(size_t n, size_t unit, int thread, int n_threads, size_t *begin_out,
                size_t *end_out) {
    size_t units = (n + unit - 1) / unit;
    size_t begin = units * (size_t)thread / (size_t)n_threads * unit;
    size_t end = units * ((size_t)thread + 1) / (size_t)n_threads * unit;
    *begin_out = begin < n ? begin : n;
    *end_out = end < n ? end : n;
}
