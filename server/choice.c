// choice.c: messages of Harmony -> items: reasoning, preambles, calls, the answer.
#include "choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stops.h"
#include "utf8.h"

bool choice_init(choice *c) {
    c->loops.bound = c->request->kind == REQUEST_CHAT ? c->server->options.loop_tokens : 0;
    c->said = calloc(1, sizeof *c->said);
    if (c->said) {
        c->said->reasoning = strdup("");
        c->said->preamble = strdup("");
    }
    return c->said && c->said->reasoning && c->said->preamble;
}

void choice_clear(choice *c) {
    gptoss_sequence_free(c->sequence);
    text_clear(&c->words);
    text_clear(&c->partial);
    free(c->name);
    free(c->tokens);
    said_free(c->said);
}

static void tell(choice *c, turn_event *event, bool certain) {
    event->choice = c->index;
    events_put put = events_add(c->events, event, certain, c->patience);
    c->failed |= put == EVENTS_NO_MEMORY;
    c->stalled |= put == EVENTS_STALLED;
}

// An event of the open item.
static turn_event of_item(const choice *c, turn_event_kind kind) {
    return (turn_event){
        .kind = kind,
        .item = c->n_items,
        .item_kind = c->kind,
        .call_id = c->kind == ITEM_CALL ? c->call_id : NULL,
        .name = c->kind == ITEM_CALL ? c->name : NULL,
        .tool_kind = c->tool_kind,
        .unknown_tool = c->unknown_tool,
    };
}

// ---- items ----------------------------------------------------------------------------------

static bool names_a_tool(const char *recipient) {
    static const char *const people[] = {"all", "user", "assistant"};
    for (size_t i = 0; recipient && i < sizeof(people) / sizeof(people[0]); i++) {
        if (strcmp(recipient, people[i]) == 0) {
            return false;
        }
    }
    return recipient && *recipient;
}

// What a message is: *repaired_out where its header does not say it plainly.
static item_kind kind_of(const gptoss_event *event, bool *repaired_out) {
    const char *channel = event->channel ? event->channel : "";
    *repaired_out = false;
    if (names_a_tool(event->recipient)) {
        return ITEM_CALL;
    }
    if (strcmp(channel, "analysis") == 0) {
        return ITEM_REASONING;
    }
    if (strcmp(channel, "commentary") == 0) {
        return ITEM_PREAMBLE;
    }
    *repaired_out = strcmp(channel, "final") != 0;
    return ITEM_ANSWER;
}

static void open_call(choice *c, const char *recipient) {
    const char *name;
    int index = names_find(c->names, recipient, &name);
    c->unknown_tool = index < 0;
    c->tool_kind = index < 0 ? TOOL_FUNCTION : c->request->tools[index].kind;
    c->name = strdup(name);
    c->failed |= !c->name;
    memcpy(c->call_id, "call_", 5);
    server_random(c->call_id + 5, 24);
    c->calls = true;
}

static void open_item(choice *c, item_kind kind, bool repaired) {
    c->kind = kind;
    c->open = true;
    c->repaired = repaired;
    c->unknown_tool = false;
    c->tool_kind = TOOL_FUNCTION;
    free(c->name);
    c->name = NULL;
    text_clear(&c->words);
    c->told = c->spelled = c->n_tokens = 0;
}

static void open_message(choice *c, const gptoss_event *event) {
    bool repaired;
    item_kind kind = kind_of(event, &repaired);
    open_item(c, kind, repaired);
    if (kind == ITEM_CALL) {
        open_call(c, event->recipient);
    }
    turn_event opened = of_item(c, TURN_OPEN);
    tell(c, &opened, false);
}

