// What guessing gains and costs, on any model: tokens per second with it and without, of a text
// that is a copy of its prompt with an edit now and then, of one that never repeats itself, and of
// what the model says by itself. A mask makes it say the first two, so that a random model does
// too. Not a test: it prints figures.
//
//   test_api_speculation_speed [MODEL|-] [TOKENS] [REPEAT] [fast|exact]
#include "api.h"

enum { PROMPT = 300, EDIT_EVERY = 40, MOST_REPEATS = 100 };

typedef struct script {
    int32_t *ids; // [n] what is said
    size_t n;
} script;

static void say(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                int32_t vocabulary) {
    (void)ids;
    const script *s = context;
    memset(allowed, 0, ((size_t)vocabulary + 31) / 32 * sizeof *allowed);
    int32_t id = s->ids[n_ids % s->n];
    allowed[id / 32] |= 1u << (id % 32);
}

static gptoss_model *open_path(const char *path, gptoss_precision precision) {
    gptoss_model_options options;
    gptoss_model_options_default(&options);
    options.path = path;
    options.context = 4096;
    options.sequences = 2;
    options.precision = precision;
    options.instruction_set = getenv("GPTOSS_CPU");
    gptoss_model *model;
    OK(gptoss_model_open(&options, &model, error));
    return model;
}

// Seconds from the first token to the last, on a fork, so that no measurement learns from another.
static double measure(const gptoss_sequence *prompt, script *s, bool speculation,
                      gptoss_stats *stats_out) {
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.sampling.temperature = 0;
    g.sampling.mask = s->ids ? say : NULL;
    g.sampling.mask_context = s;
    g.max_tokens = (int32_t)s->n;
    g.speculation = speculation;
    g.ignore_stop = true;
    gptoss_sequence *sequence;
    OK(gptoss_fork(prompt, &sequence, error));
    OK(gptoss_start(sequence, &g, error));
    gptoss_event event;
    do
        OK(gptoss_next(sequence, &event, error));
    while (event.kind != GPTOSS_EVENT_DONE);
    gptoss_sequence_stats(sequence, stats_out);
    gptoss_sequence_free(sequence);
    return stats_out->sample_seconds;
}

static int ascending(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

// With and without in turns, now this first and now that, so that a disturbance meets both.
static void compare(const gptoss_sequence *prompt, const char *name, script *s, int repeat) {
    double without[MOST_REPEATS], with[MOST_REPEATS], gains[MOST_REPEATS], n = (double)s->n - 1;
    size_t guessed = 0, right = 0;
    gptoss_stats stats;
    for (int i = 0; i < repeat; i++) {
        if (i % 2)
            without[i] = n / measure(prompt, s, false, &stats);
        with[i] = n / measure(prompt, s, true, &stats);
        guessed = stats.guessed_tokens;
        right = stats.right_guesses;
        if (i % 2 == 0)
            without[i] = n / measure(prompt, s, false, &stats);
        gains[i] = with[i] / without[i];
    }
    qsort(without, (size_t)repeat, sizeof *without, ascending);
    qsort(with, (size_t)repeat, sizeof *with, ascending);
    qsort(gains, (size_t)repeat, sizeof *gains, ascending);
    printf(
        "%-18s %9.2f tokens/s without, %9.2f with: %.2f times (%.2f to %.2f); %zu of %zu guesses "
        "right\n",
        name, without[repeat / 2], with[repeat / 2], gains[repeat / 2], gains[0], gains[repeat - 1],
        right, guessed);
    fflush(stdout);
}

static void read_prompt(gptoss_sequence *sequence) {
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.max_tokens = 1;
    gptoss_event event = {0};
    OK(gptoss_start(sequence, &g, error));
    while (event.kind != GPTOSS_EVENT_DONE)
        OK(gptoss_next(sequence, &event, error));
    OK(gptoss_truncate(sequence, PROMPT, error));
}

int main(int argc, char **argv) {
    const char *path = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    size_t n = argc > 2 ? (size_t)atoi(argv[2]) : 500;
    int repeat = argc > 3 ? atoi(argv[3]) : 3;
    CHECK(n > 1 && repeat > 0 && repeat <= MOST_REPEATS, "TOKENS from 2, REPEAT 1 to 100");
    gptoss_precision precision =
        argc > 4 && strcmp(argv[4], "exact") == 0 ? GPTOSS_EXACT : GPTOSS_FAST;
    gptoss_model *model = open_path(path, precision);
    gptoss_plan plan;
    gptoss_model_describe(model, &plan);
    printf("%s, %s, %s, %d threads\n", plan.name, plan.device, plan.kernels, plan.threads);
    int32_t prompt[PROMPT], *said = malloc(n * sizeof *said);
    uint32_t state = 7;
    for (size_t i = 0; i < PROMPT + n; i++) {
        state = state * 1664525u + 1013904223u;
        *(i < PROMPT ? prompt + i : said + i - PROMPT) =
            (int32_t)((state >> 8) % (uint32_t)plan.vocabulary);
    }
    gptoss_sequence *sequence;
    OK(gptoss_sequence_create(model, &sequence, error));
    OK(gptoss_push(sequence, prompt, PROMPT, error));
    read_prompt(sequence);
    script s = {said, n}, own = {NULL, n};
    compare(sequence, "never repeated", &s, repeat);
    for (size_t i = 0; i < n; i++) {
        if (i % EDIT_EVERY != EDIT_EVERY - 1)
            said[i] = prompt[i % PROMPT];
    }
    compare(sequence, "a copy with edits", &s, repeat);
    compare(sequence, "the model's own", &own, repeat);
    gptoss_sequence_free(sequence);
    gptoss_model_close(model);
    free(said);
    return 0;
}
