// Building the graph of headers, and walking in it.
#include "guide/graph.h"

#include <string.h>

// ---- building -------------------------------------------------------------------------------

// A new node, or 0.
static int32_t add_node(graph *g, int symbol) {
    if (g->n_nodes == g->capacity) {
        int32_t capacity = g->capacity ? 2 * g->capacity : 256;
        graph_node *grown = base_resize(g->nodes, (size_t)capacity, sizeof *grown);
        if (!grown) {
            g->no_memory = true;
            return 0;
        }
        g->nodes = grown;
        g->capacity = capacity;
    }
    g->nodes[g->n_nodes] = (graph_node){.symbol = (uint16_t)symbol, .tool = -1};
    return g->n_nodes++;
}

// The child of a node by a symbol, made where there is none.
static int32_t child(graph *g, int32_t node, int symbol) {
    for (int32_t c = g->nodes[node].child; c; c = g->nodes[c].sibling) {
        if (g->nodes[c].symbol == symbol)
            return c;
    }
    int32_t c = add_node(g, symbol);
    if (c) {
        g->nodes[c].sibling = g->nodes[node].child;
        g->nodes[node].child = c;
    }
    return c;
}

// The end of a path of bytes. Where memory ran out it is node 0, nobody's.
static int32_t path(graph *g, int32_t node, harmony_text text) {
    for (size_t i = 0; i < text.length && !g->no_memory; i++)
        node = child(g, node, (unsigned char)text.data[i]);
    return node;
}

static int32_t words(graph *g, int32_t node, const char *text) {
    return path(g, node, harmony_text_of(text));
}

// What follows one node can follow another too.
static void attach(graph *g, int32_t node, int32_t also) {
    g->nodes[node].also = also;
}

static void end(graph *g, int32_t node, message_kind kind) {
    int32_t c = child(g, node, SYMBOL_MESSAGE);
    g->nodes[c].kind = (uint8_t)kind;
}

// ` json`, ` <|constrain|>json` and `<|constrain|>json`, and the message.
static void content_type(graph *g, int32_t node, const char *type) {
    int32_t blank = child(g, node, ' ');
    end(g, words(g, blank, type), MESSAGE_CALL);
    end(g, words(g, child(g, blank, SYMBOL_CONSTRAIN), type), MESSAGE_CALL);
    end(g, words(g, child(g, node, SYMBOL_CONSTRAIN), type), MESSAGE_CALL);
}

// What may stand behind the recipient and the channel of a call.
static int32_t content_types(graph *g, bool json) {
    int32_t node = add_node(g, 0);
    end(g, node, MESSAGE_CALL);
    content_type(g, node, "code"); // as the built-in tools were trained
    content_type(g, node, json ? "json" : "text");
    return node;
}

typedef struct name_branches {
    int32_t behind[2][2]; // [json][in_analysis] what follows a name
} name_branches;

static int32_t names(graph *g, const guide_options *o, const bool *callable, bool analysis_only,
                     const name_branches *branches) {
    int32_t root = 0;
    for (size_t i = 0; i < o->n_tools && !g->no_memory; i++) {
        const guide_tool *tool = &o->tools[i];
        if (!callable[i] || (analysis_only && !tool->in_analysis))
            continue;
        if (!root)
            root = add_node(g, 0);
        int32_t last = path(g, root, tool->recipient);
        if (g->nodes[last].tool < 0) {
            g->nodes[last].tool = (int32_t)i;
            g->nodes[last].also = branches->behind[tool->json][tool->in_analysis];
        }
    }
    return root;
}

// The three tries of names, each behind ` to=`; 0 where nobody can be called so.
typedef struct recipients {
    int32_t first;         // before the channel
    int32_t in_commentary; // behind it
    int32_t in_analysis;
} recipients;

static int32_t behind_to(graph *g, int32_t names) {
    if (!names)
        return 0;
    int32_t node = add_node(g, 0);
    attach(g, words(g, node, " to="), names);
    return node;
}

static recipients add_recipients(graph *g, const guide_options *o, const bool *callable) {
    name_branches types = {{{0}}}, channels = {{{0}}};
    for (int json = 0; json < 2; json++) {
        int32_t type = content_types(g, json);
        for (int analysis = 0; analysis < 2 && !g->no_memory; analysis++) {
            types.behind[json][analysis] = type;
            int32_t node = channels.behind[json][analysis] = add_node(g, 0);
            int32_t channel = child(g, node, SYMBOL_CHANNEL);
            attach(g, words(g, channel, "commentary"), type);
            if (analysis)
                attach(g, words(g, channel, "analysis"), type);
        }
    }
    recipients r = {0};
    r.first = behind_to(g, names(g, o, callable, false, &channels));
    r.in_commentary = behind_to(g, names(g, o, callable, false, &types));
    r.in_analysis = behind_to(g, names(g, o, callable, true, &types));
    return r;
}

