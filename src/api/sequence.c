// Sequences for callers: engine results and Harmony events as one stream.
#include "api/internal.h"

#include <string.h>

// The header of the message that is open, as NUL-terminated strings.
typedef struct header_text {
    base_buffer channel, recipient, content_type;
    bool has_channel, has_recipient, has_content_type;
} header_text;

struct gptoss_sequence {
    gptoss_model *model;
    engine_sequence *engine;
    harmony_parser *parser; // of the last generation; NULL with ignore_stop, or before the first
    bool parser_finished;
    bool started;         // between gptoss_start and DONE
    engine_finish finish; // ENGINE_RUNNING until the engine said otherwise
    api_turn *turn;       // of the last generation, if it had a guide
    bool turn_stops;      // and ends where the turn does
    bool has_waiting;     // `waiting` is the next token
    engine_result waiting;
    header_text header;
    base_buffer text;
    engine_result result; // holds the top tokens of the last TOKEN event
    gptoss_stats stats;
    double mark; // when the present phase of the generation began
};

gptoss_status gptoss_sequence_create(gptoss_model *model, gptoss_sequence **sequence_out,
                                     gptoss_error *error) {
    *sequence_out = NULL;
    gptoss_sequence *s = base_alloc_zero(1, sizeof *s);
    if (!s)
        return base_fail_memory(error, sizeof *s);
    s->model = model;
    gptoss_status status = engine_sequence_create(model->engine, &s->engine, error);
    if (status != GPTOSS_OK) {
        base_free(s);
        return status;
    }
    *sequence_out = s;
    return GPTOSS_OK;
}

void gptoss_sequence_free(gptoss_sequence *s) {
    if (!s)
        return;
    engine_sequence_free(s->engine);
    api_turn_free(s->turn);
    harmony_parser_free(s->parser);
    base_buffer_free(&s->header.channel);
    base_buffer_free(&s->header.recipient);
    base_buffer_free(&s->header.content_type);
    base_buffer_free(&s->text);
    base_free(s);
}

gptoss_status gptoss_push(gptoss_sequence *s, const int32_t *ids, size_t n_ids,
                          gptoss_error *error) {
    return engine_push(s->engine, ids, n_ids, error);
}

// Replaces the tokens by ids, keeping the common beginning.
static gptoss_status replace(gptoss_sequence *s, const base_ids *ids, gptoss_error *error) {
    int32_t context = s->model->engine_options.context;
    if (ids->length >= (size_t)context)
        return base_fail(error, GPTOSS_NO_MEMORY,
                         "the conversation has %zu tokens: the context of %d is full", ids->length,
                         context);
    size_t n_old, common = 0;
    const int32_t *old = engine_ids(s->engine, &n_old);
    while (common < n_old && common < ids->length && old[common] == ids->data[common])
        common++;
    engine_truncate(s->engine, common);
    s->started = false;
    return engine_push(s->engine, ids->data + common, ids->length - common, error);
}

// Marks the end of the opening (system and developer messages), which other conversations share,
// and the ends of the last messages, to which people and agents go back.
static void mark_messages(gptoss_sequence *s, const base_ids *ids,
                          const gptoss_conversation *conversation) {
    enum { LAST = 3 };
    int32_t start = harmony_marker_id(s->model->tokenizer->harmony, HARMONY_MARK_START);
    size_t n_opening = 0, n_starts = 0, last[LAST] = {0};
    for (const char *role; (role = gptoss_conversation_role(conversation, n_opening));
         n_opening++) {
        if (strcmp(role, "system") != 0 && strcmp(role, "developer") != 0)
            break;
    }
    for (size_t i = 0; i < ids->length; i++) {
        if (ids->data[i] != start)
            continue;
        if (n_opening > 0 && n_starts == n_opening)
            engine_mark(s->engine, i);
        last[n_starts++ % LAST] = i;
    }
    for (size_t i = 0; i < LAST && i < n_starts; i++) {
        if (last[i] > 0)
            engine_mark(s->engine, last[i]);
    }
}

gptoss_status gptoss_prompt(gptoss_sequence *s, const gptoss_conversation *conversation,
                            gptoss_error *error) {
    const gptoss_tokenizer *t = s->model->tokenizer;
    gptoss_status status = api_require_harmony(t, error);
    if (status != GPTOSS_OK)
        return status;
    // The model was trained on conversations whose old reasoning is gone: the guide's rule.
    harmony_render_options options = {.purpose = HARMONY_COMPLETION, .drop = HARMONY_DROP_GUIDE};
    base_ids ids = {0};
    status = harmony_render(t->harmony, conversation->messages, &options, &ids, error);
    if (status == GPTOSS_OK)
        status = replace(s, &ids, error);
    if (status == GPTOSS_OK)
        mark_messages(s, &ids, conversation);
    base_ids_free(&ids);
    return status;
}

