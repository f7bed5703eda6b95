// The thread pool: each thread runs each call once, the caller sees what they wrote, the barrier
// holds everybody, and shares cover every item once. If this fails, sums are wrong at random.
#include "base/base.h"

#include <stdatomic.h>
#include <string.h>

#include "support/check.h"

enum { MAX_THREADS = 8, CALLS = 2000, PHASES = 200 };

typedef struct counters {
    int calls[MAX_THREADS]; // plain on purpose: base_pool_run must order these
    int n_threads;
} counters;

static void count(void *context, int thread, int n_threads) {
    counters *c = context;
    CHECK(n_threads == c->n_threads, "the team has %d threads, not %d", n_threads, c->n_threads);
    c->calls[thread]++;
}

static void test_each_thread_once(int n_threads) {
    base_pool *pool = NULL;
    CHECK(base_pool_create(n_threads, &pool, NULL) == GPTOSS_OK, "no pool of %d", n_threads);
    CHECK(base_pool_threads(pool) == n_threads, "a pool forgot its size");
    counters c = {.n_threads = n_threads};
    for (int call = 1; call <= CALLS; call++) {
        base_pool_run(pool, count, &c);
        for (int t = 0; t < n_threads; t++)
            CHECK(c.calls[t] == call, "thread %d ran %d of %d calls", t, c.calls[t], call);
    }
    base_pool_destroy(pool);
}

typedef struct phases {
    base_pool *pool;
    int at[MAX_THREADS]; // the phase that each thread is in; plain: the barrier must order these
} phases;

static void walk(void *context, int thread, int n_threads) {
    phases *p = context;
    for (int phase = 1; phase <= PHASES; phase++) {
        p->at[thread] = phase;
        base_pool_barrier(p->pool);
        for (int t = 0; t < n_threads; t++)
            CHECK(p->at[t] == phase, "thread %d left a barrier that %d had not reached", thread, t);
        base_pool_barrier(p->pool);
    }
}

static void test_barrier(int n_threads) {
    phases p = {0};
    CHECK(base_pool_create(n_threads, &p.pool, NULL) == GPTOSS_OK, "no pool of %d", n_threads);
    for (int call = 0; call < 10; call++)
        base_pool_run(p.pool, walk, &p);
    base_pool_destroy(p.pool);
}

static void test_shares(void) {
    for (size_t n = 0; n < 200; n++) {
        for (size_t unit = 1; unit <= 32; unit += 5) {
            for (int threads = 1; threads <= MAX_THREADS; threads++) {
                size_t expected = 0, begin, end;
                for (int t = 0; t < threads; t++) {
                    base_share(n, unit, t, threads, &begin, &end);
                    CHECK(begin == expected && begin <= end,
                          "a share of %zu by %zu begins at %zu, not %zu", n, unit, begin, expected);
                    CHECK(begin % unit == 0 || begin == n, "a share splits a unit of %zu", unit);
                    expected = end;
                }
                CHECK(expected == n, "shares of %zu items end at %zu", n, expected);
            }
        }
    }
}

static void test_refused(void) {
    int sizes[] = {-1, 0, BASE_POOL_MAX_THREADS + 1};
    for (int i = 0; i < 3; i++) {
        base_pool *pool = (base_pool *)&sizes;
        gptoss_error error = {0};
        CHECK(base_pool_create(sizes[i], &pool, &error) == GPTOSS_BAD_ARGUMENT,
              "a pool of %d threads was accepted", sizes[i]);
        CHECK(!pool, "a refused pool was not cleared");
        CHECK(strstr(error.message, "threads"), "the message says nothing: %s", error.message);
    }
    base_pool_destroy(NULL);
}

int main(void) {
    test_refused();
    test_shares();
    for (int n = 1; n <= MAX_THREADS; n++) {
        test_each_thread_once(n);
        test_barrier(n);
    }
    return 0;
}
