// chat_messages.c: "messages" -> items.
#include "chat.h"

#include <stdlib.h>
#include <string.h>

// ---- content --------------------------------------------------------------------------------

static bool add_part(const fields *part, text *out) {
    static const char *const texts[] = {"text", "input_text", "output_text", NULL};
    const char *type = NULL, *words = NULL;
    if (!fields_need(part, "type") || !fields_string(part, "type", &type)) {
        return false;
    }
    bool refusal = strcmp(type, "refusal") == 0, known = refusal;
    for (int i = 0; texts[i]; i++) {
        known |= strcmp(type, texts[i]) == 0;
    }
    if (!known) {
        return fields_wrong(part, PROBLEM_UNSUPPORTED, NULL,
                            "content of type '%.40s' can't be read: gpt-oss models read text alone",
                            type);
    }
    const char *key = refusal ? "refusal" : "text";
    if (!fields_need(part, key) || !fields_string(part, key, &words)) {
        return false;
    }
    if (out->length) {
        text_add(out, "\n", 1);
    }
    text_add(out, words, json_string_length(json_object_get(part->object, key)));
    return true;
}

// A string, an array of parts, or nothing.
static bool read_content(const fields *message, text *out) {
    const json_t *content = json_object_get(message->object, "content");
    if (!fields_has(message, "content")) {
        return true;
    }
    if (json_is_string(content)) {
        text_add(out, json_string_value(content), json_string_length(content));
        return true;
    }
    if (!json_is_array(content)) {
        return fields_wrong(message, PROBLEM_INVALID, "content",
                            "content must be a string or an array of parts");
    }
    for (size_t i = 0; i < json_array_size(content); i++) {
        fields part;
        if (!fields_open(&part, json_array_get(content, i), message->problem, "%s.content[%zu]",
                         message->path, i) ||
            !add_part(&part, out)) {
            return false;
        }
    }
    return true;
}

static bool add(const fields *message, request *r, item_kind kind, const text *words,
                const char *name, const char *call_id) {
    return (!words->failed && request_add_item(r, kind, words->data ? words->data : "",
                                               words->length, name, call_id)) ||
           fields_no_memory(message);
}

// ---- the assistant's ------------------------------------------------------------------------

// "function" or "custom": {"name", "arguments" or "input"}.
static bool read_call(const fields *call, const char *key, const char *words_key,
                      const char *call_id, request *r) {
    fields in;
    bool there;
    const char *name = NULL;
    if (!fields_need(call, key) || !fields_enter(call, key, &in, &there) ||
        !fields_need(&in, "name") || !fields_string(&in, "name", &name)) {
        return false;
    }
    const json_t *words = json_object_get(in.object, words_key);
    bool good;
    if (json_is_string(words)) {
        good = request_add_item(r, ITEM_CALL, json_string_value(words), json_string_length(words),
                                name, call_id);
    } else if (json_is_object(words)) { // some clients parse it and forget to print it again
        char *printed = json_copy_text(words);
        good = printed && request_add_item(r, ITEM_CALL, printed, SIZE_MAX, name, call_id);
        free(printed);
    } else if (!words || json_is_null(words)) {
        good = request_add_item(r, ITEM_CALL, "", 0, name, call_id);
    } else {
        return fields_wrong(&in, PROBLEM_INVALID, words_key, "%s must be a string", words_key);
    }
    return good || fields_no_memory(call);
}

static bool read_calls(const fields *message, const json_t *calls, request *r) {
    for (size_t i = 0; i < json_array_size(calls); i++) {
        fields call;
        const char *type = "function", *id = NULL;
        if (!fields_open(&call, json_array_get(calls, i), message->problem, "%s.tool_calls[%zu]",
                         message->path, i) ||
            !fields_string(&call, "type", &type) || !fields_string(&call, "id", &id)) {
            return false;
        }
        bool custom = strcmp(type, "custom") == 0;
        if (!custom && *type && strcmp(type, "function") != 0) {
            return fields_wrong(&call, PROBLEM_INVALID, "type", "must be 'function' or 'custom'");
        }
        if (!read_call(&call, custom ? "custom" : "function", custom ? "input" : "arguments", id,
                       r)) {
            return false;
        }
    }
    return true;
}

