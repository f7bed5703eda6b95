// Sets of stacks: how they step, what they share, how they are forgotten.
#include "grammar/automaton.h"

#include <stdlib.h>
#include <string.h>

#include "grammar/array.h"

// ---- life -----------------------------------------------------------------------------------

// The bottom: node 0, which has no place, and set 0, which is it alone.
static bool make_bottom(automaton *a) {
    const int32_t key[] = {-1, -1};
    a->nodes = base_alloc(16, sizeof *a->nodes);
    if (!a->nodes || interner_find(&a->node_lists, key, 2) != AUTOMATON_BOTTOM)
        return false;
    a->node_capacity = 16;
    a->nodes[AUTOMATON_BOTTOM] = (node_info){-1, -1, 0};
    int32_t bottom = AUTOMATON_BOTTOM;
    return automaton_set(a, &bottom, 1) == AUTOMATON_BOTTOM_SET;
}

// What is found while texts are read; the rest of an automaton is made once.
static bool make_memory(automaton *a) {
    size_t n_frames = a->program->n_frames;
    a->frame_starts = base_alloc(n_frames, sizeof *a->frame_starts);
    if (!a->frame_starts)
        return false;
    for (size_t i = 0; i < n_frames; i++)
        a->frame_starts[i] = AUTOMATON_UNKNOWN;
    return make_bottom(a);
}

static void free_memory(automaton *a) {
    for (size_t i = 0; i < a->place_lists.n_lists; i++) {
        base_free(a->places[i].calls);
        base_free(a->places[i].next);
        token_set_free(&a->places[i].tokens);
        trie_free(&a->places[i].leaving);
    }
    for (size_t i = 0; i < a->set_lists.n_lists; i++) {
        base_free(a->sets[i].next);
        token_set_free(&a->sets[i].tokens);
    }
    base_free(a->places);
    base_free(a->nodes);
    base_free(a->sets);
    base_free(a->frame_starts);
    interner_free(&a->place_lists);
    interner_free(&a->node_lists);
    interner_free(&a->set_lists);
}

bool automaton_create(automaton *a, const program *p, size_t n_words, size_t memory_limit) {
    *a = (automaton){.program = p, .n_words = n_words, .memory_limit = memory_limit};
    a->op_stamp = base_alloc_zero(p->n_ops, sizeof *a->op_stamp);
    a->op_stack = base_alloc(p->n_ops, sizeof *a->op_stack);
    a->op_list = base_alloc(p->n_ops, sizeof *a->op_list);
    if (a->op_stamp && a->op_stack && a->op_list && make_memory(a))
        return true;
    automaton_free(a);
    return false;
}

void automaton_free(automaton *a) {
    free_memory(a);
    base_free(a->op_stamp);
    base_free(a->op_stack);
    base_free(a->op_list);
    base_free(a->items);
    base_free(a->item_at);
    base_free(a->unite);
    *a = (automaton){0};
}

int32_t automaton_fail(automaton *a, gptoss_status status) {
    a->status = status;
    return AUTOMATON_FAILED;
}

size_t automaton_bytes(const automaton *a) {
    return a->held + interner_bytes(&a->place_lists) + interner_bytes(&a->node_lists) +
           interner_bytes(&a->set_lists) + a->place_capacity * sizeof *a->places +
           a->node_capacity * sizeof *a->nodes + a->set_capacity * sizeof *a->sets;
}

bool automaton_hold(automaton *a, size_t bytes) {
    a->held += bytes;
    if (automaton_bytes(a) <= a->memory_limit)
        return true;
    automaton_fail(a, GPTOSS_NO_MEMORY);
    return false;
}

bool automaton_work(automaton *a, size_t amount) {
    a->work += amount;
    if (a->work <= AUTOMATON_MAX_WORK)
        return true;
    automaton_fail(a, GPTOSS_UNSUPPORTED);
    return false;
}

// ---- nodes and sets -------------------------------------------------------------------------

