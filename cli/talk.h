// talk.h: a conversation with a model: the options of run and chat, and one answer with its tools.
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include <gptoss/gptoss.h>

#include "form.h"
#include "line.h"
#include "model.h"
#include "options.h"
#include "show.h"
#include "text.h"

typedef struct talk_state {
    // what the user chose
    model_choice choice;
    gptoss_generation generation;
    int effort; // gptoss_effort
    const char *date, *tools_path, *system, *tool_command;
    int32_t tool_seconds;
    form_choice form;
    const char *command; // for wrong command lines
    bool stats;
    show_state show;
    // what stands open
    gptoss_model *model;
    gptoss_sequence *sequence;
    gptoss_guide_options guided;
    gptoss_guide *guide; // of the tools and the form; NULL: to be made
    gptoss_conversation *conversation;
    line_reader *lines;
    text_buffer instructions, tools; // empty: none
    char today[16];
    size_t question_end; // messages up to and including the last question; 0: none to retry
    gptoss_stats last;
} talk_state;

void talk_default(talk_state *talk_out);
// Parses the options of `command`; as options_parse.
bool talk_parse(talk_state *talk, const char *command, const char *arguments, const char *about,
                int max_arguments, int argc, char **argv, int *n_out, int *status_out);
int talk_open(talk_state *talk); // loads the model; an exit status
void talk_close(talk_state *talk);
// The conversation's opening as chosen.
gptoss_setting talk_setting(const talk_state *talk);
// Starts an empty conversation; an exit status.
int talk_clear(talk_state *talk);
// Reads the declared functions from a file; an exit status.
int talk_load_tools(talk_state *talk, const char *path);

int talk_ask(talk_state *talk, const char *question, size_t length); // and answer; an exit status
// Answers the conversation as it stands, calling tools until there is a final answer.
int talk_answer(talk_state *talk);

#endif
