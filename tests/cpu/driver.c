// Drives a backend without an engine: ids on stdin, one row of float32 logits per token into a
// file. Chunks, batch mates, threads and instruction set (or step) are chosen, so that scripts can
// check that none of them changes a bit.
//
//   driver MODEL OUT backend=cpu|plain precision=exact|fast threads=N set=NAME chunks=a,b,...
//          mates=N time=1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint/checkpoint.h"
#include "cpu/cpu.h"
#include "model/model.h"
#include "plain/plain.h"

enum { MAX_IDS = 1 << 16, MAX_CHUNKS = 64, MAX_MATES = 8 };

typedef struct settings {
    const backend_table *backend;
    backend_options options;
    int chunks[MAX_CHUNKS], n_chunks, mates;
    bool time;
} settings;

typedef struct sequence {
    const int32_t *ids;
    int32_t n, done;
    int32_t *pages;   // [n_pages]; the same numbers for both groups
    int32_t *sliding; // with those that the window left behind made invalid
} sequence;

static void must(gptoss_status status, const gptoss_error *error) {
    if (status) {
        fprintf(stderr, "driver: %s\n", error->message);
        exit(1);
    }
}

static void parse_argument(settings *s, char *text) {
    char *value = strchr(text, '=');
    if (!value)
        exit(2);
    *value++ = 0;
    if (strcmp(text, "precision") == 0)
        s->options.precision = strcmp(value, "exact") == 0 ? BACKEND_EXACT : BACKEND_FAST;
    else if (strcmp(text, "backend") == 0)
        s->backend = strcmp(value, "plain") == 0 ? &plain_backend : &cpu_backend;
    else if (strcmp(text, "threads") == 0)
        s->options.n_threads = atoi(value);
    else if (strcmp(text, "set") == 0)
        s->options.instruction_set = value;
    else if (strcmp(text, "mates") == 0)
        s->mates = atoi(value);
    else if (strcmp(text, "time") == 0)
        s->time = true;
    else if (strcmp(text, "chunks") == 0)
        for (char *part = strtok(value, ","); part && s->n_chunks < MAX_CHUNKS;
             part = strtok(NULL, ","))
            s->chunks[s->n_chunks++] = atoi(part);
    else
        exit(2);
}

// The mates run other ids, and their pages lie between those of the first sequence, backwards.
static void make_sequence(sequence *s, const int32_t *ids, int32_t n, int which, int n_sequences) {
    int32_t n_pages = n / BACKEND_PAGE + 1, *own = malloc((size_t)n * sizeof *own);
    for (int32_t i = 0; i < n; i++)
        own[i] = ids[(i * (which + 1) + which * 7) % n];
    *s = (sequence){.ids = own, .n = n};
    s->pages = malloc((size_t)n_pages * sizeof *s->pages);
    s->sliding = malloc((size_t)n_pages * sizeof *s->sliding);
    for (int32_t i = 0; i < n_pages; i++)
        s->pages[i] = s->sliding[i] = (n_pages - 1 - i) * n_sequences + which;
}

// Adds the next tokens of a sequence to the batch.
static void add_run(sequence *s, int32_t count, int window, backend_run *run, int32_t *ids,
                    int32_t *n) {
    count = count < s->n - s->done ? count : s->n - s->done;
    for (int32_t i = 0; i < (s->done - window + 1) / BACKEND_PAGE; i++)
        s->sliding[i] = -1;
    *run = (backend_run){*n, count, s->done, {s->pages, s->sliding}};
    memcpy(ids + *n, s->ids + s->done, (size_t)count * sizeof *ids);
    *n += count;
    s->done += count;
}

