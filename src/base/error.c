// Error messages: one line, safe to print whatever it quotes.
#include "base/base.h"

#include <stdio.h>

gptoss_status base_fail(gptoss_error *error, gptoss_status status, const char *format, ...) {
    if (!error)
        return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    for (char *c = error->message; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    return status;
}

gptoss_status base_fail_memory(gptoss_error *error, size_t bytes) {
    return base_fail(error, GPTOSS_NO_MEMORY, "out of memory: could not allocate %zu bytes", bytes);
}
