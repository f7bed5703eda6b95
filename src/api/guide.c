// Guides for callers that only know JSON and strings.
#include "api/internal.h"

#include <string.h>

void gptoss_guide_options_default(gptoss_guide_options *options_out) {
    *options_out = (gptoss_guide_options){.max_calls = 1};
}

// Tools as the guide takes them, with the texts of their recipients.
typedef struct tool_list {
    harmony_tools *declared;
    guide_tool *items; // [length], room for capacity
    size_t length, capacity;
    base_buffer names; // zero-terminated, one behind the other
} tool_list;

static void free_list(tool_list *list) {
    harmony_tools_free(list->declared);
    base_free(list->items);
    base_buffer_free(&list->names);
}

// Adds a tool whose recipient is "SPACE.NAME", or SPACE alone. recipient.data stays NULL until all
// names are in the buffer, which moves as it grows.
static gptoss_status add(tool_list *list, harmony_text space, harmony_text name, guide_tool tool,
                         gptoss_error *error) {
    if (list->length == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        guide_tool *grown = base_resize(list->items, capacity, sizeof *grown);
        if (!grown)
            return base_fail_memory(error, capacity * sizeof *grown);
        list->items = grown;
        list->capacity = capacity;
    }
    size_t before = list->names.length;
    if (!base_buffer_append(&list->names, space.data, space.length) ||
        (name.data && (!base_buffer_text(&list->names, ".") ||
                       !base_buffer_append(&list->names, name.data, name.length))))
        return base_fail_memory(error, space.length + name.length);
    tool.recipient = (harmony_text){NULL, list->names.length - before};
    list->items[list->length++] = tool;
    return GPTOSS_OK;
}

static gptoss_status add_builtin(tool_list *list, harmony_namespace space, gptoss_error *error) {
    const guide_tool code = {.in_analysis = true};
    gptoss_status status = GPTOSS_OK;
    if (space.n_tools == 0)
        return add(list, space.key, (harmony_text){0}, code, error);
    for (size_t i = 0; status == GPTOSS_OK && i < space.n_tools; i++) {
        guide_tool tool = {
            .in_analysis = true,
            .json = true,
            .form = {true, GRAMMAR_JSON_SCHEMA, space.tools[i].parameters},
        };
        status = add(list, space.key, space.tools[i].name, tool, error);
    }
    return status;
}

static gptoss_status add_custom(tool_list *list, const harmony_declared_tool *declared,
                                gptoss_error *error) {
    guide_tool tool = {.strict = true};
    if (declared->syntax.data) {
        harmony_text syntax = declared->syntax;
        tool.form = (guide_form){true, GRAMMAR_LARK, declared->definition};
        if (syntax.length == 5 && memcmp(syntax.data, "regex", 5) == 0)
            tool.form.kind = GRAMMAR_REGEX;
        else if (syntax.length == 4 && memcmp(syntax.data, "gbnf", 4) == 0)
            tool.form.kind = GRAMMAR_GBNF;
        else if (syntax.length != 4 || memcmp(syntax.data, "lark", 4) != 0)
            return base_fail(error, GPTOSS_UNSUPPORTED,
                             "tool %.*s: a grammar's syntax is lark, regex or gbnf",
                             (int)(declared->name.length < 64 ? declared->name.length : 64),
                             declared->name.data);
    }
    return add(list, harmony_text_of("functions"), declared->name, tool, error);
}

static gptoss_status add_declared(tool_list *list, const harmony_declared_tool *declared,
                                  gptoss_error *error) {
    if (declared->kind == HARMONY_TOOL_BUILTIN)
        return add_builtin(list, harmony_declared_namespace(declared), error);
    if (declared->kind == HARMONY_TOOL_CUSTOM)
        return add_custom(list, declared, error);
    guide_tool tool = {.json = true, .strict = declared->strict, .form = {.held = true}};
    if (declared->parameters.data) {
        tool.form.kind = GRAMMAR_JSON_SCHEMA;
        tool.form.text = declared->parameters;
    }
    return add(list, harmony_text_of("functions"), declared->name, tool, error);
}

static gptoss_status read_tools(const char *json, tool_list *list, gptoss_error *error) {
    if (!json || !json[0])
        return GPTOSS_OK;
    gptoss_status status = harmony_tools_read(json, strlen(json), &list->declared, error);
    const harmony_declared_tool *item;
    for (size_t i = 0; status == GPTOSS_OK && (item = harmony_tools_item(list->declared, i)); i++)
        status = add_declared(list, item, error);
    const char *name = list->names.data;
    for (size_t i = 0; status == GPTOSS_OK && i < list->length; i++) {
        list->items[i].recipient.data = name;
        name += list->items[i].recipient.length;
    }
    return status;
}

