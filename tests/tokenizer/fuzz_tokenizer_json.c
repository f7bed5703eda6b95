// Fuzz target: any bytes as a tokenizer.json. Opening must end in a status and a message; what
// opens must encode any text into ids of its own that give the text back.
#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const tokenizer *t, const char *text, size_t length, tokenizer_mode mode) {
    base_ids ids = {0};
    gptoss_error error = {0};
    if (tokenizer_encode(t, text, length, mode, &ids, &error)) {
        if (!error.message[0] || ids.length) // only a pattern that is too slow may fail
            abort();
        return base_ids_free(&ids);
    }
    size_t at = 0, width;
    for (size_t i = 0; i < ids.length; i++) {
        const char *bytes = tokenizer_bytes(t, ids.data[i], &width);
        if (!bytes || width > length - at || memcmp(text + at, bytes, width))
            abort();
        if (mode == TOKENIZER_PLAIN && tokenizer_is_special(t, ids.data[i]))
            abort();
        at += width;
    }
    if (at != length)
        abort();
    base_ids_free(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tokenizer *t;
    gptoss_error error = {0};
    gptoss_status status = tokenizer_open_json((const char *)data, size, "fuzz", &t, &error);
    if ((status == GPTOSS_OK) != (t != NULL) || (status && !error.message[0]))
        abort();
    if (!t)
        return 0;
    static const char text[] =
        "abc ab, It's <|x|>cat 2026\r\n \t\xe6\x97\xa5\xff\xe1\xa0\x8e  abab";
    size_t tail = size < 200 ? size : 200;
    for (int mode = 0; mode < 2; mode++) {
        encode(t, text, sizeof text - 1, mode ? TOKENIZER_SPECIAL : TOKENIZER_PLAIN);
        encode(t, (const char *)data + size - tail, tail,
               mode ? TOKENIZER_SPECIAL : TOKENIZER_PLAIN);
    }
    tokenizer_close(t);
    return 0;
}
