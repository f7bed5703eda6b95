// terminal.h: what the terminal can do: colours, safe text, a progress line.
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

#include "output.h"

typedef enum terminal_style {
    STYLE_PLAIN,
    STYLE_DIM,   // analysis
    STYLE_CALL,  // calls and their results
    STYLE_LABEL, // headings
} terminal_style;

bool terminal_is(FILE *file);
bool terminal_has_colour(FILE *file); // a terminal, and neither NO_COLOR nor TERM=dumb
// Begins or, with STYLE_PLAIN, ends a style.
void terminal_style_set(output_file *output, terminal_style style);
// Writes text so that it cannot command the terminal: control characters become U+FFFD.
void terminal_text(output_file *output, const char *text, size_t length);

// One line on stderr that is written over itself; nothing where stderr is no terminal. The line is
// "what NN %". share < 0 removes it.
void terminal_progress(const char *what, double share);

#endif
