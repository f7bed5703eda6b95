// States: where a turn is, what may come there, and the step that a token makes.
#include "guide/internal.h"

#include <string.h>

typedef enum phase {
    PHASE_ROLE,    // behind <|start|>: the letters of "assistant"
    PHASE_HEADER,  // behind the role
    PHASE_CONTENT, // behind <|message|>
    PHASE_CLOSED,  // behind <|end|>, or a call that others may follow: <|start|>
    PHASE_SPEAKER, // behind the <|start|> that follows a call: the assistant, or anybody else
    PHASE_ENDED,
} phase;

struct guide_state {
    const guide *guide;
    phase phase;
    int32_t node;        // ROLE, HEADER
    int32_t tool;        // HEADER, CONTENT: who is called; -1: not known, or nobody
    message_kind kind;   // CONTENT
    int place;           // CONTENT of a free text: text_place
    grammar_state *held; // CONTENT of a held text, else NULL
    bool stuck;          // nothing goes on from here in its form: the message may end
    int32_t n_calls, n_reasoning;
    uint32_t *mask; // [n_words]
    size_t n_words;
    base_ids ids; // HEADER: tokens that go on
};

gptoss_status guide_state_create(const guide *g, guide_state **state_out, gptoss_error *error) {
    *state_out = NULL;
    guide_state *s = base_alloc_zero(1, sizeof *s);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    s->guide = g;
    s->node = g->graph.role;
    s->tool = -1;
    *state_out = s;
    return GPTOSS_OK;
}

void guide_state_free(guide_state *s) {
    if (!s)
        return;
    grammar_state_free(s->held);
    base_free(s->mask);
    base_ids_free(&s->ids);
    base_free(s);
}

bool guide_ended(const guide_state *s) {
    return s->phase == PHASE_ENDED;
}

bool guide_at_header(const guide_state *s) {
    const int32_t *starts = s->guide->graph.starts;
    return s->phase == PHASE_HEADER &&
           (s->node == starts[START_FREE] || s->node == starts[START_SPENT]);
}

static int32_t marker(const guide_state *s, harmony_marker which) {
    return s->guide->library->markers[which];
}

// Whether analysis has used its tokens up.
static bool is_spent(const guide_state *s) {
    int32_t most = s->guide->max_reasoning;
    return most < 0 || (most > 0 && s->n_reasoning >= most);
}

// The marker that ends the message at hand.
static int32_t end_marker(const guide_state *s) {
    static const harmony_marker ends[] = {
        [MESSAGE_ANALYSIS] = HARMONY_MARK_END,
        [MESSAGE_PREAMBLE] = HARMONY_MARK_END,
        [MESSAGE_ANSWER] = HARMONY_MARK_RETURN,
        [MESSAGE_CALL] = HARMONY_MARK_CALL,
    };
    return marker(s, ends[s->kind]);
}

static bool may_end(const guide_state *s) {
    return s->held ? s->stuck || grammar_may_end(s->held) : s->place == TEXT_BETWEEN;
}

// ---- steps ----------------------------------------------------------------------------------

static gptoss_status refuse(int32_t id, gptoss_error *error) {
    return base_fail(error, GPTOSS_BAD_INPUT, "token %d can't come here in the assistant's turn",
                     id);
}

static void begin_header(guide_state *s) {
    graph_start start = s->n_calls ? START_CALLS : is_spent(s) ? START_SPENT : START_FREE;
    s->phase = PHASE_HEADER;
    s->node = s->guide->graph.starts[start];
    s->tool = -1;
}

static gptoss_status begin_content(guide_state *s, message_kind kind, gptoss_error *error) {
    const guide *g = s->guide;
    const library_form *form = NULL;
    if (kind == MESSAGE_ANSWER)
        form = g->answer;
    else if (kind == MESSAGE_CALL)
        form = g->forms[s->tool];
    if (form) {
        gptoss_status status = grammar_state_create(form->grammar, &s->held, error);
        if (status != GPTOSS_OK)
            return status;
    }
    s->phase = PHASE_CONTENT;
    s->kind = kind;
    s->place = TEXT_BETWEEN;
    s->stuck = false;
    return GPTOSS_OK;
}

static void end_content(guide_state *s) {
    grammar_state_free(s->held);
    s->held = NULL;
    s->n_calls += s->kind == MESSAGE_CALL;
    bool more =
        s->kind != MESSAGE_ANSWER && (s->kind != MESSAGE_CALL || s->n_calls < s->guide->max_calls);
    s->phase = more ? PHASE_CLOSED : PHASE_ENDED;
}

// The node behind a token of a header, or 0.
static int32_t step(const guide_state *s, int32_t id, int32_t *tool_out) {
    static const harmony_marker markers[] = {HARMONY_MARK_CHANNEL, HARMONY_MARK_CONSTRAIN,
                                             HARMONY_MARK_MESSAGE};
    const graph *g = &s->guide->graph;
    for (int i = 0; i < 3; i++) {
        if (id == marker(s, markers[i]))
            return graph_step(g, s->node, SYMBOL_CHANNEL + i);
    }
    const tokenizer *t = s->guide->library->tokenizer;
    size_t length;
    const char *bytes = tokenizer_bytes(t, id, &length);
    if (!bytes || !length || tokenizer_is_special(t, id))
        return 0;
    return graph_walk(g, s->node, bytes, length, tool_out);
}

static gptoss_status accept_header(guide_state *s, int32_t id, gptoss_error *error) {
    int32_t tool = s->tool, node = step(s, id, &tool);
    if (!node)
        return refuse(id, error);
    s->node = node;
    s->tool = tool;
    if (node == s->guide->graph.role_end)
        begin_header(s);
    message_kind kind = (message_kind)s->guide->graph.nodes[node].kind;
    return kind ? begin_content(s, kind, error) : GPTOSS_OK;
}

