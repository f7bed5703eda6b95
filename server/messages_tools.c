// messages_tools.c: Anthropic's tools become a request's: those of the client as they are, those
// that the model's maker taught as functions of the same shape, those of its service not at all.
#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Tools without a schema of their own, which clients run: type up to the date, what to call it.
typedef struct taught {
    const char *type;
    const char *description;
    const char *schema;
} taught;

static const taught taught_tools[] = {
    {"bash_", "Run a command in a persistent bash session.",
     "{\"type\":\"object\",\"properties\":{"
     "\"command\":{\"type\":\"string\",\"description\":\"The command to run\"},"
     "\"restart\":{\"type\":\"boolean\",\"description\":\"Start the session anew instead\"}}}"},
    {"text_editor_", "View, create and edit files.",
     "{\"type\":\"object\",\"properties\":{"
     "\"command\":{\"type\":\"string\",\"enum\":[\"view\",\"create\",\"str_replace\",\"insert\"]},"
     "\"path\":{\"type\":\"string\",\"description\":\"Absolute path of a file or folder\"},"
     "\"file_text\":{\"type\":\"string\",\"description\":\"create: the file's content\"},"
     "\"old_str\":{\"type\":\"string\",\"description\":\"str_replace: occurs exactly once\"},"
     "\"new_str\":{\"type\":\"string\",\"description\":\"str_replace: what to put there\"},"
     "\"insert_line\":{\"type\":\"integer\",\"description\":\"insert: behind this line\"},"
     "\"insert_text\":{\"type\":\"string\",\"description\":\"insert: the text\"},"
     "\"view_range\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},"
     "\"description\":\"view: first and last line\"}},"
     "\"required\":[\"command\",\"path\"]}"},
    {"memory_", "View and change files below /memories, which outlive this conversation.",
     "{\"type\":\"object\",\"properties\":{"
     "\"command\":{\"type\":\"string\",\"enum\":[\"view\",\"create\",\"str_replace\",\"insert\","
     "\"delete\",\"rename\"]},"
     "\"path\":{\"type\":\"string\"},\"file_text\":{\"type\":\"string\"},"
     "\"old_str\":{\"type\":\"string\"},\"new_str\":{\"type\":\"string\"},"
     "\"insert_line\":{\"type\":\"integer\"},\"insert_text\":{\"type\":\"string\"},"
     "\"old_path\":{\"type\":\"string\"},\"new_path\":{\"type\":\"string\"},"
     "\"view_range\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}},"
     "\"required\":[\"command\"]}"},
};

static const taught *find_taught(const char *type) {
    for (size_t i = 0; i < sizeof(taught_tools) / sizeof(taught_tools[0]); i++) {
        if (!strncmp(type, taught_tools[i].type, strlen(taught_tools[i].type))) {
            return &taught_tools[i];
        }
    }
    return NULL;
}

static tool *find_tool(const request *r, const char *name) {
    for (size_t i = 0; i < r->n_tools; i++) {
        if (!strcmp(r->tools[i].name, name)) {
            return &r->tools[i];
        }
    }
    return NULL;
}

static bool add_tool(const fields *f, request *r, const char *name, const char *description,
                     char *schema, bool strict) {
    tool *made = schema ? request_add_tool(r, TOOL_FUNCTION, name) : NULL;
    if (!made) {
        free(schema);
        return fields_no_memory(f);
    }
    made->schema = schema;
    made->strict = strict;
    made->description = description ? strdup(description) : NULL;
    return !description || made->description || fields_no_memory(f);
}

static bool read_custom(const fields *f, request *r) {
    const char *name = NULL, *description = NULL;
    const json_t *schema = NULL;
    bool strict = false;
    if (!fields_need(f, "name") || !fields_string(f, "name", &name) ||
        !fields_string(f, "description", &description) || !fields_need(f, "input_schema") ||
        !fields_object(f, "input_schema", &schema) || !fields_bool(f, "strict", &strict)) {
        return false;
    }
    if (!*name || find_tool(r, name)) {
        return fields_wrong(f, PROBLEM_INVALID, "name",
                            *name ? "tool names must be unique" : "must not be empty");
    }
    return add_tool(f, r, name, description, json_copy_text(schema), strict);
}

