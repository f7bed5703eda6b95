// serve.c: gptoss serve: the model behind HTTP, until a signal ends it.
#include "cli.h"
#include "interrupt.h"
#include "model.h"
#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct serve_choice {
    model_choice model;
    server_options server;
    const char *key_file;
    int log; // index of logs
    int32_t body_mib, store_mib, drain_seconds;
    char key[512]; // that was read
} serve_choice;

static const char *const logs[] = {"none", "requests", "text", NULL};

// The first line of a file.
static int read_key(serve_choice *choice) {
    FILE *file = fopen(choice->key_file, "r");
    if (!file || !fgets(choice->key, sizeof(choice->key), file)) {
        int status = cli_fail("%s: %s", choice->key_file, errno ? strerror(errno) : "is empty");
        if (file) {
            fclose(file);
        }
        return status;
    }
    fclose(file);
    choice->key[strcspn(choice->key, "\r\n")] = 0;
    choice->server.api_key = choice->key;
    return *choice->key ? CLI_OK : cli_fail("%s: the key is empty", choice->key_file);
}

static int find_key(serve_choice *choice) {
    const char *given = getenv("GPTOSS_API_KEY");
    if (choice->key_file) {
        return choice->server.api_key
                   ? cli_usage("serve", "--api-key and --api-key-file exclude each other")
                   : read_key(choice);
    }
    if (!choice->server.api_key && given && *given) {
        choice->server.api_key = given;
    }
    return CLI_OK;
}

// ---- memory ---------------------------------------------------------------------------------

static size_t available_memory(void) {
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    unsigned long long kib = 0;
    while (file && fgets(line, sizeof(line), file) &&
           sscanf(line, "MemAvailable: %llu", &kib) != 1) {
    }
    if (file) {
        fclose(file);
    }
    return (size_t)kib << 10;
}

// Bytes that must be found for a context; SIZE_MAX when it can't be planned.
static size_t needed(const gptoss_model_options *options, int32_t context, gptoss_plan *plan_out) {
    gptoss_model_options tried = *options;
    tried.context = context;
    return gptoss_model_plan(&tried, plan_out, NULL) ? SIZE_MAX : plan_out->total_bytes;
}

// The longest context that memory allows, up to the model's own: half a step of doubling exact.
static void choose_context(gptoss_model_options *options) {
    enum { LEAST = 2048 };
    gptoss_plan plan;
    if (options->context || needed(options, 0, &plan) == SIZE_MAX) {
        return; // given, or an error that opening will tell
    }
    size_t most = available_memory() / 4 * 3;
    int32_t best = LEAST < plan.max_context ? LEAST : plan.max_context;
    for (int32_t low = best, high = plan.max_context; most && low <= high;) {
        int32_t middle = low + (high - low) / 2;
        gptoss_plan tried;
        if (needed(options, middle, &tried) <= most) {
            best = middle;
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    options->context = best > 4096 && best < plan.max_context ? best / 1024 * 1024 : best;
}

// ---- running --------------------------------------------------------------------------------

static void announce(const server_options *options, const server *server,
                     const gptoss_model *model) {
    gptoss_plan plan;
    gptoss_model_describe(model, &plan);
    bool six = strchr(options->host, ':');
    fprintf(stderr, "gptoss serves %s at http://%s%s%s:%d/v1%s\n", plan.name, six ? "[" : "",
            options->host, six ? "]" : "", (int)server_port(server),
            options->api_key ? ", with an API key" : "");
    fprintf(stderr, "context %d tokens, %d answers at once, %.1f GiB (%.1f GiB of it the cache)\n",
            (int)plan.context, (int)options->parallel, (double)plan.total_bytes / (1 << 30),
            (double)plan.cache_bytes / (1 << 30));
}

static void block_signals(sigset_t *signals) {
    signal(SIGXFSZ, SIG_IGN); // a file that may not grow is a write that fails
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, signals, NULL); // in all threads: this one waits for them
}

// Waits for a signal, at most so long; 0: none came.
static int wait_signal(const sigset_t *signals, double seconds) {
    struct timespec most = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    int signal_number = sigtimedwait(signals, NULL, &most);
    return signal_number > 0 ? signal_number : 0;
}

// Until the first signal; then the running answers are waited for, until the second one.
static int serve(server *server, const serve_choice *choice, const sigset_t *signals) {
    int first = 0, second = 0;
    while (!first) {
        first = wait_signal(signals, 3600);
    }
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    bool empty = server_drain(server, 0);
    if (!empty) {
        fprintf(stderr, "finishing %d answers; once more ends them\n", (int)server_running(server));
    }
    while (!empty && !second) {
        empty = server_drain(server, 0.05);
        second = wait_signal(signals, 0.001);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec >= choice->drain_seconds) {
            break;
        }
    }
    return first == SIGINT || second ? CLI_INTERRUPTED : CLI_OK;
}

static int run(serve_choice *choice) {
    gptoss_model *model = NULL;
    server *server = NULL;
    problem problem = {0};
    model_choice_complete(&choice->model);
    choice->model.options.sequences = choice->server.parallel;
    choose_context(&choice->model.options);
    int status = model_load(&choice->model, &model);
    if (status != CLI_OK) {
        return status;
    }
    sigset_t signals;
    block_signals(&signals);
    if (server_create(&choice->server, model, &server, &problem)) {
        announce(&choice->server, server, model);
        status = serve(server, choice, &signals);
    } else {
        status = cli_fail("%s", problem.message);
    }
    server_free(server);
    gptoss_model_close(model);
    return status;
}

