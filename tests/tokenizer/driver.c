// The tokenizer as a filter, for the tests that compare it with other implementations and for
// measuring: reads texts, writes ids.
//
//   driver MODEL MODE < texts > ids      MODEL: builtin, or a tokenizer.json; MODE: plain, special
//
// A text is its length (u32, little-endian) and its bytes; its ids are their number (u32) and
// themselves (i32). stderr gets one line: bytes, seconds of processor time spent encoding, the same
// for opening.
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static double seconds(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

static int fail(const gptoss_error *error) {
    fprintf(stderr, "driver: %s\n", error->message);
    return 1;
}

int main(int n_arguments, char **arguments) {
    gptoss_error error = {0};
    tokenizer *t = NULL;
    if (n_arguments != 3)
        return 2;
    double start = seconds();
    if (!strcmp(arguments[1], "builtin")) {
        if (tokenizer_open_builtin(&t, &error))
            return fail(&error);
    } else {
        base_map file;
        if (base_map_open(arguments[1], &file, &error) ||
            tokenizer_open_json((const char *)file.data, file.size, arguments[1], &t, &error))
            return fail(&error);
        base_map_close(&file);
    }
    double opening = seconds() - start, encoding = 0;
    tokenizer_mode mode = strcmp(arguments[2], "special") ? TOKENIZER_PLAIN : TOKENIZER_SPECIAL;
    size_t total = 0;
    uint32_t length;
    base_buffer text = {0};
    base_ids ids = {0};
    while (fread(&length, sizeof length, 1, stdin) == 1) {
        text.length = ids.length = 0;
        if (!base_buffer_reserve(&text, length) || fread(text.data, 1, length, stdin) != length)
            return 1;
        start = seconds();
        if (tokenizer_encode(t, text.data, length, mode, &ids, &error))
            return fail(&error);
        encoding += seconds() - start;
        total += length;
        uint32_t count = (uint32_t)ids.length;
        fwrite(&count, sizeof count, 1, stdout);
        fwrite(ids.data, sizeof *ids.data, count, stdout);
    }
    fprintf(stderr, "%zu %.6f %.6f\n", total, encoding, opening);
    base_buffer_free(&text);
    base_ids_free(&ids);
    tokenizer_close(t);
    return 0;
}
