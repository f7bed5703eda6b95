// output.c: writing to stdout and to files, with failures kept until someone reports them.
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "text.h"

bool output_write(output_file *o, const void *data, size_t length) {
    if (o->problem == 0 && length && fwrite(data, 1, length, o->file) != length) {
        o->problem = errno ? errno : EIO;
    }
    return o->problem == 0;
}

bool output_string(output_file *o, const char *string) {
    return output_write(o, string, strlen(string));
}

bool output_flush(output_file *o) {
    if (o->problem == 0 && fflush(o->file) != 0) {
        o->problem = errno ? errno : EIO;
    }
    return o->problem == 0;
}

bool output_ids(output_file *o, const int32_t *ids, size_t n_ids) {
    char digits[16];
    for (size_t i = 0; i < n_ids; i++) {
        int n = snprintf(digits, sizeof(digits), i ? " %d" : "%d", (int)ids[i]);
        if (!output_write(o, digits, (size_t)n)) {
            return false;
        }
    }
    return output_write(o, "\n", 1);
}

int output_finish(output_file *o, int status) {
    if (output_flush(o) || o->problem == EPIPE || status != CLI_OK) {
        return status;
    }
    return cli_fail("standard output: %s", strerror(o->problem));
}

int output_replace_file(const char *path, const void *data, size_t length) {
    text_buffer temporary = {0};
    int status = CLI_FAILED;
    if (!buffer_add(&temporary, path) || !buffer_format(&temporary, ".part-%ld", (long)getpid())) {
        buffer_free(&temporary);
        return cli_fail("out of memory");
    }
    FILE *file = fopen(temporary.data, "wb");
    if (!file) {
        cli_fail("%s: %s", path, strerror(errno));
        goto done;
    }
    bool written = fwrite(data, 1, length, file) == length;
    int problem = errno;
    if (fclose(file) != 0 && written) {
        written = false;
        problem = errno;
    }
    if (!written) {
        unlink(temporary.data);
        cli_fail("%s: %s", path, strerror(problem));
        goto done;
    }
    if (rename(temporary.data, path) != 0) {
        cli_fail("%s: %s", path, strerror(errno));
        unlink(temporary.data);
        goto done;
    }
    status = CLI_OK;
done:
    buffer_free(&temporary);
    return status;
}
