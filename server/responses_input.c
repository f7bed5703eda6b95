// responses_input.c: what was said before, as a string or as items.
#include "responses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool read_item(const fields *in, request *r);

static bool add(const fields *in, request *r, item_kind kind, const char *words, const char *name,
                const char *call_id) {
    return request_add_item(r, kind, words, SIZE_MAX, name, call_id) || fields_no_memory(in);
}

// ---- text in parts ---------------------------------------------------------------------------

// The text of one part; NULL in *words_out where it has none.
static bool read_part(const fields *part, bool lenient, request *r, const char **words_out) {
    static const char *const pictures[] = {"input_image", "input_file",          "input_audio",
                                           "image_url",   "computer_screenshot", NULL};
    const char *type = NULL;
    *words_out = NULL;
    if (!fields_need(part, "type") || !fields_string(part, "type", &type)) {
        return false;
    }
    if (!strcmp(type, "refusal")) {
        return fields_need(part, "refusal") && fields_string(part, "refusal", words_out);
    }
    for (size_t i = 0; pictures[i]; i++) {
        if (!strcmp(type, pictures[i]) && !lenient) {
            return fields_wrong(part, PROBLEM_UNSUPPORTED, NULL,
                                "an '%s' can't be read: the model knows text only", type);
        } else if (!strcmp(type, pictures[i])) {
            *words_out = "[left out: the model knows text only]";
            return request_warn(r, "%s (%s) was left out: the model knows text only", part->path,
                                type) ||
                   fields_no_memory(part);
        }
    }
    if (!strstr(type, "text")) { // input_text, output_text, text, reasoning_text, summary_text
        return fields_wrong(part, PROBLEM_INVALID, "type", "there are no parts of type '%s'",
                            strlen(type) <= 80 ? type : "(something long)");
    }
    return fields_need(part, "text") && fields_string(part, "text", words_out);
}

// A string or a list of parts as one text: parts that were generated follow each other, others
// begin a line each. lenient: what is not text is left out with a warning.
static bool read_words(const fields *in, const char *key, bool generated, bool lenient, request *r,
                       text *words) {
    const json_t *value = json_object_get(in->object, key);
    if (json_is_string(value)) {
        text_add(words, json_string_value(value), json_string_length(value));
        return !words->failed || fields_no_memory(in);
    }
    if (value && !json_is_null(value) && !json_is_array(value)) {
        return fields_wrong(in, PROBLEM_INVALID, key, "%s must be a string or an array of parts",
                            key);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        fields part;
        const char *piece;
        if (!fields_open(&part, json_array_get(value, i), in->problem, "%s.%s[%zu]", in->path, key,
                         i) ||
            !read_part(&part, lenient, r, &piece)) {
            return false;
        }
        if (!generated && words->length && words->data[words->length - 1] != '\n') {
            text_add(words, "\n", 1);
        }
        text_add(words, piece ? piece : "", piece ? strlen(piece) : 0);
    }
    return !words->failed || fields_no_memory(in);
}

static const char *string_of(const text *words) {
    return words->data ? words->data : "";
}

// ---- items -----------------------------------------------------------------------------------

static bool read_message(const fields *in, request *r) {
    static const char *const roles[] = {"user", "assistant", "system", "developer", NULL};
    static const char *const phases[] = {"final_answer", "commentary", NULL};
    static const item_kind kinds[] = {ITEM_USER, ITEM_ANSWER, ITEM_SYSTEM, ITEM_SYSTEM};
    int role = 0, phase = 0;
    if (!fields_need(in, "role") || !fields_name(in, "role", roles, &role) ||
        !fields_need(in, "content") || !fields_name(in, "phase", phases, &phase)) {
        return false;
    }
    bool spoken = kinds[role] == ITEM_ANSWER;
    text words = {0};
    bool ok =
        read_words(in, "content", spoken, false, r, &words) &&
        add(in, r, spoken && phase ? ITEM_PREAMBLE : kinds[role], string_of(&words), NULL, NULL);
    text_clear(&words);
    return ok;
}

// Its content, or what was sealed, or at least its summary.
static bool read_reasoning(const fields *in, request *r) {
    const char *sealed = NULL;
    text words = {0};
    if (!fields_string(in, "encrypted_content", &sealed) ||
        !read_words(in, "content", true, true, r, &words)) {
        text_clear(&words);
        return false;
    }
    char *unsealed = sealed && !words.length ? responses_unseal(sealed) : NULL;
    bool ok = unsealed || words.length || read_words(in, "summary", false, true, r, &words);
    if (ok && ((unsealed && *unsealed) || words.length)) {
        ok = add(in, r, ITEM_REASONING, unsealed ? unsealed : words.data, NULL, NULL);
    } else if (ok && sealed && !unsealed) {
        ok = request_warn(r, "%s was skipped: its content was encrypted by another server",
                          in->path) ||
             fields_no_memory(in);
    }
    free(unsealed);
    text_clear(&words);
    return ok;
}

// The words of a call are in the field `key`.
static bool read_call(const fields *in, request *r, const char *key) {
    const char *name = NULL, *call_id = NULL, *words = NULL;
    return fields_need(in, "name") && fields_string(in, "name", &name) &&
           fields_need(in, "call_id") && fields_string(in, "call_id", &call_id) &&
           fields_need(in, key) && fields_string(in, key, &words) &&
           add(in, r, ITEM_CALL, words, name, call_id);
}

