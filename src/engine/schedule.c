// Who is part of the next step, and with how many tokens.
//
// Sequences that speak (one token is not computed) come first, then prompts, as many tokens of them
// as the pace allows. Of each kind: higher priorities first, then clients that were served less,
// then whoever was computed longest ago.
//
// A sequence is admitted when there are pages for all of its tokens; until then it holds none that
// others could miss. It waits where another one computes the same beginning right now. Who speaks
// and finds no page takes those of the sequence that was started last, which is computed again when
// it is admitted again. When nothing else could be computed, whoever is first takes what it needs:
// so somebody always goes on.
#include "engine/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}

static bool speaks(const engine_sequence *s) {
    return s->admitted && pending(s) == 1;
}

// ---- room -----------------------------------------------------------------------------------

// Whether `who` may take the pages of s, which is not part of the step.
static bool may_take(const engine_sequence *who, const engine_sequence *s, victim_kind victims) {
    if (!s->admitted || atomic_load(&s->cancelled) || victims == VICTIMS_ALL)
        return true; // it would find its tokens again, or compute them again
    if (victims == VICTIMS_IDLE)
        return false;
    if (s->request.priority != who->request.priority)
        return s->request.priority < who->request.priority;
    return victims == VICTIMS_YOUNGER && s->order > who->order;
}

// Whether a gives up its pages before b: idle ones first, those that were used longest ago; then
// those whose caller does not come for the result; then low priorities, the last started first.
static bool goes_before(const engine_sequence *a, const engine_sequence *b) {
    if (a->admitted != b->admitted)
        return b->admitted;
    if (!a->admitted)
        return a->computed < b->computed;
    if (wants_work(a) != wants_work(b))
        return wants_work(b);
    if (a->request.priority != b->request.priority)
        return a->request.priority < b->request.priority;
    return a->order > b->order;
}

// Takes the pages of one sequence, which keeps its tokens; false when there is none to take.
static bool take_pages(engine *e, const engine_sequence *who, const cache_sequence *pages,
                       victim_kind victims) {
    engine_sequence *victim = NULL;
    for (engine_sequence *s = e->first; s; s = s->next) {
        bool held = s->pages.length > 0 && !s->in_step && &s->pages != pages;
        if (held && may_take(who, s, victims) && (!victim || goes_before(s, victim)))
            victim = s;
    }
    if (!victim)
        return false;
    keep(victim, victim->pages.length); // as long as nobody takes those
    (void)cache_truncate(e->cache, &victim->pages, 0);
    e->counts.preempted += victim->admitted;
    victim->admitted = false;
    return true;
}

int32_t make_room(engine *e, const engine_sequence *who, const cache_sequence *pages, int32_t count,
                  victim_kind victims) {
    while (cache_room(e->cache, pages) < count) {
        if (!take_pages(e, who, pages, victims))
            break;
    }
    return least(count, cache_room(e->cache, pages));
}

// ---- admission ------------------------------------------------------------------------------

// Pages that admitted sequences will take for the tokens that they have, and one for what each
// says next.
static int32_t promised(const engine *e, backend_group group) {
    int32_t n = 0;
    for (const engine_sequence *s = e->first; s; s = s->next) {
        if (!s->admitted)
            continue;
        int32_t missing = cache_missing(e->cache, &s->pages, (int32_t)s->ids.length + 1, group);
        n += missing > 1 ? missing : 1;
    }
    return n;
}

static bool fits(const engine *e, const cache_sequence *pages, int32_t length) {
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        int32_t missing = cache_missing(e->cache, pages, length, g);
        if (missing > 0 && missing > cache_available_pages(e->cache, g) - promised(e, g))
            return false;
    }
    return true;
}

bool engine_fits(engine *e, int32_t n_tokens) {
    pthread_mutex_lock(&e->lock);
    const cache_sequence nothing = {0};
    bool yes = n_tokens <= e->options.context &&
               fits(e, &nothing, n_tokens < e->options.context ? n_tokens + 1 : n_tokens);
    unlock(e);
    return yes;
}

static bool any_admitted(const engine *e) {
    for (const engine_sequence *s = e->first; s; s = s->next) {
        if (s->admitted)
            return true;
    }
    return false;
}

// Gives the sequence what was kept of its tokens, and leave to compute the rest, if there will be
// pages for it.
static bool admit(engine *e, engine_sequence *s, bool force) {
    int32_t before = s->pages.length, length = (int32_t)s->ids.length;
    if (s->request.reuse)
        (void)cache_adopt(e->cache, &s->pages, s->ids.data, length - 1);
    force |= !any_admitted(e);
    while (!force && !fits(e, &s->pages, length + 1)) {
        if (take_pages(e, s, &s->pages, VICTIMS_LOWER))
            continue;
        if (s->pages.length > before)
            (void)cache_truncate(e->cache, &s->pages, 0);
        return false;
    }
    s->admitted = true;
    s->leader = NULL;
    if (!s->counted) {
        s->counted = true;
        s->reused = s->pages.length;
        e->counts.prompts += s->request.reuse;
        e->counts.prompt_tokens += s->request.reuse ? s->n_prompt : 0;
        e->counts.hits += s->request.reuse && s->reused > 0;
        e->counts.reused_tokens += s->request.reuse ? (uint64_t)s->reused : 0;
    }
    return true;
}

