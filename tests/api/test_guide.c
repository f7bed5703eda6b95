// Turns under a guide through the whole engine: at a temperature at which the model says anything,
// every turn is well-formed, calls are those of declared tools with arguments in JSON, choices are
// kept, several calls come one behind the other and leave no token too many, and guesses change
// nothing.
#include "api.h"

#include <jansson.h>

enum { N_SEEDS = 40, N_BIAS = 8 };

static gptoss_model *model;
static gptoss_logit_bias bias[N_BIAS];

static const char tools[] = "[{\"name\": \"get\", \"parameters\": {\"type\": \"object\"}},"
                            "{\"type\": \"function\", \"function\": {\"name\": \"get_weather\"}},"
                            "{\"type\": \"custom\", \"name\": \"patch\"}, {\"type\": \"python\"},"
                            "{\"type\": \"browser\"}]";
static const char *const recipients[] = {
    "functions.get",  "functions.get_weather", "functions.patch", "python",
    "browser.search", "browser.open",          "browser.find"};

typedef struct turn {
    int n_calls, n_finals, n_reasoned, n_messages;
    int n_analysis; // tokens of analysis, its end among them
    bool irregular;
    gptoss_finish finish;
    char channel[16], recipient[64];
    char text[1 << 16];
    size_t length;
    int32_t ids[1 << 12];
    size_t n_ids;
} turn;

static bool declared(const char *recipient) {
    for (size_t i = 0; i < sizeof recipients / sizeof *recipients; i++) {
        if (!strcmp(recipient, recipients[i]))
            return true;
    }
    return false;
}

static void check_arguments(const turn *t) {
    bool text = !strcmp(t->recipient, "python") || !strcmp(t->recipient, "functions.patch");
    json_error_t why;
    json_t *value = json_loadb(t->text, t->length, 0, &why);
    CHECK(text || json_is_object(value), "%s got %.*s: %s", t->recipient, (int)t->length, t->text,
          why.text);
    json_decref(value);
}

static void see(turn *t, const gptoss_event *event) {
    switch (event->kind) {
    case GPTOSS_EVENT_TOKEN:
        CHECK(t->n_ids < sizeof t->ids / sizeof *t->ids, "too many tokens");
        t->ids[t->n_ids++] = event->id;
        t->n_analysis += !strcmp(t->channel, "analysis") && !t->recipient[0];
        break;
    case GPTOSS_EVENT_OPEN:
        CHECK(event->channel && !strcmp(event->role, "assistant"), "a message without a channel");
        snprintf(t->channel, sizeof t->channel, "%s", event->channel);
        snprintf(t->recipient, sizeof t->recipient, "%s", event->recipient ? event->recipient : "");
        CHECK(!event->recipient || declared(event->recipient), "a call of %s", event->recipient);
        t->length = 0;
        break;
    case GPTOSS_EVENT_TEXT:
        CHECK(t->length + event->text_length < sizeof t->text, "too much text");
        memcpy(t->text + t->length, event->text, event->text_length);
        t->length += event->text_length;
        break;
    case GPTOSS_EVENT_CLOSE:
        t->irregular |= event->irregular;
        t->n_calls += event->recipient != NULL;
        t->n_finals += !strcmp(event->channel, "final");
        t->n_messages++;
        t->channel[0] = 0;
        break;
    case GPTOSS_EVENT_DONE:
        t->finish = event->finish;
        break;
    case GPTOSS_EVENT_PROGRESS:
        break;
    }
    bool whole = event->kind == GPTOSS_EVENT_CLOSE && !event->irregular;
    if (whole && event->recipient)
        check_arguments(t);
}

static gptoss_guide *make(gptoss_guide_options o) {
    gptoss_guide *guide;
    OK(gptoss_guide_create(gptoss_model_tokenizer(model), &o, &guide, error));
    return guide;
}

static gptoss_generation wild(const gptoss_guide *guide, uint64_t seed, float temperature) {
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.guide = guide;
    g.sampling.temperature = temperature;
    g.sampling.seed = seed;
    g.sampling.bias = bias;
    g.sampling.n_bias = N_BIAS;
    g.max_tokens = 400;
    return g;
}

