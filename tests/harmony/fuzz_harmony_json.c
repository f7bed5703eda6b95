// Fuzz target: any bytes as a conversation in JSON and as functions. What is read must be written
// so that it reads again as the same; rendering it may fail only with a message.
#include "harmony/harmony.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void render(const harmony_conversation *conversation) {
    static tokenizer *bpe; // opened once, alive to the end
    static harmony *h;
    if (!h && (tokenizer_open_builtin(&bpe, NULL) || harmony_open(bpe, &h, NULL)))
        abort();
    base_ids ids = {0};
    gptoss_error error = {0};
    gptoss_status status = harmony_render(h, conversation, NULL, &ids, &error);
    if ((status && (!error.message[0] || ids.length)) || (!status && !ids.length))
        abort();
    base_ids_free(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    harmony_conversation *read, *again;
    gptoss_error error = {0};
    gptoss_status status = harmony_conversation_from_json(text, size, &read, &error);
    if ((status == GPTOSS_OK) != (read != NULL) || (status && !error.message[0]))
        abort();
    if (read) {
        base_buffer first = {0}, second = {0};
        if (harmony_conversation_to_json(read, &first, NULL) ||
            harmony_conversation_from_json(first.data, first.length, &again, NULL) ||
            harmony_conversation_to_json(again, &second, NULL) || first.length != second.length ||
            memcmp(first.data, second.data, first.length))
            abort();
        render(read);
        harmony_conversation_free(again);
        harmony_conversation_free(read);
        base_buffer_free(&first);
        base_buffer_free(&second);
    }
    if (harmony_conversation_create(&read, NULL))
        abort();
    if (!harmony_conversation_add_functions(read, "x", text, size, NULL))
        render(read);
    harmony_conversation_free(read);
    return 0;
}
