// Conversations: lists of messages that never change and are shared by counting.
#include "harmony/harmony.h"
#include "harmony/message.h"

#include <stdatomic.h>

typedef struct shared_message {
    atomic_size_t owners;
    harmony_arena arena; // holds all that message points to
    harmony_message message;
} shared_message;

struct harmony_conversation {
    shared_message **messages; // [length]
    size_t length, capacity;
};

static void release(shared_message *shared) {
    if (atomic_fetch_sub(&shared->owners, 1) == 1) {
        harmony_arena_free(&shared->arena);
        base_free(shared);
    }
}

gptoss_status harmony_conversation_create(harmony_conversation **conversation_out,
                                          gptoss_error *error) {
    *conversation_out = base_alloc_zero(1, sizeof **conversation_out);
    return *conversation_out ? GPTOSS_OK : base_fail_memory(error, sizeof **conversation_out);
}

void harmony_conversation_free(harmony_conversation *conversation) {
    if (conversation) {
        harmony_conversation_truncate(conversation, 0);
        base_free(conversation->messages);
        base_free(conversation);
    }
}

gptoss_status harmony_conversation_copy(const harmony_conversation *conversation,
                                        harmony_conversation **copy_out, gptoss_error *error) {
    gptoss_status status = harmony_conversation_create(copy_out, error);
    status = status ? status : harmony_conversation_add_all(*copy_out, conversation, error);
    if (status) {
        harmony_conversation_free(*copy_out);
        *copy_out = NULL;
    }
    return status;
}

size_t harmony_conversation_length(const harmony_conversation *conversation) {
    return conversation->length;
}

const harmony_message *harmony_conversation_message(const harmony_conversation *conversation,
                                                    size_t index) {
    return &conversation->messages[index]->message;
}

void harmony_conversation_truncate(harmony_conversation *conversation, size_t length) {
    while (conversation->length > length) {
        release(conversation->messages[--conversation->length]);
    }
}

static gptoss_status reserve(harmony_conversation *conversation, size_t extra,
                             gptoss_error *error) {
    size_t needed = conversation->length + extra;
    if (needed <= conversation->capacity) {
        return GPTOSS_OK;
    }
    size_t capacity = needed > 2 * conversation->capacity ? needed : 2 * conversation->capacity;
    shared_message **messages =
        base_resize(conversation->messages, capacity, sizeof(shared_message *));
    if (!messages) {
        return base_fail_memory(error, capacity * sizeof(shared_message *));
    }
    conversation->messages = messages;
    conversation->capacity = capacity;
    return GPTOSS_OK;
}

gptoss_status harmony_conversation_add(harmony_conversation *conversation,
                                       const harmony_message *message, gptoss_error *error) {
    if ((unsigned)message->role >= HARMONY_N_ROLES) {
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "no such role: %d", (int)message->role);
    }
    gptoss_status status = reserve(conversation, 1, error);
    if (status) {
        return status;
    }
    shared_message *shared = base_alloc_zero(1, sizeof *shared);
    if (!shared) {
        return base_fail_memory(error, sizeof *shared);
    }
    atomic_init(&shared->owners, 1);
    status = harmony_message_copy(&shared->arena, message, &shared->message, error);
    if (status) {
        release(shared);
        return status;
    }
    conversation->messages[conversation->length++] = shared;
    return GPTOSS_OK;
}

gptoss_status harmony_conversation_add_all(harmony_conversation *conversation,
                                           const harmony_conversation *other, gptoss_error *error) {
    gptoss_status status = reserve(conversation, other->length, error);
    for (size_t i = 0; !status && i < other->length; i++) {
        atomic_fetch_add(&other->messages[i]->owners, 1);
        conversation->messages[conversation->length++] = other->messages[i];
    }
    return status;
}

gptoss_status harmony_conversation_add_text(harmony_conversation *conversation, harmony_role role,
                                            const char *channel, const char *text, size_t length,
                                            gptoss_error *error) {
    harmony_content content = {.kind = HARMONY_CONTENT_TEXT, .text = {text, length}};
    harmony_message message = {
        .role = role, .channel = harmony_text_of(channel), .contents = &content, .n_contents = 1};
    return harmony_conversation_add(conversation, &message, error);
}

gptoss_status harmony_conversation_add_system(harmony_conversation *conversation,
                                              const harmony_system *system, gptoss_error *error) {
    harmony_content content = {.kind = HARMONY_CONTENT_SYSTEM, .system = system};
    harmony_message message = {.role = HARMONY_SYSTEM, .contents = &content, .n_contents = 1};
    return harmony_conversation_add(conversation, &message, error);
}

gptoss_status harmony_conversation_add_developer(harmony_conversation *conversation,
                                                 const harmony_developer *developer,
                                                 gptoss_error *error) {
    harmony_content content = {.kind = HARMONY_CONTENT_DEVELOPER, .developer = developer};
    harmony_message message = {.role = HARMONY_DEVELOPER, .contents = &content, .n_contents = 1};
    return harmony_conversation_add(conversation, &message, error);
}

gptoss_status harmony_conversation_add_tool_result(harmony_conversation *conversation,
                                                   const char *tool_name, const char *text,
                                                   size_t length, gptoss_error *error) {
    harmony_content content = {.kind = HARMONY_CONTENT_TEXT, .text = {text, length}};
    harmony_message message = {.role = HARMONY_TOOL,
                               .name = harmony_text_of(tool_name),
                               .recipient = harmony_text_of("assistant"),
                               .channel = harmony_text_of("commentary"),
                               .contents = &content,
                               .n_contents = 1};
    return harmony_conversation_add(conversation, &message, error);
}
