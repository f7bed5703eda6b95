#include "lives.h"

#include "random_model.h"

#include <math.h>
#include <string.h>

enum { OPERATIONS = 60, FINGERPRINT = 77 };

typedef struct life {
    engine *engine;
    bool speculation;
    const char *path;
    uint32_t state;
    engine_sequence *sequences[LIFE_SEQUENCES];
    bool running[LIFE_SEQUENCES];
    int32_t period[LIFE_SEQUENCES]; // of what the mask makes the sequence say
    life_log *log;
} life;

static uint32_t roll(life *l, uint32_t n) {
    l->state ^= l->state << 13;
    l->state ^= l->state >> 17;
    l->state ^= l->state << 5;
    return l->state % n;
}

static void must(gptoss_status status, const gptoss_error *error) {
    CHECK(status == GPTOSS_OK, "%s", error->message);
}

static void note(life *l, life_entry entry) {
    CHECK(l->log->n < LIFE_ENTRIES, "a long life");
    l->log->entries[l->log->n++] = entry;
}

static void note_ids(life *l, int slot) {
    size_t n;
    const int32_t *ids = engine_ids(l->sequences[slot], &n);
    uint32_t hash = 1;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint32_t)ids[i]) * 0x9e3779b1u;
    note(l, (life_entry){.what = -1, .value = (int32_t)hash, .length = (int32_t)n});
}

// Leaves what came `period` tokens ago, and now and then another token.
static void repeat(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                   int32_t vocabulary) {
    size_t period = (size_t)*(const int32_t *)context;
    if (n_ids < period)
        return;
    memset(allowed, 0, ((size_t)vocabulary + 31) / 32 * sizeof *allowed);
    int32_t same = ids[n_ids - period];
    allowed[same / 32] |= 1u << (same % 32);
    uint32_t hash = (uint32_t)n_ids * 0x9e3779b1u >> 16;
    int32_t other = (int32_t)(hash % (uint32_t)vocabulary);
    if (hash % 19 == 0)
        allowed[other / 32] |= 1u << (other % 32);
    if (hash % 401 == 5)
        memset(allowed, 0, ((size_t)vocabulary + 31) / 32 * sizeof *allowed); // nothing is left
}

static void push(life *l, int slot, int32_t most) {
    gptoss_error error;
    int32_t ids[100], n = 1 + (int32_t)roll(l, (uint32_t)most);
    int32_t alphabet = roll(l, 2) ? 3 : VOCABULARY, period = 1 + (int32_t)roll(l, 30);
    for (int32_t i = 0; i < n; i++) {
        bool copy = i >= period && roll(l, 12);
        ids[i] = copy ? ids[i - period] : (int32_t)roll(l, (uint32_t)alphabet);
    }
    gptoss_status status = engine_push(l->sequences[slot], ids, (size_t)n, &error);
    CHECK(status == GPTOSS_OK || status == GPTOSS_NO_MEMORY, "%s", error.message);
    note(l, (life_entry){.what = -1, .value = (int32_t)status});
}

static void start(life *l, int slot) {
    static const gptoss_logit_bias bias[] = {{3, 2}, {7, -INFINITY}, {11, 1.5f}};
    engine_request r = {.sampling = {.top_p = 1, .repetition_penalty = 1}};
    r.speculation = roll(l, 8) && l->speculation;
    r.sampling.temperature = roll(l, 3) ? (float)roll(l, 20) / 10 : 0;
    r.sampling.seed = roll(l, 1000);
    r.sampling.stream = roll(l, 3);
    if (roll(l, 4) == 0)
        r.sampling.top_k = 1 + (int32_t)roll(l, 8);
    if (roll(l, 4) == 0)
        r.sampling.top_p = 0.6f;
    if (roll(l, 4) == 0)
        r.sampling.min_p = 0.05f;
    if (roll(l, 4) == 0)
        r.sampling.repetition_penalty = 1.2f;
    if (roll(l, 4) == 0)
        r.sampling.presence_penalty = 0.5f, r.sampling.frequency_penalty = 0.25f;
    if (roll(l, 4) == 0)
        r.sampling.bias = bias, r.sampling.n_bias = 3;
    if (roll(l, 3)) {
        l->period[slot] = 1 + (int32_t)roll(l, 40);
        r.sampling.mask = repeat;
        r.sampling.mask_context = &l->period[slot];
    }
    r.max_tokens = roll(l, 2) ? (int32_t)roll(l, 90) : 0;
    r.n_top = (int32_t)roll(l, 5);
    r.n_stops = (int32_t)roll(l, 3);
    for (int i = 0; i < r.n_stops; i++)
        r.stops[i] = (int32_t)roll(l, VOCABULARY);
    gptoss_error error;
    must(engine_start(l->sequences[slot], &r, &error), &error);
    l->running[slot] = true;
}

