// Every header that a guide lets through, one by one: from each place some token leads on, each end
// is read by the parser without a complaint, the tokenizer's own spelling of every usual header is
// among them, and so is each name letter by letter.
#include "walk.h"

static const guide_tool tools[] = {
    {.recipient = {"functions.get", 13}, .json = true},
    {.recipient = {"functions.get_x", 15}, .json = true},
    {.recipient = {"python", 6}, .in_analysis = true},
};
static const guide_options options = {.tools = tools, .n_tools = 3};
static const guide_options json_answer = {.answer = {.held = true, .kind = GRAMMAR_JSON_OBJECT}};

typedef struct place {
    int32_t *ids; // [n_ids] behind <|start|>
    size_t n_ids;
    char *text; // what they spell
} place;

typedef struct places {
    place *items; // [length]
    size_t length, capacity;
} places;

static harmony *h;
static tokenizer *t;

// The place behind `from` and one more token, if its text is a new one.
static void reach(places *all, const place *from, int32_t id) {
    base_buffer text = {0};
    size_t length;
    const char *bytes = tokenizer_bytes(t, id, &length);
    CHECK(base_buffer_text(&text, from->text) && base_buffer_append(&text, bytes, length),
          "memory");
    for (size_t i = 0; i < all->length; i++) {
        if (!strcmp(all->items[i].text, text.data)) {
            base_buffer_free(&text);
            return;
        }
    }
    int32_t *ids = base_alloc(from->n_ids + 1, sizeof *ids);
    CHECK(ids, "memory");
    if (from->n_ids)
        memcpy(ids, from->ids, from->n_ids * sizeof *ids);
    ids[from->n_ids] = id;
    if (all->length == all->capacity) {
        all->capacity = 2 * all->capacity + 64;
        all->items = base_resize(all->items, all->capacity, sizeof *all->items);
        CHECK(all->items, "memory");
    }
    all->items[all->length++] = (place){ids, from->n_ids + 1, text.data};
}

// A complete header must be read as one message without irregularities.
static void check_end(const place *p, bool *is_call_out) {
    harmony_parser *parser;
    harmony_event event = {0};
    CHECK(!harmony_parser_create(h, -1, &parser, NULL), "memory");
    CHECK(!harmony_parser_push(parser, harmony_marker_id(h, HARMONY_MARK_START), NULL), "memory");
    for (size_t i = 0; i < p->n_ids; i++)
        CHECK(!harmony_parser_push(parser, p->ids[i], NULL), "memory");
    CHECK(harmony_parser_next(parser, &event) && event.kind == HARMONY_EVENT_OPEN, "%s: no header",
          p->text);
    CHECK(!harmony_parser_irregularities(parser), "%s: %s", p->text,
          harmony_irregular_name(harmony_parser_irregularity(parser, 0).bit));
    *is_call_out = event.recipient.data != NULL;
    CHECK(event.role == HARMONY_ASSISTANT && event.channel.data, "%s: no channel", p->text);
    CHECK(text_is(event.channel, "analysis") || text_is(event.channel, "commentary") ||
              text_is(event.channel, "final"),
          "%s: channel %.*s", p->text, (int)event.channel.length, event.channel.data);
    if (*is_call_out)
        CHECK(text_is(event.recipient, "functions.get") ||
                  text_is(event.recipient, "functions.get_x") || text_is(event.recipient, "python"),
              "%s: recipient %.*s", p->text, (int)event.recipient.length, event.recipient.data);
    harmony_parser_free(parser);
}

static void explore(const guide *g, size_t *n_ends_out, size_t *n_places_out) {
    places all = {0};
    place start = {NULL, 0, ""};
    int32_t message = harmony_marker_id(h, HARMONY_MARK_MESSAGE);
    walk w;
    *n_ends_out = 0;
    for (size_t i = 0; i <= all.length; i++) {
        place p = i ? all.items[i - 1] : start;
        if (p.n_ids && p.ids[p.n_ids - 1] == message) {
            bool call;
            check_end(&p, &call);
            ++*n_ends_out;
            continue;
        }
        walk_begin(&w, h, g, 1, TASTE_UNIFORM);
        for (size_t j = 0; j < p.n_ids; j++)
            CHECK(!guide_accept(w.state, p.ids[j], NULL), "%s: token %zu", p.text, j);
        walk_mask(&w);
        for (int32_t id = 0; id < w.vocabulary; id++) {
            bool accepted = walk_allows(&w, id);
            CHECK(!accepted || tokenizer_bytes(t, id, &(size_t){0}), "id %d is no token", id);
            if (accepted)
                reach(&all, &p, id);
        }
        walk_end(&w);
    }
    *n_places_out = all.length + 1;
    for (size_t i = 0; i < all.length; i++) {
        base_free(all.items[i].ids);
        base_free(all.items[i].text);
    }
    base_free(all.items);
}

