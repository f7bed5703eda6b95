// Page tables and kept states against a slow, obvious model: every sequence remembers its tokens,
// and each position must hold what depends on all tokens up to it; a fake device stores that by
// page. If pages were shared wrongly, freed too early, or not copied before a write, a position
// reads another text's values. The kept states are a plain list here, searched token by token: if
// the tree lost one, found a shorter one, or evicted another than the least recently used, this
// fails.
#include "cache/cache.h"
#include "support/check.h"

#include <string.h>

enum {
    N_SEQUENCES = 6,
    PLANNED = 2, // so that pages run out
    CONTEXT = 40 * BACKEND_PAGE,
    WINDOW = 100,
    MAX_BATCH = 150,
    KEPT = 9,
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

typedef struct expected {
    cache_sequence pages;
    int32_t ids[CONTEXT];     // [pages.length]
    uint32_t values[CONTEXT]; // that its positions must hold
} expected;

// What a position holds depends on its token and all before it.
static void set_token(expected *e, int32_t position, int32_t id) {
    e->ids[position] = id;
    uint32_t before = position ? e->values[position - 1] : 1;
    e->values[position] = (before ^ (uint32_t)(id + 7)) * 0x9e3779b1u + (before >> 15);
}

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

static int n_full;

static void extend(cache *c, device *d, expected *e, int32_t count) {
    int32_t start = e->pages.length;
    if (count > CONTEXT - start)
        count = CONTEXT - start;
    gptoss_error error = {0};
    bool fits = count <= cache_room(c, &e->pages);
    n_full += !fits;
    gptoss_status status = cache_extend(c, &e->pages, count, &error);
    CHECK(status == (fits ? GPTOSS_OK : GPTOSS_NO_MEMORY), "%d positions fit: %d, but %s", count,
          fits, error.message);
    CHECK(fits || e->pages.length == start, "what failed changed the sequence");
    if (!fits)
        return;
    for (int32_t p = start; p < start + count; p++) {
        set_token(e, p, (int32_t)(next_random() % 3));
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
    memcpy(to->ids, from->ids, sizeof to->ids);
}

// ---- kept states ----------------------------------------------------------------------------

typedef struct state_model {
    int32_t ids[CONTEXT], length, first_sliding;
    uint32_t used;
} state_model;

static state_model states[KEPT + 1];
static int n_states;
static uint32_t now;
static uint64_t n_evicted, n_adopted, n_inside;

// Forgets as many as the cache says it did, the least recently used. n_new were kept since.
static void follow_evictions(const cache *c, int n_new) {
    for (; n_evicted < cache_count(c).evicted; n_evicted++) {
        int oldest = 0;
        for (int i = 1; i < n_states; i++) {
            if (states[i].used < states[oldest].used)
                oldest = i;
        }
        CHECK(n_states > 0, "a state was evicted that was never kept");
        states[oldest] = states[--n_states];
    }
    CHECK(cache_count(c).kept == n_states + n_new, "%d states are kept, not %d",
          cache_count(c).kept, n_states + n_new);
}

static int32_t agreeing(const int32_t *ids, int32_t n_ids, const state_model *k) {
    int32_t n = 0;
    while (n < n_ids && n < k->length && ids[n] == k->ids[n])
        n++;
    return n;
}

// Positions of a state that a text can take over.
static int32_t usable(const int32_t *ids, int32_t n_ids, const state_model *k) {
    int32_t n = agreeing(ids, n_ids, k);
    int32_t seen = n > WINDOW ? n - WINDOW : 0;
    return n == k->length || seen >= k->first_sliding ? n : 0;
}

static bool is_inside(const state_model *a, const state_model *b) {
    return a->length < b->length && agreeing(b->ids, b->length, a) == a->length;
}

// Used: itself, and of those that it begins with the shortest, and those where others go on in
// another way. The shorter ones count as used later.
static void use(state_model *used) {
    for (int32_t length = used->length - 1; length > 0; length--) {
        for (int i = 0; i < n_states; i++) {
            state_model *k = &states[i];
            if (k->length != length || !is_inside(k, used))
                continue;
            bool shortest = true, branches = false;
            for (int j = 0; j < n_states; j++) {
                shortest &= !is_inside(&states[j], k);
                branches |= is_inside(k, &states[j]) && states[j].ids[length] != used->ids[length];
            }
            if (shortest || branches)
                k->used = ++now;
        }
    }
    used->used = ++now;
}

static void keep_some(cache *c, expected *e) {
    if (e->pages.length == 0)
        return;
    int32_t length = e->pages.length - (int32_t)(next_random() % 4 ? 0 : next_random() % 130);
    int32_t first = length - 1 > WINDOW ? (length - 1 - WINDOW) / BACKEND_PAGE * BACKEND_PAGE : 0;
    if (first < e->pages.first_sliding)
        first = e->pages.first_sliding;
    if (length <= 0 || first > (length > WINDOW ? length - WINDOW : 0))
        return;
    cache_keep(c, &e->pages, e->ids, length);
    for (int i = 0; i < n_states; i++) {
        if (states[i].length == length && agreeing(e->ids, length, &states[i]) == length) {
            use(&states[i]);
            return;
        }
    }
    follow_evictions(c, 1);
    state_model *k = &states[n_states++];
    memcpy(k->ids, e->ids, sizeof k->ids);
    k->length = length;
    k->first_sliding = first;
    use(k);
}

// Another sequence's text up to somewhere, and on in its own way.
static void adopt_some(cache *c, device *d, const expected *from, expected *to) {
    int32_t n = from->pages.length;
    if (n == 0)
        return;
    if (next_random() % 2)
        n = 1 + (int32_t)(next_random() % (unsigned)n);
    cache_truncate(c, &to->pages, 0);
    for (int32_t p = 0; p < n; p++)
        set_token(to, p, p == n - 1 ? (int32_t)(next_random() % 3) : from->ids[p]);
    int32_t best = 0;
    int n_best = 0;
    state_model *used = NULL;
    for (int i = 0; i < n_states; i++) {
        int32_t length = usable(to->ids, n, &states[i]);
        n_best = length > best ? 1 : n_best + (length == best);
        if (length > best || (used && length == best && states[i].length == length)) {
            best = length;
            used = &states[i];
        }
    }
    int32_t found = cache_find(c, to->ids, n);
    CHECK(found == best, "of %d positions %d are found, not %d", n, found, best);
    if (n_best > 1 && used && used->length > best)
        return; // any of several serves: the model can't know which one is used
    CHECK(cache_adopt(c, &to->pages, to->ids, n) == best && to->pages.length == best,
          "%d positions taken over, not %d", to->pages.length, best);
    check_sequence(d, to);
    if (used)
        use(used);
    n_adopted += best > 0;
    n_inside += used && best < used->length;
}

// What sequences and states hold together is all that is taken; without sequences, only states
// hold pages, and when they are forgotten, nobody does.
static void check_pages(cache *c, expected *all, const int32_t n_pages[BACKEND_GROUPS]) {
    for (int i = 0; i < N_SEQUENCES; i++)
        cache_sequence_free(c, &all[i].pages);
    cache_counts counts = cache_count(c);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        CHECK(cache_available_pages(c, g) == n_pages[g], "group %d: sequences leak pages", g);
        CHECK(cache_free_pages(c, g) == n_pages[g] - counts.kept_pages[g], "group %d: counts", g);
    }
    cache_forget(c);
    for (int g = 0; g < BACKEND_GROUPS; g++)
        CHECK(cache_free_pages(c, g) == n_pages[g], "group %d leaks %d pages", g,
              n_pages[g] - cache_free_pages(c, g));
}

int main(void) {
    model_config config = {.layers = 2, .window = WINDOW, .is_sliding = {true, false}};
    const cache_options options = {CONTEXT, PLANNED, MAX_BATCH, KEPT, 0};
    int32_t n_pages[BACKEND_GROUPS];
    cache_plan(&config, &options, n_pages);
    device d;
    for (int g = 0; g < BACKEND_GROUPS; g++)
        d.slots[g] = calloc((size_t)n_pages[g] * BACKEND_PAGE, sizeof(uint32_t));
    const backend_table table = {.page_copy = copy_page};
    cache *c;
    CHECK(cache_open(&table, &d, &config, &options, &c, NULL) == GPTOSS_OK, "open");

    static expected all[N_SEQUENCES];
    for (int i = 0; i < N_SEQUENCES; i++)
        CHECK(cache_sequence_init(c, &all[i].pages, NULL) == GPTOSS_OK, "init");
    for (int step = 0; step < STEPS; step++) {
        expected *e = &all[next_random() % N_SEQUENCES], *other = &all[next_random() % N_SEQUENCES];
        switch (next_random() % 24) {
        case 0:
            truncate_some(c, e);
            break;
        case 1:
            if (e != other)
                fork_some(c, e, other);
            break;
        case 2:
            keep_some(c, e);
            break;
        case 3:
            if (e != other)
                adopt_some(c, &d, e, other);
            break;
        case 4:
        case 5:
            extend(c, &d, e, 1);
            break;
        default:
            extend(c, &d, e, (int32_t)(next_random() % MAX_BATCH));
        }
        check_sequence(&d, e);
        check_sequence(&d, other);
        follow_evictions(c, 0);
    }
    CHECK(n_adopted > 200 && n_inside > 30 && n_evicted > 500 && n_full > 500,
          "too little was tried: %lu states adopted, %lu cut, %lu evicted, %d times full",
          n_adopted, n_inside, n_evicted, n_full);
    check_pages(c, all, n_pages);
    for (int g = 0; g < BACKEND_GROUPS; g++)
        free(d.slots[g]);
    cache_close(c);
    puts("20000 random extends, cuts, forks and kept states read back what was written");
    return 0;
}
