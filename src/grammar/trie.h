// trie.h: byte strings with ids, laid out for walking: nodes in the order in which they are
// visited, each knowing where its subtree ends, so that a walk is a loop and skipping is an
// assignment.
#ifndef GRAMMAR_TRIE_H
#define GRAMMAR_TRIE_H

#include "base/base.h"

// Longer tokens are left out: no tokenizer has them, and walks keep a stack of this height.
enum { TRIE_MAX_DEPTH = 1024 };

typedef struct trie_node {
    uint32_t end;   // one past the last node of the subtree
    uint32_t first; // of ids that end here: ids[first .. next node's first)
    uint16_t depth; // 1 for first bytes
    uint8_t byte;
} trie_node;

typedef struct trie {
    trie_node *nodes; // [n_nodes + 1]; the last is a sentinel
    int32_t *ids;     // [n_ids], in the order of nodes
    uint32_t n_nodes, n_ids;
} trie;

typedef struct trie_entry {
    const char *bytes;
    uint32_t length; // 1 .. TRIE_MAX_DEPTH
    int32_t id;
} trie_entry;

// Sorts the entries in place; equal strings with different ids are fine. False: no memory.
bool trie_build(trie *trie_out, trie_entry *entries, size_t n_entries);
void trie_free(trie *trie);
size_t trie_bytes(const trie *trie); // memory that it takes

#endif