#define MODEL_ROWS(choice)                                                                         \
    TEXT_OPTION("name", "NAME", &(choice).server.model_name,                                       \
                "the model's name for clients; default: its folder's"),                            \
        CHOICE_OPTION("precision", model_precisions, &(choice).model.precision,                    \
                      "fast (default), or exact: the reference"),                                  \
        COUNT_OPTION("threads", "N", 0, 256, &(choice).model.options.threads,                      \
                     "default: one per processor"),                                                \
        COUNT_OPTION("context", "N", 0, 1 << 24, &(choice).model.options.context,                  \
                     "tokens of a conversation; default: what memory allows"),                     \
        COUNT_OPTION("parallel", "N", 1, 1024, &(choice).server.parallel,                          \
                     "answers that are computed at the same time; default 4")

#define ACCESS_ROWS(choice)                                                                        \
    TEXT_OPTION("host", "ADDRESS", &(choice).server.host, "default 127.0.0.1: this machine only"), \
        COUNT_OPTION("port", "N", 0, 65535, &(choice).server.port, "default 8080; 0: a free one"), \
        TEXT_OPTION("api-key", "KEY", &(choice).server.api_key,                                    \
                    "clients must send it (others see it in the process list)"),                   \
        TEXT_OPTION("api-key-file", "FILE", &(choice).key_file,                                    \
                    "its first line is the key; or GPTOSS_API_KEY in the environment"),            \
        FLAG_OPTION("open", &(choice).server.open,                                                 \
                    "let anybody in who reaches --host, without a key"),                           \
        TEXT_OPTION("cors", "ORIGIN", &(choice).server.cors,                                       \
                    "let pages of this origin call the server; * for any"),                        \
        TEXT_OPTION("allow-host", "NAME", &(choice).server.allow_host,                             \
                    "a name besides localhost that clients may use on loopback")

#define LIMIT_ROWS(choice)                                                                         \
    COUNT_OPTION("queue", "N", 0, 65536, &(choice).server.queue,                                   \
                 "requests that may wait; more get 429; default 64"),                              \
        COUNT_OPTION("connections", "N", 1, 65536, &(choice).server.connections,                   \
                     "at the same time; default 512"),                                             \
        COUNT_OPTION("connections-per-address", "N", 0, 65536,                                     \
                     &(choice).server.connections_per_address, "default: no limit"),               \
        COUNT_OPTION("body", "MIB", 1, 1024, &(choice).body_mib, "of one request; default 32"),    \
        COUNT_OPTION("idle", "S", 1, 86400, &(choice).server.idle_seconds,                         \
                     "silent connections and stalled readers are cut; default 60"),                \
        COUNT_OPTION("timeout", "S", 0, 1 << 24, &(choice).server.answer_seconds,                  \
                     "one answer takes at most; default: no limit"),                               \
        COUNT_OPTION("drain", "S", 0, 1 << 24, &(choice).drain_seconds,                            \
                     "running answers get so long after SIGTERM; default 600"),                    \
        COUNT_OPTION("loop", "N", 0, 1 << 24, &(choice).server.loop_tokens,                        \
                     "repeated tokens that end an answer; 0: never; default 1024")

#define STORE_ROWS(choice)                                                                         \
    TEXT_OPTION("store", "FILE", &(choice).server.store,                                           \
                "keep answers of /v1/responses in it; default: in memory, until the end"),         \
        COUNT_OPTION("store-answers", "N", 1, 1 << 24, &(choice).server.store_answers,             \
                     "kept at most, the oldest go; default 10000"),                                \
        COUNT_OPTION("store-mib", "MIB", 1, 1 << 20, &(choice).store_mib,                          \
                     "that they take at most; default 256")

int command_serve(int argc, char **argv) {
    serve_choice choice = {.body_mib = 32, .store_mib = 256, .drain_seconds = 600};
    model_choice_default(&choice.model);
    server_options_default(&choice.server);
    const option table[] = {
        TEXT_OPTION("model", "DIR", &choice.model.options.path,
                    "checkpoint folder, as the argument; without it, the built-in demo model"),
        MODEL_ROWS(choice),
        ACCESS_ROWS(choice),
        LIMIT_ROWS(choice),
        STORE_ROWS(choice),
        TEXT_OPTION("date", "YYYY-MM-DD", &choice.server.date,
                    "shown to the model as today's; off: none; default: the clock's"),
        CHOICE_OPTION("log", logs, &choice.log,
                      "a line for each request on stderr, or all that is said; default none"),
    };
    const command_syntax syntax = {
        "serve",
        "[MODEL]",
        "Answers HTTP as OpenAI's and Anthropic's APIs do (docs/server.md). SIGTERM or Ctrl-C ends "
        "it\nafter the running answers, a second one at once.",
        table,
        sizeof(table) / sizeof(table[0]),
        1};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    if (n == 1) {
        choice.model.options.path = argv[1];
    }
    choice.server.body_bytes = (size_t)choice.body_mib << 20;
    choice.server.store_bytes = (size_t)choice.store_mib << 20;
    choice.server.log = choice.log > 0;
    choice.server.log_text = choice.log > 1;
    status = find_key(&choice);
    return status == CLI_OK ? run(&choice) : status;
}