// The engine's functions lock, so they take the sequence itself; nothing of it changes.
size_t gptoss_sequence_length(const gptoss_sequence *s) {
    size_t n_ids;
    engine_ids(s->engine, &n_ids);
    return n_ids;
}

const int32_t *gptoss_sequence_ids(const gptoss_sequence *s) {
    size_t n_ids;
    return engine_ids(s->engine, &n_ids);
}

gptoss_status gptoss_truncate(gptoss_sequence *s, size_t length, gptoss_error *error) {
    if (length > gptoss_sequence_length(s))
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence has %zu tokens, not %zu",
                         gptoss_sequence_length(s), length);
    engine_truncate(s->engine, length);
    s->started = false;
    return GPTOSS_OK;
}

gptoss_status gptoss_mark(gptoss_sequence *s, size_t length, gptoss_error *error) {
    if (length > gptoss_sequence_length(s))
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence has %zu tokens, not %zu",
                         gptoss_sequence_length(s), length);
    engine_mark(s->engine, length);
    return GPTOSS_OK;
}

gptoss_status gptoss_fork(const gptoss_sequence *s, gptoss_sequence **copy_out,
                          gptoss_error *error) {
    *copy_out = NULL;
    gptoss_sequence *copy = base_alloc_zero(1, sizeof *copy);
    if (!copy)
        return base_fail_memory(error, sizeof *copy);
    copy->model = s->model;
    gptoss_status status = engine_fork(s->engine, &copy->engine, error);
    if (status != GPTOSS_OK) {
        base_free(copy);
        return status;
    }
    *copy_out = copy;
    return GPTOSS_OK;
}

gptoss_status gptoss_save(const gptoss_sequence *s, const char *path, gptoss_error *error) {
    return engine_save(s->engine, s->model->fingerprint, path, error);
}

gptoss_status gptoss_restore(gptoss_sequence *s, const char *path, gptoss_error *error) {
    return engine_restore(s->engine, s->model->fingerprint, path, error);
}

// ---- generation -----------------------------------------------------------------------------

void gptoss_sampling_default(gptoss_sampling *sampling_out) {
    *sampling_out = (gptoss_sampling){.temperature = 1, .top_p = 1, .repetition_penalty = 1};
}

void gptoss_generation_default(gptoss_generation *generation_out) {
    *generation_out = (gptoss_generation){.speculation = true, .reuse = true};
    gptoss_sampling_default(&generation_out->sampling);
}

static int32_t marker(const gptoss_sequence *s, harmony_marker which) {
    const gptoss_tokenizer *t = s->model->tokenizer;
    return t && t->harmony ? harmony_marker_id(t->harmony, which) : -1;
}

// The ids that end the assistant's turn: the specials by name, and what config.json adds.
static void fill_stops(const gptoss_sequence *s, const api_turn *turn, engine_request *request) {
    const model_config *config = &s->model->config;
    int32_t passed = api_turn_passes_calls(turn) ? marker(s, HARMONY_MARK_CALL) : -1;
    int32_t stops[ENGINE_MAX_STOPS] = {marker(s, HARMONY_MARK_RETURN),
                                       marker(s, HARMONY_MARK_CALL)};
    int n = 2;
    for (int i = 0; i < config->n_eos && n < ENGINE_MAX_STOPS; i++)
        stops[n++] = config->eos[i];
    for (int i = 0; i < n; i++) {
        if (stops[i] >= 0 && stops[i] != passed)
            request->stops[request->n_stops++] = stops[i];
    }
}

static gptoss_status make_turn(gptoss_sequence *s, const gptoss_guide *given,
                               engine_request *request, api_turn **turn_out, gptoss_error *error) {
    *turn_out = NULL;
    if (!given)
        return GPTOSS_OK;
    size_t n_ids;
    const int32_t *ids = engine_ids(s->engine, &n_ids);
    return api_turn_create(given, s->model->tokenizer, ids, n_ids, s->model->config.vocabulary,
                           &request->sampling, turn_out, error);
}

