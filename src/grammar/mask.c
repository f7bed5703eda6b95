// Masks: the trie of all tokens, walked through an automaton.
//
// What comes of a place while its frame lasts doesn't depend on what is below it: that part is
// found once per place. Tokens in which the frame ends go on with what is left of them, gathered
// into a trie of their own, from whatever is below.
#include <string.h>

#include "grammar/array.h"
#include "grammar/automaton.h"

enum { LIST_AT_MOST = 1024 }; // token sets of so many ids are lists: 4 KB instead of 25

void token_set_free(token_set *tokens) {
    base_free(tokens->bits);
    base_free(tokens->ids);
    *tokens = (token_set){0};
}

static void add_bit(uint32_t *bits, int32_t id) {
    bits[id / 32] |= 1u << (id % 32);
}

static bool has_bit(const uint32_t *bits, int32_t id) {
    return bits[id / 32] >> (id % 32) & 1;
}

static void token_set_add(const token_set *tokens, uint32_t *bits, size_t n_words) {
    if (tokens->bits) {
        for (size_t i = 0; i < n_words; i++)
            bits[i] |= tokens->bits[i];
    }
    for (uint32_t i = 0; i < tokens->n_ids; i++)
        add_bit(bits, tokens->ids[i]);
}

static bool keep_bits(automaton *a, const uint32_t *bits, token_set *out) {
    out->bits = base_alloc(a->n_words, sizeof *out->bits);
    if (!out->bits) {
        automaton_fail(a, GPTOSS_NO_MEMORY);
        return false;
    }
    memcpy(out->bits, bits, a->n_words * sizeof *bits);
    return automaton_hold(a, a->n_words * sizeof *bits);
}

// Keeps the tokens in bits; false: failed, nothing kept.
static bool token_set_keep(automaton *a, const uint32_t *bits, token_set *out) {
    size_t n = 0;
    for (size_t i = 0; i < a->n_words; i++)
        n += (size_t)__builtin_popcount(bits[i]);
    if (n > LIST_AT_MOST)
        return keep_bits(a, bits, out);
    out->ids = base_alloc(n, sizeof *out->ids);
    if (!out->ids) {
        automaton_fail(a, GPTOSS_NO_MEMORY);
        return false;
    }
    for (size_t i = 0; i < a->n_words; i++) {
        for (uint32_t word = bits[i]; word; word &= word - 1)
            out->ids[out->n_ids++] = (int32_t)(32 * i) + __builtin_ctz(word);
    }
    return automaton_hold(a, n * sizeof *out->ids);
}

// ---- walks ----------------------------------------------------------------------------------

typedef struct node_list {
    uint32_t *data;
    size_t count, capacity;
} node_list;

// Adds to bits the ids of all strings of the trie that can come in a set. Where the bottom is
// reached inside of a string, its node is noted in `ends`, if given.
static bool walk(automaton *a, const trie *t, int32_t set, uint32_t *bits, node_list *ends) {
    int32_t way[TRIE_MAX_DEPTH + 1];
    const uint8_t *classes = a->program->classes;
    way[0] = set;
    for (uint32_t i = 0; i < t->n_nodes;) {
        const trie_node *node = &t->nodes[i];
        int32_t from = way[node->depth - 1], class = classes[node->byte];
        const int32_t *next = a->sets[from].next;
        int32_t to = next ? next[class] : AUTOMATON_UNKNOWN;
        if (to == AUTOMATON_UNKNOWN)
            to = automaton_step(a, from, class);
        if (to == AUTOMATON_FAILED)
            return false;
        if (to == AUTOMATON_DEAD) {
            i = node->end;
            continue;
        }
        way[node->depth] = to;
        for (uint32_t id = node->first; id < node[1].first; id++)
            add_bit(bits, t->ids[id]);
        if (ends && a->sets[to].ends && node->end > i + 1) {
            if (!ARRAY_RESERVE(ends->data, ends->capacity, ends->count + 1)) {
                automaton_fail(a, GPTOSS_NO_MEMORY);
                return false;
            }
            ends->data[ends->count++] = i;
        }
        i++;
    }
    return true;
}