// Tells the words up to `end`, with their tokens.
static void tell_words(choice *c, size_t end) {
    if (end <= c->told) {
        return;
    }
    turn_event delta = of_item(c, TURN_DELTA);
    delta.text = c->words.data + c->told;
    delta.text_length = end - c->told;
    size_t n = 0, start = 0;
    while (n < c->n_tokens && (c->tokens[n].end <= end || start < end)) {
        start = c->tokens[n++].end;
    }
    turn_token *tokens = n ? malloc(n * sizeof *tokens) : NULL;
    c->failed |= n && !tokens;
    for (size_t i = 0; tokens && i < n; i++) {
        tokens[i] = c->tokens[i].token;
        tokens[i].top = c->tokens[i].top;
    }
    delta.tokens = tokens;
    delta.n_tokens = tokens ? n : 0;
    tell(c, &delta, false);
    free(tokens);
    if (n) {
        c->n_tokens -= n;
        memmove(c->tokens, c->tokens + n, c->n_tokens * sizeof *c->tokens);
    }
    c->told = end;
}

static bool is_json(const text *words) {
    json_t *value =
        json_loadb(words->data ? words->data : "", words->length, JSON_DECODE_ANY, NULL);
    json_decref(value);
    return value != NULL;
}

static void append(char **to, const text *words, bool *failed) {
    size_t length = strlen(*to);
    char *longer = realloc(*to, length + words->length + 1);
    *failed |= !longer;
    if (longer) {
        memcpy(longer + length, words->data ? words->data : "", words->length);
        longer[length + words->length] = 0;
        *to = longer;
    }
}

static void remember_call(choice *c) {
    said *s = c->said;
    said_call *calls = realloc(s->calls, (s->n_calls + 1) * sizeof *calls);
    if (!calls) {
        c->failed = true;
        return;
    }
    s->calls = calls;
    said_call *call = &calls[s->n_calls];
    call->name = strdup(c->name ? c->name : "");
    call->arguments = strdup(c->words.data ? c->words.data : "");
    memcpy(call->id, c->call_id, sizeof call->id);
    s->n_calls++;
    c->failed |= !call->name || !call->arguments;
}

static void remember(choice *c) {
    if (c->kind == ITEM_REASONING) {
        append(&c->said->reasoning, &c->words, &c->failed);
    } else if (c->kind == ITEM_CALL) {
        remember_call(c);
    } else {
        append(&c->said->preamble, &c->words, &c->failed);
    }
}

static void close_item(choice *c) {
    if (!c->open) {
        return;
    }
    bool function = c->kind == ITEM_CALL && c->tool_kind == TOOL_FUNCTION;
    if (function && c->words.length == 0) {
        text_add(&c->words, "{}", 2); // no arguments, as JSON
    } else if (function && !is_json(&c->words)) {
        c->repaired = true;
    }
    tell_words(c, c->words.length);
    turn_event closed = of_item(c, TURN_CLOSE);
    closed.text = c->words.data ? c->words.data : "";
    closed.text_length = c->words.length;
    closed.repaired = c->repaired;
    c->failed |= c->words.failed;
    remember(c);
    c->irregular |= c->repaired;
    tell(c, &closed, true);
    c->open = c->pending_close = false;
    c->n_items++;
}

// ---- the end --------------------------------------------------------------------------------

// What was sampled up to its last call: behind it may stand who was to speak next.
static size_t length_of_calls(const choice *c, const int32_t *ids, size_t n) {
    while (n > c->n_prompt && ids[n - 1] != c->server->markers.call) {
        n--;
    }
    return n - c->n_prompt;
}

static void remember_all(choice *c) {
    const int32_t *ids = gptoss_sequence_ids(c->sequence);
    size_t n = length_of_calls(c, ids, gptoss_sequence_length(c->sequence));
    if (c->finish != FINISH_CALLS || c->failed || c->irregular || n == 0) {
        return;
    }
    c->said->n_ids = n;
    c->said->ids = malloc(n * sizeof *c->said->ids);
    if (c->said->ids) {
        memcpy(c->said->ids, ids + c->n_prompt, n * sizeof *c->said->ids);
        memory_add(&c->server->memory, c->said);
        c->said = NULL;
    }
}

