// Reads lines "HEX" and prints for each, as base sees the bytes: the decode steps as
// "code:length," (code -1 ill-formed, -2 cut off), 0 or 1 for valid, and the repaired text as hex.
#include "base/base.h"

#include <string.h>

#include "support/check.h"

static size_t read_hex(const char *line, char *bytes) {
    size_t length = 0;
    unsigned value;
    for (; sscanf(line, "%2x", &value) == 1; line += 2)
        bytes[length++] = (char)value;
    return length;
}

int main(void) {
    static char line[4096], bytes[2048];
    while (fgets(line, sizeof line, stdin)) {
        size_t length = read_hex(line, bytes);
        // A copy of exactly this size, so that a sanitizer sees a read behind its end.
        char *text = base_alloc(length, 1);
        CHECK(text, "out of memory");
        memcpy(text, bytes, length);
        for (size_t at = 0; at < length;) {
            int32_t code;
            size_t step = base_utf8_decode(text + at, length - at, &code);
            CHECK(step >= 1 && step <= length - at, "a step of %zu bytes", step);
            printf("%d:%zu,", (int)code, step);
            at += step;
        }
        printf(" %d ", base_utf8_valid(text, length));
        base_buffer repaired = {0};
        CHECK(base_utf8_append_lossy(&repaired, text, length), "out of memory");
        for (size_t i = 0; i < repaired.length; i++)
            printf("%02x", (unsigned)(unsigned char)repaired.data[i]);
        putchar('\n');
        base_buffer_free(&repaired);
        base_free(text);
    }
    return 0;
}