int32_t automaton_node(automaton *a, int32_t place, int32_t below) {
    const int32_t key[] = {place, below};
    size_t before = a->node_lists.n_lists;
    if (!ARRAY_RESERVE(a->nodes, a->node_capacity, before + 1))
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    int32_t node = interner_find(&a->node_lists, key, 2);
    if (node < 0)
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    if (a->node_lists.n_lists == before)
        return node;
    a->nodes[node] = (node_info){place, below, a->sets[below].depth + 1};
    return node;
}

static int compare(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

int32_t automaton_set(automaton *a, int32_t *nodes, size_t n) {
    if (!n)
        return AUTOMATON_DEAD;
    if (n > 1)
        qsort(nodes, n, sizeof *nodes, compare);
    size_t before = a->set_lists.n_lists;
    if (!ARRAY_RESERVE(a->sets, a->set_capacity, before + 1))
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    int32_t set = interner_find(&a->set_lists, nodes, n);
    if (set < 0)
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    if (a->set_lists.n_lists == before)
        return set;
    int32_t depth = 0;
    for (size_t i = 0; i < n; i++) {
        if (a->nodes[nodes[i]].depth > depth)
            depth = a->nodes[nodes[i]].depth;
    }
    a->sets[set] = (set_info){
        .closed = AUTOMATON_UNKNOWN, .depth = depth, .ends = nodes[0] == AUTOMATON_BOTTOM};
    return automaton_hold(a, 0) ? set : AUTOMATON_FAILED;
}

int32_t automaton_alone(automaton *a, int32_t place) {
    int32_t node = automaton_node(a, place, AUTOMATON_BOTTOM_SET);
    return node < 0 ? node : automaton_set(a, &node, 1);
}

// Adds a node to the list unite[first .. ], keeping one per place. Recursion ends with the stacks.
static bool unite_node(automaton *a, size_t first, int32_t node) {
    for (size_t i = first; i < a->n_unite; i++) {
        int32_t other = a->unite[i];
        if (other == node)
            return true;
        if (a->nodes[other].place != a->nodes[node].place)
            continue;
        int32_t below = automaton_unite(a, a->nodes[other].below, a->nodes[node].below);
        int32_t both = below < 0 ? below : automaton_node(a, a->nodes[node].place, below);
        if (both < 0)
            return false;
        a->unite[i] = both;
        return true;
    }
    if (!ARRAY_RESERVE(a->unite, a->unite_capacity, a->n_unite + 1)) {
        automaton_fail(a, GPTOSS_NO_MEMORY);
        return false;
    }
    a->unite[a->n_unite++] = node;
    return true;
}

int32_t automaton_unite(automaton *a, int32_t x, int32_t y) {
    if (x == y)
        return x;
    size_t first = a->n_unite;
    int32_t united = AUTOMATON_FAILED;
    const int32_t sets[] = {x, y};
    for (int s = 0; s < 2; s++) {
        uint32_t n = a->set_lists.lists[sets[s]].count;
        for (uint32_t i = 0; i < n; i++) {
            int32_t node = interner_items(&a->set_lists, sets[s], &n)[i];
            if (!automaton_work(a, a->n_unite - first + 1) || !unite_node(a, first, node))
                goto done;
        }
    }
    united = automaton_set(a, a->unite + first, a->n_unite - first);
done:
    a->n_unite = first;
    return united;
}

// ---- steps ----------------------------------------------------------------------------------

// Adds a place with what is below it to the items, one per place; what is new is yet to be done.
static bool add_item(automaton *a, int32_t place, int32_t below) {
    size_t at = (size_t)a->item_at[place];
    if (at < a->n_items && a->items[at].place == place) {
        int32_t both = automaton_unite(a, a->items[at].below, below);
        if (both < 0)
            return false;
        if (both != a->items[at].below) {
            a->items[at].below = both;
            a->items[at].done = false;
        }
        return true;
    }
    if (!ARRAY_RESERVE(a->items, a->item_capacity, a->n_items + 1)) {
        automaton_fail(a, GPTOSS_NO_MEMORY);
        return false;
    }
    a->item_at[place] = (int32_t)a->n_items;
    a->items[a->n_items++] = (automaton_item){place, below, false};
    return true;
}

// The frame at this item ends: whatever it may return into goes on.
static bool leave(automaton *a, int32_t below, bool *ends) {
    uint32_t n = a->set_lists.lists[below].count;
    for (uint32_t i = 0; i < n; i++) {
        int32_t node = interner_items(&a->set_lists, below, &n)[i];
        if (node == AUTOMATON_BOTTOM)
            *ends = true;
        else if (!add_item(a, a->nodes[node].place, a->nodes[node].below))
            return false;
    }
    return true;
}

static bool enter(automaton *a, int32_t place, int32_t below) {
    if (!automaton_know_calls(a, place))
        return false;
    for (uint32_t i = 0; i < a->places[place].n_calls; i++) {
        place_call call = a->places[place].calls[i];
        int32_t under = below;
        if (!call.last) {
            if (a->sets[below].depth >= AUTOMATON_MAX_DEPTH)
                continue;
            int32_t node = automaton_node(a, call.returned, below);
            under = node < 0 ? node : automaton_set(a, &node, 1);
            if (under < 0)
                return false;
        }
        if (!add_item(a, call.start, under))
            return false;
    }
    return true;
}

// Follows calls and ends from the items until nothing is new, and makes a set of what takes bytes.
static int32_t close_items(automaton *a, bool ends) {
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < a->n_items; i++) {
            automaton_item item = a->items[i];
            if (item.done)
                continue;
            a->items[i].done = changed = true;
            if (!automaton_work(a, 4) ||
                (a->places[item.place].accepts && !leave(a, item.below, &ends)) ||
                !enter(a, item.place, item.below))
                return AUTOMATON_FAILED;
        }
    }
    size_t first = a->n_unite;
    if (!ARRAY_RESERVE(a->unite, a->unite_capacity, first + a->n_items + 1))
        return automaton_fail(a, GPTOSS_NO_MEMORY);
    size_t n = 0;
    if (ends)
        a->unite[first + n++] = AUTOMATON_BOTTOM;
    for (size_t i = 0; i < a->n_items; i++) {
        if (!a->places[a->items[i].place].takes)
            continue;
        int32_t node = automaton_node(a, a->items[i].place, a->items[i].below);
        if (node < 0)
            return AUTOMATON_FAILED;
        a->unite[first + n++] = node;
    }
    return automaton_set(a, a->unite + first, n);
}

