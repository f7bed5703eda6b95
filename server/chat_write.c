// chat_write.c: events -> chunks of a stream, or one chat completion.
#include "chat.h"

#include <stdlib.h>
#include <string.h>

#include "logprobs.h"
#include "openai.h"

// One choice, as far as it is known. words and calls are what a document will say.
typedef struct written {
    text content, reasoning;
    json_t *calls;    // array
    json_t *logprobs; // array
    int32_t n_calls;
    bool has_content; // an item of the content was told
    turn_finish finish;
    char *details;
} written;

typedef struct writer {
    answer_head head;
    bool functions;
    written *choices; // [n_choices]
    int32_t n_choices;
    json_t *warnings; // array, of the document
    turn_usage usage;
} writer;

static const char *finish_name(turn_finish finish, bool functions) {
    switch (finish) {
    case FINISH_STOP:
        return "stop";
    case FINISH_CALLS:
        return functions ? "function_call" : "tool_calls";
    default: // the API has no other word for a full context, a loop or a deadline: details say it
        return "length";
    }
}

// Why a choice ended, where the API's word does not say it all; NULL where it does.
static const char *finish_type(turn_finish finish) {
    static const char *const types[] = {[FINISH_CONTEXT] = "context",
                                        [FINISH_LOOP] = "loop",
                                        [FINISH_CANCELLED] = "cancelled",
                                        [FINISH_FAILED] = NULL};
    return types[finish];
}

// Adds "finish_details" to a choice.
static void add_details(json_t *choice, turn_finish finish, const char *details) {
    if (choice && finish_type(finish)) {
        json_object_set_new(
            choice, "finish_details",
            json_pack("{s:s, s:s*}", "type", finish_type(finish), "message", details));
    }
}

static json_t *words_of(const turn_event *event) {
    return json_stringn(event->text ? event->text : "", event->text_length);
}

// {"content": [...]}, or null.
static json_t *logprobs_of(const writer *w, const turn_event *event) {
    if (!w->head.request->logprobs || !event->n_tokens) {
        return json_null();
    }
    json_t *array = json_array();
    if (!array || !logprobs_append(array, w->head.tokenizer, event->tokens, event->n_tokens)) {
        json_decref(array);
        return NULL;
    }
    return json_pack("{s:o, s:n}", "content", array, "refusal");
}

// ---- chunks ---------------------------------------------------------------------------------

static void write_choices(const writer *w, json_t *choices, json_t *usage, text *out) {
    json_t *chunk =
        json_pack("{s:s, s:s, s:I, s:s, s:s, s:o}", "id", w->head.id, "object",
                  "chat.completion.chunk", "created", (json_int_t)w->head.created, "model",
                  w->head.model, "system_fingerprint", "gpt-oss.c", "choices", choices);
    if (chunk && w->head.request->stream_usage) {
        json_object_set_new(chunk, "usage", usage ? usage : json_null());
    }
    text_event(out, NULL, chunk);
}

// Takes delta and logprobs over; finish may be NULL.
static void write_chunk(const writer *w, int32_t index, json_t *delta, json_t *logprobs,
                        const turn_event *finish, text *out) {
    json_t *choice = json_pack("{s:i, s:o, s:o, s:s?}", "index", (int)index, "delta", delta,
                               "logprobs", logprobs, "finish_reason",
                               finish ? finish_name(finish->finish, w->functions) : NULL);
    if (finish) {
        add_details(choice, finish->finish, finish->details);
    }
    write_choices(w, json_pack("[o]", choice), NULL, out);
}

// A part of a call: the first one says whose it is.
static json_t *call_delta(const writer *w, const turn_event *event, int32_t index) {
    bool first = event->kind == TURN_OPEN, custom = event->tool_kind == TOOL_CUSTOM;
    json_t *inner = json_pack("{s:s*, s:o}", "name", first ? event->name : NULL,
                              custom ? "input" : "arguments", words_of(event));
    if (w->functions) {
        return json_pack("{s:o}", "function_call", inner);
    }
    const char *type = custom ? "custom" : "function";
    return json_pack("{s:[{s:i, s:s*, s:s*, s:o}]}", "tool_calls", "index", (int)index, "id",
                     first ? event->call_id : NULL, "type", first ? type : NULL, type, inner);
}

