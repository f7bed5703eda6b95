// tool.h: answering a function that the model calls, by a program of the user's.
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include <stdint.h>

#include "text.h"

// Runs `program name` without a shell, arguments on its stdin, and takes its stdout (1 MiB at most)
// as the result. Whatever goes wrong with it becomes a result too, {"error": "..."}: the model
// reads it and the conversation goes on. Returns false only when memory is short.
bool tool_run(const char *program, const char *name, const text_buffer *arguments, int32_t seconds,
              text_buffer *result_out);

#endif
