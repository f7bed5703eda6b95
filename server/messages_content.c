// messages_content.c: Anthropic's messages and their blocks become the items of a conversation.
//
// A message nests what Harmony says side by side. Text of the user is one item per message,
// whatever its blocks; text of the assistant is one item per block, as it was emitted.
#include "messages.h"

#include <stdlib.h>
#include <string.h>

// What a block may need to know of where it stands.
typedef struct message {
    request *request;
    json_t *loaded;
    item_kind kind; // of its text
    text words;     // SYSTEM, USER: text that is not an item yet
} message;

// Claude Code opens its system prompt with a line for Anthropic's accounts. It changes with every
// request, so that nothing behind it could come from the cache.
static const char BILLING[] = "x-anthropic-billing-header:";

static void join(text *words, const char *more) {
    if (*more) {
        text_print(words, "%s%s", words->length ? "\n\n" : "", more);
    }
}

static bool add_item(const fields *f, request *r, item_kind kind, const char *words) {
    return request_add_item(r, kind, words, SIZE_MAX, NULL, NULL) || fields_no_memory(f);
}

// The words that were collected become an item.
static bool flush(const fields *f, message *m) {
    bool added = !m->words.failed &&
                 (!m->words.length || request_add_item(m->request, m->kind, m->words.data,
                                                       m->words.length, NULL, NULL));
    text_clear(&m->words);
    return added || fields_no_memory(f);
}

static bool not_here(const fields *f, const char *key, const char *type) {
    return fields_wrong(f, PROBLEM_UNSUPPORTED, key, "'%.80s' is not supported: gpt-oss reads text",
                        type);
}

// ---- text, however it is wrapped ---------------------------------------------------------------

typedef bool block_reader(const fields *block, const char *type, message *m, text *out);

// A string, or an array of blocks, each given to `read`.
static bool read_blocks(const fields *f, const char *key, block_reader *read, message *m,
                        text *out) {
    const json_t *content = json_object_get(f->object, key);
    if (json_is_string(content)) {
        join(out, json_string_value(content));
        return true;
    }
    if (!json_is_array(content)) {
        return fields_wrong(f, PROBLEM_INVALID, key, "%s must be a string or an array of blocks",
                            key);
    }
    for (size_t i = 0; i < json_array_size(content); i++) {
        fields block;
        const char *type = NULL;
        if (!fields_open(&block, json_array_get(content, i), f->problem, "%s%s%s[%zu]", f->path,
                         f->path[0] ? "." : "", key, i) ||
            !fields_need(&block, "type") || !fields_string(&block, "type", &type) ||
            !read(&block, type, m, out)) {
            return false;
        }
    }
    return true;
}

static bool read_text(const fields *f, text *out) {
    const char *words = NULL;
    if (!fields_need(f, "text") || !fields_string(f, "text", &words)) {
        return false;
    }
    join(out, words);
    return true;
}

static bool read_text_only(const fields *f, const char *type, message *m, text *out) {
    (void)m;
    return strcmp(type, "text") ? not_here(f, "type", type) : read_text(f, out);
}

// {"source": {"type": "text", "data": ...} or {"type": "content", "content": ...}, "title": ...}
static bool read_document(const fields *f, message *m, text *out) {
    fields source;
    bool there;
    const char *type = "", *title = NULL, *context = NULL, *data = NULL;
    if (!fields_need(f, "source") || !fields_enter(f, "source", &source, &there) ||
        !fields_string(&source, "type", &type) || !fields_string(f, "title", &title) ||
        !fields_string(f, "context", &context)) {
        return false;
    }
    join(out, title ? title : "");
    join(out, context ? context : "");
    if (!strcmp(type, "content")) {
        return read_blocks(&source, "content", read_text_only, m, out);
    }
    if (strcmp(type, "text")) {
        return not_here(&source, "type", type);
    }
    if (!fields_need(&source, "data") || !fields_string(&source, "data", &data)) {
        return false;
    }
    join(out, data);
    return true;
}

static bool read_search_result(const fields *f, message *m, text *out) {
    const char *title = NULL, *source = NULL;
    if (!fields_string(f, "title", &title) || !fields_string(f, "source", &source)) {
        return false;
    }
    join(out, title ? title : "");
    join(out, source ? source : "");
    return read_blocks(f, "content", read_text_only, m, out);
}

// ---- tools -------------------------------------------------------------------------------------

static bool set_loaded(const fields *f, json_t *loaded, const char *name, json_t *value) {
    return !json_object_set_new(loaded, name, value) || fields_no_memory(f);
}