static bool is_content(const turn_event *event) {
    return event->item_kind == ITEM_ANSWER || event->item_kind == ITEM_PREAMBLE;
}

static bool is_call(const turn_event *event) {
    return event->item_kind == ITEM_CALL && event->tool_kind != TOOL_BUILTIN;
}

static void write_open(writer *w, const turn_event *event, text *out) {
    written *choice = &w->choices[event->choice];
    if (is_call(event)) {
        write_chunk(w, event->choice, call_delta(w, event, choice->n_calls++), json_null(), NULL,
                    out);
    } else if (is_content(event)) {
        if (choice->has_content) { // a preamble before this: they are two paragraphs
            write_chunk(w, event->choice, json_pack("{s:s}", "content", "\n\n"), json_null(), NULL,
                        out);
        }
        choice->has_content = true;
    }
}

static void write_delta(writer *w, const turn_event *event, text *out) {
    const written *choice = &w->choices[event->choice];
    json_t *delta = NULL;
    if (event->item_kind == ITEM_REASONING) {
        json_t *words = words_of(event);
        delta = json_pack("{s:O, s:o}", "reasoning", words, "reasoning_content", words);
    } else if (is_call(event)) {
        delta = call_delta(w, event, choice->n_calls - 1);
    } else if (is_content(event)) {
        delta = json_pack("{s:o}", "content", words_of(event));
    } else {
        return; // of a tool that the server runs itself
    }
    write_chunk(w, event->choice, delta, logprobs_of(w, event), NULL, out);
}

static void write_begin(const writer *w, text *out) {
    for (int32_t i = 0; i < w->n_choices; i++) {
        write_chunk(w, i,
                    json_pack("{s:s, s:s, s:n}", "role", "assistant", "content", "", "refusal"),
                    json_null(), NULL, out);
    }
}

static void write_end(const writer *w, const turn_event *event, text *out) {
    if (event->finish == FINISH_FAILED) {
        text_print(out, "data: ");
        openai_error(&event->problem, out);
        text_print(out, "\n\n");
        return;
    }
    write_chunk(w, event->choice, json_object(), json_null(), event, out);
}

bool chat_write(void *made, const turn_event *event, text *out) {
    writer *w = made;
    switch (event->kind) {
    case TURN_BEGIN:
        write_begin(w, out);
        break;
    case TURN_OPEN:
        write_open(w, event, out);
        break;
    case TURN_DELTA:
        write_delta(w, event, out);
        break;
    case TURN_CHOICE:
        write_end(w, event, out);
        break;
    case TURN_DONE:
        if (w->head.request->stream_usage) {
            write_choices(w, json_array(), openai_usage(&event->usage), out);
        }
        text_print(out, "data: [DONE]\n\n");
        break;
    case TURN_WAIT:
    case TURN_CLOSE:
        break;
    }
    return !out->failed;
}

// ---- the document ---------------------------------------------------------------------------

static bool collect_call(const writer *w, written *choice, const turn_event *event) {
    bool custom = event->tool_kind == TOOL_CUSTOM;
    const char *type = custom ? "custom" : "function";
    json_t *inner = json_pack("{s:s, s:o}", "name", event->name, custom ? "input" : "arguments",
                              words_of(event));
    json_t *call = w->functions ? inner
                                : json_pack("{s:s, s:s, s:o}", "id", event->call_id, "type", type,
                                            type, inner);
    return !json_array_append_new(choice->calls, call);
}

static bool collect_item(const writer *w, written *choice, const turn_event *event) {
    if (is_call(event)) {
        return collect_call(w, choice, event);
    }
    text *to = event->item_kind == ITEM_REASONING ? &choice->reasoning : &choice->content;
    if (!is_content(event) && event->item_kind != ITEM_REASONING) {
        return true;
    }
    if (is_content(event)) {
        text_add(to, "\n\n", choice->has_content ? 2 : 0);
        choice->has_content = true;
    }
    text_add(to, event->text, event->text_length);
    return !to->failed;
}

