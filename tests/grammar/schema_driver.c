// The schema's reader as a filter, for tests that compare it with other implementations.
//
//   S length bytes  reads a schema; answers status (i32), length and bytes of the message
//   T length bytes  a text; answers 1 if the rules describe it (u8)
//   G seed          a text; answers length and bytes of a random one (0: there is none)
//
// Lengths and seeds are u32, little-endian.
#include <stdio.h>
#include <string.h>

#include "grammar/derive.h"
#include "support/check.h"

static uint32_t read_number(void) {
    uint32_t number;
    CHECK(fread(&number, sizeof number, 1, stdin) == 1, "input ends early");
    return number;
}

static void read_bytes(base_buffer *out) {
    uint32_t length = read_number();
    out->length = 0;
    CHECK(base_buffer_reserve(out, length + 1), "out of memory");
    CHECK(fread(out->data, 1, length, stdin) == length, "input ends early");
    out->length = length;
}

static void answer(const char *bytes, uint32_t length) {
    fwrite(&length, sizeof length, 1, stdout);
    fwrite(bytes, 1, length, stdout);
}

int main(void) {
    rules *r = NULL;
    base_buffer input = {0}, text = {0};
    gptoss_error error;
    for (int command; (command = getchar()) != EOF; fflush(stdout)) {
        if (command == 'S') {
            read_bytes(&input);
            rules_free(r);
            r = rules_create();
            CHECK(r, "out of memory");
            memset(&error, 0, sizeof error);
            int32_t status = rules_read_schema(r, input.data, input.length, &error);
            if (!status)
                status = rules_status(r, &error);
            CHECK(!status == !error.message[0], "status %d, message \"%s\"", status, error.message);
            fwrite(&status, sizeof status, 1, stdout);
            answer(error.message, (uint32_t)strlen(error.message));
        } else if (command == 'T') {
            read_bytes(&input);
            putchar(derive_accepts(r, input.data, input.length));
        } else {
            uint64_t seed = read_number();
            text.length = 0;
            bool any = derive_text(r, &seed, &text);
            answer(text.data, any ? (uint32_t)text.length : 0);
        }
    }
    base_buffer_free(&input);
    base_buffer_free(&text);
    rules_free(r);
    return 0;
}