static bool read_function_call(const fields *in, request *r) {
    return read_call(in, r, "arguments");
}

static bool read_custom_call(const fields *in, request *r) {
    return read_call(in, r, "input");
}

static bool read_output(const fields *in, request *r) {
    const char *call_id = NULL, *name = NULL;
    text words = {0};
    bool ok = fields_need(in, "call_id") && fields_string(in, "call_id", &call_id) &&
              fields_string(in, "name", &name) && fields_need(in, "output") &&
              read_words(in, "output", false, true, r, &words) &&
              add(in, r, ITEM_RESULT, string_of(&words), name, call_id);
    text_clear(&words);
    return ok;
}

// A call that the server made and answered itself.
static bool read_own_call(const fields *in, request *r, const char *name, const char *words,
                          const char *output, bool failed) {
    const char *id = NULL;
    if (!fields_need(in, "id") || !fields_string(in, "id", &id) ||
        !add(in, r, ITEM_CALL, words, name, id) ||
        !add(in, r, ITEM_RESULT, output ? output : "", name, id)) {
        return false;
    }
    r->items[r->n_items - 1].failed = failed;
    return true;
}

static bool read_mcp_call(const fields *in, request *r) {
    const char *name = NULL, *arguments = NULL, *output = NULL;
    return fields_need(in, "name") && fields_string(in, "name", &name) &&
           fields_need(in, "arguments") && fields_string(in, "arguments", &arguments) &&
           fields_string(in, "output", &output) &&
           read_own_call(in, r, name, arguments, output, fields_has(in, "error"));
}

static bool read_code_call(const fields *in, request *r) {
    const json_t *outputs = NULL, *output;
    const char *code = "";
    text logs = {0};
    size_t i;
    if (!fields_string(in, "code", &code) || !fields_array(in, "outputs", &outputs)) {
        return false;
    }
    json_array_foreach(outputs, i, output) {
        const char *words = json_string_value(json_object_get(output, "logs"));
        text_add(&logs, words ? words : "", words ? strlen(words) : 0);
    }
    bool ok = (!logs.failed || fields_no_memory(in)) &&
              read_own_call(in, r, "python", code, logs.data, false);
    text_clear(&logs);
    return ok;
}

static bool read_more_tools(const fields *in, request *r) {
    const json_t *list = NULL;
    char path[sizeof(in->path) + 8];
    snprintf(path, sizeof(path), "%s.tools", in->path);
    return fields_array(in, "tools", &list) && responses_read_tool_list(list, path, r, in->problem);
}

static bool refuse_reference(const fields *in, request *r) {
    (void)r; // a reference that could be followed is an item by now
    return fields_wrong(in, PROBLEM_NOT_FOUND, "id", "no item of this id is stored");
}

static const struct {
    const char *type;
    read_item *read;
} ITEMS[] = {
    {"message", read_message},
    {"reasoning", read_reasoning},
    {"function_call", read_function_call},
    {"function_call_output", read_output},
    {"custom_tool_call", read_custom_call},
    {"custom_tool_call_output", read_output},
    {"mcp_call", read_mcp_call},
    {"code_interpreter_call", read_code_call},
    {"additional_tools", read_more_tools},
    {"item_reference", refuse_reference},
};

static bool read_one(const fields *in, request *r) {
    const char *type = fields_has(in, "role") ? "message" : "item_reference";
    if (!fields_string(in, "type", &type)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(ITEMS) / sizeof(ITEMS[0]); i++) {
        if (!strcmp(type, ITEMS[i].type)) {
            return ITEMS[i].read(in, r);
        }
    }
    return request_warn(r, "%s was skipped: an item of type '%s'", in->path, type) ||
           fields_no_memory(in);
}

// What the assistant says before it calls a tool is a preamble, though not every client keeps the
// phase that tells so.
static void mark_preambles(request *r) {
    bool calls = false; // does a call follow, with nothing but reasoning between?
    for (size_t i = r->n_items; i-- > 0;) {
        if (r->items[i].kind == ITEM_ANSWER && calls) {
            r->items[i].kind = ITEM_PREAMBLE;
        }
        item_kind kind = r->items[i].kind;
        calls = kind == ITEM_CALL || (calls && (kind == ITEM_REASONING || kind == ITEM_PREAMBLE));
    }
}

bool responses_read_input(const fields *body, request *r) {
    const json_t *input = json_object_get(body->object, "input");
    if (json_is_string(input)) {
        return request_add_item(r, ITEM_USER, json_string_value(input), json_string_length(input),
                                NULL, NULL) ||
               fields_no_memory(body);
    }
    if (!json_is_array(input)) {
        return fields_wrong(body, PROBLEM_INVALID, "input",
                            input ? "input must be a string or an array of items"
                                  : "input is missing");
    }
    for (size_t i = 0; i < json_array_size(input); i++) {
        fields in;
        if (!fields_open(&in, json_array_get(input, i), body->problem, "input[%zu]", i) ||
            !read_one(&in, r)) {
            return false;
        }
    }
    mark_preambles(r);
    return r->n_items ||
           fields_wrong(body, PROBLEM_INVALID, "input", "input has nothing to answer");
}