// The whole turn; the sequence ends with its last token.
static void run(turn *t, const gptoss_generation *g, int number) {
    gptoss_sequence *s = asked(model, number);
    size_t before = gptoss_sequence_length(s);
    gptoss_event event;
    *t = (turn){0};
    OK(gptoss_start(s, g, error));
    do {
        OK(gptoss_next(s, &event, error));
        see(t, &event);
    } while (event.kind != GPTOSS_EVENT_DONE);
    size_t length = gptoss_sequence_length(s);
    CHECK(length == before + t->n_ids, "%zu tokens were told, and the sequence has %zu more",
          t->n_ids, length - before);
    CHECK(!memcmp(gptoss_sequence_ids(s) + before, t->ids, t->n_ids * sizeof *t->ids),
          "the sequence has other tokens than were told");
    if (t->finish != GPTOSS_FINISH_LENGTH)
        CHECK(!t->irregular, "an irregular message in a turn of %zu tokens", t->n_ids);
    gptoss_sequence_free(s);
}

static turn t, again;

static int any_turn_is_sound(void) {
    gptoss_guide *guide = make((gptoss_guide_options){.tools = tools, .max_calls = 1});
    int n_whole = 0, n_calls = 0;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        gptoss_generation g = wild(guide, seed, 100);
        run(&t, &g, (int)seed);
        n_whole += t.finish != GPTOSS_FINISH_LENGTH;
        n_calls += t.n_calls;
        if (t.finish == GPTOSS_FINISH_CALL)
            CHECK(t.n_calls == 1 && !t.n_finals, "%d calls, %d answers", t.n_calls, t.n_finals);
        if (t.finish == GPTOSS_FINISH_RETURN)
            CHECK(t.n_finals == 1 && !t.n_calls, "%d answers, %d calls", t.n_finals, t.n_calls);
    }
    CHECK(n_whole > N_SEEDS / 2 && n_calls > 3, "%d turns ended, %d calls", n_whole, n_calls);
    gptoss_guide_free(guide);
    return n_whole;
}

static void choices_are_kept(void) {
    gptoss_guide *none = make((gptoss_guide_options){.tools = tools, .choice = GPTOSS_TOOLS_NONE});
    gptoss_guide *named = make((gptoss_guide_options){.tools = tools,
                                                      .choice = GPTOSS_TOOLS_NAMED,
                                                      .chosen = "get_weather",
                                                      .max_reasoning_tokens = 7});
    gptoss_guide *object =
        make((gptoss_guide_options){.form = GPTOSS_FORM_JSON_OBJECT, .max_reasoning_tokens = -1});
    for (uint64_t seed = 0; seed < N_SEEDS / 2; seed++) {
        gptoss_generation g = wild(none, seed, 100);
        run(&t, &g, 1);
        CHECK(t.n_calls == 0, "a call");
        g.guide = named;
        run(&t, &g, 1);
        CHECK(t.n_finals == 0, "an answer instead of a call");
        if (t.finish == GPTOSS_FINISH_CALL)
            CHECK(!strcmp(t.recipient, "functions.get_weather"), "a call of %s", t.recipient);
        CHECK(t.n_analysis <= 7 + 3 + t.n_messages, "%d tokens of analysis", t.n_analysis);
        g.guide = object;
        run(&t, &g, 1);
        if (t.finish == GPTOSS_FINISH_RETURN) {
            json_t *value = json_loadb(t.text, t.length, 0, NULL);
            CHECK(json_is_object(value) && t.n_messages == 1, "%.*s", (int)t.length, t.text);
            json_decref(value);
        }
    }
    gptoss_guide_free(none);
    gptoss_guide_free(named);
    gptoss_guide_free(object);
}

static void calls_follow_calls(void) {
    gptoss_guide *guide = make(
        (gptoss_guide_options){.tools = tools, .choice = GPTOSS_TOOLS_REQUIRED, .max_calls = 3});
    int most = 0, least = 3;
    for (uint64_t seed = 0; seed < N_SEEDS; seed++) {
        gptoss_generation g = wild(guide, seed, 100);
        run(&t, &g, 1);
        if (t.finish == GPTOSS_FINISH_LENGTH)
            continue;
        CHECK(t.finish == GPTOSS_FINISH_CALL && t.n_calls >= 1 && t.n_calls <= 3, "%d calls",
              t.n_calls);
        most = t.n_calls > most ? t.n_calls : most;
        least = t.n_calls < least ? t.n_calls : least;
    }
    CHECK(most > 1 && least == 1, "turns have %d to %d calls: both ends must be seen", least, most);
    gptoss_guide_free(guide);
}

// The same tokens, with guesses and without.
static void guesses_change_nothing(void) {
    gptoss_guide *guide = make((gptoss_guide_options){.tools = tools, .max_calls = 3});
    for (int number = 0; number < 12; number++) {
        gptoss_generation g = wild(guide, (uint64_t)number, number % 2 ? 1 : 100);
        g.sampling.n_bias = number % 3 ? N_BIAS : 0;
        run(&t, &g, number);
        g.speculation = false;
        run(&again, &g, number);
        CHECK(t.n_ids == again.n_ids && !memcmp(t.ids, again.ids, t.n_ids * sizeof *t.ids),
              "number %d: other tokens without guesses", number);
    }
    gptoss_guide_free(guide);
}