// What is left of the tokens below the noted nodes, but of none that is in bits already.
static bool gather(automaton *a, const grammar_vocabulary *v, const node_list *ends,
                   const uint32_t *bits, trie *leaving) {
    const trie *t = &v->trie;
    trie_entry *entries = NULL;
    size_t n = 0, capacity = 0;
    bool done = false;
    for (size_t e = 0; e < ends->count; e++) {
        const trie_node *node = &t->nodes[ends->data[e]];
        uint32_t first = node[1].first, last = t->nodes[node->end].first;
        if (!automaton_work(a, last - first))
            goto done;
        if (!ARRAY_RESERVE(entries, capacity, n + (last - first)))
            goto no_memory;
        for (uint32_t i = first; i < last; i++) {
            size_t length;
            const char *bytes = tokenizer_bytes(v->tokenizer, t->ids[i], &length);
            if (!has_bit(bits, t->ids[i]))
                entries[n++] =
                    (trie_entry){bytes + node->depth, (uint32_t)(length - node->depth), t->ids[i]};
        }
    }
    if (!n || trie_build(leaving, entries, n)) {
        done = automaton_hold(a, trie_bytes(leaving));
        goto done;
    }
no_memory:
    automaton_fail(a, GPTOSS_NO_MEMORY);
done:
    base_free(entries);
    return done;
}

static bool know_place(automaton *a, const grammar_vocabulary *v, int32_t place) {
    if (a->places[place].tokens_known)
        return true;
    node_list ends = {0};
    token_set tokens = {0};
    trie leaving = {0};
    uint32_t *bits = base_alloc_zero(a->n_words, sizeof *bits);
    int32_t alone = bits ? automaton_alone(a, place) : automaton_fail(a, GPTOSS_NO_MEMORY);
    bool done = alone >= 0 && walk(a, &v->trie, alone, bits, &ends) &&
                gather(a, v, &ends, bits, &leaving) && token_set_keep(a, bits, &tokens);
    base_free(bits);
    base_free(ends.data);
    if (!done) {
        token_set_free(&tokens);
        trie_free(&leaving);
        return false;
    }
    a->places[place].tokens = tokens;
    a->places[place].leaving = leaving;
    a->places[place].tokens_known = true;
    return true;
}

bool automaton_tokens(automaton *a, const grammar_vocabulary *v, int32_t set, uint32_t *bits) {
    if (a->sets[set].tokens_known) {
        token_set_add(&a->sets[set].tokens, bits, a->n_words);
        return true;
    }
    bool looked_below = false;
    uint32_t n = a->set_lists.lists[set].count;
    for (uint32_t i = 0; i < n; i++) {
        int32_t node = interner_items(&a->set_lists, set, &n)[i];
        if (node == AUTOMATON_BOTTOM)
            continue;
        int32_t place = a->nodes[node].place, below = a->nodes[node].below;
        if (!know_place(a, v, place))
            return false;
        token_set_add(&a->places[place].tokens, bits, a->n_words);
        if (below == AUTOMATON_BOTTOM_SET || !a->places[place].leaving.n_nodes)
            continue;
        int32_t closed = automaton_close(a, below);
        if (closed == AUTOMATON_FAILED)
            return false;
        // The trie is copied: its place may move in memory while it is walked, what it points to
        // not.
        trie leaving = a->places[place].leaving;
        if (closed >= 0 && !walk(a, &leaving, closed, bits, NULL))
            return false;
        looked_below = true;
    }
    if (looked_below) {
        if (!token_set_keep(a, bits, &a->sets[set].tokens)) {
            token_set_free(&a->sets[set].tokens);
            return false;
        }
        a->sets[set].tokens_known = true;
    }
    return true;
}
