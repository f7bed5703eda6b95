// Conversations from JSON.
#include "harmony/json.h"

#include <string.h>

typedef struct reading {
    harmony_arena arena; // of the tree and of the structs made from it
    size_t message;      // index of the message being read
    gptoss_error *error;
} reading;

static gptoss_status fail(const reading *in, const char *key, const char *expected) {
    return base_fail(in->error, GPTOSS_BAD_INPUT, "message %zu: %s must be %s", in->message, key,
                     expected);
}

static void *make(reading *in, size_t count, size_t size, gptoss_status *status) {
    void *memory = harmony_arena_alloc(&in->arena, count, size);
    *status = memory ? GPTOSS_OK : base_fail_memory(in->error, count * size);
    return memory;
}

// A string; null or nothing leaves *text_out absent where it isn't required.
static gptoss_status get_text(const reading *in, const json *object, const char *key, bool required,
                              harmony_text *text_out) {
    const json *value = harmony_json_get(object, key);
    *text_out = (harmony_text){0};
    if (value && value->kind == JSON_STRING) {
        *text_out = value->string;
        return GPTOSS_OK;
    }
    bool absent = !value || value->kind == JSON_NULL;
    return absent && !required ? GPTOSS_OK : fail(in, key, "a string");
}

// The source of a value of any kind but null.
static harmony_text get_source(const json *object, const char *key) {
    const json *value = harmony_json_get(object, key);
    return value && value->kind != JSON_NULL ? value->source : (harmony_text){0};
}

static gptoss_status read_tool(reading *in, const json *from, harmony_tool *tool) {
    if (from->kind != JSON_OBJECT) {
        return fail(in, "tools", "a list of objects");
    }
    tool->parameters = get_source(from, "parameters");
    gptoss_status status = get_text(in, from, "name", true, &tool->name);
    return status ? status : get_text(in, from, "description", true, &tool->description);
}

static gptoss_status read_namespace(reading *in, const json *from, harmony_namespace *space) {
    space->key = from->key;
    if (from->kind != JSON_OBJECT) {
        return fail(in, "tools", "an object of objects");
    }
    gptoss_status status = get_text(in, from, "name", true, &space->name);
    status = status ? status : get_text(in, from, "description", false, &space->description);
    if (status) {
        return status;
    }
    const json *list = harmony_json_get(from, "tools");
    if (!list || list->kind != JSON_ARRAY) {
        return fail(in, "tools of a namespace", "a list");
    }
    harmony_tool *tools = make(in, list->count, sizeof *tools, &status);
    space->tools = tools;
    for (const json *item = list->first; !status && item; item = item->next) {
        status = read_tool(in, item, &tools[space->n_tools++]);
    }
    return status;
}

static gptoss_status read_namespaces(reading *in, const json *content, bool *has_out,
                                     const harmony_namespace **spaces_out, size_t *n_out) {
    const json *from = harmony_json_get(content, "tools");
    if (!from || from->kind == JSON_NULL) {
        return GPTOSS_OK;
    }
    if (from->kind != JSON_OBJECT) {
        return fail(in, "tools", "an object");
    }
    gptoss_status status;
    harmony_namespace *spaces = make(in, from->count, sizeof *spaces, &status);
    *has_out = true;
    *spaces_out = spaces;
    for (const json *item = from->first; !status && item; item = item->next) {
        status = read_namespace(in, item, &spaces[(*n_out)++]);
    }
    return status;
}

static gptoss_status read_channel_config(reading *in, const json *content, harmony_system *system) {
    const json *from = harmony_json_get(content, "channel_config");
    if (!from || from->kind == JSON_NULL) {
        return GPTOSS_OK;
    }
    const json *list = harmony_json_get(from, "valid_channels");
    const json *required = harmony_json_get(from, "channel_required");
    if (!list || list->kind != JSON_ARRAY) {
        return fail(in, "valid_channels", "a list of strings");
    }
    if (!required || (required->kind != JSON_TRUE && required->kind != JSON_FALSE)) {
        return fail(in, "channel_required", "true or false");
    }
    gptoss_status status;
    harmony_text *channels = make(in, list->count, sizeof *channels, &status);
    if (status) {
        return status;
    }
    system->has_channel_config = true;
    system->channel_required = required->kind == JSON_TRUE;
    system->valid_channels = channels;
    for (const json *item = list->first; item; item = item->next) {
        if (item->kind != JSON_STRING) {
            return fail(in, "valid_channels", "a list of strings");
        }
        channels[system->n_valid_channels++] = item->string;
    }
    return GPTOSS_OK;
}

static gptoss_status read_effort(reading *in, const json *content, harmony_effort *effort_out) {
    static const char *const names[] = {[HARMONY_EFFORT_LOW] = "Low",
                                        [HARMONY_EFFORT_MEDIUM] = "Medium",
                                        [HARMONY_EFFORT_HIGH] = "High"};
    harmony_text name;
    gptoss_status status = get_text(in, content, "reasoning_effort", false, &name);
    if (status || !name.data) {
        return status;
    }
    for (int effort = HARMONY_EFFORT_LOW; effort <= HARMONY_EFFORT_HIGH; effort++) {
        if (name.length == strlen(names[effort]) &&
            !memcmp(name.data, names[effort], name.length)) {
            *effort_out = (harmony_effort)effort;
            return GPTOSS_OK;
        }
    }
    return fail(in, "reasoning_effort", "Low, Medium or High");
}