int32_t automaton_start(automaton *a) {
    a->n_items = 0;
    int32_t start = automaton_place(a, &a->program->frames[0].entry, 1);
    if (start == AUTOMATON_FAILED)
        return start;
    if (start != AUTOMATON_DEAD && !add_item(a, start, AUTOMATON_BOTTOM_SET))
        return AUTOMATON_FAILED;
    return close_items(a, a->program->takes_empty);
}

int32_t automaton_close(automaton *a, int32_t set) {
    if (a->sets[set].closed != AUTOMATON_UNKNOWN)
        return a->sets[set].closed;
    bool ends = false;
    a->n_items = 0;
    if (!leave(a, set, &ends))
        return AUTOMATON_FAILED;
    int32_t closed = close_items(a, ends);
    if (closed != AUTOMATON_FAILED)
        a->sets[set].closed = closed;
    return closed;
}

static int32_t find_step(automaton *a, int32_t set, int32_t class) {
    a->n_items = 0;
    uint32_t n = a->set_lists.lists[set].count;
    for (uint32_t i = 0; i < n; i++) {
        int32_t node = interner_items(&a->set_lists, set, &n)[i];
        if (node == AUTOMATON_BOTTOM)
            continue;
        int32_t place = automaton_place_step(a, a->nodes[node].place, class);
        if (place == AUTOMATON_FAILED ||
            (place != AUTOMATON_DEAD && !add_item(a, place, a->nodes[node].below)))
            return AUTOMATON_FAILED;
    }
    return close_items(a, false);
}

