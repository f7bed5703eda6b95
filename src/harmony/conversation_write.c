// Conversations to JSON, character for character as openai-harmony's Conversation.to_json.
#include "harmony/json.h"

// A writer that remembers a failure, so that every line needn't.
typedef struct writer {
    base_buffer *buffer;
    bool good;
    bool first; // no comma before the next item
} writer;

static void put(writer *out, const char *text) {
    out->good = out->good && base_buffer_text(out->buffer, text);
}

static void put_string(writer *out, harmony_text text) {
    text = text.data ? text : (harmony_text){"", 0};
    out->good = out->good && harmony_json_print_string_python(out->buffer, text);
}

static void open_list(writer *out, const char *bracket) {
    put(out, bracket);
    out->first = true;
}

static void close_list(writer *out, const char *bracket) {
    put(out, bracket);
    out->first = false;
}

static void next(writer *out) {
    put(out, out->first ? "" : ", ");
    out->first = false;
}

static void put_key(writer *out, const char *key) {
    next(out);
    put_string(out, harmony_text_of(key));
    put(out, ": ");
}

static void put_member(writer *out, const char *key, harmony_text text) {
    if (text.data) {
        put_key(out, key);
        put_string(out, text);
    }
}

// text was checked to be JSON when the message was added, so that only memory can be missing.
static void put_json(writer *out, const char *key, harmony_text text) {
    if (!text.data) {
        return;
    }
    put_key(out, key);
    harmony_arena arena = {0};
    json *tree;
    out->good = out->good && !harmony_json_read(text.data, text.length, key, &arena, &tree, NULL) &&
                harmony_json_print_python(out->buffer, tree);
    harmony_arena_free(&arena);
}

static void put_namespaces(writer *out, const harmony_namespace *spaces, size_t n_spaces) {
    put_key(out, "tools");
    open_list(out, "{");
    for (size_t i = 0; i < n_spaces; i++) {
        next(out);
        put_string(out, spaces[i].key);
        put(out, ": ");
        open_list(out, "{");
        put_member(out, "name", spaces[i].name);
        put_member(out, "description", spaces[i].description);
        put_key(out, "tools");
        open_list(out, "[");
        for (size_t k = 0; k < spaces[i].n_tools; k++) {
            const harmony_tool *tool = &spaces[i].tools[k];
            next(out);
            open_list(out, "{");
            put_member(out, "name", tool->name);
            put_key(out, "description");
            put_string(out, tool->description);
            put_json(out, "parameters", tool->parameters);
            close_list(out, "}");
        }
        close_list(out, "]");
        close_list(out, "}");
    }
    close_list(out, "}");
}

static void put_system(writer *out, const harmony_system *system) {
    static const char *const efforts[] = {NULL, "Low", "Medium", "High"};
    put_member(out, "model_identity", system->model_identity);
    put_member(out, "reasoning_effort", harmony_text_of(efforts[system->reasoning_effort]));
    put_member(out, "conversation_start_date", system->conversation_start_date);
    put_member(out, "knowledge_cutoff", system->knowledge_cutoff);
    if (system->has_channel_config) {
        put_key(out, "channel_config");
        open_list(out, "{");
        put_key(out, "valid_channels");
        open_list(out, "[");
        for (size_t i = 0; i < system->n_valid_channels; i++) {
            next(out);
            put_string(out, system->valid_channels[i]);
        }
        close_list(out, "]");
        put_key(out, "channel_required");
        put(out, system->channel_required ? "true" : "false");
        close_list(out, "}");
    }
    if (system->has_tools) {
        put_namespaces(out, system->tools, system->n_tools);
    }
    put_member(out, "type", harmony_text_of("system_content"));
}

static void put_developer(writer *out, const harmony_developer *developer) {
    put_member(out, "instructions", developer->instructions);
    if (developer->has_tools) {
        put_namespaces(out, developer->tools, developer->n_tools);
    }
    if (developer->n_formats) {
        put_key(out, "response_formats");
        open_list(out, "[");
        for (size_t i = 0; i < developer->n_formats; i++) {
            next(out);
            open_list(out, "{");
            put_member(out, "name", developer->formats[i].name);
            put_member(out, "description", developer->formats[i].description);
            put_json(out, "schema", developer->formats[i].schema);
            close_list(out, "}");
        }
        close_list(out, "]");
    }
    put_member(out, "type", harmony_text_of("developer_content"));
}

static void put_content(writer *out, const harmony_content *content) {
    next(out);
    open_list(out, "{");
    switch (content->kind) {
    case HARMONY_CONTENT_TEXT:
        put_member(out, "type", harmony_text_of("text"));
        put_member(out, "text", content->text);
        break;
    case HARMONY_CONTENT_SYSTEM:
        put_system(out, content->system);
        break;
    case HARMONY_CONTENT_DEVELOPER:
        put_developer(out, content->developer);
        break;
    }
    close_list(out, "}");
}

static void put_message(writer *out, const harmony_message *message) {
    next(out);
    open_list(out, "{");
    put_member(out, "role", harmony_text_of(harmony_role_name(message->role)));
    put_key(out, "name");
    if (message->name.data) {
        put_string(out, message->name);
    } else {
        put(out, "null");
    }
    put_key(out, "content");
    open_list(out, "[");
    for (size_t i = 0; i < message->n_contents; i++) {
        put_content(out, &message->contents[i]);
    }
    close_list(out, "]");
    put_member(out, "channel", message->channel);
    put_member(out, "recipient", message->recipient);
    put_member(out, "content_type", message->content_type);
    close_list(out, "}");
}

gptoss_status harmony_conversation_to_json(const harmony_conversation *conversation,
                                           base_buffer *out_json, gptoss_error *error) {
    writer out = {.buffer = out_json, .good = true};
    size_t before = out_json->length;
    open_list(&out, "{");
    put_key(&out, "messages");
    open_list(&out, "[");
    for (size_t i = 0; i < harmony_conversation_length(conversation); i++) {
        put_message(&out, harmony_conversation_message(conversation, i));
    }
    close_list(&out, "]");
    close_list(&out, "}");
    if (!out.good) {
        out_json->length = before;
        return base_fail_memory(error, out_json->capacity);
    }
    return GPTOSS_OK;
}