static gptoss_status read_system(reading *in, const json *from, harmony_content *content) {
    gptoss_status status;
    harmony_system *system = make(in, 1, sizeof *system, &status);
    if (status) {
        return status;
    }
    content->kind = HARMONY_CONTENT_SYSTEM;
    content->system = system;
    if ((status = get_text(in, from, "model_identity", false, &system->model_identity)) ||
        (status = get_text(in, from, "knowledge_cutoff", false, &system->knowledge_cutoff)) ||
        (status = get_text(in, from, "conversation_start_date", false,
                           &system->conversation_start_date)) ||
        (status = read_effort(in, from, &system->reasoning_effort)) ||
        (status = read_channel_config(in, from, system))) {
        return status;
    }
    return read_namespaces(in, from, &system->has_tools, &system->tools, &system->n_tools);
}

static gptoss_status read_formats(reading *in, const json *from, harmony_developer *developer) {
    const json *list = harmony_json_get(from, "response_formats");
    if (!list || list->kind == JSON_NULL) {
        return GPTOSS_OK;
    }
    if (list->kind != JSON_ARRAY) {
        return fail(in, "response_formats", "a list");
    }
    gptoss_status status;
    harmony_format *formats = make(in, list->count, sizeof *formats, &status);
    developer->formats = formats;
    for (const json *item = list->first; !status && item; item = item->next) {
        harmony_format *format = &formats[developer->n_formats++];
        format->schema = get_source(item, "schema");
        status = get_text(in, item, "name", true, &format->name);
        status = status ? status : get_text(in, item, "description", false, &format->description);
        if (!status && !format->schema.data) {
            status = fail(in, "schema of a response format", "given");
        }
    }
    return status;
}

static gptoss_status read_developer(reading *in, const json *from, harmony_content *content) {
    gptoss_status status;
    harmony_developer *developer = make(in, 1, sizeof *developer, &status);
    if (status) {
        return status;
    }
    content->kind = HARMONY_CONTENT_DEVELOPER;
    content->developer = developer;
    if ((status = get_text(in, from, "instructions", false, &developer->instructions)) ||
        (status = read_formats(in, from, developer))) {
        return status;
    }
    return read_namespaces(in, from, &developer->has_tools, &developer->tools, &developer->n_tools);
}

static gptoss_status read_text(reading *in, const json *from, harmony_content *content) {
    content->kind = HARMONY_CONTENT_TEXT;
    return get_text(in, from, "text", true, &content->text);
}

static gptoss_status read_content(reading *in, const json *from, harmony_content *content) {
    static const struct {
        const char *type;
        gptoss_status (*read)(reading *in, const json *from, harmony_content *content);
    } kinds[] = {{"text", read_text},
                 {"system_content", read_system},
                 {"developer_content", read_developer}};
    harmony_text type;
    gptoss_status status = get_text(in, from, "type", true, &type);
    if (status) {
        return status;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strlen(kinds[i].type) == type.length &&
            !memcmp(kinds[i].type, type.data, type.length)) {
            return kinds[i].read(in, from, content);
        }
    }
    return fail(in, "type of content", "text, system_content or developer_content");
}

static gptoss_status read_contents(reading *in, const json *from, harmony_message *message) {
    const json *list = harmony_json_get(from, "content");
    bool text = list && list->kind == JSON_STRING;
    if (!list || (!text && list->kind != JSON_ARRAY)) {
        return fail(in, "content", "a string or a list");
    }
    gptoss_status status;
    harmony_content *contents = make(in, text ? 1 : list->count, sizeof *contents, &status);
    if (status) {
        return status;
    }
    message->contents = contents;
    if (text) {
        contents[message->n_contents++].text = list->string;
        return GPTOSS_OK;
    }
    for (const json *item = list->first; !status && item; item = item->next) {
        status = read_content(in, item, &contents[message->n_contents++]);
    }
    return status;
}

static gptoss_status read_message(reading *in, const json *from, harmony_message *message) {
    harmony_text role;
    gptoss_status status;
    if ((status = get_text(in, from, "role", true, &role)) ||
        (status = get_text(in, from, "name", false, &message->name)) ||
        (status = get_text(in, from, "recipient", false, &message->recipient)) ||
        (status = get_text(in, from, "channel", false, &message->channel)) ||
        (status = get_text(in, from, "content_type", false, &message->content_type))) {
        return status;
    }
    int known = harmony_role_from_name(role.data, role.length);
    if (known < 0) {
        return fail(in, "role", "system, developer, user, assistant or tool");
    }
    message->role = (harmony_role)known;
    return read_contents(in, from, message);
}

gptoss_status harmony_conversation_from_json(const char *text, size_t length,
                                             harmony_conversation **conversation_out,
                                             gptoss_error *error) {
    reading in = {.error = error};
    json *root;
    gptoss_status status = harmony_conversation_create(conversation_out, error);
    if (status ||
        (status = harmony_json_read(text, length, "conversation", &in.arena, &root, error))) {
        goto cleanup;
    }
    const json *messages = harmony_json_get(root, "messages");
    if (!messages || messages->kind != JSON_ARRAY) {
        status = base_fail(error, GPTOSS_BAD_INPUT, "conversation: messages must be a list");
        goto cleanup;
    }
    for (const json *item = messages->first; !status && item; item = item->next) {
        harmony_message message = {0};
        status = read_message(&in, item, &message);
        status = status ? status : harmony_conversation_add(*conversation_out, &message, error);
        in.message++;
    }
cleanup:
    harmony_arena_free(&in.arena);
    if (status) {
        harmony_conversation_free(*conversation_out);
        *conversation_out = NULL;
    }
    return status;
}