// ---- the same beginning, right now ----------------------------------------------------------

// What is computed of it, without the step that is being chosen.
static int32_t done(const engine_sequence *s) {
    return s->in_step ? s->step_from : s->pages.length;
}

static bool leads(const engine_sequence *s) {
    return s->admitted && s->request.reuse && (s->in_step || wants_work(s)) &&
           (int32_t)s->ids.length - done(s) > 1;
}

static int32_t agreeing(const int32_t *a, const int32_t *b, int32_t most) {
    int32_t n = 0;
    while (n < most && a[n] == b[n])
        n++;
    return n;
}

// Has the leader keep its state at `length`, if it will not anyway; returns where it will, 0: it
// can't.
static int32_t mark(engine_sequence *leader, int32_t length) {
    int32_t n_prompt = (int32_t)leader->n_prompt;
    if (length == n_prompt || length == n_prompt - 1)
        return n_prompt; // one token less is there as well
    for (int32_t i = 0; i < leader->n_marks; i++) {
        if (leader->marks[i] == length)
            return length;
    }
    if (leader->n_marks == ENGINE_MARKS)
        return 0;
    leader->marks[leader->n_marks++] = length;
    return length;
}

// Another sequence that computes the same beginning as s right now, a page more than is there
// already; NULL: none.
static engine_sequence *find_leader(engine *e, engine_sequence *s) {
    engine_sequence *known = s->leader;
    if (known && leads(known) && known->order == s->leader_order && done(known) < s->leader_length)
        return known;
    s->leader = NULL;
    int32_t most = (int32_t)s->ids.length - 1;
    if (!s->request.reuse || e->options.kept_states == 0 || pending(s) <= BACKEND_PAGE)
        return NULL;
    int32_t kept = cache_find(e->cache, s->ids.data, most), best = 0;
    int32_t enough = (kept > s->pages.length ? kept : s->pages.length) + BACKEND_PAGE;
    for (engine_sequence *other = e->first; other; other = other->next) {
        if (other == s || !leads(other))
            continue;
        int32_t n = least(most, (int32_t)other->ids.length);
        n = agreeing(s->ids.data, other->ids.data, n);
        if (n > best && n >= enough && n > done(other)) {
            best = n;
            s->leader = other;
        }
    }
    if (!s->leader)
        return NULL;
    s->leader_order = s->leader->order;
    s->leader_length = mark(s->leader, best);
    if (s->leader_length <= done(s->leader))
        s->leader = NULL;
    return s->leader;
}

// ---- the batch ------------------------------------------------------------------------------

// Guesses up to `most` tokens that come behind the one that was sampled last. They end before the
// generation does, and stay in the page of that token: a guess takes no memory that another
// sequence could miss.
static int32_t guess(const engine_sequence *s, int32_t most, int32_t *ids) {
    const engine *e = s->engine;
    int32_t length = (int32_t)s->ids.length;
    if (!s->request.speculation || s->n_sampled == 0)
        return 0;
    assert(s->draft.length == length);
    most = least(most, BACKEND_PAGE - 1 - (length - 1) % BACKEND_PAGE);
    most = least(most, e->options.context - length - 1);
    if (s->request.max_tokens)
        most = least(most, s->request.max_tokens - s->n_sampled - 1);
    return draft_guess(&s->draft, s->ids.data, most, ids);
}

// Puts up to `most` tokens of a sequence that are not computed into the batch, and where these are
// all, up to `most_guesses` behind them. False when there is no room for any.
static bool add_run(engine *e, engine_sequence *s, int32_t most, int32_t most_guesses,
                    victim_kind victims) {
    step *st = &e->step;
    int32_t *ids = st->ids + st->n_tokens;
    int32_t wanted = make_room(e, s, &s->pages, least(pending(s), most), victims);
    if (wanted == 0)
        return false;
    bool whole = wanted == pending(s);
    if (whole)
        most_guesses = guess(s, least(most - wanted, most_guesses), ids + wanted);
    int32_t n_guesses = whole ? most_guesses : 0, position = s->pages.length;
    int32_t count = wanted + n_guesses;
    if (cache_extend(e->cache, &s->pages, count, &s->failure) != GPTOSS_OK)
        return false;
    memcpy(ids, s->ids.data + position, (size_t)wanted * sizeof *ids);
    backend_run *run = &st->runs[st->n_runs];
    *run = (backend_run){.first = st->n_tokens, .count = count, .position = position};
    memcpy(run->pages, s->pages.pages, sizeof run->pages);
    step_part *part = &st->parts[st->n_runs++];
    *part = (step_part){.owner = s, .first_row = st->n_rows, .n_rows = whole ? 1 + n_guesses : 0};
    st->n_tokens += count;
    for (int32_t i = 0; i < part->n_rows; i++)
        st->rows[st->n_rows++] = st->n_tokens - part->n_rows + i;
    s->guessed += (size_t)n_guesses;
    s->client->served += (uint64_t)wanted;
    s->computed = e->n_steps;
    s->step_from = position;
    s->in_step = true;
    return true;
}

