// messages.c: Anthropic's /v1/messages: the table, errors, signatures.
#include "messages.h"

#include <stdio.h>
#include <string.h>

const char *const messages_thinking_names[] = {"hidden", "shown", "omitted", "between", NULL};

// ---- signatures -------------------------------------------------------------------------------

static const char REASONING_MARK[] = "gptoss:reasoning:", PREAMBLE_MARK[] = "gptoss:preamble:";

json_t *messages_sign(item_kind kind, const char *hidden, size_t length) {
    const char *mark = kind == ITEM_PREAMBLE ? PREAMBLE_MARK : REASONING_MARK;
    text signature = {0};
    text_add(&signature, mark, strlen(mark));
    text_add(&signature, hidden ? hidden : "", hidden ? length : 0);
    json_t *made = signature.failed ? NULL : json_stringn(signature.data, signature.length);
    text_clear(&signature);
    return made;
}

item_kind messages_signed(const char *signature, const char **hidden) {
    static const char *const marks[] = {REASONING_MARK, PREAMBLE_MARK};
    static const item_kind kinds[] = {ITEM_REASONING, ITEM_PREAMBLE};
    for (int i = 0; i < 2; i++) {
        size_t length = strlen(marks[i]);
        if (signature && !strncmp(signature, marks[i], length)) {
            *hidden = signature[length] ? signature + length : *hidden;
            return kinds[i];
        }
    }
    return ITEM_REASONING;
}

// ---- errors -----------------------------------------------------------------------------------

static const char *error_type(problem_kind kind) {
    switch (kind) {
    case PROBLEM_KEY:
        return "authentication_error";
    case PROBLEM_FORBIDDEN:
        return "permission_error";
    case PROBLEM_NOT_FOUND:
        return "not_found_error";
    case PROBLEM_TOO_LARGE:
        return "request_too_large";
    case PROBLEM_BUSY:
        return "rate_limit_error";
    case PROBLEM_DRAINING:
        return "overloaded_error";
    case PROBLEM_FAILED:
        return "api_error";
    default:
        return "invalid_request_error";
    }
}

// "messages[2].content" as this dialect spells it: "messages.2.content".
static void print_field(const char *field, text *out) {
    for (; *field; field++) {
        if (*field == '[') {
            text_add(out, ".", 1);
        } else if (*field != ']') {
            text_add(out, field, 1);
        }
    }
}

void messages_fail(const problem *p, bool in_stream, text *out) {
    text words = {0};
    // Clients look for these words at the beginning, and compact their history.
    const char *said = strstr(p->message, "prompt is too long");
    if (p->kind == PROBLEM_TOO_LONG && !said) {
        text_print(&words, "prompt is too long: ");
    } else if (p->kind != PROBLEM_TOO_LONG && p->field[0]) {
        print_field(p->field, &words);
        text_add(&words, ": ", 2);
    }
    said = said && p->kind == PROBLEM_TOO_LONG ? said : p->message;
    text_add(&words, said, strlen(said));
    json_t *error =
        json_pack("{s:s, s:{s:s, s:s%}}", "type", "error", "error", "type", error_type(p->kind),
                  "message", words.data ? words.data : "", words.length);
    if (in_stream) {
        text_event(out, "error", error);
    } else {
        text_json(out, error);
        json_decref(error);
    }
    text_clear(&words);
}

const dialect messages_dialect = {
    .name = "messages",
    .path = "/v1/messages",
    .id_prefix = "msg_",
    .read = messages_read,
    .open = messages_open,
    .write = messages_write,
    .collect = messages_collect,
    .document = messages_document,
    .close = messages_close,
    .fail = messages_fail,
};