// Whether the guide takes this text, cut by the tokenizer or (bytes) into single bytes.
static bool takes(const guide *g, const char *text, bool bytes) {
    guide_state *state;
    base_ids ids = {0};
    CHECK(!guide_state_create(g, &state, NULL), "memory");
    CHECK(!tokenizer_encode(t, text, strlen(text), TOKENIZER_SPECIAL, &ids, NULL), "memory");
    bool good = true;
    for (size_t i = 0; good && i < ids.length; i++) {
        size_t length;
        const char *part = tokenizer_bytes(t, ids.data[i], &length);
        if (!bytes || tokenizer_is_special(t, ids.data[i])) {
            good = !guide_accept(state, ids.data[i], NULL);
            continue;
        }
        for (size_t j = 0; good && j < length; j++)
            good = !guide_accept(state, tokenizer_find(t, part + j, 1), NULL);
    }
    base_ids_free(&ids);
    guide_state_free(state);
    return good;
}

static const char *const usual[] = {
    "assistant<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|"
    ">",
    "assistant<|channel|>commentary<|message|>I look.<|end|><|start|>assistant",
    "assistant<|channel|>commentary to=functions.get <|constrain|>json<|message|>{}<|call|>",
    "assistant<|channel|>commentary to=functions.get<|constrain|>json<|message|>{}<|call|>",
    "assistant<|channel|>commentary to=functions.get_x json<|message|>{}<|call|>",
    "assistant<|channel|>commentary to=functions.get<|message|>{}<|call|>",
    "assistant<|channel|>commentary to=functions.get code<|message|>{}<|call|>",
    "assistant to=functions.get<|channel|>commentary <|constrain|>json<|message|>{}<|call|>",
    "assistant to=functions.get_x<|channel|>commentary json<|message|>{}<|call|>",
    "assistant to=functions.get<|channel|>commentary<|message|>{}<|call|>",
    "assistant<|channel|>analysis to=python code<|message|>print(1)<|call|>",
    "assistant to=python<|channel|>analysis code<|message|>print(1)<|call|>",
    "assistant<|channel|>commentary to=python<|message|>print(1)<|call|>",
};
static const char *const wrong[] = {
    "assistant<|message|>",
    "assistant<|channel|><|message|>",
    "assistant<|channel|>analysi<|message|>",
    "assistant<|channel|>finals",
    "assistant <|channel|>",
    "assistant<|channel|>final<|constrain|>json",
    "assistant<|channel|>final to=functions.get",
    "assistant<|channel|>analysis to=functions.get",
    "assistant to=functions.get<|channel|>analysis",
    "assistant to=functions.get<|channel|>final",
    "assistant to=functions.ge<|channel|>",
    "assistant to=functions.get_<|channel|>",
    "assistant to=functions.gets",
    "assistant to=functions.get to=",
    "assistant to=functions.get<|message|>",
    "assistant<|channel|>commentary to=functions.get  json",
    "assistant<|channel|>commentary to=functions.get text",
    "assistant<|channel|>commentary<|constrain|>",
    "user",
    "functions.get",
    "<|start|>",
    "assistant<|start|>",
    "assistant<|channel|>final<|message|>x<|end|>",
    "assistant<|channel|>final<|message|>x<|call|>",
    "assistant<|channel|>final<|message|>x<|channel|>",
    "assistant<|channel|>final<|message|>x<|message|>",
    "assistant<|channel|>final<|message|>x<|constrain|>",
    "assistant<|channel|>final<|message|>x<|start|>",
    "assistant<|channel|>final<|message|>x<|endoftext|>",
    "assistant<|channel|>analysis<|message|>x<|return|>",
    "assistant<|channel|>analysis<|message|>x<|call|>",
    "assistant<|channel|>commentary<|message|>x<|call|>",
    "assistant<|channel|>commentary to=functions.get<|message|>{}<|end|>",
    "assistant<|channel|>commentary to=functions.get<|message|>{}<|return|>",
    "assistant<|channel|>analysis<|message|>x<|end|>y",
    "assistant<|channel|>analysis<|message|>x<|end|><|channel|>",
    "assistant<|channel|>analysis<|message|>x<|end|><|start|>user",
};

int main(void) {
    gptoss_error error = {0};
    guide_library *library;
    guide *g, *answer;
    CHECK(!tokenizer_open_builtin(&t, &error), "%s", error.message);
    CHECK(!harmony_open(t, &h, &error), "%s", error.message);
    CHECK(!guide_library_create(h, &library, &error), "%s", error.message);
    CHECK(!guide_create(library, &options, &g, &error), "%s", error.message);
    CHECK(!guide_create(library, &json_answer, &answer, &error), "%s", error.message);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        CHECK(takes(g, usual[i], false), "refused: %s", usual[i]);
        CHECK(takes(g, usual[i], true), "refused letter by letter: %s", usual[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!takes(g, wrong[i], i % 2), "not refused: %s", wrong[i]);
    CHECK(takes(answer, "assistant<|channel|>final <|constrain|>json<|message|>{}<|return|>", true),
          "an answer in JSON may not say so");
    size_t n_ends, n_places;
    explore(g, &n_ends, &n_places);
    // 3 messages without a recipient; 5 labels, and none, ... of json tools, and of python in both
    // channels, each in both orders. Labels: blank or not before <|constrain|>, or bare.
    CHECK(n_ends == 3 + 2 * (2 * 7 + 2 * 7), "%zu headers", n_ends);
    printf("%zu headers over %zu places\n", n_ends, n_places);
    explore(answer, &n_ends, &n_places);
    CHECK(n_ends == 5, "%zu headers without tools", n_ends);
    guide_free(g);
    guide_free(answer);
    guide_library_free(library);
    harmony_close(h);
    tokenizer_close(t);
    return 0;
}