static gptoss_status accept_content(guide_state *s, int32_t id, gptoss_error *error) {
    if (id == end_marker(s)) {
        if (!may_end(s))
            return refuse(id, error);
        end_content(s);
        return GPTOSS_OK;
    }
    if (s->held)
        return grammar_accept(s->held, id, error);
    const tokenizer *t = s->guide->library->tokenizer;
    size_t length;
    const char *bytes = tokenizer_bytes(t, id, &length);
    int place = -1;
    if (bytes && length && !tokenizer_is_special(t, id))
        place = text_walk(s->place, bytes, length);
    if (place < 0)
        return refuse(id, error);
    s->place = place;
    s->n_reasoning += s->kind == MESSAGE_ANALYSIS;
    return GPTOSS_OK;
}

gptoss_status guide_accept(guide_state *s, int32_t id, gptoss_error *error) {
    switch (s->phase) {
    case PHASE_ROLE:
    case PHASE_HEADER:
        return accept_header(s, id, error);
    case PHASE_CONTENT:
        return accept_content(s, id, error);
    case PHASE_CLOSED:
        if (id != marker(s, HARMONY_MARK_START))
            return refuse(id, error);
        s->phase = s->n_calls ? PHASE_SPEAKER : PHASE_ROLE;
        s->node = s->guide->graph.role;
        return GPTOSS_OK;
    case PHASE_SPEAKER:
        if (guide_goes_on(s->guide, id)) {
            s->phase = PHASE_ROLE;
            return accept_header(s, id, error);
        }
        s->phase = PHASE_ENDED;
        return GPTOSS_OK;
    default:
        return GPTOSS_OK;
    }
}

// ---- masks ----------------------------------------------------------------------------------

static void allow(guide_state *s, int32_t id) {
    if (id >= 0 && (size_t)id / 32 < s->n_words)
        s->mask[id / 32] |= 1u << id % 32;
}

static void allow_text(guide_state *s, int place) {
    const text_tokens *text = &s->guide->library->text;
    size_t n = s->n_words < text->n_words ? s->n_words : text->n_words;
    memcpy(s->mask, text->allowed[place], n * sizeof *s->mask);
}

static gptoss_status allow_header(guide_state *s, gptoss_error *error) {
    static const harmony_marker markers[] = {HARMONY_MARK_CHANNEL, HARMONY_MARK_CONSTRAIN,
                                             HARMONY_MARK_MESSAGE};
    const graph *g = &s->guide->graph;
    for (int i = 0; i < 3; i++) {
        if (graph_step(g, s->node, SYMBOL_CHANNEL + i))
            allow(s, marker(s, markers[i]));
    }
    s->ids.length = 0;
    if (!graph_tokens(g, s->node, s->guide->library->tokenizer, &s->ids))
        return base_fail_memory(error, s->ids.capacity * sizeof *s->ids.data);
    for (size_t i = 0; i < s->ids.length; i++)
        allow(s, s->ids.data[i]);
    return GPTOSS_OK;
}

// The bytes of the character at hand, one by one: text that is to end begins no other.
static void allow_rest_of_character(guide_state *s) {
    for (int byte = 0x80; byte < 0xc0; byte++) {
        char text = (char)byte;
        if (text_walk(s->place, &text, 1) >= 0)
            allow(s, s->guide->library->byte_ids[byte]);
    }
}

static gptoss_status allow_held(guide_state *s, gptoss_error *error) {
    memset(s->mask, 0xff, s->n_words * sizeof *s->mask);
    gptoss_status status = grammar_mask(s->held, s->mask, s->n_words, error);
    uint32_t any = 0;
    for (size_t i = 0; i < s->n_words; i++)
        any |= s->mask[i];
    s->stuck = !any;
    return status;
}

static gptoss_status allow_content(guide_state *s, gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    bool ending = s->kind == MESSAGE_ANALYSIS && is_spent(s);
    if (s->held)
        status = allow_held(s, error);
    else if (!ending)
        allow_text(s, s->place);
    else
        allow_rest_of_character(s);
    if (status == GPTOSS_OK && may_end(s))
        allow(s, end_marker(s));
    return status;
}

// Fills s->mask with what may come.
static gptoss_status fill(guide_state *s, gptoss_error *error) {
    memset(s->mask, 0, s->n_words * sizeof *s->mask);
    switch (s->phase) {
    case PHASE_ROLE:
    case PHASE_HEADER:
        return allow_header(s, error);
    case PHASE_CONTENT:
        return allow_content(s, error);
    case PHASE_SPEAKER:
        allow_text(s, TEXT_BETWEEN);
        return GPTOSS_OK;
    default:
        allow(s, marker(s, HARMONY_MARK_START));
        return GPTOSS_OK;
    }
}

gptoss_status guide_mask(guide_state *s, uint32_t *allowed, int32_t vocabulary,
                         gptoss_error *error) {
    if (s->phase == PHASE_ENDED)
        return GPTOSS_OK;
    size_t n_words = ((size_t)vocabulary + 31) / 32;
    if (n_words > s->n_words) {
        uint32_t *grown = base_resize(s->mask, n_words, sizeof *grown);
        if (!grown)
            return base_fail_memory(error, n_words * sizeof *grown);
        s->mask = grown;
        s->n_words = n_words;
    }
    gptoss_status status = fill(s, error);
    for (size_t i = 0; status == GPTOSS_OK && i < n_words; i++)
        allowed[i] &= s->mask[i];
    return status;
}
