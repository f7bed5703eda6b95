// generate.c: gptoss generate: ids in, exactly N ids out, no Harmony.
#include "cli.h"
#include "form.h"
#include "input.h"
#include "interrupt.h"
#include "model.h"
#include "output.h"
#include "sampling.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct id_writer {
    output_file out;
    size_t n_written;
} id_writer;

static bool on_event(void *context, const gptoss_event *event) {
    id_writer *writer = context;
    if (event->kind != GPTOSS_EVENT_TOKEN) {
        return true;
    }
    char digits[16];
    int n = snprintf(digits, sizeof(digits), writer->n_written ? " %d" : "%d", (int)event->id);
    writer->n_written++;
    return output_write(&writer->out, digits, (size_t)n);
}

// Returns an exit status; what was sampled is written even when the rest fails.
static int generate(gptoss_model *model, const int32_t *ids, size_t n_ids,
                    const gptoss_generation *generation, id_writer *writer) {
    gptoss_error error = {0};
    gptoss_sequence *sequence = NULL;
    int status = CLI_OK;
    if (gptoss_sequence_create(model, &sequence, &error) ||
        gptoss_push(sequence, ids, n_ids, &error)) {
        status = cli_fail_with(&error);
        goto done;
    }
    interrupt_watch(sequence);
    gptoss_status result = gptoss_run(sequence, generation, on_event, writer, &error);
    if (writer->n_written) {
        output_write(&writer->out, "\n", 1);
    }
    if (interrupt_seen()) {
        status = CLI_INTERRUPTED;
    } else if (writer->out.problem) {
        status = CLI_OK; // reported when the output is finished
    } else if (result) {
        status = cli_fail_with(&error);
    } else if (generation->ignore_stop && writer->n_written != (size_t)generation->max_tokens) {
        status = cli_fail("the context is full after %zu of %d tokens (--context makes it longer)",
                          writer->n_written, (int)generation->max_tokens);
    }
done:
    interrupt_watch(NULL);
    gptoss_sequence_free(sequence);
    return status;
}

// Puts a guide before sampling, where a form was asked for; an exit status.
static int hold(gptoss_model *model, const form_choice *form, const gptoss_guide_options *options,
                gptoss_generation *generation, gptoss_guide **guide_out) {
    gptoss_error error = {0};
    *guide_out = NULL;
    if (!form_given(form)) {
        return CLI_OK;
    }
    if (gptoss_guide_create(gptoss_model_tokenizer(model), options, guide_out, &error)) {
        return cli_fail_with(&error);
    }
    generation->guide = *guide_out;
    generation->ignore_stop = false;
    return CLI_OK;
}

int command_generate(int argc, char **argv) {
    model_choice choice;
    model_choice_default(&choice);
    gptoss_generation generation;
    gptoss_generation_default(&generation);
    generation.ignore_stop = true;
    generation.sampling.temperature = 0;
    form_choice form = {0};
    gptoss_guide_options held;
    gptoss_guide_options_default(&held);
    const option table[] = {
        MODEL_OPTIONS(choice),
        COUNT_OPTION("tokens", "N", 1, 1 << 24, &generation.max_tokens,
                     "how many ids to write (needed)"),
        FORM_OPTIONS(form),
        SAMPLING_OPTIONS(generation.sampling, "default 0: the most probable token"),
        SWITCH_OPTION("speculation", &generation.speculation,
                      "guess from repetitions: the same tokens, sooner; default on"),
    };
    const command_syntax syntax = {
        "generate",
        "",
        "Reads token ids from stdin and writes the N that follow to stdout. No token ends it,\n"
        "except with --schema, --regex or --grammar: then the ids must end where the assistant's\n"
        "turn begins, <|start|>assistant, and it ends with its answer.",
        table,
        sizeof(table) / sizeof(table[0]),
        0};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    if (generation.max_tokens <= 0) {
        return cli_usage("generate", "--tokens is missing");
    }
    int32_t *ids = NULL;
    size_t n_ids = 0;
    gptoss_model *model = NULL;
    id_writer writer = {{stdout, 0}, 0};
    gptoss_guide *guide = NULL;
    status = form_load(&form, "generate", &held);
    if (status == CLI_OK) {
        status = input_ids(&ids, &n_ids);
    }
    if (status == CLI_OK && n_ids == 0) {
        status = cli_fail("standard input: no token ids");
    }
    model_choice_fit(&choice, n_ids + (size_t)generation.max_tokens);
    if (status == CLI_OK && (status = model_load(&choice, &model)) == CLI_OK &&
        (status = hold(model, &form, &held, &generation, &guide)) == CLI_OK) {
        status = generate(model, ids, n_ids, &generation, &writer);
    }
    gptoss_guide_free(guide);
    gptoss_model_close(model);
    buffer_free(&form.text);
    free(ids);
    return output_finish(&writer.out, status);
}
