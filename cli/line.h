// line.h: one line from the person, with editing and history where the terminal allows it.
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include "text.h"

typedef struct line_reader line_reader;

typedef enum line_result {
    LINE_READ,
    LINE_END,         // end of input
    LINE_INTERRUPTED, // Ctrl-C
    LINE_FAILED,      // memory
} line_result;

// NULL when memory is short.
line_reader *line_open(void);
// Reads a line without its newline. A line that ends in a backslash goes on in the next one. The
// prompt is shown on a terminal only. remember: the line goes into the history.
line_result line_read(line_reader *reader, const char *prompt, bool remember,
                      text_buffer *line_out);
void line_close(line_reader *reader); // saves the history; takes NULL

#endif