gptoss_status gptoss_start(gptoss_sequence *s, const gptoss_generation *generation,
                           gptoss_error *error) {
    gptoss_generation plain;
    gptoss_generation_default(&plain);
    const gptoss_generation *g = generation ? generation : &plain;
    engine_request request = {.sampling = g->sampling,
                              .max_tokens = g->max_tokens,
                              .n_top = g->logprobs,
                              .speculation = g->speculation,
                              .reuse = g->reuse,
                              .client = g->client,
                              .priority = g->priority};
    harmony_parser *parser = NULL;
    api_turn *turn = NULL;
    const gptoss_tokenizer *t = s->model->tokenizer;
    gptoss_status status = make_turn(s, g->guide, &request, &turn, error);
    if (!g->ignore_stop)
        fill_stops(s, turn, &request);
    if (status == GPTOSS_OK && !g->ignore_stop && t && t->harmony)
        status = harmony_parser_create(t->harmony, HARMONY_ASSISTANT, &parser, error);
    if (status == GPTOSS_OK)
        status = engine_start(s->engine, &request, error);
    if (status != GPTOSS_OK) {
        harmony_parser_free(parser);
        api_turn_free(turn);
        return status;
    }
    harmony_parser_free(s->parser);
    s->parser = parser;
    api_turn_free(s->turn);
    s->turn = turn;
    s->turn_stops = turn && !g->ignore_stop;
    s->has_waiting = false;
    s->parser_finished = !parser;
    s->started = true;
    s->finish = ENGINE_RUNNING;
    s->stats = (gptoss_stats){.prompt_tokens = gptoss_sequence_length(s),
                              .cached_tokens = engine_reused(s->engine)};
    s->mark = base_seconds();
    return GPTOSS_OK;
}

static bool set_text(base_buffer *buffer, harmony_text text) {
    buffer->length = 0;
    return base_buffer_append(buffer, text.data, text.length);
}

static const char *string_of(const base_buffer *buffer, harmony_text text) {
    return text.data ? buffer->data : NULL;
}

// A parser's event as the caller sees it.
static gptoss_status convert(gptoss_sequence *s, const harmony_event *from, gptoss_event *to,
                             gptoss_error *error) {
    static const gptoss_event_kind kinds[] = {
        [HARMONY_EVENT_OPEN] = GPTOSS_EVENT_OPEN,
        [HARMONY_EVENT_TEXT] = GPTOSS_EVENT_TEXT,
        [HARMONY_EVENT_CLOSE] = GPTOSS_EVENT_CLOSE,
    };
    if (!set_text(&s->header.channel, from->channel) ||
        !set_text(&s->header.recipient, from->recipient) ||
        !set_text(&s->header.content_type, from->content_type) || !set_text(&s->text, from->text))
        return base_fail_memory(error, from->text.length);
    *to = (gptoss_event){
        .kind = kinds[from->kind],
        .role = harmony_role_name(from->role),
        .channel = string_of(&s->header.channel, from->channel),
        .recipient = string_of(&s->header.recipient, from->recipient),
        .content_type = string_of(&s->header.content_type, from->content_type),
    };
    if (from->kind == HARMONY_EVENT_TEXT) {
        to->text = s->text.data;
        to->text_length = s->text.length;
    }
    if (from->kind == HARMONY_EVENT_CLOSE)
        to->irregular = from->irregular != 0;
    return GPTOSS_OK;
}

static gptoss_finish finish_of(gptoss_sequence *s) {
    if (s->finish == ENGINE_LENGTH)
        return GPTOSS_FINISH_LENGTH;
    if (s->finish == ENGINE_CANCELLED)
        return GPTOSS_FINISH_CANCELLED;
    bool call = s->stats.sampled_tokens && s->result.token.id == marker(s, HARMONY_MARK_CALL);
    return call ? GPTOSS_FINISH_CALL : GPTOSS_FINISH_RETURN;
}

// Adds the time since the last mark to the phase that it belongs to.
static void count_time(gptoss_sequence *s) {
    double now = base_seconds();
    *(s->stats.sampled_tokens ? &s->stats.sample_seconds : &s->stats.prompt_seconds) +=
        now - s->mark;
    s->mark = now;
}

// The generation is over; no event is filled.
static gptoss_status end(gptoss_sequence *s, engine_finish finish, gptoss_error *error) {
    s->finish = finish;
    if (!s->parser || s->parser_finished)
        return GPTOSS_OK;
    s->parser_finished = true;
    return harmony_parser_finish(s->parser, error);
}

// Ends it behind the last token that was handed over, whatever the engine has made behind that.
static gptoss_status end_turn(gptoss_sequence *s, engine_finish finish, gptoss_error *error) {
    engine_truncate(s->engine, s->stats.prompt_tokens + s->stats.sampled_tokens);
    return end(s, finish, error);
}

static gptoss_status hand_over(gptoss_sequence *s, const engine_result *result,
                               gptoss_event *event_out, gptoss_error *error) {
    engine_result *r = &s->result;
    *r = *result;
    s->stats.sampled_tokens++;
    *event_out = (gptoss_event){.kind = GPTOSS_EVENT_TOKEN,
                                .id = r->token.id,
                                .logprob = r->token.logprob,
                                .top = r->n_top ? r->top : NULL,
                                .n_top = r->n_top};
    return s->parser ? harmony_parser_push(s->parser, r->token.id, error) : GPTOSS_OK;
}