void choice_end(choice *c, turn_finish finish, const gptoss_error *error) {
    if (c->done) {
        return;
    }
    close_item(c);
    if (c->failed && finish != FINISH_CANCELLED) {
        finish = FINISH_FAILED;
        problem_set(&c->problem, PROBLEM_FAILED, "", "out of memory");
    } else if (error) {
        problem_set(&c->problem, PROBLEM_FAILED, "", "%s", error->message);
    }
    c->finish = finish;
    c->done = true;
    if (c->said && c->sequence) {
        remember_all(c);
    }
    turn_event ended = {
        .kind = TURN_CHOICE,
        .finish = finish,
        .stop = c->stop,
        .details = c->details[0] ? c->details : NULL,
        .problem = c->problem,
    };
    metrics_finish(&c->server->metrics, finish);
    tell(c, &ended, true);
}

// Ends it before the model does.
static void cut(choice *c, turn_finish finish) {
    gptoss_cancel(c->sequence);
    choice_end(c, finish, NULL);
}

static void end_as_sampled(choice *c, gptoss_finish finish) {
    int32_t most = c->request->max_tokens;
    switch (finish) {
    case GPTOSS_FINISH_RETURN:
    case GPTOSS_FINISH_CALL:
        choice_end(c, c->calls ? FINISH_CALLS : FINISH_STOP, NULL);
        break;
    case GPTOSS_FINISH_LENGTH:
        c->repaired = false; // the limit, not the model, left it unfinished
        if (most && c->n_sampled >= most) {
            choice_end(c, FINISH_LENGTH, NULL);
            break;
        }
        snprintf(c->details, sizeof(c->details), "the context of %d tokens is full",
                 (int)c->server->plan.context);
        choice_end(c, FINISH_CONTEXT, NULL);
        break;
    case GPTOSS_FINISH_CANCELLED:
    case GPTOSS_FINISH_ERROR:
        c->repaired = false;
        choice_end(c, FINISH_CANCELLED, NULL);
        break;
    }
}

// ---- what the engine reports ----------------------------------------------------------------

// Bytes that a token stands for.
static size_t token_length(const choice *c, int32_t id) {
    char *bytes = NULL;
    size_t length = 0;
    gptoss_decode(c->server->tokenizer, &id, 1, &bytes, &length, NULL);
    gptoss_free(bytes);
    return length;
}

static bool is_marker(const choice *c, int32_t id) {
    const server_markers *m = &c->server->markers;
    const int32_t markers[] = {m->start, m->message, m->channel,  m->constrain,
                               m->end,   m->call,    m->answered, m->end_of_text};
    for (size_t i = 0; i < sizeof(markers) / sizeof(markers[0]); i++) {
        if (id == markers[i]) {
            return true;
        }
    }
    return false;
}

// Keeps an answer's token until its text is told.
static void keep_token(choice *c, const gptoss_event *event) {
    if (!c->open || c->kind != ITEM_ANSWER || !c->request->logprobs || is_marker(c, event->id)) {
        return;
    }
    if (c->n_tokens == c->tokens_capacity) {
        size_t capacity = c->tokens_capacity ? 2 * c->tokens_capacity : 16;
        waiting_token *more = realloc(c->tokens, capacity * sizeof *more);
        if (!more) {
            c->failed = true;
            return;
        }
        c->tokens = more;
        c->tokens_capacity = capacity;
    }
    waiting_token *kept = &c->tokens[c->n_tokens++];
    int32_t n_top = event->n_top < 20 ? event->n_top : 20;
    kept->token = (turn_token){.id = event->id, .logprob = event->logprob, .n_top = n_top};
    if (n_top) {
        memcpy(kept->top, event->top, (size_t)n_top * sizeof *event->top);
    }
    c->spelled += token_length(c, event->id);
    kept->end = c->spelled;
}

static void measure(choice *c) {
    double now = server_now();
    if (c->last_token > 0) {
        metrics_token(&c->server->metrics, now - c->last_token);
    } else if (c->index == 0) {
        metrics_first_token(&c->server->metrics, now - c->asked);
    }
    c->last_token = now;
}

