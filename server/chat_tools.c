// chat_tools.c: "tools", "tool_choice", and their older names.
#include "chat.h"

#include <stdlib.h>
#include <string.h>

static bool read_name(const fields *in, const char **name_out) {
    *name_out = NULL;
    if (!fields_need(in, "name") || !fields_string(in, "name", name_out)) {
        return false;
    }
    return **name_out || fields_wrong(in, PROBLEM_INVALID, "name", "name must not be empty");
}

// {"name", "description", "parameters", "strict"}.
static bool read_function(const fields *in, request *r) {
    const char *name;
    const json_t *parameters = NULL;
    if (!read_name(in, &name) || !fields_object(in, "parameters", &parameters)) {
        return false;
    }
    tool *added = request_add_tool(r, TOOL_FUNCTION, name);
    if (!added) {
        return fields_no_memory(in);
    }
    if (parameters && !(added->schema = json_copy_text(parameters))) {
        return fields_no_memory(in);
    }
    return chat_copy(in, "description", &added->description) &&
           fields_bool(in, "strict", &added->strict);
}

// {"type": "text"} or {"type": "grammar", "grammar": {"syntax", "definition"}}.
static bool read_grammar(const fields *custom, tool *added) {
    static const char *const types[] = {"text", "grammar", NULL};
    static const char *const syntaxes[] = {"lark", "regex", "gbnf", NULL};
    static const format_kind kinds[] = {FORMAT_LARK, FORMAT_REGEX, FORMAT_GBNF};
    fields in, grammar;
    bool there;
    int type = 0, syntax = 0;
    if (!fields_has(custom, "format")) {
        return true;
    }
    if (!fields_enter(custom, "format", &in, &there) || !fields_need(&in, "type") ||
        !fields_name(&in, "type", types, &type)) {
        return false;
    }
    if (type == 0) {
        return true;
    }
    if (!fields_enter(&in, "grammar", &grammar, &there)) {
        return false;
    }
    grammar = there ? grammar : in; // the Responses API has it without the inner object
    added->grammar.kind = FORMAT_TEXT;
    if (!fields_need(&grammar, "definition") || !fields_need(&grammar, "syntax") ||
        !fields_name(&grammar, "syntax", syntaxes, &syntax)) {
        return false;
    }
    added->grammar.kind = kinds[syntax];
    return chat_copy(&grammar, "definition", &added->grammar.text);
}

static bool read_custom(const fields *in, request *r) {
    const char *name;
    if (!read_name(in, &name)) {
        return false;
    }
    tool *added = request_add_tool(r, TOOL_CUSTOM, name);
    if (!added) {
        return fields_no_memory(in);
    }
    return chat_copy(in, "description", &added->description) && read_grammar(in, added);
}

// {"type", TYPE: {...}}, or all of it side by side, as some clients send it.
static bool read_tool(const fields *in, request *r) {
    const char *type = NULL;
    fields inner;
    bool there;
    if (!fields_need(in, "type") || !fields_string(in, "type", &type)) {
        return false;
    }
    bool function = strcmp(type, "function") == 0, custom = strcmp(type, "custom") == 0;
    if (!function && !custom) {
        return request_warn(r, "tool of type '%.60s' was skipped: this server has no such tool",
                            type) ||
               fields_no_memory(in);
    }
    if (!fields_enter(in, type, &inner, &there)) {
        return false;
    }
    if (!there && !fields_has(in, "name")) {
        return fields_need(in, type);
    }
    inner = there ? inner : *in;
    return function ? read_function(&inner, r) : read_custom(&inner, r);
}

static bool read_list(const fields *body, const char *key,
                      bool (*read)(const fields *in, request *r), request *r) {
    const json_t *list = NULL;
    if (!fields_array(body, key, &list)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        fields in;
        if (!fields_open(&in, json_array_get(list, i), body->problem, "%s[%zu]", key, i) ||
            !read(&in, r)) {
            return false;
        }
    }
    return true;
}

