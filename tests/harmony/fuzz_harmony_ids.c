// Fuzz target: any ids through the stream parser. Three bytes are an id; the first byte of all says
// the role. Events must be in order, whole characters, and come out as JSON that can be read again.
#include "harmony/harmony.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static harmony *open_once(void) {
    static tokenizer *bpe; // opened once, alive to the end
    static harmony *h;
    if (!h && (tokenizer_open_builtin(&bpe, NULL) || harmony_open(bpe, &h, NULL)))
        abort();
    return h;
}

static void check_events(harmony_parser *parser, bool *open) {
    harmony_event event;
    while (harmony_parser_next(parser, &event)) {
        if (*open == (event.kind == HARMONY_EVENT_OPEN))
            abort();
        *open = event.kind != HARMONY_EVENT_CLOSE;
        if (event.kind == HARMONY_EVENT_TEXT &&
            !base_utf8_valid(event.text.data, event.text.length))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    harmony *h = open_once();
    base_ids ids = {0};
    base_buffer json = {0};
    harmony_parser *parser;
    harmony_conversation *again;
    int role = size ? data[0] % (HARMONY_N_ROLES + 1) - 1 : -1;
    bool open = false;
    if (harmony_parser_create(h, role, &parser, NULL))
        abort();
    for (size_t i = 1; i + 3 <= size; i += 3) {
        int32_t id = data[i] | data[i + 1] << 8 | data[i + 2] << 16;
        if (!base_ids_push(&ids, id) || harmony_parser_push(parser, id, NULL))
            abort();
        check_events(parser, &open);
    }
    if (harmony_parser_finish(parser, NULL))
        abort();
    check_events(parser, &open);
    if (open || harmony_parse_to_json(h, ids.data, ids.length, role, &json, NULL) ||
        harmony_conversation_from_json(json.data, json.length, &again, NULL) ||
        harmony_conversation_length(again) !=
            harmony_conversation_length(harmony_parser_messages(parser)))
        abort();
    harmony_conversation_free(again);
    harmony_parser_free(parser);
    base_buffer_free(&json);
    base_ids_free(&ids);
    return 0;
}