static bool read_tool(const json_t *json, const char *path, request *r, problem *p) {
    fields f;
    const char *type = NULL, *name = NULL;
    if (!fields_open(&f, json, p, "%s", path) || !fields_string(&f, "type", &type) ||
        !fields_string(&f, "name", &name)) {
        return false;
    }
    if (!type || !strcmp(type, "custom")) {
        return read_custom(&f, r);
    }
    const taught *known = find_taught(type);
    if (known && name && *name && !find_tool(r, name)) {
        return add_tool(&f, r, name, known->description, strdup(known->schema), false);
    }
    return request_warn(r, "tool '%.80s' was skipped: this server has no tools of type '%.80s'",
                        name ? name : type, type) ||
           fields_no_memory(&f);
}

// A tool that the conversation has to make available first is told to the model from then on; but
// where the search for them is skipped, at once.
static bool is_offered(const json_t *entry, const json_t *loaded, bool search_skipped) {
    const char *name = json_string_value(json_object_get(entry, "name"));
    const json_t *said = name ? json_object_get(loaded, name) : NULL;
    if (said) { // a definition of the conversation's own replaces the one here
        return json_is_true(said);
    }
    return search_skipped || !json_is_true(json_object_get(entry, "defer_loading"));
}

static bool any_search(const json_t *tools) {
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *type = json_object_get(json_array_get(tools, i), "type");
        if (json_is_string(type) && !strncmp(json_string_value(type), "tool_search_tool", 16)) {
            return true;
        }
    }
    return false;
}

static bool read_choice(const fields *body, request *r) {
    static const char *const types[] = {"auto", "any", "tool", "none", NULL};
    static const tool_choice choices[] = {CHOICE_AUTO, CHOICE_REQUIRED, CHOICE_NAMED, CHOICE_NONE};
    fields f;
    bool there, one = false;
    int type = 0;
    const char *name = NULL;
    if (!fields_enter(body, "tool_choice", &f, &there)) {
        return false;
    }
    if (!there) {
        return true;
    }
    if (!fields_need(&f, "type") || !fields_name(&f, "type", types, &type) ||
        !fields_bool(&f, "disable_parallel_tool_use", &one) || !fields_string(&f, "name", &name)) {
        return false;
    }
    r->choice = choices[type];
    r->parallel_calls = !one;
    if (r->choice == CHOICE_REQUIRED && !r->n_tools) {
        return fields_wrong(&f, PROBLEM_INVALID, "type", "there are no tools to choose from");
    }
    if (r->choice != CHOICE_NAMED) {
        return true;
    }
    if (!name || !find_tool(r, name)) {
        return fields_wrong(&f, PROBLEM_INVALID, "name", "must be the name of one of the tools");
    }
    r->chosen_tool = strdup(name);
    return r->chosen_tool || fields_no_memory(&f);
}

bool messages_read_tools(const fields *body, request *r, const json_t *loaded) {
    const json_t *tools = NULL;
    if (!fields_array(body, "tools", &tools)) {
        return false;
    }
    bool search_skipped = any_search(tools);
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *entry = json_array_get(tools, i);
        char path[32];
        snprintf(path, sizeof(path), "tools[%zu]", i);
        if (is_offered(entry, loaded, search_skipped) &&
            !read_tool(entry, path, r, body->problem)) {
            return false;
        }
    }
    const char *name;
    json_t *defined;
    json_object_foreach((json_t *)loaded, name, defined) {
        if (json_is_object(defined) &&
            !read_tool(defined, "messages: tool_addition", r, body->problem)) {
            return false;
        }
    }
    return read_choice(body, r);
}