static int compare(const void *left, const void *right) {
    const engine_sequence *a = *(engine_sequence *const *)left;
    const engine_sequence *b = *(engine_sequence *const *)right;
    if (speaks(a) != speaks(b))
        return speaks(a) ? -1 : 1;
    if (a->request.priority != b->request.priority)
        return a->request.priority > b->request.priority ? -1 : 1;
    if (a->client->served != b->client->served)
        return a->client->served < b->client->served ? -1 : 1;
    if (a->computed != b->computed)
        return a->computed < b->computed ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

typedef struct choice {
    int32_t n_ready, n_speaking; // of e->ready, those that speak first
    bool speech;                 // somebody speaks, or will when its caller comes back
} choice;

// Fills e->ready, in order.
static choice collect(engine *e) {
    enum { RECENT = 8 }; // steps after which a caller who did not come back is not waited for
    choice c = {0, 0, false};
    for (engine_sequence *s = e->first; s; s = s->next) {
        if (speaks(s) && s->n_sampled > 0)
            c.speech |= wants_work(s) || e->n_steps - s->computed <= RECENT;
        if (!wants_work(s))
            continue;
        e->ready[c.n_ready++] = s;
        c.n_speaking += speaks(s);
    }
    if (c.n_ready > 1)
        qsort(e->ready, (size_t)c.n_ready, sizeof(engine_sequence *), compare);
    return c;
}

// Room for prompts is left, so that they go on beside any number that speak.
static void add_speaking(engine *e, const choice *c) {
    step *st = &e->step;
    bool prompts = c->n_ready > c->n_speaking;
    int32_t tokens = e->options.batch_tokens, rows = st->most_rows - prompts;
    // Of a batch of one token, every second is for prompts.
    tokens -= !prompts ? 0 : tokens == 1 ? (int32_t)(e->n_steps % 2) : 1 + tokens / 8;
    int32_t most_guesses = c->n_speaking ? DRAFT_ROWS / c->n_speaking - 1 : 0;
    for (int32_t i = 0; i < c->n_speaking && st->n_tokens < tokens && st->n_rows < rows; i++) {
        engine_sequence *s = e->ready[i];
        int32_t most = tokens - st->n_tokens;
        if (!s->in_step && speaks(s)) // it may have had to give up its pages
            (void)add_run(e, s, most, least(most_guesses, rows - 1 - st->n_rows), VICTIMS_YOUNGER);
    }
}

static void add_prompts(engine *e, const choice *c) {
    step *st = &e->step;
    int32_t budget = e->options.batch_tokens - st->n_tokens;
    if (c->speech)
        budget = least(budget, pace_allowance(&e->pace));
    bool blocked = false; // whoever comes first is admitted first
    for (int32_t i = c->n_speaking; i < c->n_ready && budget > 0; i++) {
        engine_sequence *s = e->ready[i];
        if (!s->admitted) {
            engine_sequence *leader = !blocked || s->leader ? find_leader(e, s) : NULL;
            if (leader)
                s = leader; // in its follower's place
            else if (blocked || !admit(e, s, false))
                blocked = true;
        }
        if (!s->admitted || s->in_step || st->n_rows == st->most_rows)
            continue;
        int32_t before = st->n_tokens;
        (void)add_run(e, s, budget, 0, VICTIMS_YOUNGER);
        budget -= st->n_tokens - before;
        st->n_prompt += st->n_tokens - before;
    }
}

// Nobody got a page: one takes what it needs from whoever has it. That is the oldest of those that
// were admitted, as long as there is one, so that two can't take from each other for ever.
static void force(engine *e, const choice *c) {
    step *st = &e->step;
    engine_sequence *chosen = NULL;
    for (int32_t i = 0; i < c->n_ready; i++) {
        engine_sequence *s = e->ready[i];
        if (s->failure.status != GPTOSS_OK)
            continue;
        bool older = chosen && s->admitted && (!chosen->admitted || s->order < chosen->order);
        if (!chosen || older)
            chosen = s;
    }
    if (!chosen)
        return;
    if (!chosen->admitted)
        (void)admit(e, chosen, true);
    (void)add_run(e, chosen, e->options.batch_tokens, 0, VICTIMS_ALL);
    st->n_prompt = st->n_tokens > 1 ? st->n_tokens : 0;
}

void choose_batch(engine *e) {
    step *st = &e->step;
    st->n_tokens = st->n_runs = st->n_rows = st->n_prompt = 0;
    e->n_steps++;
    choice c = collect(e);
    add_speaking(e, &c);
    st->speech = st->n_runs > 0;
    add_prompts(e, &c);
    if (st->n_runs == 0)
        force(e, &c);
}
