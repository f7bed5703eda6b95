// harmony.c: gptoss harmony render and gptoss harmony parse.
#include "cli.h"
#include "input.h"
#include "model.h"
#include "options.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const purposes[] = {
    [GPTOSS_FOR_COMPLETION] = "completion",
    [GPTOSS_FOR_TRAINING] = "training",
    [GPTOSS_FOR_CONVERSATION] = "conversation",
    NULL,
};

static int render(int argc, char **argv) {
    const char *path = NULL;
    int purpose = GPTOSS_FOR_COMPLETION;
    const option table[] = {
        CHOICE_OPTION("for", purposes, &purpose, "what the ids are for; default completion"),
        TOKENIZER_OPTION(path),
    };
    const command_syntax syntax = {
        "harmony render",
        "",
        "Reads a conversation as JSON from stdin, writes its token ids to stdout.",
        table,
        2,
        0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    gptoss_tokenizer *tokenizer = NULL;
    gptoss_conversation *conversation = NULL;
    gptoss_error error = {0};
    text_buffer json = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0;
    output_file out = {stdout, 0};
    if ((status = input_stdin(&json)) == CLI_OK) {
        if (gptoss_conversation_from_json(json.data, json.length, &conversation, &error) ||
            gptoss_tokenizer_open(path, &tokenizer, &error) ||
            gptoss_render(tokenizer, conversation, (gptoss_purpose)purpose, &ids, &n_ids, &error)) {
            status = cli_fail_with(&error);
        } else {
            output_ids(&out, ids, n_ids);
        }
    }
    gptoss_free(ids);
    gptoss_tokenizer_close(tokenizer);
    gptoss_conversation_free(conversation);
    buffer_free(&json);
    return output_finish(&out, status);
}

static int parse(int argc, char **argv) {
    const char *path = NULL, *role = NULL;
    const option table[] = {
        TEXT_OPTION("role", "ROLE", &role,
                    "the ids go on behind <|start|>ROLE, as a completion does (assistant)"),
        TOKENIZER_OPTION(path),
    };
    const command_syntax syntax = {
        "harmony parse", "", "Reads token ids from stdin, writes their messages as JSON to stdout.",
        table,           2,  0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    gptoss_tokenizer *tokenizer = NULL;
    gptoss_error error = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0, length = 0;
    char *json = NULL;
    output_file out = {stdout, 0};
    if ((status = input_ids(&ids, &n_ids)) == CLI_OK) {
        if (gptoss_tokenizer_open(path, &tokenizer, &error) ||
            gptoss_parse(tokenizer, role, ids, n_ids, &json, &length, &error)) {
            status = cli_fail_with(&error);
        } else {
            output_write(&out, json, length);
            output_write(&out, "\n", 1);
        }
    }
    gptoss_free(json);
    gptoss_tokenizer_close(tokenizer);
    free(ids);
    return output_finish(&out, status);
}

int command_harmony(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "render") == 0) {
        return render(argc - 1, argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "parse") == 0) {
        return parse(argc - 1, argv + 1);
    }
    const command_syntax syntax = {
        "harmony",
        "render|parse",
        "render: a conversation as JSON becomes token ids.\n"
        "parse: token ids become messages as JSON, whatever they are.\n"
        "See gptoss harmony render --help and gptoss harmony parse --help.",
        NULL,
        0,
        0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    return cli_usage("harmony", "render or parse is missing");
}