// A place behind the role, or 0 where nothing could follow.
static int32_t add_start(graph *g, graph_start start, bool answer, bool json_answer,
                         const recipients *r) {
    bool free = start == START_FREE;
    answer = answer && start != START_CALLS;
    if (!free && !answer && !r->first)
        return 0;
    int32_t root = add_node(g, 0);
    g->nodes[root].also = r->first;
    int32_t channel = child(g, root, SYMBOL_CHANNEL);
    if (free || r->in_analysis) {
        int32_t analysis = words(g, channel, "analysis");
        g->nodes[analysis].also = r->in_analysis;
        if (free)
            end(g, analysis, MESSAGE_ANALYSIS);
    }
    if (free || r->in_commentary) {
        int32_t commentary = words(g, channel, "commentary");
        g->nodes[commentary].also = r->in_commentary;
        if (free)
            end(g, commentary, MESSAGE_PREAMBLE);
    }
    if (answer) {
        int32_t final = words(g, channel, "final");
        end(g, final, MESSAGE_ANSWER);
        if (json_answer) {
            end(g, words(g, child(g, final, SYMBOL_CONSTRAIN), "json"), MESSAGE_ANSWER);
            end(g, words(g, child(g, child(g, final, ' '), SYMBOL_CONSTRAIN), "json"),
                MESSAGE_ANSWER);
        }
    }
    return root;
}

bool graph_build(graph *g, const guide_options *o, const bool *callable, bool json_answer) {
    *g = (graph){0};
    add_node(g, 0); // nobody's: what a failed allocation writes to
    if (g->no_memory)
        return false;
    bool answer = o->choice == GUIDE_AUTO || o->choice == GUIDE_NONE;
    g->role = add_node(g, 0);
    g->role_end = words(g, g->role, harmony_role_name(HARMONY_ASSISTANT));
    recipients r = add_recipients(g, o, callable);
    for (int start = 0; start < N_STARTS; start++)
        g->starts[start] = add_start(g, (graph_start)start, answer, json_answer, &r);
    return !g->no_memory;
}

void graph_free(graph *g) {
    base_free(g->nodes);
    *g = (graph){0};
}

// ---- walking --------------------------------------------------------------------------------

int32_t graph_step(const graph *g, int32_t node, int symbol) {
    for (int32_t place = node; place; place = g->nodes[place].also) {
        for (int32_t c = g->nodes[place].child; c; c = g->nodes[c].sibling) {
            if (g->nodes[c].symbol == symbol)
                return c;
        }
    }
    return 0;
}

int32_t graph_walk(const graph *g, int32_t node, const char *bytes, size_t length,
                   int32_t *tool_out) {
    for (size_t i = 0; i < length && node; i++) {
        node = graph_step(g, node, (unsigned char)bytes[i]);
        if (node && g->nodes[node].tool >= 0)
            *tool_out = g->nodes[node].tool;
    }
    return node;
}

typedef struct token_search {
    const graph *graph;
    const tokenizer *tokenizer;
    base_ids *ids;
    char bytes[256]; // of the path; no vocabulary has longer names as one token
} token_search;

static bool search(token_search *s, int32_t node, size_t length) {
    if (length == sizeof s->bytes)
        return true;
    for (int32_t place = node; place; place = s->graph->nodes[place].also) {
        for (int32_t c = s->graph->nodes[place].child; c; c = s->graph->nodes[c].sibling) {
            if (s->graph->nodes[c].symbol > 255)
                continue;
            s->bytes[length] = (char)s->graph->nodes[c].symbol;
            int32_t id = tokenizer_find(s->tokenizer, s->bytes, length + 1);
            if ((id >= 0 && !base_ids_push(s->ids, id)) || !search(s, c, length + 1))
                return false;
        }
    }
    return true;
}

bool graph_tokens(const graph *g, int32_t node, const tokenizer *t, base_ids *ids) {
    token_search s = {.graph = g, .tokenizer = t, .ids = ids};
    return search(&s, node, 0);
}
