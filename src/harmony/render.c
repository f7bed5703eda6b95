// Conversation -> ids. Each piece of a header and each content is encoded by itself: where pieces
// meet, tokens must not merge, as in the reference.
#include "harmony/harmony.h"
#include "harmony/sections.h"

#include <string.h>

typedef struct renderer {
    const harmony *harmony;
    const tokenizer *tokenizer;
    base_ids *ids;
    bool has_functions;
    base_buffer scratch; // text of the piece being made
    gptoss_error *error;
} renderer;

static gptoss_status put_marker(renderer *out, harmony_marker marker) {
    return base_ids_push(out->ids, harmony_marker_id(out->harmony, marker))
               ? GPTOSS_OK
               : base_fail_memory(out->error, sizeof(int32_t));
}

static gptoss_status put_text(renderer *out, const char *prefix, harmony_text text) {
    out->scratch.length = 0;
    if (!base_buffer_text(&out->scratch, prefix) ||
        (text.length && !base_buffer_append(&out->scratch, text.data, text.length))) {
        return base_fail_memory(out->error, text.length);
    }
    return tokenizer_encode(out->tokenizer, out->scratch.data, out->scratch.length, TOKENIZER_PLAIN,
                            out->ids, out->error);
}

static bool equals(harmony_text text, const char *string) {
    return text.data && text.length == strlen(string) && !memcmp(text.data, string, text.length);
}

// ` <|constrain|>json`: the marker is a token where it begins the content type.
static gptoss_status put_content_type(renderer *out, harmony_text type) {
    const char *marker = harmony_marker_text(HARMONY_MARK_CONSTRAIN);
    size_t length = strlen(marker);
    if (type.length < length || memcmp(type.data, marker, length)) {
        return put_text(out, " ", type);
    }
    gptoss_status status = put_text(out, " ", (harmony_text){0});
    status = status ? status : put_marker(out, HARMONY_MARK_CONSTRAIN);
    if (status || type.length == length) {
        return status;
    }
    return put_text(out, "", (harmony_text){type.data + length, type.length - length});
}

static gptoss_status put_author(renderer *out, const harmony_message *message) {
    if (message->role == HARMONY_TOOL) {
        return message->name.data ? put_text(out, "", message->name)
                                  : base_fail(out->error, GPTOSS_BAD_INPUT,
                                              "a message of role tool needs the tool's name");
    }
    gptoss_status status = put_text(out, harmony_role_name(message->role), (harmony_text){0});
    return status || !message->name.data ? status : put_text(out, ":", message->name);
}

static gptoss_status put_header(renderer *out, const harmony_message *message) {
    gptoss_status status = put_marker(out, HARMONY_MARK_START);
    status = status ? status : put_author(out, message);
    if (!status && message->recipient.data && !equals(message->recipient, "all")) {
        status = put_text(out, " to=", message->recipient);
    }
    if (!status && message->channel.data) {
        status = put_marker(out, HARMONY_MARK_CHANNEL);
        status = status ? status : put_text(out, "", message->channel);
    }
    if (!status && message->content_type.data) {
        status = put_content_type(out, message->content_type);
    }
    return status ? status : put_marker(out, HARMONY_MARK_MESSAGE);
}

static gptoss_status put_content(renderer *out, const harmony_message *message,
                                 const harmony_content *content) {
    base_buffer text = {0};
    gptoss_status status = GPTOSS_OK;
    switch (content->kind) {
    case HARMONY_CONTENT_TEXT:
        return tokenizer_encode(out->tokenizer, content->text.data, content->text.length,
                                TOKENIZER_PLAIN, out->ids, out->error);
    case HARMONY_CONTENT_SYSTEM:
        status = message->role == HARMONY_SYSTEM
                     ? harmony_print_system(&text, content->system, out->has_functions, out->error)
                     : base_fail(out->error, GPTOSS_BAD_INPUT,
                                 "system content stands in a message of role %s",
                                 harmony_role_name(message->role));
        break;
    case HARMONY_CONTENT_DEVELOPER:
        status = message->role == HARMONY_DEVELOPER
                     ? harmony_print_developer(&text, content->developer, out->error)
                     : base_fail(out->error, GPTOSS_BAD_INPUT,
                                 "developer content stands in a message of role %s",
                                 harmony_role_name(message->role));
        break;
    }
    if (!status && text.length) {
        status = tokenizer_encode(out->tokenizer, text.data, text.length, TOKENIZER_PLAIN, out->ids,
                                  out->error);
    }
    base_buffer_free(&text);
    return status;
}

