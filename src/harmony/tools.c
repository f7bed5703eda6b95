// Tools as the APIs declare them, read from JSON.
#include "harmony/json.h"

#include <string.h>

struct harmony_tools {
    harmony_arena arena;          // of the tree, whose texts the items share
    harmony_declared_tool *items; // [length]
    size_t length;
};

static gptoss_status fail(size_t index, const char *what, gptoss_error *error) {
    return base_fail(error, GPTOSS_BAD_INPUT, "functions: item %zu: %s", index, what);
}

static bool is(harmony_text text, const char *word) {
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

// A string where there is one; false where there is something else.
static bool get_text(const json *object, const char *key, harmony_text *text_out) {
    const json *value = harmony_json_get(object, key);
    *text_out = (harmony_text){0};
    if (value && value->kind == JSON_STRING)
        *text_out = value->string;
    return !value || value->kind == JSON_STRING || value->kind == JSON_NULL;
}

// The object under a key, or `outside`, where its members may stand as well.
static const json *inner(const json *outside, const char *key) {
    const json *inside = harmony_json_get(outside, key);
    return inside && inside->kind == JSON_OBJECT ? inside : outside;
}

static const char *read_format(const json *format, harmony_declared_tool *tool) {
    harmony_text type;
    if (!format || format->kind == JSON_NULL)
        return NULL;
    if (format->kind != JSON_OBJECT || !get_text(format, "type", &type))
        return "format must be an object with a type";
    if (!type.data || is(type, "text"))
        return NULL;
    const json *grammar = inner(format, "grammar");
    if (!is(type, "grammar") || !get_text(grammar, "syntax", &tool->syntax) ||
        !get_text(grammar, "definition", &tool->definition) || !tool->syntax.data ||
        !tool->definition.data)
        return "format is text, or a grammar with syntax and definition";
    return NULL;
}

// What is wrong with the item, or NULL.
static const char *read_tool(const json *item, harmony_declared_tool *tool) {
    harmony_text type;
    if (item->kind != JSON_OBJECT || !get_text(item, "type", &type))
        return "a tool is an object";
    if (is(type, "python") || is(type, "browser")) {
        *tool = (harmony_declared_tool){.kind = HARMONY_TOOL_BUILTIN, .name = type};
        return NULL;
    }
    bool custom = is(type, "custom");
    if (type.data && !custom && !is(type, "function"))
        return "it is none of function, custom, python, browser";
    const json *said = inner(item, custom ? "custom" : "function");
    if (!get_text(said, "name", &tool->name) || !tool->name.data)
        return "name must be a string";
    if (!get_text(said, "description", &tool->description))
        return "description must be a string";
    if (custom) {
        tool->kind = HARMONY_TOOL_CUSTOM;
        return read_format(harmony_json_get(said, "format"), tool);
    }
    const json *parameters = harmony_json_get(said, "parameters");
    const json *strict = harmony_json_get(said, "strict");
    if (parameters && parameters->kind != JSON_NULL)
        tool->parameters = parameters->source;
    tool->strict = strict && strict->kind == JSON_TRUE;
    return NULL;
}

gptoss_status harmony_tools_read(const char *text, size_t length, harmony_tools **tools_out,
                                 gptoss_error *error) {
    *tools_out = NULL;
    harmony_tools *tools = base_alloc_zero(1, sizeof *tools);
    if (!tools)
        return base_fail_memory(error, sizeof *tools);
    json *list = NULL;
    gptoss_status status =
        harmony_json_read(text, length, "functions", &tools->arena, &list, error);
    if (status == GPTOSS_OK && list->kind != JSON_ARRAY)
        status = base_fail(error, GPTOSS_BAD_INPUT, "functions: must be a list");
    if (status == GPTOSS_OK) {
        tools->items = harmony_arena_alloc(&tools->arena, list->count, sizeof *tools->items);
        if (!tools->items)
            status = base_fail_memory(error, list->count * sizeof *tools->items);
    }
    const json *item = status == GPTOSS_OK ? list->first : NULL;
    for (; status == GPTOSS_OK && item; item = item->next) {
        const char *wrong = read_tool(item, &tools->items[tools->length]);
        if (wrong)
            status = fail(tools->length, wrong, error);
        tools->length++;
    }
    if (status != GPTOSS_OK) {
        harmony_tools_free(tools);
        return status;
    }
    *tools_out = tools;
    return GPTOSS_OK;
}

void harmony_tools_free(harmony_tools *tools) {
    if (!tools)
        return;
    harmony_arena_free(&tools->arena);
    base_free(tools);
}

const harmony_declared_tool *harmony_tools_item(const harmony_tools *tools, size_t index) {
    return index < tools->length ? &tools->items[index] : NULL;
}

harmony_namespace harmony_declared_namespace(const harmony_declared_tool *builtin) {
    return is(builtin->name, "browser") ? harmony_browser_tool() : harmony_python_tool();
}

// ---- as a developer message -------------------------------------------------------------------

// Tools that get a line in the namespace `functions`. A custom tool's argument is a string.
static size_t list_functions(const harmony_tools *tools, harmony_tool *functions) {
    size_t n = 0;
    for (size_t i = 0; i < tools->length; i++) {
        const harmony_declared_tool *tool = &tools->items[i];
        if (tool->kind == HARMONY_TOOL_BUILTIN)
            continue;
        functions[n++] = (harmony_tool){tool->name, tool->description,
                                        tool->kind == HARMONY_TOOL_CUSTOM
                                            ? harmony_text_of("{\"type\":\"string\"}")
                                            : tool->parameters};
    }
    return n;
}

gptoss_status harmony_conversation_add_functions(harmony_conversation *conversation,
                                                 const char *instructions, const char *json_text,
                                                 size_t length, gptoss_error *error) {
    harmony_namespace space = {.key = harmony_text_of("functions"),
                               .name = harmony_text_of("functions")};
    harmony_developer developer = {.instructions = harmony_text_of(instructions)};
    harmony_tools *tools = NULL;
    harmony_tool *functions = NULL;
    gptoss_status status = GPTOSS_OK;
    if (json_text)
        status = harmony_tools_read(json_text, length, &tools, error);
    if (status == GPTOSS_OK && tools) {
        functions = base_alloc(tools->length, sizeof *functions);
        if (!functions)
            status = base_fail_memory(error, tools->length * sizeof *functions);
        else
            space.n_tools = list_functions(tools, functions);
    }
    if (space.n_tools) {
        space.tools = functions;
        developer.has_tools = true;
        developer.tools = &space;
        developer.n_tools = 1;
    }
    if (status == GPTOSS_OK)
        status = harmony_conversation_add_developer(conversation, &developer, error);
    base_free(functions);
    harmony_tools_free(tools);
    return status;
}
