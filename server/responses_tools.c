// responses_tools.c: the tools of a body, and which of them may or must be called.
#include "responses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const tool *find(const request *r, const char *name) {
    for (size_t i = 0; i < r->n_tools; i++) {
        if (!strcmp(r->tools[i].name, name)) {
            return &r->tools[i];
        }
    }
    return NULL;
}

static bool read_function(const fields *in, tool *added) {
    const json_t *parameters = NULL;
    if (!fields_object(in, "parameters", &parameters) ||
        !fields_bool(in, "strict", &added->strict)) {
        return false;
    }
    added->schema = parameters ? json_copy_text(parameters) : NULL;
    return !parameters || added->schema || fields_no_memory(in);
}

static bool read_custom(const fields *in, tool *added) {
    static const char *const types[] = {"text", "grammar", NULL};
    fields inner;
    bool there;
    int type = 0;
    if (!fields_enter(in, "format", &inner, &there) || !there) {
        return !there;
    }
    return fields_need(&inner, "type") && fields_name(&inner, "type", types, &type) &&
           (type == 0 || responses_read_grammar(&inner, &added->grammar));
}

static bool read_named(const fields *in, tool_kind kind, request *r) {
    const char *name = NULL;
    if (!fields_need(in, "name") || !fields_string(in, "name", &name)) {
        return false;
    }
    if (!*name || find(r, name)) {
        return fields_wrong(in, PROBLEM_INVALID, "name",
                            *name ? "there are two tools of this name" : "a tool needs a name");
    }
    tool *added = request_add_tool(r, kind, name);
    if (!added) {
        return fields_no_memory(in);
    }
    return responses_copy(in, "description", &added->description) &&
           (kind == TOOL_FUNCTION ? read_function(in, added) : read_custom(in, added));
}

static bool read_tool(const json_t *value, const char *path, size_t index, request *r, problem *p) {
    fields in;
    const char *type = NULL;
    if (!fields_open(&in, value, p, "%s[%zu]", path, index) || !fields_need(&in, "type") ||
        !fields_string(&in, "type", &type)) {
        return false;
    }
    if (!strcmp(type, "function") || !strcmp(type, "custom")) {
        return read_named(&in, *type == 'f' ? TOOL_FUNCTION : TOOL_CUSTOM, r);
    }
    return request_warn(r, "tool '%s' (%s) was skipped: this server has no such tool", type,
                        in.path) ||
           fields_no_memory(&in);
}

bool responses_read_tool_list(const json_t *list, const char *path, request *r, problem *p) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!read_tool(json_array_get(list, i), path, i, r, p)) {
            return false;
        }
    }
    return true;
}

// Takes back the tools that list, of {"type", "name"}, does not name.
static void keep_listed(const json_t *list, request *r) {
    size_t kept = 0;
    for (size_t i = 0; i < r->n_tools; i++) {
        bool named = false;
        for (size_t j = 0; j < json_array_size(list); j++) {
            const char *name = json_string_value(json_object_get(json_array_get(list, j), "name"));
            named = named || (name && !strcmp(name, r->tools[i].name));
        }
        if (named) {
            r->tools[kept++] = r->tools[i];
            continue;
        }
        tool *gone = &r->tools[i];
        char *strings[] = {gone->name,         gone->description,         gone->schema,
                           gone->grammar.name, gone->grammar.description, gone->grammar.text};
        for (size_t j = 0; j < sizeof(strings) / sizeof(strings[0]); j++) {
            free(strings[j]);
        }
    }
    r->n_tools = kept;
}

static bool choose_allowed(const fields *in, request *r) {
    static const char *const modes[] = {"auto", "required", NULL};
    const json_t *list = NULL;
    int mode = 0;
    if (!fields_name(in, "mode", modes, &mode) || !fields_need(in, "tools") ||
        !fields_array(in, "tools", &list)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!json_is_object(json_array_get(list, i))) {
            return fields_wrong(in, PROBLEM_INVALID, "tools", "tools[%zu] must be an object", i);
        }
    }
    keep_listed(list, r);
    r->choice = mode ? CHOICE_REQUIRED : CHOICE_AUTO;
    return true;
}

static bool choose_object(const fields *in, request *r) {
    const char *type = NULL, *name = NULL;
    if (!fields_need(in, "type") || !fields_string(in, "type", &type)) {
        return false;
    }
    if (!strcmp(type, "allowed_tools")) {
        return choose_allowed(in, r);
    }
    if (strcmp(type, "function") && strcmp(type, "custom")) {
        return fields_wrong(in, PROBLEM_UNSUPPORTED, "type",
                            "this server can't be made to call a tool of this type");
    }
    if (!fields_need(in, "name") || !fields_string(in, "name", &name)) {
        return false;
    }
    if (!find(r, name)) {
        return fields_wrong(in, PROBLEM_INVALID, "name", "tools has no tool of this name");
    }
    r->choice = CHOICE_NAMED;
    return responses_copy(in, "name", &r->chosen_tool);
}

bool responses_read_choice(const fields *body, request *r) {
    static const char *const names[] = {"auto", "none", "required", NULL};
    static const tool_choice choices[] = {CHOICE_AUTO, CHOICE_NONE, CHOICE_REQUIRED};
    fields in;
    bool there;
    int choice = 0;
    if (json_is_object(json_object_get(body->object, "tool_choice"))) {
        if (!fields_enter(body, "tool_choice", &in, &there) || !choose_object(&in, r)) {
            return false;
        }
    } else if (!fields_name(body, "tool_choice", names, &choice)) {
        return false;
    } else {
        r->choice = choices[choice];
    }
    if (r->choice == CHOICE_REQUIRED && !r->n_tools) {
        return fields_wrong(body, PROBLEM_INVALID, "tool_choice",
                            "a call is required, but there is no tool that could be called");
    }
    return true;
}

bool responses_read_tools(const fields *body, request *r) {
    const json_t *list = NULL;
    return fields_array(body, "tools", &list) &&
           responses_read_tool_list(list, "tools", r, body->problem);
}
