// output.h: writing, with the first failure remembered until the end.
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// {stdout, 0}. After a failure nothing more is written.
typedef struct output_file {
    FILE *file;
    int problem; // errno of the first failure; 0: none
} output_file;

bool output_write(output_file *output, const void *data, size_t length);
bool output_string(output_file *output, const char *string);
bool output_flush(output_file *output);
// Ids separated by blanks, and a newline.
bool output_ids(output_file *output, const int32_t *ids, size_t n_ids);

// Flushes and returns the command's exit status: `status`, or CLI_FAILED with a line when writing
// failed. A reader that went away (`| head`) is no failure.
int output_finish(output_file *output, int status);

// Writes a file at once: the old one stays until the new one is complete. Returns an exit status.
int output_replace_file(const char *path, const void *data, size_t length);

#endif
