// Deep copies of messages.
#include "harmony/message.h"
#include "harmony/json.h"

static gptoss_status copy_json(harmony_arena *arena, harmony_text text, const char *what,
                               harmony_text *copy_out, gptoss_error *error) {
    *copy_out = (harmony_text){0};
    if (!text.data) {
        return GPTOSS_OK;
    }
    harmony_arena scratch = {0};
    json *tree;
    gptoss_status status = harmony_json_read(text.data, text.length, what, &scratch, &tree, error);
    harmony_arena_free(&scratch);
    if (!status && !harmony_arena_text(arena, text, copy_out)) {
        status = base_fail_memory(error, text.length);
    }
    return status;
}

static gptoss_status copy_tools(harmony_arena *arena, const harmony_tool *tools, size_t n_tools,
                                const harmony_tool **copy_out, gptoss_error *error) {
    harmony_tool *copy = harmony_arena_alloc(arena, n_tools, sizeof *copy);
    if (!copy) {
        return base_fail_memory(error, n_tools * sizeof *copy);
    }
    for (size_t i = 0; i < n_tools; i++) {
        if (!harmony_arena_text(arena, tools[i].name, &copy[i].name) ||
            !harmony_arena_text(arena, tools[i].description, &copy[i].description)) {
            return base_fail_memory(error, tools[i].description.length);
        }
        gptoss_status status = copy_json(arena, tools[i].parameters, "parameters of a tool",
                                         &copy[i].parameters, error);
        if (status) {
            return status;
        }
    }
    *copy_out = copy;
    return GPTOSS_OK;
}

static gptoss_status copy_namespaces(harmony_arena *arena, const harmony_namespace *spaces,
                                     size_t n_spaces, const harmony_namespace **copy_out,
                                     gptoss_error *error) {
    harmony_namespace *copy = harmony_arena_alloc(arena, n_spaces, sizeof *copy);
    if (!copy) {
        return base_fail_memory(error, n_spaces * sizeof *copy);
    }
    for (size_t i = 0; i < n_spaces; i++) {
        if (!harmony_arena_text(arena, spaces[i].key, &copy[i].key) ||
            !harmony_arena_text(arena, spaces[i].name, &copy[i].name) ||
            !harmony_arena_text(arena, spaces[i].description, &copy[i].description)) {
            return base_fail_memory(error, spaces[i].description.length);
        }
        copy[i].n_tools = spaces[i].n_tools;
        gptoss_status status =
            copy_tools(arena, spaces[i].tools, spaces[i].n_tools, &copy[i].tools, error);
        if (status) {
            return status;
        }
    }
    *copy_out = copy;
    return GPTOSS_OK;
}

static gptoss_status copy_system(harmony_arena *arena, const harmony_system *from,
                                 const harmony_system **copy_out, gptoss_error *error) {
    harmony_system *copy = harmony_arena_alloc(arena, 1, sizeof *copy);
    if (!copy) {
        return base_fail_memory(error, sizeof *copy);
    }
    copy->reasoning_effort = from->reasoning_effort;
    bool good =
        harmony_arena_text(arena, from->model_identity, &copy->model_identity) &&
        harmony_arena_text(arena, from->knowledge_cutoff, &copy->knowledge_cutoff) &&
        harmony_arena_text(arena, from->conversation_start_date, &copy->conversation_start_date);
    if (good && from->has_channel_config) {
        copy->has_channel_config = true;
        copy->channel_required = from->channel_required;
        copy->n_valid_channels = from->n_valid_channels;
        harmony_text *channels =
            harmony_arena_alloc(arena, from->n_valid_channels, sizeof *channels);
        good = channels;
        for (size_t i = 0; good && i < from->n_valid_channels; i++) {
            good = harmony_arena_text(arena, from->valid_channels[i], &channels[i]);
        }
        copy->valid_channels = channels;
    }
    if (!good) {
        return base_fail_memory(error, sizeof *copy);
    }
    *copy_out = copy;
    if (!from->has_tools) {
        return GPTOSS_OK;
    }
    copy->has_tools = true;
    copy->n_tools = from->n_tools;
    return copy_namespaces(arena, from->tools, from->n_tools, &copy->tools, error);
}

static gptoss_status copy_formats(harmony_arena *arena, const harmony_developer *from,
                                  harmony_developer *copy, gptoss_error *error) {
    harmony_format *formats = harmony_arena_alloc(arena, from->n_formats, sizeof *formats);
    if (!formats) {
        return base_fail_memory(error, from->n_formats * sizeof *formats);
    }
    copy->formats = formats;
    copy->n_formats = from->n_formats;
    for (size_t i = 0; i < from->n_formats; i++) {
        const harmony_format *format = &from->formats[i];
        if (!harmony_arena_text(arena, format->name, &formats[i].name) ||
            !harmony_arena_text(arena, format->description, &formats[i].description)) {
            return base_fail_memory(error, format->description.length);
        }
        gptoss_status status = copy_json(arena, format->schema, "schema of a response format",
                                         &formats[i].schema, error);
        if (status) {
            return status;
        }
    }
    return GPTOSS_OK;
}

static gptoss_status copy_developer(harmony_arena *arena, const harmony_developer *from,
                                    const harmony_developer **copy_out, gptoss_error *error) {
    harmony_developer *copy = harmony_arena_alloc(arena, 1, sizeof *copy);
    if (!copy || !harmony_arena_text(arena, from->instructions, &copy->instructions)) {
        return base_fail_memory(error, sizeof *copy + from->instructions.length);
    }
    *copy_out = copy;
    gptoss_status status = copy_formats(arena, from, copy, error);
    if (status || !from->has_tools) {
        return status;
    }
    copy->has_tools = true;
    copy->n_tools = from->n_tools;
    return copy_namespaces(arena, from->tools, from->n_tools, &copy->tools, error);
}

static gptoss_status copy_content(harmony_arena *arena, const harmony_content *from,
                                  harmony_content *copy, gptoss_error *error) {
    copy->kind = from->kind;
    switch (from->kind) {
    case HARMONY_CONTENT_TEXT: {
        harmony_text text = from->text.data ? from->text : (harmony_text){"", 0};
        return harmony_arena_text(arena, text, &copy->text) ? GPTOSS_OK
                                                            : base_fail_memory(error, text.length);
    }
    case HARMONY_CONTENT_SYSTEM:
        return copy_system(arena, from->system, &copy->system, error);
    case HARMONY_CONTENT_DEVELOPER:
        return copy_developer(arena, from->developer, &copy->developer, error);
    }
    return base_fail(error, GPTOSS_BAD_ARGUMENT, "no such kind of content: %d", (int)from->kind);
}

gptoss_status harmony_message_copy(harmony_arena *arena, const harmony_message *message,
                                   harmony_message *copy_out, gptoss_error *error) {
    *copy_out = (harmony_message){.role = message->role};
    harmony_content *contents = harmony_arena_alloc(arena, message->n_contents, sizeof *contents);
    if (!contents || !harmony_arena_text(arena, message->name, &copy_out->name) ||
        !harmony_arena_text(arena, message->recipient, &copy_out->recipient) ||
        !harmony_arena_text(arena, message->channel, &copy_out->channel) ||
        !harmony_arena_text(arena, message->content_type, &copy_out->content_type)) {
        return base_fail_memory(error, sizeof *contents);
    }
    copy_out->contents = contents;
    copy_out->n_contents = message->n_contents;
    for (size_t i = 0; i < message->n_contents; i++) {
        gptoss_status status = copy_content(arena, &message->contents[i], &contents[i], error);
        if (status) {
            return status;
        }
    }
    return GPTOSS_OK;
}