// "tool_reference" in a result: the client's search found this tool.
static bool read_reference(const fields *f, message *m, text *out) {
    const char *name = NULL;
    if (!fields_need(f, "tool_name") || !fields_string(f, "tool_name", &name)) {
        return false;
    }
    join(out, "Available from now on: ");
    text_print(out, "%s", name);
    return set_loaded(f, m->loaded, name, json_true());
}

// An image that a tool read must not end the conversation: the model learns that it can't see it.
static bool read_unseen(const fields *f, const char *type, message *m, text *out) {
    join(out, "[This result can't be shown: the model reads text only.]");
    return request_warn(m->request, "%s: '%.80s' in a tool's result was left out", f->path, type) ||
           fields_no_memory(f);
}

static bool read_result_block(const fields *f, const char *type, message *m, text *out) {
    if (!strcmp(type, "text")) {
        return read_text(f, out);
    }
    if (!strcmp(type, "search_result")) {
        return read_search_result(f, m, out);
    }
    if (!strcmp(type, "tool_reference")) {
        return read_reference(f, m, out);
    }
    return read_unseen(f, type, m, out);
}

static bool add_result(const fields *f, message *m, const char *call_id, const text *words,
                       bool failed) {
    request *r = m->request;
    if (words->failed || !request_add_item(r, ITEM_RESULT, words->data ? words->data : "",
                                           words->length, NULL, call_id)) {
        return fields_no_memory(f);
    }
    r->items[r->n_items - 1].failed = failed;
    return true;
}

static bool read_tool_result(const fields *f, message *m) {
    text words = {0};
    const char *call_id = NULL;
    bool failed = false;
    bool read =
        flush(f, m) && fields_need(f, "tool_use_id") && fields_string(f, "tool_use_id", &call_id) &&
        fields_bool(f, "is_error", &failed) &&
        (!fields_has(f, "content") || read_blocks(f, "content", read_result_block, m, &words)) &&
        add_result(f, m, call_id, &words, failed);
    text_clear(&words);
    return read;
}

static bool read_tool_use(const fields *f, message *m) {
    const char *call_id = NULL, *name = NULL;
    const json_t *input = NULL;
    if (!fields_need(f, "id") || !fields_string(f, "id", &call_id) || !fields_need(f, "name") ||
        !fields_string(f, "name", &name) || !fields_object(f, "input", &input)) {
        return false;
    }
    char *arguments = input ? json_copy_text(input) : strdup("{}");
    bool added =
        arguments && request_add_item(m->request, ITEM_CALL, arguments, SIZE_MAX, name, call_id);
    free(arguments);
    return added || fields_no_memory(f);
}

// What a service answered to a call that it ran itself: its words, or its JSON as it is.
static bool read_service_result(const fields *f, message *m) {
    text words = {0};
    const char *call_id = NULL;
    const json_t *content = json_object_get(f->object, "content");
    if (!fields_need(f, "tool_use_id") || !fields_string(f, "tool_use_id", &call_id)) {
        return false;
    }
    if (json_is_string(content)) {
        join(&words, json_string_value(content));
    } else if (content) {
        text_json(&words, content);
    }
    bool added = add_result(f, m, call_id, &words, false);
    text_clear(&words);
    return added;
}

// "tool_addition", "tool_removal": {"tool": {"name": ...} or {"definition": {...}}}
static bool read_tool_change(const fields *f, message *m, bool added) {
    fields inner;
    bool there;
    const json_t *definition = NULL;
    const char *name = NULL;
    if (!fields_need(f, "tool") || !fields_enter(f, "tool", &inner, &there) ||
        !fields_object(&inner, "definition", &definition) ||
        !fields_string(&inner, "name", &name)) {
        return false;
    }
    if (definition) {
        name = json_string_value(json_object_get(definition, "name"));
    }
    if (!name) {
        return fields_wrong(&inner, PROBLEM_UNSUPPORTED, "type", "only tools with a name");
    }
    json_t *value = !added       ? json_false()
                    : definition ? json_incref((json_t *)definition)
                                 : json_true();
    return set_loaded(f, m->loaded, name, value);
}

// ---- messages ----------------------------------------------------------------------------------

static bool read_user_block(const fields *f, const char *type, message *m, text *out) {
    if (!strcmp(type, "text")) {
        return read_text(f, out);
    }
    if (!strcmp(type, "tool_result")) {
        return read_tool_result(f, m);
    }
    if (!strcmp(type, "document")) {
        return read_document(f, m, out);
    }
    if (!strcmp(type, "search_result")) {
        return read_search_result(f, m, out);
    }
    return not_here(f, "type", type);
}