// ---- the choice -----------------------------------------------------------------------------

static bool choose_named(const fields *in, request *r) {
    const char *name;
    if (!read_name(in, &name)) {
        return false;
    }
    free(r->chosen_tool);
    r->choice = CHOICE_NAMED;
    r->chosen_tool = strdup(name);
    return r->chosen_tool || fields_no_memory(in);
}

// The name in {"type": "function", "function": {"name"}}, or NULL.
static const char *name_in(const json_t *choice) {
    const char *type = json_string_value(json_object_get(choice, "type"));
    const json_t *inner = type ? json_object_get(choice, type) : NULL;
    return json_string_value(json_object_get(inner ? inner : choice, "name"));
}

static bool lists(const json_t *allowed, const char *name) {
    for (size_t i = 0; i < json_array_size(allowed); i++) {
        const char *listed = name_in(json_array_get(allowed, i));
        if (listed && strcmp(listed, name) == 0) {
            return true;
        }
    }
    return false;
}

// {"mode", "tools": [...]}: the others are shown, so that the prompt stays the same, but barred.
static bool choose_allowed(const fields *in, request *r) {
    static const char *const modes[] = {"auto", "required", NULL};
    const json_t *allowed = NULL;
    int mode = 0;
    if (!fields_name(in, "mode", modes, &mode) || !fields_need(in, "tools") ||
        !fields_array(in, "tools", &allowed)) {
        return false;
    }
    r->choice = mode ? CHOICE_REQUIRED : CHOICE_AUTO;
    for (size_t i = 0; i < r->n_tools; i++) {
        r->tools[i].barred = !lists(allowed, r->tools[i].name);
    }
    return true;
}

static bool read_choice_word(const fields *body, const char *key, request *r) {
    static const char *const words[] = {[CHOICE_AUTO] = "auto",
                                        [CHOICE_NONE] = "none",
                                        [CHOICE_REQUIRED] = "required",
                                        [CHOICE_REQUIRED + 1] = NULL};
    int choice = CHOICE_AUTO;
    if (!fields_name(body, key, words, &choice)) {
        return false;
    }
    r->choice = (tool_choice)choice;
    return true;
}

static bool read_choice(const fields *body, request *r) {
    static const char *const types[] = {"function", "custom", "allowed_tools", NULL};
    fields in, inner;
    bool there;
    int type = 0;
    if (!json_is_object(json_object_get(body->object, "tool_choice"))) {
        return read_choice_word(body, "tool_choice", r);
    }
    if (!fields_enter(body, "tool_choice", &in, &there) || !fields_need(&in, "type") ||
        !fields_name(&in, "type", types, &type) ||
        !fields_enter(&in, types[type], &inner, &there)) {
        return false;
    }
    inner = there ? inner : in;
    return type == 2 ? choose_allowed(&inner, r) : choose_named(&inner, r);
}

// "functions" and "function_call": the same under older names, and one call at a time.
static bool read_functions(const fields *body, request *r) {
    fields in;
    bool there;
    if (!read_list(body, "functions", read_function, r)) {
        return false;
    }
    r->parallel_calls = false;
    r->repeated = strdup("{\"functions\":true}");
    if (!r->repeated) {
        return fields_no_memory(body);
    }
    if (!json_is_object(json_object_get(body->object, "function_call"))) {
        return read_choice_word(body, "function_call", r);
    }
    return fields_enter(body, "function_call", &in, &there) && choose_named(&in, r);
}

bool chat_wants_functions(const request *r) {
    return r->repeated != NULL;
}

bool chat_read_tools(const fields *body, request *r) {
    if (!read_list(body, "tools", read_tool, r) || !read_choice(body, r) ||
        !fields_bool(body, "parallel_tool_calls", &r->parallel_calls)) {
        return false;
    }
    r->asked_parallel = fields_has(body, "parallel_tool_calls");
    return !fields_has(body, "functions") || read_functions(body, r);
}