static gptoss_status put_message(renderer *out, const harmony_message *message) {
    gptoss_status status = put_header(out, message);
    for (size_t i = 0; !status && i < message->n_contents; i++) {
        status = put_content(out, message, &message->contents[i]);
    }
    bool call = message->role == HARMONY_ASSISTANT && message->recipient.data;
    return status ? status : put_marker(out, call ? HARMONY_MARK_CALL : HARMONY_MARK_END);
}

static bool declares_functions(const harmony_message *message) {
    for (size_t i = 0; i < message->n_contents; i++) {
        const harmony_developer *developer = message->contents[i].developer;
        if (message->contents[i].kind != HARMONY_CONTENT_DEVELOPER || !developer->has_tools) {
            continue;
        }
        for (size_t k = 0; k < developer->n_tools; k++) {
            if (equals(developer->tools[k].key, "functions") && developer->tools[k].n_tools) {
                return true;
            }
        }
    }
    return false;
}

// The index before which messages to `analysis` are left out.
static size_t find_drop_end(const harmony_conversation *conversation, harmony_drop drop) {
    size_t n = harmony_conversation_length(conversation), first = n, last = 0;
    bool any = false, answered = false; // answered: the assistant's last message is a final
    for (size_t i = 0; i < n; i++) {
        const harmony_message *message = harmony_conversation_message(conversation, i);
        bool final = equals(message->channel, "final");
        if (final) {
            first = any ? first : i;
            last = i;
            any = true;
        }
        answered = message->role == HARMONY_ASSISTANT ? final : answered;
    }
    if (!any || drop == HARMONY_DROP_NONE || (drop == HARMONY_DROP_REFERENCE && !answered)) {
        return 0;
    }
    return drop == HARMONY_DROP_REFERENCE ? first : last;
}

static gptoss_status put_conversation(renderer *out, const harmony_conversation *conversation,
                                      const harmony_render_options *options) {
    size_t n = harmony_conversation_length(conversation);
    size_t drop_end = find_drop_end(conversation, options->drop), before = out->ids->length;
    const harmony_message *message = NULL;
    gptoss_status status = GPTOSS_OK;
    for (size_t i = 0; !status && i < n; i++) {
        message = harmony_conversation_message(conversation, i);
        if (i >= drop_end || !equals(message->channel, "analysis")) {
            status = put_message(out, message);
        }
    }
    if (status) {
        return status;
    }
    if (options->purpose == HARMONY_COMPLETION) {
        status = put_marker(out, HARMONY_MARK_START);
        return status ? status
                      : put_text(out, harmony_role_name(options->next_role), (harmony_text){0});
    }
    if (options->purpose == HARMONY_TRAINING && message && message->role == HARMONY_ASSISTANT &&
        equals(message->channel, "final") && out->ids->length > before) {
        out->ids->data[out->ids->length - 1] = harmony_marker_id(out->harmony, HARMONY_MARK_RETURN);
    }
    return GPTOSS_OK;
}

gptoss_status harmony_render(const harmony *h, const harmony_conversation *conversation,
                             const harmony_render_options *options, base_ids *ids,
                             gptoss_error *error) {
    harmony_render_options defaults = {0};
    options = options ? options : &defaults;
    if ((unsigned)options->next_role >= HARMONY_N_ROLES) {
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "no such role: %d", (int)options->next_role);
    }
    renderer out = {.harmony = h, .tokenizer = harmony_tokenizer(h), .ids = ids, .error = error};
    for (size_t i = 0; i < harmony_conversation_length(conversation); i++) {
        out.has_functions |= declares_functions(harmony_conversation_message(conversation, i));
    }
    size_t before = ids->length;
    gptoss_status status = put_conversation(&out, conversation, options);
    if (status) {
        ids->length = before;
    }
    base_buffer_free(&out.scratch);
    return status;
}