static bool read_system_block(const fields *f, const char *type, message *m, text *out) {
    if (!strcmp(type, "tool_addition") || !strcmp(type, "tool_removal")) {
        return read_tool_change(f, m, !strcmp(type, "tool_addition"));
    }
    return read_text_only(f, type, m, out);
}

// Analysis that comes back, or what its signature says that it was.
static bool read_thinking_block(const fields *f, const char *key, const char *signed_by,
                                message *m) {
    const char *words = "", *signature = NULL;
    if (!fields_string(f, signed_by, &signature) || (key && !fields_string(f, key, &words))) {
        return false;
    }
    item_kind kind = messages_signed(signature, &words);
    return !*words || add_item(f, m->request, kind, words);
}

static bool ends_in(const char *word, const char *end) {
    size_t length = strlen(word), tail = strlen(end);
    return length >= tail && !strcmp(word + length - tail, end);
}

static bool read_assistant_block(const fields *f, const char *type, message *m, text *out) {
    const char *words = "";
    (void)out;
    if (!strcmp(type, "text")) {
        return fields_need(f, "text") && fields_string(f, "text", &words) &&
               (!*words || add_item(f, m->request, m->kind, words));
    }
    if (!strcmp(type, "thinking")) {
        return read_thinking_block(f, "thinking", "signature", m);
    }
    if (!strcmp(type, "redacted_thinking")) {
        return read_thinking_block(f, NULL, "data", m);
    }
    if (ends_in(type, "tool_use")) { // tool_use, server_tool_use, mcp_tool_use
        return read_tool_use(f, m);
    }
    if (ends_in(type, "tool_result")) {
        return read_service_result(f, m);
    }
    // History may come from any model: what this one can't read must not end the conversation.
    return request_warn(m->request, "%s: '%.80s' was left out", f->path, type) ||
           fields_no_memory(f);
}

// Text before a call is commentary; the message without a call is an answer.
static item_kind assistant_text(const json_t *from) {
    const json_t *content = json_object_get(from, "content");
    for (size_t i = 0; i < json_array_size(content); i++) {
        const char *type = json_string_value(json_object_get(json_array_get(content, i), "type"));
        if (type && ends_in(type, "tool_use")) {
            return ITEM_PREAMBLE;
        }
    }
    return ITEM_ANSWER;
}

static bool read_message(const fields *f, request *r, json_t *loaded, int *role) {
    static const char *const roles[] = {"user", "assistant", "system", NULL};
    static block_reader *const readers[] = {read_user_block, read_assistant_block,
                                            read_system_block};
    if (!fields_need(f, "role") || !fields_name(f, "role", roles, role)) {
        return false;
    }
    message m = {.request = r, .loaded = loaded};
    m.kind = *role == 0 ? ITEM_USER : *role == 1 ? assistant_text(f->object) : ITEM_SYSTEM;
    bool read = read_blocks(f, "content", readers[*role], &m, &m.words) && flush(f, &m);
    text_clear(&m.words);
    return read;
}

bool messages_read_conversation(const fields *body, request *r, json_t *loaded) {
    const json_t *messages = NULL;
    int role = 0;
    if (!fields_need(body, "messages") || !fields_array(body, "messages", &messages)) {
        return false;
    }
    size_t count = json_array_size(messages);
    for (size_t i = 0; i < count; i++) {
        fields f;
        if (!fields_open(&f, json_array_get(messages, i), body->problem, "messages[%zu]", i) ||
            !read_message(&f, r, loaded, &role)) {
            return false;
        }
    }
    if (!r->n_items) {
        return fields_wrong(body, PROBLEM_INVALID, "messages", "there is nothing to answer");
    }
    return role != 1 || fields_wrong(body, PROBLEM_UNSUPPORTED, "messages",
                                     "an answer can't be begun for the model: the last message "
                                     "must not be the assistant's");
}

static bool read_instructions(const fields *f, const char *type, message *m, text *out) {
    const char *words = json_string_value(json_object_get(f->object, "text"));
    bool billing = words && !strncmp(words, BILLING, strlen(BILLING));
    return billing || read_text_only(f, type, m, out);
}

bool messages_read_system(const fields *body, request *r) {
    text words = {0};
    if (fields_has(body, "system") &&
        !read_blocks(body, "system", read_instructions, NULL, &words)) {
        text_clear(&words);
        return false;
    }
    if (words.failed) {
        text_clear(&words);
        return fields_no_memory(body);
    }
    r->instructions = words.data; // taken over
    return true;
}
