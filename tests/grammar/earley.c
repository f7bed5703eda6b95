// Earley's algorithm: after each byte the set of all expressions that are under way, with how far
// each has come and where it began. Sets are grown until nothing is new.
#include "grammar/earley.h"

#include <string.h>

#include "grammar/expressions.h"
#include "support/check.h"

typedef struct item {
    int32_t node, done; // done: bytes of a text, parts of a sequence, turns of a repetition
    size_t origin;      // the set it began in
} item;

typedef struct set {
    item *items;
    size_t count, capacity;
} set;

struct earley {
    const rules *rules;
    bool *productive; // [n_nodes] some text matches
    set *sets;        // [at + 1], and empty ones behind
    size_t n_sets;
    size_t at; // the set being grown
};

// ---- which expressions match anything at all ------------------------------------------------

static bool is_productive(const earley *c, const rules_node *node) {
    const rules *r = c->rules;
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
    case RULES_BYTE:
        return true;
    case RULES_REFERENCE:
        return c->productive[r->expressions[node->first]];
    case RULES_REPEAT:
        return node->count == 0 || c->productive[node->first];
    case RULES_SEQUENCE:
        for (int32_t i = 0; i < node->count; i++) {
            if (!c->productive[r->parts[node->first + i]])
                return false;
        }
        return true;
    case RULES_CHOICE:
        for (int32_t i = 0; i < node->count; i++) {
            if (c->productive[r->parts[node->first + i]])
                return true;
        }
    }
    return false;
}

static void find_productive(earley *c) {
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < c->rules->n_nodes; i++) {
            if (!c->productive[i] && is_productive(c, &c->rules->nodes[i]))
                c->productive[i] = changed = true;
        }
    }
}

// ---- sets -----------------------------------------------------------------------------------

static void add(earley *c, size_t where, item new_item) {
    set *s = &c->sets[where];
    for (size_t i = 0; i < s->count; i++) {
        if (!memcmp(&s->items[i], &new_item, sizeof new_item))
            return;
    }
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 16;
        s->items = realloc(s->items, s->capacity * sizeof *s->items);
        CHECK(s->items, "out of memory");
    }
    s->items[s->count++] = new_item;
}

static void predict(earley *c, int32_t node) {
    if (c->productive[node])
        add(c, c->at, (item){node, 0, c->at});
}

static bool complete(const rules_node *node, int32_t done) {
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
    case RULES_SEQUENCE:
        return done == node->count;
    case RULES_REPEAT:
        return done >= node->count;
    default:
        return done == 1;
    }
}

// The expression that an item waits for besides bytes; of a choice, the way numbered `way`.
static int32_t awaited(const rules *r, const item *it, int32_t way) {
    const rules_node *node = &r->nodes[it->node];
    switch ((rules_kind)node->kind) {
    case RULES_REFERENCE:
        return it->done || way ? RULES_NONE : r->expressions[node->first];
    case RULES_SEQUENCE:
        return it->done == node->count || way ? RULES_NONE : r->parts[node->first + it->done];
    case RULES_CHOICE:
        return it->done || way >= node->count ? RULES_NONE : r->parts[node->first + way];
    case RULES_REPEAT:
        return (node->most != RULES_UNBOUNDED && it->done >= node->most) || way ? RULES_NONE
                                                                                : node->first;
    default:
        return RULES_NONE;
    }
}

// Turns of an unbounded repetition are counted only until there are enough.
static int32_t after(const rules_node *node, int32_t done) {
    bool enough =
        node->kind == RULES_REPEAT && node->most == RULES_UNBOUNDED && done >= node->count;
    return enough ? done : done + 1;
}

// Everything that waits, in the set where it began, for an expression that is complete now.
static void advance_parents(earley *c, item finished) {
    for (size_t i = 0; i < c->sets[finished.origin].count; i++) {
        item parent = c->sets[finished.origin].items[i];
        const rules_node *node = &c->rules->nodes[parent.node];
        for (int32_t way = 0; awaited(c->rules, &parent, way) != RULES_NONE; way++) {
            if (awaited(c->rules, &parent, way) == finished.node)
                add(c, c->at, (item){parent.node, after(node, parent.done), parent.origin});
        }
    }
}

static void grow(earley *c) {
    for (size_t before = 0; before != c->sets[c->at].count;) {
        before = c->sets[c->at].count;
        for (size_t i = 0; i < c->sets[c->at].count; i++) {
            item it = c->sets[c->at].items[i];
            if (complete(&c->rules->nodes[it.node], it.done))
                advance_parents(c, it);
            for (int32_t way = 0; awaited(c->rules, &it, way) != RULES_NONE; way++)
                predict(c, awaited(c->rules, &it, way));
        }
    }
}

static void scan(earley *c, uint8_t byte) {
    const rules *r = c->rules;
    for (size_t i = 0; i < c->sets[c->at].count; i++) {
        item it = c->sets[c->at].items[i];
        const rules_node *node = &r->nodes[it.node];
        bool takes = false;
        if (node->kind == RULES_TEXT)
            takes = it.done < node->count && (uint8_t)r->text.data[node->first + it.done] == byte;
        else if (node->kind == RULES_BYTE)
            takes = it.done == 0 && node->low <= byte && byte <= node->high;
        if (takes)
            add(c, c->at + 1, (item){it.node, it.done + 1, it.origin});
    }
}

earley *earley_create(const rules *r) {
    earley *c = calloc(1, sizeof *c);
    CHECK(c, "out of memory");
    c->rules = r;
    c->productive = calloc(r->n_nodes + 1, sizeof *c->productive);
    c->n_sets = 1;
    c->sets = calloc(c->n_sets, sizeof *c->sets);
    CHECK(c->productive && c->sets, "out of memory");
    find_productive(c);
    predict(c, r->expressions[r->start]);
    grow(c);
    return c;
}

void earley_free(earley *c) {
    for (size_t i = 0; i < c->n_sets; i++)
        free(c->sets[i].items);
    free(c->sets);
    free(c->productive);
    free(c);
}

void earley_push(earley *c, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (c->at + 1 == c->n_sets) {
            c->sets = realloc(c->sets, 2 * c->n_sets * sizeof *c->sets);
            CHECK(c->sets, "out of memory");
            memset(c->sets + c->n_sets, 0, c->n_sets * sizeof *c->sets);
            c->n_sets *= 2;
        }
        scan(c, (uint8_t)text[i]);
        c->at++;
        grow(c);
    }
}

void earley_cut(earley *c, size_t length) {
    for (; c->at > length; c->at--)
        c->sets[c->at].count = 0;
}

bool earley_viable_now(const earley *c) {
    return c->sets[c->at].count > 0;
}

bool earley_accepts_now(const earley *c) {
    int32_t root = c->rules->expressions[c->rules->start];
    for (size_t i = 0; i < c->sets[c->at].count; i++) {
        item it = c->sets[c->at].items[i];
        if (it.node == root && it.origin == 0 && complete(&c->rules->nodes[root], it.done))
            return true;
    }
    return false;
}

bool earley_accepts(const rules *r, const char *text, size_t length) {
    earley *c = earley_create(r);
    earley_push(c, text, length);
    bool accepts = earley_accepts_now(c);
    earley_free(c);
    return accepts;
}

bool earley_viable(const rules *r, const char *text, size_t length) {
    earley *c = earley_create(r);
    earley_push(c, text, length);
    bool viable = earley_viable_now(c);
    earley_free(c);
    return viable;
}
