// guided.c: tools, their choice and the answer's form -> gptoss_guide_options.
#include "guided.h"

#include <string.h>

#include "opening.h"
#include "text.h"

enum { MOST_CALLS = 16 }; // in one turn, where several are allowed

static void put(text *out, const char *words) {
    text_add(out, words, strlen(words));
}

static void write_grammar(const format *grammar, text *out) {
    static const char *const syntaxes[] = {
        [FORMAT_REGEX] = "regex", [FORMAT_GBNF] = "gbnf", [FORMAT_LARK] = "lark"};
    text_print(out, ",\"format\":{\"type\":\"grammar\",\"syntax\":\"%s\",\"definition\":",
               syntaxes[grammar->kind]);
    opening_string(out, grammar->text, SIZE_MAX);
    put(out, "}");
}

static void write_tool(const tool *tool, const char *shown, text *out) {
    bool custom = tool->kind == TOOL_CUSTOM;
    put(out, out->length > 1 ? "," : "");
    text_print(out, "{\"type\":\"%s\",\"name\":", custom ? "custom" : "function");
    opening_string(out, shown, SIZE_MAX);
    if (custom && tool->grammar.kind != FORMAT_TEXT && tool->grammar.text) {
        write_grammar(&tool->grammar, out);
    } else if (!custom) {
        put(out, ",\"parameters\":");
        put(out, tool->schema ? tool->schema : "null");
        put(out, tool->strict ? ",\"strict\":true" : "");
    }
    put(out, "}");
}

// The tools that may be called, as a JSON list; empty where there are none.
static void write_tools(const request *r, const names *names, text *out) {
    put(out, "[");
    for (size_t i = 0; i < r->n_tools; i++) {
        if (r->tools[i].kind != TOOL_BUILTIN && !r->tools[i].barred) {
            write_tool(&r->tools[i], names->shown[i], out);
        }
    }
    put(out, "]");
}

static const char *chosen_name(const request *r, const names *names) {
    for (size_t i = 0; r->chosen_tool && i < r->n_tools; i++) {
        if (strcmp(r->tools[i].name, r->chosen_tool) == 0) {
            return names->shown[i];
        }
    }
    return NULL;
}

// The field that an error of the guide's is about.
static const char *field_of(const request *r, gptoss_status status, const char *message) {
    if (status == GPTOSS_BAD_ARGUMENT) {
        return "tool_choice";
    }
    bool answer = r->answer.kind != FORMAT_TEXT && !strstr(message, "tool");
    return answer ? "response_format" : "tools";
}

static bool fail(const request *r, gptoss_status status, const gptoss_error *error,
                 problem *problem) {
    if (status == GPTOSS_NO_MEMORY) {
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    return problem_set(problem,
                       status == GPTOSS_UNSUPPORTED ? PROBLEM_UNSUPPORTED : PROBLEM_INVALID,
                       field_of(r, status, error->message), "%s", error->message);
}

bool guided_make(const server *server, request *r, const names *names, gptoss_guide **guide_out,
                 problem *problem) {
    static const gptoss_form forms[] = {
        [FORMAT_TEXT] = GPTOSS_FORM_FREE,
        [FORMAT_JSON_OBJECT] = GPTOSS_FORM_JSON_OBJECT,
        [FORMAT_JSON_SCHEMA] = GPTOSS_FORM_JSON_SCHEMA,
        [FORMAT_REGEX] = GPTOSS_FORM_REGEX,
        [FORMAT_GBNF] = GPTOSS_FORM_GBNF,
        [FORMAT_LARK] = GPTOSS_FORM_LARK,
    };
    static const gptoss_tool_choice choices[] = {
        [CHOICE_AUTO] = GPTOSS_TOOLS_AUTO,
        [CHOICE_NONE] = GPTOSS_TOOLS_NONE,
        [CHOICE_REQUIRED] = GPTOSS_TOOLS_REQUIRED,
        [CHOICE_NAMED] = GPTOSS_TOOLS_NAMED,
    };
    *guide_out = NULL;
    if (r->kind == REQUEST_RAW) {
        return true;
    }
    text tools = {0};
    write_tools(r, names, &tools);
    gptoss_guide_options options;
    gptoss_guide_options_default(&options);
    options.tools = tools.data;
    options.choice = choices[r->choice];
    options.chosen = r->choice == CHOICE_NAMED ? chosen_name(r, names) : NULL;
    options.max_calls = r->parallel_calls && r->asked_parallel ? MOST_CALLS : 1;
    options.form = forms[r->answer.kind];
    options.form_text = r->answer.text;
    options.max_reasoning_tokens = r->max_reasoning_tokens;
    gptoss_error error = {0};
    gptoss_status status =
        tools.failed ? GPTOSS_NO_MEMORY
                     : gptoss_guide_create(server->tokenizer, &options, guide_out, &error);
    text_clear(&tools);
    const char *warning;
    for (size_t i = 0; !status && (warning = gptoss_guide_warning(*guide_out, i)); i++) {
        if (!request_warn(r, "%s", warning)) {
            status = GPTOSS_NO_MEMORY;
        }
    }
    if (status) {
        gptoss_guide_free(*guide_out);
        *guide_out = NULL;
        return fail(r, status, &error, problem);
    }
    return true;
}