// Takes a sampled token; it may be the caller's at once, later, or not at all.
static gptoss_status take_token(gptoss_sequence *s, const engine_result *result,
                                gptoss_event *event_out, bool *filled_out, gptoss_error *error) {
    api_verdict verdict = s->turn_stops ? api_turn_take(s->turn, result) : API_PASS;
    if (verdict == API_HOLD)
        return GPTOSS_OK;
    if (verdict == API_ENDED)
        return end_turn(s, ENGINE_STOPPED, error);
    if (verdict == API_BOTH) {
        s->waiting = *result;
        s->has_waiting = true;
        result = api_turn_held(s->turn);
    }
    *filled_out = true;
    return hand_over(s, result, event_out, error);
}

// Takes one result of the engine. *event_out is filled when the result is an event by itself;
// otherwise the parser may have some, or all is done.
static gptoss_status advance(gptoss_sequence *s, gptoss_event *event_out, bool *filled_out,
                             gptoss_error *error) {
    engine_result next;
    *filled_out = s->has_waiting;
    if (s->has_waiting) {
        s->has_waiting = false;
        return hand_over(s, &s->waiting, event_out, error);
    }
    if (s->turn_stops && api_turn_is_over(s->turn))
        return end_turn(s, ENGINE_STOPPED, error);
    gptoss_status status = engine_next(s->engine, &next, error);
    if (status != GPTOSS_OK)
        return api_turn_failure(s->turn, status, error);
    count_time(s);
    s->stats.guessed_tokens = next.guessed;
    s->stats.right_guesses = next.right;
    s->stats.cached_tokens = next.reused;
    if (next.kind == ENGINE_TOKEN)
        return take_token(s, &next, event_out, filled_out, error);
    if (next.kind == ENGINE_DONE) {
        bool called = s->turn_stops && api_turn_called(s->turn);
        bool complete = called && next.finish == ENGINE_LENGTH; // only a decision was cut off
        return called ? end_turn(s, complete ? ENGINE_STOPPED : next.finish, error)
                      : end(s, next.finish, error);
    }
    *filled_out = true;
    *event_out = (gptoss_event){.kind = GPTOSS_EVENT_PROGRESS,
                                .prompt_done = next.computed,
                                .prompt_total = s->stats.prompt_tokens};
    return GPTOSS_OK;
}

gptoss_status gptoss_next(gptoss_sequence *s, gptoss_event *event_out, gptoss_error *error) {
    *event_out = (gptoss_event){.kind = GPTOSS_EVENT_DONE, .finish = GPTOSS_FINISH_ERROR};
    if (!s->started)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "gptoss_start was not called");
    gptoss_status status = GPTOSS_OK;
    bool filled = false;
    while (status == GPTOSS_OK && !filled) {
        harmony_event event;
        if (s->parser && harmony_parser_next(s->parser, &event))
            return convert(s, &event, event_out, error);
        if (s->finish != ENGINE_RUNNING) {
            s->started = false;
            event_out->finish = finish_of(s);
            return GPTOSS_OK;
        }
        status = advance(s, event_out, &filled, error);
    }
    if (status != GPTOSS_OK) {
        *event_out = (gptoss_event){.kind = GPTOSS_EVENT_DONE, .finish = GPTOSS_FINISH_ERROR};
        s->started = false;
    }
    return status;
}

gptoss_status gptoss_run(gptoss_sequence *s, const gptoss_generation *generation,
                         bool (*on_event)(void *context, const gptoss_event *event), void *context,
                         gptoss_error *error) {
    gptoss_status status = gptoss_start(s, generation, error);
    gptoss_event event = {0};
    while (status == GPTOSS_OK) {
        status = gptoss_next(s, &event, error);
        if (status != GPTOSS_OK)
            break;
        if (!on_event(context, &event))
            gptoss_cancel(s);
        if (event.kind == GPTOSS_EVENT_DONE)
            break;
    }
    return status;
}

void gptoss_cancel(gptoss_sequence *s) {
    engine_cancel(s->engine);
}

gptoss_status gptoss_take_messages(gptoss_sequence *s, gptoss_conversation *conversation,
                                   gptoss_error *error) {
    if (!s->parser)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the sequence made no messages");
    return harmony_conversation_add_all(conversation->messages, harmony_parser_messages(s->parser),
                                        error);
}

void gptoss_sequence_stats(const gptoss_sequence *s, gptoss_stats *stats_out) {
    *stats_out = s->stats;
}