static void run_all(void *handle, const settings *s, const model_config *config,
                    sequence *sequences, FILE *out) {
    gptoss_error error;
    int32_t *ids = malloc(sizeof *ids * (size_t)s->options.max_tokens);
    int32_t *rows = malloc(sizeof *rows * (size_t)s->options.max_tokens);
    size_t vocabulary = (size_t)config->vocabulary;
    sequence *first = &sequences[0];
    for (int step = 0; first->done < first->n; step++) {
        backend_run runs[MAX_MATES + 1];
        int32_t n = 0, n_runs = 0, begin = 0,
                count = s->n_chunks ? s->chunks[step % s->n_chunks] : first->n;
        for (int i = 1; i <= s->mates + 1; i++) { // the first sequence goes last but one
            int which = i == s->mates + 1 ? s->mates : i == s->mates ? 0 : i;
            if (s->mates == 0)
                which = 0;
            sequence *q = &sequences[which];
            if (which == 0)
                begin = n;
            if (q->done < q->n)
                add_run(q, which ? (step + which) % 5 + 1 : count, config->window, &runs[n_runs++],
                        ids, &n);
            if (which == 0)
                count = n - begin;
        }
        for (int32_t i = 0; i < count; i++)
            rows[i] = begin + i;
        backend_batch batch = {n, ids, n_runs, runs, count, rows};
        float *logits = malloc((size_t)count * vocabulary * sizeof *logits);
        double start = base_seconds();
        must(s->backend->forward(handle, &batch, logits, &error), &error);
        if (s->time)
            printf("%d tokens: %.3f ms\n", (int)n, (base_seconds() - start) * 1e3);
        if (out && fwrite(logits, sizeof *logits * vocabulary, (size_t)count, out) != (size_t)count)
            exit(1);
        free(logits);
    }
    free(ids);
    free(rows);
}

static void drive(settings *s, const model_config *config, const model_weights *weights,
                  const int32_t *ids, int32_t n, FILE *out) {
    gptoss_error error;
    void *handle;
    int n_sequences = s->mates + 1;
    sequence sequences[MAX_MATES + 1];
    s->options.max_context = n;
    s->options.max_tokens = n + 5 * s->mates;
    for (int i = 0; i < n_sequences; i++)
        make_sequence(&sequences[i], ids, n, i, n_sequences);
    must(s->backend->open(&s->options, config, weights, &handle, &error), &error);
    double start = base_seconds();
    must(s->backend->load(handle, NULL, NULL, &error), &error);
    int32_t n_pages = (n / BACKEND_PAGE + 1) * n_sequences;
    must(s->backend->cache_create(handle, (int32_t[]){n_pages, n_pages}, &error), &error);
    if (s->time) {
        backend_description d;
        s->backend->describe(handle, &d);
        printf("%s, %s: load %.3f s, weights %.1f MB, scratch %.1f MB\n", d.device, d.kernels,
               base_seconds() - start, (double)d.weight_bytes / 1e6, (double)d.scratch_bytes / 1e6);
    }
    run_all(handle, s, config, sequences, out);
    s->backend->close(handle);
    for (int i = 0; i < n_sequences; i++) {
        free((void *)sequences[i].ids);
        free(sequences[i].pages);
        free(sequences[i].sliding);
    }
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    settings s = {.backend = &cpu_backend, .options = {.precision = BACKEND_FAST, .n_threads = 1}};
    for (int i = 3; i < argc; i++)
        parse_argument(&s, argv[i]);
    if (s.mates > MAX_MATES)
        return 2;
    static int32_t ids[MAX_IDS];
    int32_t n = 0;
    while (n < MAX_IDS && scanf("%d", &ids[n]) == 1)
        n++;
    gptoss_error error;
    checkpoint *file;
    model_config config;
    model_weights weights;
    size_t length;
    must(checkpoint_open(argv[1], &file, &error), &error);
    const char *json = checkpoint_config(file, &length);
    must(model_config_parse(json, length, "config.json", &config, &error), &error);
    must(model_bind(&config, file, &weights, &error), &error);
    FILE *out = strcmp(argv[2], "-") ? fopen(argv[2], "wb") : NULL;
    drive(&s, &config, &weights, ids, n, out);
    if (out)
        fclose(out);
    model_weights_free(&weights);
    checkpoint_close(file);
    return 0;
}
