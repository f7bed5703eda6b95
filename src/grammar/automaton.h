// automaton.h: a program followed byte by byte, everything found on the way remembered.
//
//     place    where one frame may be: a set of ops (a state of the automaton without a stack that
//              a frame is, found when it is first reached)
//     node     a place with what is below it: a set of nodes, into any of which its frame may
//     return set      of nodes, each with another place; a text that is being read is in one: the
//     tops of
//              all stacks that it may have. Node 0 is the bottom: in a set, it says that the text
//              may end here.
//
// All three are interned: equal ones have equal numbers, stacks share what is below, and a set that
// was reached before, in whatever text, is known with its successors and its mask. Ambiguity costs
// at most a node per place. Memory is bounded: when it is used up, automaton_shrink keeps only what
// texts are in.
#ifndef GRAMMAR_AUTOMATON_H
#define GRAMMAR_AUTOMATON_H

#include "grammar/interner.h"
#include "grammar/program.h"
#include "grammar/vocabulary.h"

// Instead of the number of a set or a place.
enum {
    AUTOMATON_DEAD = -1,    // this byte can't come
    AUTOMATON_UNKNOWN = -2, // not yet looked at
    AUTOMATON_FAILED = -3,  // and the automaton's `status` says why
};

enum {
    AUTOMATON_MAX_DEPTH = 1000,             // of stacks; deeper ones are not followed
    AUTOMATON_MAX_WORK = 500 * 1000 * 1000, // in one call: about a second
    AUTOMATON_BOTTOM = 0,                   // the node
    AUTOMATON_BOTTOM_SET = 0,               // the set of it alone
};

// A set of token ids as it is kept: few as a list, many as bits.
typedef struct token_set {
    uint32_t *bits; // [n_words] or NULL
    int32_t *ids;   // [n_ids] or NULL
    uint32_t n_ids;
} token_set;

typedef struct place_call {
    int32_t start;    // the first place of the called frame
    int32_t returned; // the place after it
    bool last;        // there is nothing left to do after it: its frame can replace this one
} place_call;

typedef struct place_info {
    bool accepts;      // its frame may end
    bool takes;        // it has bytes of its own, not only calls
    bool calls_known;  // calls is filled
    bool tokens_known; // tokens and leaving are filled
    uint32_t n_calls;
    place_call *calls; // [n_calls]
    int32_t *next;     // [n_classes] places, or NULL while none is known
    token_set tokens;  // that begin here and are followed without looking below this frame
    trie leaving;      // what may be left of tokens when the frame ends inside of them
} place_info;

typedef struct node_info {
    int32_t place, below; // below: a set
    int32_t depth;
} node_info;

typedef struct set_info {
    int32_t *next;     // [n_classes] sets, or NULL while none is known
    int32_t closed;    // with all that its frames may return into or call; or unknown
    int32_t depth;     // of its deepest node
    bool ends;         // the bottom is in it
    bool tokens_known; // tokens is filled
    token_set tokens;  // all that may come, looking at whole stacks
} set_info;

typedef struct automaton_item {
    int32_t place, below;
    bool done;
} automaton_item;

typedef struct automaton {
    const program *program;
    size_t n_words; // of masks
    interner place_lists, node_lists, set_lists;
    place_info *places;
    node_info *nodes;
    set_info *sets;
    size_t place_capacity, node_capacity, set_capacity; // infos
    int32_t *frame_starts;                              // [n_frames] places or unknown
    size_t held;                                        // bytes of infos' own memory and of masks
    size_t memory_limit;                                // bytes
    uint64_t work;        // ops and nodes looked at in the present call
    gptoss_status status; // of the last failure: GPTOSS_NO_MEMORY or GPTOSS_UNSUPPORTED
    // scratch
    uint32_t *op_stamp; // [n_ops]
    uint32_t stamp;
    int32_t *op_stack; // [n_ops]
    int32_t *op_list;  // [n_ops]
    automaton_item *items;
    size_t n_items, item_capacity;
    int32_t *item_at; // [item_at_capacity] by place, meaningful if that item has this place
    size_t item_at_capacity;
    int32_t *unite; // a stack of node lists
    size_t n_unite, unite_capacity;
} automaton;

bool automaton_create(automaton *automaton_out, const program *program, size_t n_words,
                      size_t memory_limit);
void automaton_free(automaton *automaton);

// The set that every text begins in.
int32_t automaton_start(automaton *automaton);
// The set after one more byte, given as its class.
int32_t automaton_step(automaton *automaton, int32_t set, int32_t class);
// A set together with what its frames may call or return into.
int32_t automaton_close(automaton *automaton, int32_t set);
// The set of one node with the bottom below; not closed.
int32_t automaton_alone(automaton *automaton, int32_t place);
size_t automaton_bytes(const automaton *automaton); // memory that it takes

// Keeps only the n sets given, whose numbers change; false: no memory, and all is as before.
bool automaton_shrink(automaton *automaton, int32_t *sets, size_t n_sets);

// Starts counting work; every call from outside does this first.
static inline void automaton_begin(automaton *a) {
    a->work = 0;
}

// Adds the tokens that may come in a set to bits[n_words]; false: failed.
bool automaton_tokens(automaton *automaton, const grammar_vocabulary *vocabulary, int32_t set,
                      uint32_t *bits);

// ---- between the files of the automaton -----------------------------------------------------

// Notes a failure; returns AUTOMATON_FAILED.
int32_t automaton_fail(automaton *automaton, gptoss_status status);
// Counts memory that infos hold beside their arrays; false, noted, if that is too much.
bool automaton_hold(automaton *automaton, size_t bytes);
bool automaton_work(automaton *automaton, size_t amount); // false, noted: too much

// The place of a list of ops and what they lead to without a byte, or dead.
int32_t automaton_place(automaton *automaton, const int32_t *ops, size_t n_ops);
int32_t automaton_place_step(automaton *automaton, int32_t place, int32_t class);
bool automaton_know_calls(automaton *automaton, int32_t place);
int32_t automaton_node(automaton *automaton, int32_t place, int32_t below);
int32_t automaton_set(automaton *automaton, int32_t *nodes, size_t n_nodes); // sorts them
int32_t automaton_unite(automaton *automaton, int32_t a, int32_t b);         // two sets

void token_set_free(token_set *tokens);

#endif
