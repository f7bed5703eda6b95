// input.h: reading stdin and files whole, and token ids out of text.
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "text.h"

// These return an exit status; an error was printed. The result is released by the caller.
int input_stdin(text_buffer *content_out);
int input_file(const char *path, text_buffer *content_out);
// Ids separated by blanks or newlines, from stdin; released with free.
int input_ids(int32_t **ids_out, size_t *n_ids_out);

#endif
