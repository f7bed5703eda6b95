// graph: all headers of a turn, as paths of bytes and markers.
//
//     root --<|channel|>--> analysis --<|message|>--> ANALYSIS
//       |             `---> commentary -- to=R --> type --<|message|>--> CALL of R
//       `-- to=R --<|channel|>--> commentary --> type --<|message|>--> CALL of R
//
// Nodes form trees; where a branch is the same in many places (the names behind ` to=`, the content
// types behind a name) a node points to it with `also`. No two edges of a place have the same
// symbol, so a header is always at one node, and from each node an end can be reached.
#ifndef GUIDE_GRAPH_H
#define GUIDE_GRAPH_H

#include "guide/guide.h"

// A step: one of the 256 bytes, or a marker.
enum {
    SYMBOL_CHANNEL = 256,
    SYMBOL_CONSTRAIN,
    SYMBOL_MESSAGE,
};

// What kind of message begins at the end of a header.
typedef enum message_kind {
    MESSAGE_NONE, // not an end
    MESSAGE_ANALYSIS,
    MESSAGE_PREAMBLE,
    MESSAGE_ANSWER,
    MESSAGE_CALL,
} message_kind;

typedef struct graph_node {
    int32_t child, sibling; // index of a node; 0: none
    int32_t also;           // its children can follow too; 0: none
    int32_t tool;           // a recipient's name is complete here; -1: not so
    uint16_t symbol;        // the step that leads here
    uint8_t kind;           // message_kind
} graph_node;

// What a header may say, by what came before it in the turn.
typedef enum graph_start {
    START_FREE,  // everything that the options allow
    START_SPENT, // no reasoning and nothing before the answer or the call
    START_CALLS, // calls only
    N_STARTS,
} graph_start;

typedef struct graph {
    graph_node *nodes; // [n_nodes], the first is nobody's
    int32_t n_nodes, capacity;
    int32_t starts[N_STARTS]; // behind the role; 0: nothing can follow
    int32_t role;             // behind <|start|>: the path of "assistant"; its end is `role_end`
    int32_t role_end;
    bool no_memory; // remembered while it is built
} graph;

// tools[n_tools] with their numbers as graph_node.tool; only those with callable[i] get a path.
// json_answer: the answer may be labelled `<|constrain|>json`. False when memory is short.
bool graph_build(graph *graph, const guide_options *options, const bool *callable,
                 bool json_answer);
void graph_free(graph *graph);

// The node that a symbol leads to, or 0.
int32_t graph_step(const graph *graph, int32_t node, int symbol);
// The same for all bytes of a token.
int32_t graph_walk(const graph *graph, int32_t node, const char *bytes, size_t length,
                   int32_t *tool_out);

// Appends the ordinary tokens whose bytes lead on from a node. False when memory is short.
bool graph_tokens(const graph *graph, int32_t node, const tokenizer *tokenizer, base_ids *ids);

#endif