// Takes up to `most` results that are not progress.
static void take(life *l, int slot, int most) {
    while (l->running[slot] && most > 0) {
        engine_result r;
        gptoss_error error = {0};
        gptoss_status status = engine_next(l->sequences[slot], &r, &error);
        if (status != GPTOSS_OK || r.kind == ENGINE_DONE) {
            l->running[slot] = false;
            l->log->guessed += r.guessed;
            l->log->right += r.right;
            int32_t value = status == GPTOSS_OK ? (int32_t)r.finish : 100 + (int32_t)status;
            note(l, (life_entry){.what = ENGINE_DONE, .value = value});
        } else if (r.kind == ENGINE_TOKEN) {
            most--;
            life_entry entry = {.what = ENGINE_TOKEN,
                                .value = r.token.id,
                                .logprob = r.token.logprob,
                                .n_top = r.n_top};
            memcpy(entry.top, r.top, (size_t)r.n_top * sizeof *r.top);
            note(l, entry);
        }
    }
}

static void renew(life *l, int slot) {
    gptoss_error error;
    engine_sequence_free(l->sequences[slot]);
    l->running[slot] = false;
    must(engine_sequence_create(l->engine, &l->sequences[slot], &error), &error);
    push(l, slot, 100);
    start(l, slot);
}

// Goes back some tokens, or very many, and on in another way.
static void cut(life *l, int slot) {
    size_t n, back = roll(l, roll(l, 4) ? 12 : CONTEXT);
    (void)engine_ids(l->sequences[slot], &n);
    engine_truncate(l->sequences[slot], back < n ? n - back : 0);
    l->running[slot] = false;
    note_ids(l, slot);
    push(l, slot, roll(l, 2) ? 1 : 60);
    start(l, slot);
}

static void cancel(life *l, int slot) {
    engine_cancel(l->sequences[slot]);
    take(l, slot, 1);
    CHECK(!l->running[slot], "a token came behind a cancel");
    note_ids(l, slot);
    if (roll(l, 2))
        push(l, slot, 20);
    start(l, slot);
}

static void fork_to(life *l, int slot, int other) {
    gptoss_error error;
    if (slot == other)
        return;
    engine_sequence_free(l->sequences[other]);
    must(engine_fork(l->sequences[slot], &l->sequences[other], &error), &error);
    note_ids(l, other);
    l->running[other] = false;
    if (roll(l, 2))
        push(l, other, 20);
    start(l, other);
}

static void save_to(life *l, int slot, int other) {
    gptoss_error error;
    if (l->running[slot])
        engine_cancel(l->sequences[slot]);
    take(l, slot, 1);
    engine_truncate(l->sequences[other], CONTEXT); // ends what runs there
    must(engine_save(l->sequences[slot], FINGERPRINT, l->path, &error), &error);
    must(engine_restore(l->sequences[other], FINGERPRINT, l->path, &error), &error);
    note_ids(l, other);
    start(l, other);
}

void life_run(engine *e, uint32_t seed, bool speculation, const char *path, life_log *log) {
    life l = {.engine = e,
              .speculation = speculation,
              .path = path,
              .state = seed * 2654435761u | 1,
              .log = log};
    log->n = log->guessed = log->right = 0;
    for (int slot = 0; slot < LIFE_SEQUENCES; slot++)
        renew(&l, slot);
    for (int i = 0; i < OPERATIONS; i++) {
        int slot = (int)roll(&l, LIFE_SEQUENCES), other = (int)roll(&l, LIFE_SEQUENCES);
        uint32_t what = roll(&l, 24);
        if (what == 0)
            renew(&l, slot);
        else if (what == 1)
            cut(&l, slot);
        else if (what == 2 && l.running[slot])
            cancel(&l, slot);
        else if (what == 3)
            fork_to(&l, slot, other);
        else if (what == 4)
            save_to(&l, slot, other);
        else if (!l.running[slot])
            cut(&l, slot);
        else
            take(&l, slot, 1 + (int)roll(&l, 30));
    }
    for (int slot = 0; slot < LIFE_SEQUENCES; slot++) {
        take(&l, slot, CONTEXT);
        note_ids(&l, slot);
        engine_sequence_free(l.sequences[slot]);
    }
}
