// input.c: reading stdin and files whole, and token ids out of text.
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "interrupt.h"

static int read_all(int descriptor, const char *name, text_buffer *content_out) {
    static const size_t chunk = 1 << 16;
    text_buffer content = {0};
    int status = CLI_OK;
    char *buffer = malloc(chunk);
    if (!buffer || !buffer_append(&content, "", 0)) {
        status = cli_fail("out of memory");
    }
    while (status == CLI_OK) {
        ssize_t n = read(descriptor, buffer, chunk);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno == EINTR) {
            status = interrupt_seen() ? CLI_INTERRUPTED : CLI_OK;
        } else if (n < 0) {
            status = cli_fail("%s: %s", name, strerror(errno));
        } else if (!buffer_append(&content, buffer, (size_t)n)) {
            status = cli_fail("%s: out of memory", name);
        }
    }
    free(buffer);
    if (status != CLI_OK) {
        buffer_free(&content);
    }
    *content_out = content;
    return status;
}

int input_stdin(text_buffer *content_out) {
    return read_all(STDIN_FILENO, "standard input", content_out);
}

int input_file(const char *path, text_buffer *content_out) {
    *content_out = (text_buffer){0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return cli_fail("%s: %s", path, strerror(errno));
    }
    int status = read_all(descriptor, path, content_out);
    close(descriptor);
    return status;
}

static int is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// One id at word[0..length-1]; -1 when it is none.
static int32_t parse_id(const char *word, size_t length) {
    int64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (word[i] < '0' || word[i] > '9' || value > INT32_MAX) {
            return -1;
        }
        value = value * 10 + (word[i] - '0');
    }
    return value > INT32_MAX ? -1 : (int32_t)value;
}

static int parse_ids(const text_buffer *content, int32_t *ids, size_t *n_ids) {
    const char *at = content->data, *end = content->data + content->length;
    size_t n = 0;
    for (;;) {
        while (at < end && is_blank(*at)) {
            at++;
        }
        if (at == end) {
            break;
        }
        const char *word = at;
        while (at < end && !is_blank(*at)) {
            at++;
        }
        ids[n] = parse_id(word, (size_t)(at - word));
        if (ids[n] < 0) {
            int shown = at - word > 40 ? 40 : (int)(at - word);
            return cli_fail("standard input: \"%.*s\" is not a token id (the %zu. word)", shown,
                            word, n + 1);
        }
        n++;
    }
    *n_ids = n;
    return CLI_OK;
}

int input_ids(int32_t **ids_out, size_t *n_ids_out) {
    *ids_out = NULL;
    *n_ids_out = 0;
    text_buffer content;
    int status = input_stdin(&content);
    if (status != CLI_OK) {
        return status;
    }
    // Every id but the last takes two bytes at least.
    int32_t *ids = calloc(content.length / 2 + 1, sizeof(*ids));
    status = ids ? parse_ids(&content, ids, n_ids_out) : cli_fail("out of memory");
    if (status != CLI_OK) {
        free(ids);
        ids = NULL;
    }
    *ids_out = ids;
    buffer_free(&content);
    return status;
}
