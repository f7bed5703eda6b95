// Guides: options checked, forms compiled, the graph of headers built.
#include "guide/internal.h"

#include <string.h>

enum {
    MAX_TOOLS = 4096,
    MAX_RECIPIENT = 255, // bytes
    MAX_CALLS = 64,      // in one turn
};

// White space beyond ASCII, which would end a word of a header or be trimmed off it.
static bool is_white(int32_t c) {
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

// Whether a header can hold the name so that the parser reads the same.
static bool is_recipient(harmony_text name) {
    if (name.length == 0 || name.length > MAX_RECIPIENT)
        return false;
    for (size_t at = 0; at < name.length;) {
        int32_t c;
        at += base_utf8_decode(name.data + at, name.length - at, &c);
        if (c <= ' ' || c == 0x7f || is_white(c))
            return false;
    }
    return true;
}

static bool equal(harmony_text a, harmony_text b) {
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

// Sets callable[n_tools]: whom the choice lets the assistant call.
static gptoss_status choose(const guide_options *o, bool *callable, gptoss_error *error) {
    if (o->n_tools > MAX_TOOLS)
        return base_fail(error, GPTOSS_UNSUPPORTED, "%zu tools: %d are possible", o->n_tools,
                         MAX_TOOLS);
    size_t n_callable = 0;
    for (size_t i = 0; i < o->n_tools; i++) {
        harmony_text name = o->tools[i].recipient;
        if (!is_recipient(name))
            return base_fail(error, GPTOSS_BAD_INPUT,
                             "tool %zu: a name has 1 to %d bytes of UTF-8 without white space", i,
                             MAX_RECIPIENT);
        callable[i] =
            o->choice != GUIDE_NONE && (o->choice != GUIDE_NAMED || equal(name, o->chosen));
        n_callable += callable[i];
    }
    if (n_callable == 0 && o->choice == GUIDE_NAMED)
        return base_fail(error, GPTOSS_BAD_ARGUMENT,
                         "the tool that must be called, %.*s, is not "
                         "declared",
                         (int)(o->chosen.length < 64 ? o->chosen.length : 64),
                         o->chosen.data ? o->chosen.data : "");
    if (n_callable == 0 && o->choice == GUIDE_REQUIRED)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a call is required, and there are no tools");
    return GPTOSS_OK;
}

static gptoss_status warn(guide *g, harmony_text name, const gptoss_error *why,
                          gptoss_error *error) {
    base_buffer text = {0};
    char **grown = base_resize(g->warnings, g->n_warnings + 1, sizeof *grown);
    if (grown)
        g->warnings = grown;
    if (!grown || !base_buffer_append(&text, name.data, name.length) ||
        !base_buffer_format(&text, ": its arguments are held to be an object only: %s",
                            why->message)) {
        base_buffer_free(&text);
        return base_fail_memory(error, name.length);
    }
    g->warnings[g->n_warnings++] = text.data;
    return GPTOSS_OK;
}

// Compiles a tool's form, or falls back to any object.
static gptoss_status take_form(guide *g, const guide_tool *tool, library_form **out,
                               gptoss_error *error) {
    gptoss_error why = {0};
    gptoss_status status = library_take(g->library, &tool->form, out, &why);
    bool held_back = status == GPTOSS_UNSUPPORTED || status == GPTOSS_BAD_INPUT;
    if (held_back && !tool->strict && tool->form.kind == GRAMMAR_JSON_SCHEMA) {
        status = warn(g, tool->recipient, &why, error);
        const guide_form object = {.held = true, .kind = GRAMMAR_JSON_OBJECT};
        return status ? status : library_take(g->library, &object, out, error);
    }
    if (held_back)
        return base_fail(error, status, "tool %.*s: %s", (int)tool->recipient.length,
                         tool->recipient.data, why.message);
    if (status != GPTOSS_OK && error)
        *error = why;
    return status;
}

static gptoss_status take_forms(guide *g, const guide_options *o, const bool *callable,
                                gptoss_error *error) {
    for (size_t i = 0; i < o->n_tools; i++) {
        if (!callable[i] || !o->tools[i].form.held)
            continue;
        gptoss_status status = take_form(g, &o->tools[i], &g->forms[i], error);
        if (status != GPTOSS_OK)
            return status;
    }
    return o->answer.held ? library_take(g->library, &o->answer, &g->answer, error) : GPTOSS_OK;
}

static int32_t limited(int32_t calls) {
    return calls < 1 ? 1 : calls > MAX_CALLS ? MAX_CALLS : calls;
}

gptoss_status guide_create(guide_library *l, const guide_options *o, guide **guide_out,
                           gptoss_error *error) {
    *guide_out = NULL;
    guide *g = base_alloc_zero(1, sizeof *g);
    bool *callable = base_alloc_zero(o->n_tools, sizeof *callable);
    gptoss_status status = GPTOSS_OK;
    if (!g || !callable) {
        base_free(g);
        base_free(callable);
        return base_fail_memory(error, sizeof *g);
    }
    g->library = l;
    g->max_calls = limited(o->max_calls);
    g->max_reasoning = o->max_reasoning;
    g->n_tools = o->n_tools;
    g->forms = base_alloc_zero(o->n_tools, sizeof *g->forms);
    bool json = o->answer.held &&
                (o->answer.kind == GRAMMAR_JSON_OBJECT || o->answer.kind == GRAMMAR_JSON_SCHEMA);
    if (!g->forms)
        status = base_fail_memory(error, o->n_tools * sizeof *g->forms);
    if (status == GPTOSS_OK)
        status = choose(o, callable, error);
    if (status == GPTOSS_OK && !graph_build(&g->graph, o, callable, json))
        status = base_fail_memory(error, (size_t)g->graph.capacity * sizeof *g->graph.nodes);
    if (status == GPTOSS_OK)
        status = take_forms(g, o, callable, error);
    base_free(callable);
    if (status != GPTOSS_OK) {
        guide_free(g);
        return status;
    }
    *guide_out = g;
    return GPTOSS_OK;
}

void guide_free(guide *g) {
    if (!g)
        return;
    for (size_t i = 0; g->forms && i < g->n_tools; i++)
        library_return(g->library, g->forms[i]);
    library_return(g->library, g->answer);
    for (size_t i = 0; i < g->n_warnings; i++)
        base_free(g->warnings[i]);
    base_free(g->warnings);
    base_free(g->forms);
    graph_free(&g->graph);
    base_free(g);
}

const char *guide_warning(const guide *g, size_t index) {
    return index < g->n_warnings ? g->warnings[index] : NULL;
}

int32_t guide_max_calls(const guide *g) {
    return g->max_calls;
}

bool guide_goes_on(const guide *g, int32_t id) {
    return id == g->library->assistant.data[0];
}