int32_t automaton_step(automaton *a, int32_t set, int32_t class) {
    size_t n_classes = (size_t)a->program->n_classes;
    if (!a->sets[set].next) {
        int32_t *next = base_alloc(n_classes, sizeof *next);
        if (!next)
            return automaton_fail(a, GPTOSS_NO_MEMORY);
        for (size_t i = 0; i < n_classes; i++)
            next[i] = AUTOMATON_UNKNOWN;
        a->sets[set].next = next;
        if (!automaton_hold(a, n_classes * sizeof *next))
            return AUTOMATON_FAILED;
    }
    int32_t found = a->sets[set].next[class];
    if (found == AUTOMATON_UNKNOWN) {
        found = find_step(a, set, class);
        if (found != AUTOMATON_FAILED)
            a->sets[set].next[class] = found;
    }
    return found;
}

// ---- forgetting -----------------------------------------------------------------------------

// Marks the sets that these stand on; they are all older than what stands on them.
static void mark(const automaton *a, int32_t set, int32_t *map, int32_t *pending) {
    size_t n_pending = 0;
    if (map[set] == AUTOMATON_DEAD)
        pending[n_pending++] = set;
    while (n_pending) {
        int32_t at = pending[--n_pending];
        map[at] = AUTOMATON_UNKNOWN;
        uint32_t n;
        const int32_t *nodes = interner_items(&a->set_lists, at, &n);
        for (uint32_t i = 0; i < n; i++) {
            int32_t below = a->nodes[nodes[i]].below;
            if (below >= 0 && map[below] == AUTOMATON_DEAD) {
                map[below] = AUTOMATON_UNKNOWN;
                pending[n_pending++] = below;
            }
        }
    }
}

// One set into another automaton, which has those below it already.
static int32_t copy_set(const automaton *from, automaton *to, int32_t set, const int32_t *map) {
    uint32_t n, n_ops;
    const int32_t *nodes = interner_items(&from->set_lists, set, &n);
    if (!ARRAY_RESERVE(to->unite, to->unite_capacity, n))
        return AUTOMATON_FAILED;
    for (uint32_t i = 0; i < n; i++) {
        node_info node = from->nodes[nodes[i]];
        to->unite[i] = AUTOMATON_BOTTOM;
        if (nodes[i] == AUTOMATON_BOTTOM)
            continue;
        const int32_t *ops = interner_items(&from->place_lists, node.place, &n_ops);
        int32_t place = automaton_place(to, ops, n_ops);
        to->unite[i] = place < 0 ? place : automaton_node(to, place, map[node.below]);
        if (to->unite[i] < 0)
            return AUTOMATON_FAILED;
    }
    return automaton_set(to, to->unite, n);
}

bool automaton_shrink(automaton *a, int32_t *sets, size_t n_sets) {
    size_t n = a->set_lists.n_lists;
    automaton fresh = {0};
    int32_t *map = base_alloc(n, sizeof *map), *pending = base_alloc(n, sizeof *pending);
    bool done = map && pending && automaton_create(&fresh, a->program, a->n_words, a->memory_limit);
    for (size_t i = 0; done && i < n; i++)
        map[i] = AUTOMATON_DEAD;
    for (size_t i = 0; done && i < n_sets; i++)
        mark(a, sets[i], map, pending);
    for (size_t i = 0; done && i < n; i++) {
        if (map[i] == AUTOMATON_UNKNOWN)
            map[i] = copy_set(a, &fresh, (int32_t)i, map);
        done = map[i] != AUTOMATON_FAILED;
    }
    for (size_t i = 0; done && i < n_sets; i++)
        sets[i] = map[sets[i]];
    base_free(map);
    base_free(pending);
    if (!done) {
        automaton_free(&fresh);
        return false;
    }
    automaton_free(a);
    *a = fresh;
    return true;
}
