// show.h: an answer's events, as a person or a program wants to see them.
//
//   terminal     every channel, told apart by colour and label
//   pipe         the final answer alone on stdout; analysis and calls on stderr if that is a
//   terminal;
//                a call that nobody here answers is one JSON line on stdout
//   --show-all   in a pipe: every channel on stdout, with labels
//   --json       one JSON object a line for every event
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <stdbool.h>

#include <gptoss/gptoss.h>

#include "output.h"
#include "text.h"

typedef enum show_kind { SHOW_ANALYSIS, SHOW_COMMENTARY, SHOW_CALL, SHOW_FINAL } show_kind;

typedef struct show_state {
    bool json, hide_analysis, show_all; // chosen by the user
    output_file out;                    // stdout
    output_file side;                   // stderr
    bool out_terminal, side_terminal;
    bool out_colour, side_colour;
    // the message being shown
    show_kind kind;
    output_file *sink;   // NULL: not shown
    bool colour, styled; // of the sink; a style is on
    bool line_open;      // the sink's last line has no newline yet
    bool anything;       // something was shown before in this answer
} show_state;

void show_begin(show_state *show);  // looks at the terminals; the user's choices are set before
void show_answer(show_state *show); // an answer begins
void show_event(show_state *show, const gptoss_event *event, const gptoss_stats *stats);
void show_call_line(show_state *show, const char *recipient, const text_buffer *arguments);
void show_tool_result(show_state *show, const char *tool, const char *result, size_t length);
// "prompt 120 tokens, 310.0/s; answer 45 tokens, 12.1/s" on stderr.
void show_stats(show_state *show, const gptoss_stats *stats);
// A dim remark on stderr: "[stopped]".
void show_remark(show_state *show, const char *remark);
bool show_works(const show_state *show); // stdout still takes what is written

#endif