static bool ends_with(harmony_text text, harmony_text end) {
    return text.length >= end.length &&
           memcmp(text.data + text.length - end.length, end.data, end.length) == 0;
}

// The recipient that `chosen` means: itself, or the one of the function with this name.
static harmony_text find_chosen(const tool_list *list, const char *chosen) {
    harmony_text name = harmony_text_of(chosen ? chosen : "");
    static const char space[] = "functions.";
    for (size_t i = 0; i < list->length; i++) {
        harmony_text recipient = list->items[i].recipient;
        if (recipient.length == sizeof space - 1 + name.length && ends_with(recipient, name) &&
            memcmp(recipient.data, space, sizeof space - 1) == 0)
            return recipient;
    }
    return name;
}

static gptoss_status read_form(const gptoss_guide_options *o, guide_form *form_out,
                               gptoss_error *error) {
    static const grammar_kind kinds[] = {
        [GPTOSS_FORM_JSON_OBJECT] = GRAMMAR_JSON_OBJECT,
        [GPTOSS_FORM_JSON_SCHEMA] = GRAMMAR_JSON_SCHEMA,
        [GPTOSS_FORM_REGEX] = GRAMMAR_REGEX,
        [GPTOSS_FORM_GBNF] = GRAMMAR_GBNF,
        [GPTOSS_FORM_LARK] = GRAMMAR_LARK,
    };
    *form_out = (guide_form){0};
    if ((size_t)o->form >= sizeof kinds / sizeof kinds[0])
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no form %d", (int)o->form);
    if (o->form == GPTOSS_FORM_FREE)
        return GPTOSS_OK;
    bool needed = o->form != GPTOSS_FORM_JSON_OBJECT;
    if (needed && !o->form_text)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the form of the answer has no text");
    form_out->held = true;
    form_out->kind = kinds[o->form];
    if (needed)
        form_out->text =
            (harmony_text){o->form_text, o->form_length ? o->form_length : strlen(o->form_text)};
    return GPTOSS_OK;
}

static gptoss_status find_library(const gptoss_tokenizer *t, guide_library **library_out,
                                  gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    pthread_mutex_lock(&t->guides->lock);
    if (!t->guides->library)
        status = guide_library_create(t->harmony, &t->guides->library, error);
    *library_out = t->guides->library;
    pthread_mutex_unlock(&t->guides->lock);
    return status;
}

static gptoss_status create(guide_library *library, const gptoss_guide_options *o, guide **out,
                            gptoss_error *error) {
    tool_list list = {0};
    guide_options options = {.max_calls = o->max_calls, .max_reasoning = o->max_reasoning_tokens};
    gptoss_status status = GPTOSS_OK;
    if ((size_t)o->choice > GPTOSS_TOOLS_NAMED)
        status = base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no choice %d", (int)o->choice);
    if (status == GPTOSS_OK)
        status = read_form(o, &options.answer, error);
    if (status == GPTOSS_OK)
        status = read_tools(o->tools, &list, error);
    if (status == GPTOSS_OK) {
        static const guide_choice choices[] = {
            [GPTOSS_TOOLS_AUTO] = GUIDE_AUTO,
            [GPTOSS_TOOLS_NONE] = GUIDE_NONE,
            [GPTOSS_TOOLS_REQUIRED] = GUIDE_REQUIRED,
            [GPTOSS_TOOLS_NAMED] = GUIDE_NAMED,
        };
        options.tools = list.items;
        options.n_tools = list.length;
        options.choice = choices[o->choice];
        options.chosen = find_chosen(&list, o->chosen);
        status = guide_create(library, &options, out, error);
    }
    free_list(&list);
    return status;
}

gptoss_status gptoss_guide_create(const gptoss_tokenizer *t, const gptoss_guide_options *options,
                                  gptoss_guide **guide_out, gptoss_error *error) {
    *guide_out = NULL;
    guide_library *library = NULL;
    gptoss_guide_options plain;
    gptoss_guide_options_default(&plain);
    gptoss_status status = api_require_harmony(t, error);
    if (status == GPTOSS_OK)
        status = find_library(t, &library, error);
    if (status != GPTOSS_OK)
        return status;
    gptoss_guide *g = base_alloc_zero(1, sizeof *g);
    if (!g)
        return base_fail_memory(error, sizeof *g);
    g->tokenizer = t;
    status = create(library, options ? options : &plain, &g->guide, error);
    if (status != GPTOSS_OK) {
        base_free(g);
        return status;
    }
    *guide_out = g;
    return GPTOSS_OK;
}

const char *gptoss_guide_warning(const gptoss_guide *g, size_t index) {
    return guide_warning(g->guide, index);
}

void gptoss_guide_free(gptoss_guide *g) {
    if (!g)
        return;
    guide_free(g->guide);
    base_free(g);
}
