// Page tables against a slow, obvious model: every sequence remembers which bytes each of its
// positions must hold; a fake device stores them by page. If pages were shared wrongly, freed too
// early, or not copied before a write, a position reads another sequence's bytes.
#include "cache/cache.h"
#include "support/check.h"

#include <string.h>

enum {
    N_SEQUENCES = 6,
    CONTEXT = 40 * BACKEND_PAGE,
    WINDOW = 100,
    MAX_BATCH = 150,
    STEPS = 20000,
};

// What the device stores: one number per position and page.
typedef struct device {
    uint32_t *slots[BACKEND_GROUPS]; // [n_pages][BACKEND_PAGE]
} device;

static gptoss_status copy_page(void *handle, backend_group group, int32_t from, int32_t to,
                               gptoss_error *error) {
    (void)error;
    device *d = handle;
    memcpy(d->slots[group] + to * BACKEND_PAGE, d->slots[group] + from * BACKEND_PAGE,
           BACKEND_PAGE * sizeof(uint32_t));
    return GPTOSS_OK;
}

static uint32_t state = 12345;
static uint32_t next_random(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

// What each position of a sequence must hold.
typedef struct expected {
    cache_sequence pages;
    uint32_t values[CONTEXT];
} expected;

static uint32_t *slot(device *d, const cache_sequence *s, int group, int32_t position) {
    int32_t page = s->pages[group][position / BACKEND_PAGE];
    CHECK(page >= 0, "group %d: position %d has no page", group, position);
    return d->slots[group] + page * BACKEND_PAGE + position % BACKEND_PAGE;
}

static void check_sequence(device *d, const expected *e) {
    const cache_sequence *s = &e->pages;
    for (int32_t p = 0; p < s->length; p++)
        CHECK(*slot(d, s, BACKEND_FULL, p) == e->values[p], "full layers: position %d of %d", p,
              s->length);
    int32_t first = s->length > WINDOW ? s->length - WINDOW : 0;
    for (int32_t p = first; p < s->length; p++)
        CHECK(*slot(d, s, BACKEND_SLIDING, p) == e->values[p], "sliding layers: position %d of %d",
              p, s->length);
}

static void extend(cache *c, device *d, expected *e, int32_t count) {
    int32_t start = e->pages.length;
    if (count > CONTEXT - start)
        count = CONTEXT - start;
    gptoss_error error;
    CHECK(cache_extend(c, &e->pages, count, &error) == GPTOSS_OK, "%s", error.message);
    for (int32_t p = start; p < start + count; p++) {
        e->values[p] = next_random();
        for (int g = 0; g < BACKEND_GROUPS; g++)
            *slot(d, &e->pages, g, p) = e->values[p];
    }
    check_sequence(d, e); // before the trim: a batch's first position sees its whole window
    // What may still be taken back: all, nothing, or some of it.
    int32_t back = (int32_t)(next_random() % (unsigned)(e->pages.length - start + 1));
    int32_t keep = e->pages.length - back;
    cache_trim(c, &e->pages, keep);
    if (next_random() % 2) {
        CHECK(cache_truncate(c, &e->pages, keep) == keep, "position %d is forgotten", keep);
        check_sequence(d, e);
    }
}

static void truncate_some(cache *c, expected *e) {
    int32_t wanted = (int32_t)(next_random() % (unsigned)(e->pages.length + 1));
    if (next_random() % 2 && e->pages.length > 4)
        wanted = e->pages.length - 1 - (int32_t)(next_random() % 4);
    int32_t before = e->pages.length;
    int32_t got = cache_truncate(c, &e->pages, wanted);
    CHECK(got == wanted || got == 0, "cut from %d to %d gave %d", before, wanted, got);
    CHECK(got == e->pages.length, "the length is %d, not %d", e->pages.length, got);
    CHECK(got == wanted || before > WINDOW, "a short sequence of %d forgot position %d", before,
          wanted);
}

static void fork_some(cache *c, const expected *from, expected *to) {
    cache_truncate(c, &to->pages, 0);
    cache_fork(c, &from->pages, &to->pages);
    memcpy(to->values, from->values, sizeof to->values);
}

int main(void) {
    model_config config = {.layers = 2, .window = WINDOW, .is_sliding = {true, false}};
    int32_t n_pages[BACKEND_GROUPS];
    cache_plan(&config, CONTEXT, N_SEQUENCES, 1, MAX_BATCH, n_pages);
    device d;
    for (int g = 0; g < BACKEND_GROUPS; g++)
        d.slots[g] = calloc((size_t)n_pages[g] * BACKEND_PAGE, sizeof(uint32_t));
    const backend_table table = {.page_copy = copy_page};
    cache *c;
    CHECK(cache_open(&table, &d, n_pages, WINDOW, CONTEXT, &c, NULL) == GPTOSS_OK, "open");

    static expected all[N_SEQUENCES];
    for (int i = 0; i < N_SEQUENCES; i++)
        CHECK(cache_sequence_init(c, &all[i].pages, NULL) == GPTOSS_OK, "init");
    for (int step = 0; step < STEPS; step++) {
        expected *e = &all[next_random() % N_SEQUENCES], *other = &all[next_random() % N_SEQUENCES];
        switch (next_random() % 8) {
        case 0:
            truncate_some(c, e);
            break;
        case 1:
            if (e != other)
                fork_some(c, e, other);
            break;
        case 2:
            extend(c, &d, e, (int32_t)(next_random() % MAX_BATCH));
            break;
        default:
            extend(c, &d, e, 1);
        }
        check_sequence(&d, e);
        check_sequence(&d, other);
    }
    // Nothing is lost: when all sequences end, every page is free again.
    for (int i = 0; i < N_SEQUENCES; i++)
        cache_sequence_free(c, &all[i].pages);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        CHECK(cache_free_pages(c, g) == n_pages[g], "group %d leaks %d pages", g,
              n_pages[g] - cache_free_pages(c, g));
        free(d.slots[g]);
    }
    cache_close(c);
    puts("20000 random extends, cuts and forks read back what was written");
    return 0;
}