static bool collect_done(writer *w, const turn_event *event) {
    w->usage = event->usage;
    for (size_t i = 0; i < event->n_warnings; i++) {
        if (json_array_append_new(w->warnings, json_string(event->warnings[i]))) {
            return false;
        }
    }
    return true;
}

bool chat_collect(void *made, const turn_event *event) {
    writer *w = made;
    written *choice = &w->choices[event->choice];
    switch (event->kind) {
    case TURN_DELTA:
        return !event->n_tokens ||
               logprobs_append(choice->logprobs, w->head.tokenizer, event->tokens, event->n_tokens);
    case TURN_CLOSE:
        return collect_item(w, choice, event);
    case TURN_CHOICE:
        choice->finish = event->finish;
        choice->details = event->details ? strdup(event->details) : NULL;
        return !event->details || choice->details;
    case TURN_DONE:
        return collect_done(w, event);
    default:
        return true;
    }
}

static json_t *string_of(const text *words) {
    return json_stringn(words->data ? words->data : "", words->length);
}

static json_t *message_object(const writer *w, const written *choice) {
    bool calls = json_array_size(choice->calls) > 0;
    json_t *message = json_pack(
        "{s:s, s:o, s:n}", "role", "assistant", "content",
        calls && !choice->content.length ? json_null() : string_of(&choice->content), "refusal");
    if (message && choice->reasoning.length) {
        json_object_set_new(message, "reasoning", string_of(&choice->reasoning));
        json_object_set_new(message, "reasoning_content", string_of(&choice->reasoning));
    }
    if (message && calls && w->functions) {
        json_object_set(message, "function_call", json_array_get(choice->calls, 0));
    } else if (message && calls) {
        json_object_set(message, "tool_calls", choice->calls);
    }
    return message;
}

static json_t *choice_object(const writer *w, int32_t index) {
    const written *choice = &w->choices[index];
    json_t *logprobs = w->head.request->logprobs
                           ? json_pack("{s:O, s:n}", "content", choice->logprobs, "refusal")
                           : json_null();
    json_t *object =
        json_pack("{s:i, s:o, s:o, s:s}", "index", (int)index, "message", message_object(w, choice),
                  "logprobs", logprobs, "finish_reason", finish_name(choice->finish, w->functions));
    add_details(object, choice->finish, choice->details);
    return object;
}

bool chat_document(void *made, text *out) {
    const writer *w = made;
    json_t *choices = json_array();
    for (int32_t i = 0; i < w->n_choices; i++) {
        if (json_array_append_new(choices, choice_object(w, i))) {
            out->failed = true;
        }
    }
    json_t *document = json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o}", "id", w->head.id, "object",
                                 "chat.completion", "created", (json_int_t)w->head.created, "model",
                                 w->head.model, "system_fingerprint", "gpt-oss.c", "choices",
                                 choices, "usage", openai_usage(&w->usage));
    if (document && json_array_size(w->warnings)) {
        json_object_set(document, "warnings", w->warnings);
    }
    text_json(out, document);
    json_decref(document);
    return !out->failed;
}

// ---- the writer -----------------------------------------------------------------------------

void *chat_open(const answer_head *head) {
    writer *w = calloc(1, sizeof *w);
    if (!w) {
        return NULL;
    }
    w->head = *head;
    w->functions = chat_wants_functions(head->request);
    w->n_choices = head->request->n_choices;
    w->warnings = json_array();
    w->choices = calloc((size_t)w->n_choices, sizeof *w->choices);
    bool good = w->warnings && w->choices;
    for (int32_t i = 0; w->choices && i < w->n_choices; i++) {
        w->choices[i].calls = json_array();
        w->choices[i].logprobs = json_array();
        good = good && w->choices[i].calls && w->choices[i].logprobs;
    }
    if (!good) {
        chat_close(w);
        return NULL;
    }
    return w;
}

void chat_close(void *made) {
    writer *w = made;
    for (int32_t i = 0; w->choices && i < w->n_choices; i++) {
        text_clear(&w->choices[i].content);
        text_clear(&w->choices[i].reasoning);
        json_decref(w->choices[i].calls);
        json_decref(w->choices[i].logprobs);
        free(w->choices[i].details);
    }
    free(w->choices);
    json_decref(w->warnings);
    free(w);
}
