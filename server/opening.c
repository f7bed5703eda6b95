// opening.c: the system message and the developer's, with tools and forms of the answer.
#include "opening.h"

#include <stdint.h>
#include <string.h>

static void put(text *out, const char *words) {
    text_add(out, words, strlen(words));
}

void opening_string(text *out, const char *string, size_t length) {
    json_t *value =
        json_stringn(string, length == SIZE_MAX ? strlen(string) : length); // NULL: not UTF-8
    text_json(out, value);
    json_decref(value);
}

static void put_string(text *out, const char *string) {
    opening_string(out, string ? string : "", SIZE_MAX);
}

static void write_system(const request *r, const char *date, text *out) {
    static const char *const efforts[] = {[GPTOSS_EFFORT_LOW] = "Low",
                                          [GPTOSS_EFFORT_MEDIUM] = "Medium",
                                          [GPTOSS_EFFORT_HIGH] = "High"};
    text_print(out,
               "{\"role\":\"system\",\"content\":[{\"type\":\"system_content\","
               "\"model_identity\":\"You are ChatGPT, a large language model trained by OpenAI.\","
               "\"knowledge_cutoff\":\"2024-06\",\"reasoning_effort\":\"%s\","
               "\"channel_config\":{\"valid_channels\":[\"analysis\",\"commentary\",\"final\"],"
               "\"channel_required\":true}",
               efforts[r->effort]);
    if (*date) {
        put(out, ",\"conversation_start_date\":");
        put_string(out, date);
    }
    put(out, "}]}");
}

size_t opening_items(const request *r) {
    size_t n = 0;
    while (n < r->n_items && r->items[n].kind == ITEM_SYSTEM) {
        n++;
    }
    return n;
}

static void add_words(text *out, const char *words) {
    if (words && *words) {
        put(out, out->length ? "\n\n" : "");
        put(out, words);
    }
}

// A custom tool takes words, which its description has to say: a type can't.
static void write_custom(const tool *tool, text *out) {
    static const char *const forms[] = {[FORMAT_REGEX] = "regular expression",
                                        [FORMAT_GBNF] = "GBNF grammar",
                                        [FORMAT_LARK] = "Lark grammar"};
    text words = {0};
    add_words(&words, tool->description);
    add_words(&words, "Takes plain text as it is, not JSON.");
    if (tool->grammar.kind != FORMAT_TEXT && tool->grammar.text) {
        text_print(&words, " The text must follow this %s:\n%s", forms[tool->grammar.kind],
                   tool->grammar.text);
    }
    out->failed |= words.failed;
    put_string(out, words.data);
    put(out, ",\"parameters\":{\"type\":\"string\"}");
    text_clear(&words);
}

static void write_tools(const request *r, const names *names, text *out) {
    bool any = false;
    for (size_t i = 0; i < r->n_tools; i++) {
        const tool *tool = &r->tools[i];
        if (tool->kind == TOOL_BUILTIN || tool->barred) {
            continue;
        }
        put(out, any ? ",{\"name\":"
                     : ",\"tools\":{\"functions\":{\"name\":\"functions\",\"tools\":[{\"name\":");
        any = true;
        put_string(out, names->shown[i]);
        put(out, ",\"description\":");
        if (tool->kind == TOOL_CUSTOM) {
            write_custom(tool, out);
        } else {
            put_string(out, tool->description);
            put(out, ",\"parameters\":");
            put(out, tool->schema ? tool->schema : "null");
        }
        put(out, "}");
    }
    put(out, any ? "]}}" : "");
}

// Forms other than a schema can't be shown in the guide's section; they are only held to.
static void write_format(const format *format, text *out) {
    put(out, ",\"response_formats\":[{\"name\":");
    put_string(out, format->name ? format->name : "answer");
    put(out, ",\"description\":");
    put_string(out, format->description);
    put(out, ",\"schema\":");
    put(out, format->kind == FORMAT_JSON_SCHEMA ? format->text : "{\"type\":\"object\"}");
    put(out, "}]");
}

void opening_write(const request *r, const names *names, const char *date, text *out) {
    write_system(r, date, out);
    text instructions = {0};
    add_words(&instructions, r->instructions);
    for (size_t i = 0; i < opening_items(r); i++) {
        add_words(&instructions, r->items[i].text);
    }
    out->failed |= instructions.failed;
    bool tools = false;
    for (size_t i = 0; i < r->n_tools; i++) {
        tools |= r->tools[i].kind != TOOL_BUILTIN && !r->tools[i].barred;
    }
    bool form = r->answer.kind == FORMAT_JSON_SCHEMA || r->answer.kind == FORMAT_JSON_OBJECT;
    if (instructions.length || tools || form) {
        put(out, ",{\"role\":\"developer\",\"content\":[{\"type\":\"developer_content\"");
        if (instructions.length) {
            put(out, ",\"instructions\":");
            opening_string(out, instructions.data, instructions.length);
        }
        if (tools) {
            write_tools(r, names, out);
        }
        if (form) {
            write_format(&r->answer, out);
        }
        put(out, "}]}");
    }
    text_clear(&instructions);
}
