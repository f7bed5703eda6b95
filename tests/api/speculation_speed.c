// What guessing gains and costs, on any model: tokens per second with it and without, of a text
// that is a copy of its prompt with an edit now and then, of one that never repeats itself, and of
// what the model says by itself. A mask makes it say the first two, so that a random model does
// too. Not a test: it prints figures.
//
//   test_api_speculation_speed [MODEL|-] [TOKENS] [REPEAT] [fast|exact]
#include "api.h"

enum { PROMPT = 300, EDIT_EVERY = 40 };

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

static gptoss_model *open_with(const char *path, bool speculation, gptoss_precision precision) {
    gptoss_model_options options;
    gptoss_model_options_default(&options);
    options.path = path;
    options.context = 4096;
    options.precision = precision;
    options.speculation = speculation;
    options.instruction_set = getenv("GPTOSS_CPU");
    gptoss_model *model;
    OK(gptoss_model_open(&options, &model, error));
    return model;
}

static gptoss_stats measure(gptoss_sequence *sequence, script *s) {
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.sampling.temperature = 0;
    g.sampling.mask = s->ids ? say : NULL;
    g.sampling.mask_context = s;
    g.max_tokens = (int32_t)s->n;
    g.ignore_stop = true;
    OK(gptoss_start(sequence, &g, error));
    gptoss_event event;
    do
        OK(gptoss_next(sequence, &event, error));
    while (event.kind != GPTOSS_EVENT_DONE);
    gptoss_stats stats;
    gptoss_sequence_stats(sequence, &stats);
    OK(gptoss_truncate(sequence, PROMPT, error));
    return stats;
}

static void compare(gptoss_sequence *sequences[2], const char *name, script *s, int repeat) {
    for (int i = 0; i < repeat; i++) {
        gptoss_stats off = measure(sequences[0], s), on = measure(sequences[1], s);
        // The first token belongs to the prompt's time.
        double n = (double)s->n - 1, without = n / off.sample_seconds, with = n / on.sample_seconds;
        printf("%s: %.2f tokens/s without, %.2f with: %.3f times; %zu of %zu guesses right\n", name,
               without, with, with / without, on.right_guesses, on.guessed_tokens);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    const char *path = argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL;
    size_t n = argc > 2 ? (size_t)atoi(argv[2]) : 500;
    int repeat = argc > 3 ? atoi(argv[3]) : 3;
    gptoss_precision precision =
        argc > 4 && strcmp(argv[4], "exact") == 0 ? GPTOSS_EXACT : GPTOSS_FAST;
    gptoss_model *models[2] = {open_with(path, false, precision), open_with(path, true, precision)};
    gptoss_plan plan;
    gptoss_model_describe(models[0], &plan);
    printf("%s, %s, %s, %d threads\n", plan.name, plan.device, plan.kernels, plan.threads);
    int32_t prompt[PROMPT], *said = malloc(n * sizeof *said);
    uint32_t state = 7;
    for (size_t i = 0; i < PROMPT + n; i++) {
        state = state * 1664525u + 1013904223u;
        *(i < PROMPT ? prompt + i : said + i - PROMPT) =
            (int32_t)((state >> 8) % (uint32_t)plan.vocabulary);
    }
    gptoss_sequence *sequences[2];
    for (int i = 0; i < 2; i++) {
        OK(gptoss_sequence_create(models[i], &sequences[i], error));
        OK(gptoss_push(sequences[i], prompt, PROMPT, error));
        (void)measure(sequences[i], &(script){said, 2}); // the prompt
    }
    script s = {said, n}, own = {NULL, n};
    compare(sequences, "never repeated", &s, repeat);
    for (size_t i = 0; i < n; i++) {
        if (i % EDIT_EVERY != EDIT_EVERY - 1)
            said[i] = prompt[i % PROMPT];
    }
    compare(sequences, "a copy with edits", &s, repeat);
    compare(sequences, "the model's own", &own, repeat);
    for (int i = 0; i < 2; i++) {
        gptoss_sequence_free(sequences[i]);
        gptoss_model_close(models[i]);
    }
    free(said);
    return 0;
}
