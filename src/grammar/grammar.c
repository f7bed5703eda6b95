// The door: forms to automatons, and states over them.
#include "grammar/grammar.h"

#include <pthread.h>
#include <string.h>

#include "grammar/automaton.h"
#include "grammar/compile.h"

enum { MEMORY_LIMIT = 256 << 20, SHRINK_AT = 128 << 20 }; // bytes of one grammar

struct grammar {
    const grammar_vocabulary *vocabulary;
    program program;
    pthread_mutex_t lock; // over all below, and over the sets of states
    automaton automaton;
    uint32_t *bits; // [n_words] scratch
    grammar_state *states;
    size_t n_states;
};

struct grammar_state {
    grammar *grammar;
    grammar_state *before, *after; // all states of the grammar
    int32_t set;
};

// ---- grammars -------------------------------------------------------------------------------

static gptoss_status read_rules(rules *r, grammar_kind kind, const char *text, size_t length,
                                gptoss_error *error) {
    switch (kind) {
    case GRAMMAR_JSON_OBJECT:
        return rules_read_schema(r, "{\"type\":\"object\"}", 17, error);
    case GRAMMAR_JSON_SCHEMA:
        return rules_read_schema(r, text, length, error);
    case GRAMMAR_REGEX:
        return rules_read_regex(r, text, length, error);
    case GRAMMAR_GBNF:
        return rules_read_gbnf(r, text, length, error);
    case GRAMMAR_LARK:
        return rules_read_lark(r, text, length, error);
    }
    return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no form of grammar %d", (int)kind);
}

gptoss_status grammar_create_from_rules(grammar_vocabulary *v, const rules *r,
                                        grammar **grammar_out, gptoss_error *error) {
    *grammar_out = NULL;
    gptoss_status status = rules_status(r, error);
    if (status)
        return status;
    grammar *g = base_alloc_zero(1, sizeof *g);
    if (!g)
        return base_fail_memory(error, sizeof *g);
    g->vocabulary = v;
    if (pthread_mutex_init(&g->lock, NULL)) {
        base_free(g);
        return base_fail_memory(error, sizeof *g);
    }
    status = program_create(r, &g->program, error);
    if (!status) {
        g->bits = base_alloc(v->n_words, sizeof *g->bits);
        if (!g->bits || !automaton_create(&g->automaton, &g->program, v->n_words, MEMORY_LIMIT))
            status = base_fail_memory(error, g->program.n_ops * sizeof(op));
    }
    if (status) {
        grammar_free(g);
        return status;
    }
    *grammar_out = g;
    return GPTOSS_OK;
}

gptoss_status grammar_create(grammar_vocabulary *v, grammar_kind kind, const char *text,
                             size_t length, grammar **grammar_out, gptoss_error *error) {
    *grammar_out = NULL;
    rules *r = rules_create();
    if (!r)
        return base_fail_memory(error, length);
    gptoss_status status = read_rules(r, kind, text, length, error);
    if (!status)
        status = grammar_create_from_rules(v, r, grammar_out, error);
    rules_free(r);
    return status;
}

void grammar_free(grammar *g) {
    if (!g)
        return;
    automaton_free(&g->automaton);
    program_free(&g->program);
    base_free(g->bits);
    pthread_mutex_destroy(&g->lock);
    base_free(g);
}

// ---- states ---------------------------------------------------------------------------------

static gptoss_status failed(const grammar *g, gptoss_error *error) {
    if (g->automaton.status == GPTOSS_UNSUPPORTED)
        return base_fail(error, GPTOSS_UNSUPPORTED,
                         "the grammar is too ambiguous: following it takes too long here");
    return base_fail(error, GPTOSS_NO_MEMORY,
                     "out of memory: following the grammar takes more than %d MB",
                     MEMORY_LIMIT >> 20);
}

