// form.h: what an answer is held to: the options of run, chat and generate, and their guide.
#ifndef CLI_FORM_H
#define CLI_FORM_H

#include <gptoss/gptoss.h>

#include "options.h"
#include "text.h"

typedef struct form_choice {
    const char *schema_path, *regex, *grammar_path;
    text_buffer text; // of the file
} form_choice;

#define FORM_OPTIONS(form)                                                                         \
    TEXT_OPTION("schema", "FILE.json", &(form).schema_path,                                        \
                "hold the final answer to a JSON schema"),                                         \
        TEXT_OPTION("regex", "R", &(form).regex,                                                   \
                    "hold the final answer to a regular expression, all of it"),                   \
        TEXT_OPTION("grammar", "FILE", &(form).grammar_path,                                       \
                    "hold the final answer to a grammar: Lark in FILE.lark, else GBNF")

bool form_given(const form_choice *form);
// Reads the file and fills *options; an exit status. command is for wrong command lines.
int form_load(form_choice *form, const char *command, gptoss_guide_options *options);

#endif