static void take_text(choice *c, const char *words, size_t length) {
    text_add(&c->words, words, length);
    if (c->words.failed) {
        cut(c, FINISH_FAILED);
        return;
    }
    if (c->kind != ITEM_ANSWER || !c->request->n_stops) {
        tell_words(c, c->words.length);
        return;
    }
    stops_match found = stops_find((const char *const *)c->request->stops, c->request->n_stops,
                                   c->words.data, c->told, c->words.length);
    if (found.stop) {
        c->words.length = found.at;
        c->words.data[found.at] = 0;
        c->stop = found.stop;
        tell_words(c, found.at);
        cut(c, FINISH_STOP);
    } else {
        tell_words(c, found.at);
    }
}

// The next token of a text without Harmony: whole characters of it are told.
static void take_raw(choice *c, int32_t id) {
    const server_markers *m = &c->server->markers;
    if (id == m->answered || id == m->call || id == m->end_of_text) {
        cut(c, FINISH_STOP);
        return;
    }
    char *bytes = NULL;
    size_t length = 0;
    if (gptoss_decode(c->server->tokenizer, &id, 1, &bytes, &length, NULL)) {
        length = 0; // a row of the model's that has no token
    }
    text_add(&c->partial, bytes ? bytes : "", length);
    gptoss_free(bytes);
    text whole = {0};
    size_t used = utf8_add(&whole, c->partial.data, c->partial.length, false);
    if (used) {
        memmove(c->partial.data, c->partial.data + used, c->partial.length - used);
        c->partial.length -= used;
    }
    c->failed |= whole.failed || c->partial.failed;
    if (whole.length) {
        take_text(c, whole.data, whole.length);
    }
    text_clear(&whole);
}

static void finish_raw(choice *c) {
    text whole = {0};
    utf8_add(&whole, c->partial.data, c->partial.length, true);
    c->partial.length = 0;
    if (whole.length && !c->done) {
        take_text(c, whole.data, whole.length);
    }
    text_clear(&whole);
}

static void take_token(choice *c, const gptoss_event *event) {
    measure(c);
    c->n_sampled++;
    c->n_reasoning += c->open && c->kind == ITEM_REASONING && !is_marker(c, event->id);
    int32_t period = loops_push(&c->loops, event->id);
    if (c->request->kind == REQUEST_RAW) {
        if (!c->open) {
            open_item(c, ITEM_ANSWER, false);
            turn_event opened = of_item(c, TURN_OPEN);
            tell(c, &opened, false);
        }
        keep_token(c, event);
        take_raw(c, event->id);
    } else {
        keep_token(c, event);
    }
    if (period && !c->done) {
        snprintf(c->details, sizeof(c->details), "the last tokens repeat every %d without end",
                 (int)period);
        cut(c, FINISH_LOOP);
    }
}

// The model may only speak for itself: where it goes on as somebody else, its turn is over.
static bool is_others(const gptoss_event *event) {
    return event->role && strcmp(event->role, "assistant") != 0;
}

void choice_take(choice *c, const gptoss_event *event) {
    if (c->done) {
        return;
    }
    if (c->pending_close && event->kind != GPTOSS_EVENT_DONE) {
        close_item(c); // it was not the end that cut it
    }
    switch (event->kind) {
    case GPTOSS_EVENT_PROGRESS:
        break;
    case GPTOSS_EVENT_TOKEN:
        take_token(c, event);
        break;
    case GPTOSS_EVENT_OPEN:
        if (is_others(event)) {
            cut(c, c->calls ? FINISH_CALLS : FINISH_STOP);
        } else {
            open_message(c, event);
        }
        break;
    case GPTOSS_EVENT_TEXT:
        if (c->open) {
            take_text(c, event->text, event->text_length);
        }
        break;
    case GPTOSS_EVENT_CLOSE:
        c->repaired |= event->irregular;
        c->pending_close = c->open;
        break;
    case GPTOSS_EVENT_DONE:
        finish_raw(c);
        if (!c->done) {
            end_as_sampled(c, event->finish);
        }
        break;
    }
    if (c->failed && !c->done) {
        cut(c, FINISH_FAILED);
    } else if (c->stalled && !c->done) {
        snprintf(c->details, sizeof(c->details), "the client did not read for %.0f seconds",
                 c->patience);
        cut(c, FINISH_CANCELLED);
    }
}
