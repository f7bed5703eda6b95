// Any body of a chat: it is refused with a reason, or becomes a conversation that Harmony can read.
#include <stdint.h>
#include <stdlib.h>

#include "server/body.h"
#include "server/chat.h"
#include "server/opening.h"

static void must(bool good) {
    if (!good) {
        abort();
    }
}

static void open_conversation(const request *asked) {
    names spelled;
    text json = {0};
    gptoss_conversation *talk = NULL;
    gptoss_error error = {0};
    must(names_init(&spelled, asked));
    text_print(&json, "{\"messages\":[");
    opening_write(asked, &spelled, "2026-11-24", &json);
    text_print(&json, "]}");
    must(!json.failed);
    if (gptoss_conversation_from_json(json.data, json.length, &talk, &error)) {
        must(error.status == GPTOSS_BAD_INPUT && error.message[0]);
    }
    gptoss_conversation_free(talk);
    text_clear(&json);
    names_clear(&spelled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    problem why = {0};
    request asked;
    request_init(&asked);
    json_t *body = body_parse((const char *)data, size, &why);
    if (body && chat_read(body, &asked, &why)) {
        must(asked.n_items > 0 && asked.n_choices > 0);
        open_conversation(&asked);
    } else {
        text printed = {0};
        must(why.kind != PROBLEM_NONE && why.message[0]);
        chat_dialect.fail(&why, false, &printed);
        must(!printed.failed);
        text_clear(&printed);
    }
    json_decref(body);
    request_clear(&asked);
    return 0;
}
