// tokenize.c: gptoss tokenize and gptoss detokenize.
#include "cli.h"
#include "input.h"
#include "model.h"
#include "options.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>

int command_tokenize(int argc, char **argv) {
    const char *path = NULL;
    bool special = false;
    const option table[] = {
        TOKENIZER_OPTION(path),
        FLAG_OPTION("special", &special,
                    "\"<|end|>\" in the text is the special token, not its letters"),
    };
    const command_syntax syntax = {
        "tokenize", "", "Reads text from stdin, writes token ids to stdout.", table, 2, 0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    gptoss_tokenizer *tokenizer = NULL;
    gptoss_error error = {0};
    text_buffer content = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0;
    output_file out = {stdout, 0};
    if ((status = input_stdin(&content)) == CLI_OK) {
        if (gptoss_tokenizer_open(path, &tokenizer, &error) ||
            gptoss_encode(tokenizer, content.data, content.length, special, &ids, &n_ids, &error)) {
            status = cli_fail_with(&error);
        } else {
            output_ids(&out, ids, n_ids);
        }
    }
    gptoss_free(ids);
    gptoss_tokenizer_close(tokenizer);
    buffer_free(&content);
    return output_finish(&out, status);
}

int command_detokenize(int argc, char **argv) {
    const char *path = NULL;
    bool special = false;
    const option table[] = {
        TOKENIZER_OPTION(path),
        FLAG_OPTION("special", &special, "taken for symmetry: special tokens are always written"),
    };
    const command_syntax syntax = {
        "detokenize", "", "Reads token ids from stdin, writes their bytes to stdout.", table, 2, 0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    gptoss_tokenizer *tokenizer = NULL;
    gptoss_error error = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0, length = 0;
    char *bytes = NULL;
    output_file out = {stdout, 0};
    if ((status = input_ids(&ids, &n_ids)) == CLI_OK) {
        if (gptoss_tokenizer_open(path, &tokenizer, &error) ||
            gptoss_decode(tokenizer, ids, n_ids, &bytes, &length, &error)) {
            status = cli_fail_with(&error);
        } else {
            output_write(&out, bytes, length);
        }
    }
    gptoss_free(bytes);
    gptoss_tokenizer_close(tokenizer);
    free(ids);
    return output_finish(&out, status);
}