static bool read_reasoning(const fields *message, request *r) {
    const char *words = NULL;
    if (!fields_string(message, "reasoning_content", &words) ||
        !fields_string(message, "reasoning", &words)) {
        return false;
    }
    return !words || !*words || request_add_item(r, ITEM_REASONING, words, SIZE_MAX, NULL, NULL) ||
           fields_no_memory(message);
}

static bool read_assistant(const fields *message, const text *words, request *r) {
    const json_t *calls = NULL;
    const char *refusal = NULL;
    if (!fields_array(message, "tool_calls", &calls) ||
        !fields_string(message, "refusal", &refusal) || !read_reasoning(message, r)) {
        return false;
    }
    bool function = fields_has(message, "function_call");
    bool calling = json_array_size(calls) > 0 || function;
    if (words->length &&
        !add(message, r, calling ? ITEM_PREAMBLE : ITEM_ANSWER, words, NULL, NULL)) {
        return false;
    }
    if (!words->length && refusal && *refusal &&
        !request_add_item(r, ITEM_ANSWER, refusal, SIZE_MAX, NULL, NULL)) {
        return fields_no_memory(message);
    }
    return read_calls(message, calls, r) &&
           (!function || read_call(message, "function_call", "arguments", NULL, r));
}

// ---- each message ---------------------------------------------------------------------------

enum role { SYSTEM, DEVELOPER, USER, ASSISTANT, TOOL, FUNCTION };

static bool need_content(const fields *message) {
    return fields_need(message, "content");
}

static bool read_by_role(const fields *message, enum role role, const text *words, request *r) {
    const char *name = NULL, *call_id = NULL;
    if (!fields_string(message, "name", &name) ||
        !fields_string(message, "tool_call_id", &call_id)) {
        return false;
    }
    switch (role) {
    case SYSTEM:
    case DEVELOPER:
        return need_content(message) && add(message, r, ITEM_SYSTEM, words, NULL, NULL);
    case USER:
        return need_content(message) && add(message, r, ITEM_USER, words, name, NULL);
    case ASSISTANT:
        return read_assistant(message, words, r);
    case TOOL:
        return fields_need(message, "tool_call_id") &&
               add(message, r, ITEM_RESULT, words, name, call_id);
    case FUNCTION:
        return fields_need(message, "name") && add(message, r, ITEM_RESULT, words, name, NULL);
    }
    return true;
}

static bool read_message(const fields *message, request *r) {
    static const char *const roles[] = {
        [SYSTEM] = "system",       [DEVELOPER] = "developer", [USER] = "user",
        [ASSISTANT] = "assistant", [TOOL] = "tool",           [FUNCTION] = "function",
        [FUNCTION + 1] = NULL};
    int role = USER;
    text words = {0};
    bool good = fields_need(message, "role") && fields_name(message, "role", roles, &role) &&
                read_content(message, &words) && read_by_role(message, (enum role)role, &words, r);
    text_clear(&words);
    return good;
}

bool chat_read_messages(const fields *body, request *r) {
    const json_t *messages = NULL;
    if (!fields_need(body, "messages") || !fields_array(body, "messages", &messages)) {
        return false;
    }
    if (json_array_size(messages) == 0) {
        return fields_wrong(body, PROBLEM_INVALID, "messages", "messages must not be empty");
    }
    for (size_t i = 0; i < json_array_size(messages); i++) {
        fields message;
        if (!fields_open(&message, json_array_get(messages, i), body->problem, "messages[%zu]",
                         i) ||
            !read_message(&message, r)) {
            return false;
        }
    }
    return true;
}