// Takes the lock and makes room. States that are kept keep their sets.
static void begin(grammar *g) {
    pthread_mutex_lock(&g->lock);
    automaton_begin(&g->automaton);
    if (automaton_bytes(&g->automaton) < SHRINK_AT)
        return;
    int32_t *sets = base_alloc(g->n_states, sizeof *sets);
    size_t n = 0;
    if (!sets)
        return;
    for (grammar_state *s = g->states; s; s = s->after)
        sets[n++] = s->set;
    if (automaton_shrink(&g->automaton, sets, n)) {
        n = 0;
        for (grammar_state *s = g->states; s; s = s->after)
            s->set = sets[n++];
    }
    base_free(sets);
}

static void end(grammar *g) {
    pthread_mutex_unlock(&g->lock);
}

// With the lock held.
static void link_state(grammar *g, grammar_state *s) {
    s->after = g->states;
    if (g->states)
        g->states->before = s;
    g->states = s;
    g->n_states++;
}

static grammar_state *new_state(grammar *g) {
    grammar_state *s = base_alloc_zero(1, sizeof *s);
    if (s)
        s->grammar = g;
    return s;
}

gptoss_status grammar_state_create(grammar *g, grammar_state **state_out, gptoss_error *error) {
    *state_out = NULL;
    grammar_state *s = new_state(g);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    gptoss_status status = GPTOSS_OK;
    begin(g);
    s->set = automaton_start(&g->automaton);
    if (s->set < 0)
        status = failed(g, error);
    else
        link_state(g, s);
    end(g);
    if (status) {
        base_free(s);
        return status;
    }
    *state_out = s;
    return GPTOSS_OK;
}

gptoss_status grammar_state_copy(const grammar_state *state, grammar_state **copy_out,
                                 gptoss_error *error) {
    *copy_out = NULL;
    grammar_state *s = new_state(state->grammar);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    pthread_mutex_lock(&s->grammar->lock);
    s->set = state->set;
    link_state(s->grammar, s);
    end(s->grammar);
    *copy_out = s;
    return GPTOSS_OK;
}

void grammar_state_free(grammar_state *s) {
    if (!s)
        return;
    grammar *g = s->grammar;
    pthread_mutex_lock(&g->lock);
    if (s->before)
        s->before->after = s->after;
    else
        g->states = s->after;
    if (s->after)
        s->after->before = s->before;
    g->n_states--;
    end(g);
    base_free(s);
}

gptoss_status grammar_accept(grammar_state *s, int32_t id, gptoss_error *error) {
    grammar *g = s->grammar;
    const tokenizer *t = g->vocabulary->tokenizer;
    size_t length = 0;
    const char *bytes = tokenizer_bytes(t, id, &length);
    if (!bytes || !length || length > TRIE_MAX_DEPTH || tokenizer_is_special(t, id))
        return base_fail(error, GPTOSS_BAD_INPUT, "token %d is not one of a text", id);
    begin(g);
    int32_t set = s->set;
    for (size_t i = 0; i < length && set >= 0; i++)
        set = automaton_step(&g->automaton, set, g->program.classes[(uint8_t)bytes[i]]);
    if (set >= 0)
        s->set = set;
    gptoss_status status = set == AUTOMATON_FAILED ? failed(g, error) : GPTOSS_OK;
    end(g);
    if (set == AUTOMATON_DEAD)
        return base_fail(error, GPTOSS_BAD_INPUT, "token %d can't come here", id);
    return status;
}

bool grammar_may_end(const grammar_state *s) {
    grammar *g = s->grammar;
    pthread_mutex_lock(&g->lock);
    bool ends = g->automaton.sets[s->set].ends;
    end(g);
    return ends;
}

gptoss_status grammar_mask(grammar_state *s, uint32_t *allowed, size_t n_words,
                           gptoss_error *error) {
    grammar *g = s->grammar;
    size_t words = g->vocabulary->n_words < n_words ? g->vocabulary->n_words : n_words;
    gptoss_status status = GPTOSS_OK;
    begin(g);
    memset(g->bits, 0, g->vocabulary->n_words * sizeof *g->bits);
    if (automaton_tokens(&g->automaton, g->vocabulary, s->set, g->bits)) {
        for (size_t i = 0; i < words; i++)
            allowed[i] &= g->bits[i];
        memset(allowed + words, 0, (n_words - words) * sizeof *allowed);
    } else {
        status = failed(g, error);
    }
    end(g);
    return status;
}