// What the model says well by itself, a guide leaves as it is.
static void good_answers_stay(void) {
    gptoss_guide *guide = make((gptoss_guide_options){.max_calls = 1});
    for (int number = 0; number < 5; number++) {
        gptoss_generation g = wild(NULL, 0, 0);
        g.sampling.n_bias = 0;
        run(&t, &g, number);
        g.guide = guide;
        run(&again, &g, number);
        CHECK(t.n_ids == again.n_ids && !memcmp(t.ids, again.ids, t.n_ids * sizeof *t.ids),
              "question %d is answered in another way", number);
    }
    gptoss_guide_free(guide);
}

static void nothing(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                    int32_t vocabulary) {
    (void)ids;
    (void)n_ids;
    ++*(int *)context;
    memset(allowed, 0, ((size_t)vocabulary + 31) / 32 * sizeof *allowed);
}

static void a_mask_gives_way(void) {
    gptoss_guide *guide = make((gptoss_guide_options){.max_calls = 1});
    gptoss_generation g = wild(guide, 3, 0);
    int n = 0;
    g.sampling.mask = nothing;
    g.sampling.mask_context = &n;
    run(&t, &g, 1);
    CHECK(t.n_ids > 0 && n > 0, "the caller's mask was not asked");
    gptoss_guide_free(guide);
}

static void refuse(gptoss_guide_options o, gptoss_status wanted, const char *said) {
    gptoss_error error = {0};
    gptoss_guide *guide;
    gptoss_status status = gptoss_guide_create(gptoss_model_tokenizer(model), &o, &guide, &error);
    CHECK(status == wanted && !guide && strstr(error.message, said), "%s: status %d: %s", said,
          (int)status, error.message);
}

static void mistakes_are_told(void) {
    refuse((gptoss_guide_options){.tools = "{}"}, GPTOSS_BAD_INPUT, "list");
    refuse((gptoss_guide_options){.tools = "[{\"name\": \"a b\"}]"}, GPTOSS_BAD_INPUT, "tool 0");
    refuse((gptoss_guide_options){.choice = GPTOSS_TOOLS_REQUIRED}, GPTOSS_BAD_ARGUMENT, "tools");
    refuse((gptoss_guide_options){.tools = tools, .choice = GPTOSS_TOOLS_NAMED, .chosen = "ge"},
           GPTOSS_BAD_ARGUMENT, "ge");
    refuse((gptoss_guide_options){.form = GPTOSS_FORM_REGEX}, GPTOSS_BAD_ARGUMENT, "text");
    refuse((gptoss_guide_options){.choice = (gptoss_tool_choice)9}, GPTOSS_BAD_ARGUMENT, "choice");
    gptoss_error why = {0};
    gptoss_guide *guide = make((gptoss_guide_options){.max_calls = 1});
    gptoss_generation g = wild(guide, 0, 0);
    gptoss_sequence *s = asked(model, 1);
    OK(gptoss_push(s, &bias[0].id, 1, error));
    CHECK(gptoss_start(s, &g, &why) == GPTOSS_BAD_ARGUMENT, "a guide began within a message");
    gptoss_sequence_free(s);
    gptoss_guide_free(guide);
}

// Makes ends likely where they are allowed, and objects short.
static void fill_bias(void) {
    static const char *const liked[N_BIAS] = {"<|call|>",  "<|return|>", "<|end|>", "}",
                                              "assistant", "{",          "=",       "<|message|>"};
    for (int i = 0; i < N_BIAS; i++) {
        int32_t *ids;
        size_t n;
        OK(gptoss_encode(gptoss_model_tokenizer(model), liked[i], strlen(liked[i]), true, &ids, &n,
                         error));
        bias[i] = (gptoss_logit_bias){ids[0], 500};
        gptoss_free(ids);
    }
}

int main(void) {
    model = open_model(GPTOSS_FAST, 1, 64, 1024);
    fill_bias();
    int n = any_turn_is_sound();
    choices_are_kept();
    calls_follow_calls();
    guesses_change_nothing();
    good_answers_stay();
    a_mask_gives_way();
    mistakes_are_told();
    printf("%d of %d wild turns ended, all sound\n", n, N_SEEDS);
    gptoss_model_close(model);
    return 0;
}
