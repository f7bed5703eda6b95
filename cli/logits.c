// logits.c: gptoss logits: ids in, a NumPy file [n_tokens, vocabulary] of float32 out.
#include "cli.h"
#include "input.h"
#include "interrupt.h"
#include "model.h"
#include "output.h"
#include "terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct npy_file {
    output_file out;
    size_t n_tokens, vocabulary;
} npy_file;

// Format version 1.0: magic, version, length of the header, the header padded to 64 bytes.
static void write_header(npy_file *npy) {
    char header[128];
    int n = snprintf(header, sizeof(header),
                     "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }",
                     npy->n_tokens, npy->vocabulary);
    size_t padded = sizeof(header) - 10; // with magic and length: 128 bytes
    memset(header + n, ' ', padded - (size_t)n);
    header[padded - 1] = '\n';
    unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)padded, 0};
    output_write(&npy->out, start, sizeof(start));
    output_write(&npy->out, header, padded);
}

static bool on_row(void *context, size_t token, const float *row) {
    npy_file *npy = context;
    terminal_progress("computing", (double)(token + 1) / (double)npy->n_tokens);
    return output_write(&npy->out, row, npy->vocabulary * sizeof(*row)) && !interrupt_seen();
}

// Fills an open file; an exit status.
static int fill(npy_file *npy, const char *path, gptoss_model *model, const int32_t *ids) {
    gptoss_error error = {0};
    write_header(npy);
    gptoss_status result = gptoss_logits(model, ids, npy->n_tokens, on_row, npy, &error);
    terminal_progress("", -1);
    if (npy->out.problem == 0 && result) {
        return interrupt_seen() ? CLI_INTERRUPTED : cli_fail_with(&error);
    }
    if (!output_flush(&npy->out)) {
        return cli_fail("%s: %s", path, strerror(npy->out.problem));
    }
    return CLI_OK;
}

// Through a temporary file beside it, except where path is a device or a pipe.
static int write_file(const char *path, gptoss_model *model, const int32_t *ids, size_t n_ids) {
    gptoss_plan plan;
    gptoss_model_describe(model, &plan);
    npy_file npy = {.n_tokens = n_ids, .vocabulary = (size_t)plan.vocabulary};
    struct stat found;
    bool direct = stat(path, &found) == 0 && !S_ISREG(found.st_mode);
    text_buffer name = {0};
    if (!buffer_add(&name, path) ||
        (!direct && !buffer_format(&name, ".part-%ld", (long)getpid()))) {
        buffer_free(&name);
        return cli_fail("out of memory");
    }
    int status;
    npy.out.file = fopen(name.data, "wb");
    if (!npy.out.file) {
        status = cli_fail("%s: %s", path, strerror(errno));
        buffer_free(&name);
        return status;
    }
    status = fill(&npy, path, model, ids);
    if (fclose(npy.out.file) != 0 && status == CLI_OK) {
        status = cli_fail("%s: %s", path, strerror(errno));
    }
    if (status == CLI_OK && !direct && rename(name.data, path) != 0) {
        status = cli_fail("%s: %s", path, strerror(errno));
    }
    if (status != CLI_OK && !direct) {
        unlink(name.data);
    }
    buffer_free(&name);
    return status;
}

int command_logits(int argc, char **argv) {
    model_choice choice;
    model_choice_default(&choice);
    const char *path = NULL;
    const option table[] = {
        MODEL_OPTIONS(choice),
        TEXT_OPTION("output", "F.npy", &path, "the file to write (needed)"),
    };
    const command_syntax syntax = {
        "logits",
        "",
        "Reads token ids from stdin and writes the logits behind each of them as a "
        "NumPy file,\nfloat32 [n_tokens, vocabulary].",
        table,
        sizeof(table) / sizeof(table[0]),
        0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    if (!path) {
        return cli_usage("logits", "--output is missing");
    }
    int32_t *ids = NULL;
    size_t n_ids = 0;
    gptoss_model *model = NULL;
    status = input_ids(&ids, &n_ids);
    if (status == CLI_OK && n_ids == 0) {
        status = cli_fail("standard input: no token ids");
    }
    model_choice_fit(&choice, n_ids);
    if (status == CLI_OK && (status = model_load(&choice, &model)) == CLI_OK) {
        status = write_file(path, model, ids, n_ids);
    }
    gptoss_model_close(model);
    free(ids);
    return status;
}
