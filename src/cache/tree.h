// tree: beginnings of texts, each of which may carry a kept state.
#ifndef CACHE_TREE_H
#define CACHE_TREE_H

#include "cache/internal.h"

// Where a text leaves the tree: it agrees with `depth` tokens, the last of them on the way to
// `below` or at its end.
typedef struct tree_place {
    node *below;
    int32_t depth;
} tree_place;

tree_place tree_walk(const node *root, const int32_t *ids, int32_t n_ids);

// The node of a text, made where there is none; NULL when memory is short.
node *tree_node(node *root, const int32_t *ids, int32_t n_ids);

// Takes the state from its node, and what the tree then does not need.
void tree_remove(node *at);

#endif
