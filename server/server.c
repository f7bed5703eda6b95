// server.c: a server's life.
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "http.h"
#include "state.h"

void server_options_default(server_options *options_out) {
    *options_out = (server_options){
        .host = "127.0.0.1",
        .port = 8080,
        .parallel = 4,
        .queue = 64,
        .connections = 512,
        .idle_seconds = 60,
        .body_bytes = (size_t)32 << 20,
        .loop_tokens = 1024,
        .store_answers = 10000,
        .store_bytes = (size_t)256 << 20,
    };
}

double server_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void random_bytes(void *out, size_t length) {
    while (getrandom(out, length, 0) != (ssize_t)length) {
        // interrupted: fewer than 257 bytes come whole or not at all
    }
}

void server_random(char *out, size_t length) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < length;) {
        unsigned char bytes[32];
        random_bytes(bytes, sizeof(bytes));
        for (size_t k = 0; k < sizeof(bytes) && i < length; k++) {
            if (bytes[k] < 4 * 62) { // each letter as often as any other
                out[i++] = letters[bytes[k] % 62];
            }
        }
    }
    out[length] = 0;
}

uint64_t server_random_number(void) {
    uint64_t number;
    random_bytes(&number, sizeof(number));
    return number;
}

static int32_t find_marker(const gptoss_tokenizer *tokenizer, const char *name) {
    int32_t *ids = NULL, id = -1;
    size_t n_ids = 0;
    if (!gptoss_encode(tokenizer, name, strlen(name), true, &ids, &n_ids, NULL) && n_ids == 1) {
        id = ids[0];
    }
    gptoss_free(ids);
    return id;
}

static void find_markers(server *s) {
    s->markers = (server_markers){
        .start = find_marker(s->tokenizer, "<|start|>"),
        .message = find_marker(s->tokenizer, "<|message|>"),
        .channel = find_marker(s->tokenizer, "<|channel|>"),
        .constrain = find_marker(s->tokenizer, "<|constrain|>"),
        .end = find_marker(s->tokenizer, "<|end|>"),
        .call = find_marker(s->tokenizer, "<|call|>"),
        .answered = find_marker(s->tokenizer, "<|return|>"),
        .end_of_text = find_marker(s->tokenizer, "<|endoftext|>"),
    };
}

static void name_model(server *s) {
    const char *name = s->options.model_name;
    bool builtin = strncmp(s->plan.name, "demo (", 6) == 0;
    snprintf(s->name, sizeof(s->name), "%s", name ? name : builtin ? "gpt-oss-demo" : s->plan.name);
}

// The parts below HTTP, from the first on; returns how many are made.
static int make_parts(server *s) {
    enum { SAID_BYTES = 64 << 20 };
    if (!queue_init(&s->queue, s->options.parallel, s->options.queue)) {
        return 0;
    }
    if (!memory_init(&s->memory, SAID_BYTES)) {
        return 1;
    }
    return metrics_init(&s->metrics) ? 3 : 2;
}

static void release_parts(server *s, int n_made) {
    if (n_made > 2) {
        metrics_destroy(&s->metrics);
    }
    if (n_made > 1) {
        memory_destroy(&s->memory);
    }
    if (n_made > 0) {
        queue_destroy(&s->queue);
    }
    store_close(s->store);
    free(s);
}

bool server_create(const server_options *options, gptoss_model *model, server **server_out,
                   problem *problem) {
    *server_out = NULL;
    server *s = calloc(1, sizeof *s);
    if (!s) {
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    s->options = *options;
    s->model = model;
    s->tokenizer = gptoss_model_tokenizer(model);
    gptoss_model_describe(model, &s->plan);
    s->started = time(NULL);
    if (!s->tokenizer) {
        free(s);
        return problem_set(problem, PROBLEM_UNSUPPORTED, "model", "the model has no tokenizer");
    }
    find_markers(s);
    name_model(s);
    int n_made = make_parts(s);
    if (n_made < 3) {
        release_parts(s, n_made);
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    const store_limits limits = {options->store_answers, (int64_t)options->store_bytes};
    if (!store_open(options->store, &limits, &s->store, problem) ||
        !http_start(s, &s->http, problem)) {
        release_parts(s, n_made);
        return false;
    }
    *server_out = s;
    return true;
}

int32_t server_port(const server *s) {
    return http_port(s->http);
}

int32_t server_running(server *s) {
    int32_t running, waiting;
    queue_count(&s->queue, &running, &waiting);
    return running + waiting;
}

bool server_drain(server *s, double seconds) {
    if (!atomic_exchange(&s->draining, true)) {
        http_quiesce(s->http);
    }
    double until = server_now() + seconds;
    bool computed = queue_empty(&s->queue, until);
    // The last words of an answer leave after its turn has ended.
    while (computed && !http_idle(s->http) && server_now() < until) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return computed && http_idle(s->http);
}

void server_free(server *s) {
    if (!s) {
        return;
    }
    atomic_store(&s->draining, true);
    http_stop(s->http);
    release_parts(s, 3);
}
