// A radix tree over token ids: walking, splitting and joining its edges.
#include "cache/tree.h"

#include <string.h>

static node *child_for(const node *n, int32_t id) {
    node *child = n->child;
    while (child && child->ids[0] != id)
        child = child->sibling;
    return child;
}

// Tokens of ids that agree with the edge to n, up to `most`.
static int32_t agreeing(const node *n, const int32_t *ids, int32_t most) {
    int32_t length = n->end - n->start, count = 0;
    if (length > most)
        length = most;
    while (count < length && n->ids[count] == ids[count])
        count++;
    return count;
}

tree_place tree_walk(const node *root, const int32_t *ids, int32_t n_ids) {
    node *at = (node *)root;
    int32_t depth = 0;
    while (depth < n_ids) {
        node *next = child_for(at, ids[depth]);
        if (!next)
            break;
        int32_t count = agreeing(next, ids + depth, n_ids - depth);
        depth += count;
        at = next;
        if (depth < next->end)
            break;
    }
    return (tree_place){at, depth};
}

static node *make_node(node *parent, int32_t start, int32_t end, const int32_t *ids) {
    node *n = base_alloc_zero(1, sizeof *n);
    if (!n)
        return NULL;
    *n = (node){.parent = parent, .start = start, .end = end};
    n->ids = base_alloc((size_t)(end - start), sizeof *n->ids);
    if (!n->ids) {
        base_free(n);
        return NULL;
    }
    memcpy(n->ids, ids, (size_t)(end - start) * sizeof *ids);
    return n;
}

static void attach(node *parent, node *n) {
    n->parent = parent;
    n->sibling = parent->child;
    parent->child = n;
}

static void detach(node *n) {
    node **link = &n->parent->child;
    while (*link != n)
        link = &(*link)->sibling;
    *link = n->sibling;
}

// Puts a node into the edge to n, at depth `at`.
static node *split(node *n, int32_t at) {
    node *upper = make_node(n->parent, n->start, at, n->ids);
    if (!upper)
        return NULL;
    size_t rest = (size_t)(n->end - at);
    int32_t *ids = base_alloc(rest, sizeof *ids);
    if (!ids) {
        base_free(upper->ids);
        base_free(upper);
        return NULL;
    }
    memcpy(ids, n->ids + (at - n->start), rest * sizeof *ids);
    base_free(n->ids);
    node *parent = n->parent;
    detach(n);
    attach(parent, upper);
    n->ids = ids;
    n->start = at;
    attach(upper, n);
    return upper;
}

// Takes a node with one child and no state out of the tree. Without memory it stays: it does no
// harm.
static void join(node *n) {
    node *child = n->child;
    size_t first = (size_t)(n->end - n->start), rest = (size_t)(child->end - child->start);
    int32_t *ids = base_alloc(first + rest, sizeof *ids);
    if (!ids)
        return;
    memcpy(ids, n->ids, first * sizeof *ids);
    memcpy(ids + first, child->ids, rest * sizeof *ids);
    base_free(child->ids);
    child->ids = ids;
    child->start = n->start;
    node *parent = n->parent;
    detach(n);
    attach(parent, child);
    base_free(n->ids);
    base_free(n);
}

// Removes what carries nothing from n upwards.
static void tidy(node *n) {
    while (n->parent && !n->state && !n->child) {
        node *parent = n->parent;
        detach(n);
        base_free(n->ids);
        base_free(n);
        n = parent;
    }
    if (n->parent && !n->state && !n->child->sibling)
        join(n);
}

node *tree_node(node *root, const int32_t *ids, int32_t n_ids) {
    tree_place place = tree_walk(root, ids, n_ids);
    node *at = place.below;
    if (place.depth < at->end)
        at = split(at, place.depth);
    if (!at || place.depth == n_ids)
        return at;
    node *leaf = make_node(at, place.depth, n_ids, ids + place.depth);
    if (leaf)
        attach(at, leaf);
    else
        tidy(at);
    return leaf;
}

void tree_remove(node *at) {
    at->state = NULL;
    tidy(at);
}
