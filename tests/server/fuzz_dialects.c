// Any body in any dialect (the first byte says which): it is refused with a reason that can be
// printed, alone and in a stream, or becomes a request whose conversation Harmony can read.
#include <stdint.h>
#include <stdlib.h>

#include "server/body.h"
#include "server/dialect.h"
#include "server/opening.h"

static const dialect *const DIALECTS[] = {&chat_dialect, &completions_dialect, &messages_dialect,
                                          &responses_dialect};
enum { N_DIALECTS = sizeof(DIALECTS) / sizeof(DIALECTS[0]) };

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

static void refuse(const dialect *d, const problem *why) {
    must(why->kind != PROBLEM_NONE && why->message[0]);
    for (int in_stream = 0; in_stream < 2; in_stream++) {
        text printed = {0};
        d->fail(why, in_stream, &printed);
        must(!printed.failed && printed.length);
        text_clear(&printed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const dialect *d = DIALECTS[data[0] % N_DIALECTS];
    problem why = {0};
    request asked;
    request_init(&asked);
    json_t *body = body_parse((const char *)data + 1, size - 1, &why);
    if (!body || !d->read(body, &asked, &why)) {
        refuse(d, &why);
    } else if (asked.kind == REQUEST_CHAT) {
        must(asked.n_choices > 0);
        open_conversation(&asked);
    } else {
        must(asked.prompt || asked.ids);
    }
    json_decref(body);
    request_clear(&asked);
    return 0;
}
