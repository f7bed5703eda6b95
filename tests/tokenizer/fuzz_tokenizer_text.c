// Fuzz target: any bytes as text for the built-in o200k_harmony; its ids must give the text back,
// and none may be special where the text is a user's.
#include "tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tokenizer *t; // opened once, alive to the end
    if (!t && tokenizer_open_builtin(&t, NULL))
        abort();
    for (int mode = 0; mode < 2; mode++) {
        base_ids ids = {0};
        if (tokenizer_encode(t, (const char *)data, size,
                             mode ? TOKENIZER_SPECIAL : TOKENIZER_PLAIN, &ids, NULL))
            abort();
        size_t at = 0, width;
        for (size_t i = 0; i < ids.length; i++) {
            const char *bytes = tokenizer_bytes(t, ids.data[i], &width);
            if (!bytes || width > size - at || memcmp(data + at, bytes, width))
                abort();
            if (!mode && tokenizer_is_special(t, ids.data[i]))
                abort();
            at += width;
        }
        if (at != size)
            abort();
        base_ids_free(&ids);
    }
    return 0;
}
