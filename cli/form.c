// form.c: reads what an answer is held to.
#include "form.h"

#include <string.h>

#include "cli.h"
#include "input.h"

bool form_given(const form_choice *form) {
    return form->schema_path || form->regex || form->grammar_path;
}

static bool is_lark(const char *path) {
    size_t length = strlen(path);
    return length >= 5 && strcmp(path + length - 5, ".lark") == 0;
}

int form_load(form_choice *form, const char *command, gptoss_guide_options *options) {
    if (!!form->schema_path + !!form->regex + !!form->grammar_path > 1) {
        return cli_usage(command, "--schema, --regex and --grammar exclude each other");
    }
    if (form->regex) {
        options->form = GPTOSS_FORM_REGEX;
        options->form_text = form->regex;
    }
    const char *path = form->schema_path ? form->schema_path : form->grammar_path;
    if (!path) {
        return CLI_OK;
    }
    buffer_clear(&form->text);
    int status = input_file(path, &form->text);
    options->form = form->schema_path ? GPTOSS_FORM_JSON_SCHEMA
                    : is_lark(path)   ? GPTOSS_FORM_LARK
                                      : GPTOSS_FORM_GBNF;
    options->form_text = form->text.data ? form->text.data : "";
    options->form_length = form->text.length;
    return status;
}
