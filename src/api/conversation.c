// Conversations for callers that only know strings.
#include "api/internal.h"

#include <string.h>

static gptoss_status wrap(harmony_conversation *messages, gptoss_conversation **out,
                          gptoss_error *error) {
    gptoss_conversation *c = base_alloc_zero(1, sizeof *c);
    if (!c) {
        harmony_conversation_free(messages);
        return base_fail_memory(error, sizeof *c);
    }
    c->messages = messages;
    *out = c;
    return GPTOSS_OK;
}

enum { MAX_BUILTINS = 2 };

// What a list of tools holds.
typedef struct declared_tools {
    bool functions;                           // or custom tools
    harmony_namespace builtins[MAX_BUILTINS]; // [n_builtins], each once
    size_t n_builtins;
} declared_tools;

static bool has_builtin(const declared_tools *declared, const harmony_namespace *space) {
    for (size_t i = 0; i < declared->n_builtins; i++) {
        if (declared->builtins[i].key.data == space->key.data)
            return true;
    }
    return false;
}

static gptoss_status look_at_tools(const gptoss_setting *setting, declared_tools *declared_out,
                                   gptoss_error *error) {
    *declared_out = (declared_tools){0};
    if (!setting->tools || !setting->tools[0])
        return GPTOSS_OK;
    harmony_tools *tools;
    gptoss_status status =
        harmony_tools_read(setting->tools, strlen(setting->tools), &tools, error);
    if (status != GPTOSS_OK)
        return status;
    const harmony_declared_tool *tool;
    for (size_t i = 0; (tool = harmony_tools_item(tools, i)); i++) {
        if (tool->kind != HARMONY_TOOL_BUILTIN) {
            declared_out->functions = true;
            continue;
        }
        harmony_namespace space = harmony_declared_namespace(tool);
        if (!has_builtin(declared_out, &space))
            declared_out->builtins[declared_out->n_builtins++] = space;
    }
    harmony_tools_free(tools);
    return GPTOSS_OK;
}

// A new list of messages that holds the opening.
static gptoss_status open_with(const gptoss_setting *setting, harmony_conversation **out,
                               gptoss_error *error) {
    static const harmony_effort efforts[] = {
        [GPTOSS_EFFORT_LOW] = HARMONY_EFFORT_LOW,
        [GPTOSS_EFFORT_MEDIUM] = HARMONY_EFFORT_MEDIUM,
        [GPTOSS_EFFORT_HIGH] = HARMONY_EFFORT_HIGH,
    };
    if ((size_t)setting->effort >= sizeof efforts / sizeof efforts[0])
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no effort %d", (int)setting->effort);
    declared_tools declared;
    gptoss_status status = look_at_tools(setting, &declared, error);
    if (status == GPTOSS_OK)
        status = harmony_conversation_create(out, error);
    if (status != GPTOSS_OK)
        return status;
    harmony_system system = harmony_system_default();
    system.reasoning_effort = efforts[setting->effort];
    system.conversation_start_date = harmony_text_of(setting->date);
    system.has_tools = declared.n_builtins > 0;
    system.tools = declared.builtins;
    system.n_tools = declared.n_builtins;
    status = harmony_conversation_add_system(*out, &system, error);
    bool instructed = setting->instructions && setting->instructions[0];
    if (status == GPTOSS_OK && (instructed || declared.functions))
        status = harmony_conversation_add_functions(*out, instructed ? setting->instructions : NULL,
                                                    declared.functions ? setting->tools : NULL,
                                                    declared.functions ? strlen(setting->tools) : 0,
                                                    error);
    if (status != GPTOSS_OK) {
        harmony_conversation_free(*out);
        *out = NULL;
    }
    return status;
}

gptoss_status gptoss_conversation_create(const gptoss_setting *setting,
                                         gptoss_conversation **conversation_out,
                                         gptoss_error *error) {
    *conversation_out = NULL;
    const gptoss_setting plain = {.effort = GPTOSS_EFFORT_MEDIUM};
    harmony_conversation *messages = NULL;
    gptoss_status status = open_with(setting ? setting : &plain, &messages, error);
    return status == GPTOSS_OK ? wrap(messages, conversation_out, error) : status;
}

gptoss_status gptoss_conversation_from_json(const char *json, size_t length,
                                            gptoss_conversation **conversation_out,
                                            gptoss_error *error) {
    *conversation_out = NULL;
    harmony_conversation *messages = NULL;
    gptoss_status status = harmony_conversation_from_json(json, length, &messages, error);
    return status == GPTOSS_OK ? wrap(messages, conversation_out, error) : status;
}

gptoss_status gptoss_conversation_to_json(const gptoss_conversation *conversation, char **json_out,
                                          size_t *length_out, gptoss_error *error) {
    *json_out = NULL;
    *length_out = 0;
    base_buffer json = {0};
    gptoss_status status = harmony_conversation_to_json(conversation->messages, &json, error);
    if (status == GPTOSS_OK)
        return api_give(&json, json_out, length_out, error);
    base_buffer_free(&json);
    return status;
}

void gptoss_conversation_free(gptoss_conversation *conversation) {
    if (!conversation)
        return;
    harmony_conversation_free(conversation->messages);
    base_free(conversation);
}

size_t gptoss_conversation_length(const gptoss_conversation *conversation) {
    return harmony_conversation_length(conversation->messages);
}

const char *gptoss_conversation_role(const gptoss_conversation *conversation, size_t index) {
    if (index >= gptoss_conversation_length(conversation))
        return NULL;
    return harmony_role_name(harmony_conversation_message(conversation->messages, index)->role);
}

gptoss_status gptoss_conversation_set(gptoss_conversation *conversation,
                                      const gptoss_setting *setting, gptoss_error *error) {
    harmony_conversation *fresh = NULL;
    gptoss_status status = open_with(setting, &fresh, error);
    bool opening = true;
    for (size_t i = 0; status == GPTOSS_OK && i < gptoss_conversation_length(conversation); i++) {
        const harmony_message *m = harmony_conversation_message(conversation->messages, i);
        opening = opening && (m->role == HARMONY_SYSTEM || m->role == HARMONY_DEVELOPER);
        if (!opening)
            status = harmony_conversation_add(fresh, m, error);
    }
    if (status != GPTOSS_OK) {
        harmony_conversation_free(fresh);
        return status;
    }
    harmony_conversation_free(conversation->messages);
    conversation->messages = fresh;
    return GPTOSS_OK;
}

gptoss_status gptoss_add_user(gptoss_conversation *conversation, const char *text, size_t length,
                              gptoss_error *error) {
    return harmony_conversation_add_text(conversation->messages, HARMONY_USER, NULL, text, length,
                                         error);
}

gptoss_status gptoss_add_tool_result(gptoss_conversation *conversation, const char *tool,
                                     const char *text, size_t length, gptoss_error *error) {
    return harmony_conversation_add_tool_result(conversation->messages, tool, text, length, error);
}

void gptoss_conversation_truncate(gptoss_conversation *conversation, size_t length) {
    harmony_conversation_truncate(conversation->messages, length);
}
