// responses_write.c: the events of a turn as those of a response, and as the response.
#include "responses_items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logprobs.h"
#include "responses_object.h"

// An item that has begun. Its place in the output is the order in which items began.
typedef struct slot {
    const item_form *form;
    json_t *item;      // belongs to the output
    char *call_id;     // of the server's own call, which ends with its result
    json_t *logprobs;  // of an answer
    int32_t number;    // turn_event.item
    bool closed, done; // its text is complete; output_item.done was sent
} slot;

typedef struct writer {
    answer_head head;
    response_state state;
    slot *slots; // [n_slots]
    size_t n_slots;
    slot *pending; // closed, but whether it was cut short the next event tells
    int64_t sequence;
    text *out; // of this call; NULL: nothing is sent
    bool begun, failed;
} writer;

void *responses_open(const answer_head *head) {
    writer *w = calloc(1, sizeof(*w));
    if (!w) {
        return NULL;
    }
    w->head = *head;
    if (!response_state_init(&w->state, &w->head)) {
        responses_close(w);
        return NULL;
    }
    return w;
}

void responses_close(void *opened) {
    writer *w = opened;
    if (!w) {
        return;
    }
    for (size_t i = 0; i < w->n_slots; i++) {
        free(w->slots[i].call_id);
        json_decref(w->slots[i].logprobs);
    }
    free(w->slots);
    response_state_clear(&w->state);
    free(w);
}

// ---- one event -------------------------------------------------------------------------------

// Sends {"type", "sequence_number", data...}; takes data over.
static void send(writer *w, const char *type, json_t *data) {
    if (!w->out) {
        json_decref(data);
        return;
    }
    json_t *event =
        json_pack("{s:s, s:I}", "type", type, "sequence_number", (json_int_t)w->sequence++);
    if (!data || json_object_update(event, data)) {
        json_decref(event);
        event = NULL;
    }
    json_decref(data);
    text_event(w->out, type, event);
}

static void send_suffixed(writer *w, const char *stem, const char *suffix, json_t *data) {
    char type[96];
    snprintf(type, sizeof(type), "%s.%s", stem, suffix);
    send(w, type, data);
}

static int place(const writer *w, const slot *s) {
    return (int)(s - w->slots);
}

static const char *id_of(const slot *s) {
    return json_string_value(json_object_get(s->item, "id"));
}

// The fields that every event of an item has.
static json_t *about(const writer *w, const slot *s) {
    json_t *data = json_pack("{s:s, s:i}", "item_id", id_of(s), "output_index", place(w, s));
    if (data && s->form->part_type && json_object_set_new(data, "content_index", json_integer(0))) {
        json_decref(data);
        return NULL;
    }
    return data;
}

// about with one field more, whose value is taken over.
static json_t *about_with(const writer *w, const slot *s, const char *key, json_t *value) {
    json_t *data = about(w, s);
    if (json_object_set_new(data, key, value)) {
        json_decref(data);
        return NULL;
    }
    return data;
}

// The item as it stands: it goes on changing.
static json_t *item_event(const writer *w, const slot *s) {
    return json_pack("{s:i, s:o}", "output_index", place(w, s), "item", json_deep_copy(s->item));
}

static void send_response(writer *w, const char *type) {
    if (w->out) {
        send(w, type, json_pack("{s:o}", "response", response_object(&w->state)));
    }
}

static void begin(writer *w) {
    if (!w->begun) {
        w->begun = true;
        send_response(w, "response.created");
        send_response(w, "response.in_progress");
    }
}

// ---- items -----------------------------------------------------------------------------------

static slot *find_item(writer *w, int32_t number) {
    for (size_t i = w->n_slots; i-- > 0;) {
        if (w->slots[i].number == number) {
            return &w->slots[i];
        }
    }
    return NULL;
}

// The server's own call that this result answers.
static slot *find_call(writer *w, const char *call_id) {
    for (size_t i = w->n_slots; call_id && i-- > 0;) {
        slot *s = &w->slots[i];
        if (s->call_id && !s->done && !strcmp(s->call_id, call_id)) {
            return s;
        }
    }
    return NULL;
}

static slot *new_slot(writer *w, const turn_event *event) {
    slot *slots = realloc(w->slots, (w->n_slots + 1) * sizeof(*slots));
    if (!slots) {
        return NULL;
    }
    w->slots = slots;
    slot *s = &slots[w->n_slots];
    *s = (slot){.form = item_form_of(event), .number = event->item};
    char id[96];
    const char *suffix = strchr(w->head.id, '_');
    snprintf(id, sizeof(id), "%s%s_%zu", s->form->id_prefix, suffix ? suffix + 1 : w->head.id,
             w->n_slots);
    s->item = item_begin(s->form, id, event);
    s->logprobs = w->head.request->logprobs ? json_array() : NULL;
    s->call_id = s->form->states && event->call_id ? strdup(event->call_id) : NULL;
    w->n_slots++;
    return json_array_append_new(w->state.output, s->item) ? NULL : s;
}

static bool open_item(writer *w, const turn_event *event) {
    if (event->item_kind == ITEM_RESULT) {
        return true; // becomes part of its call
    }
    slot *s = new_slot(w, event);
    if (!s) {
        return false;
    }
    send(w, "response.output_item.added", item_event(w, s));
    if (s->form->states) {
        send_suffixed(w, s->form->states, "in_progress", about(w, s));
    }
    if (s->form->part_type && w->out) {
        send(w, "response.content_part.added",
             about_with(w, s, "part", item_part(s->form, "", 0, NULL)));
    }
    return true;
}

static bool grow_item(writer *w, const turn_event *event) {
    slot *s = event->item_kind == ITEM_RESULT ? NULL : find_item(w, event->item);
    if (!s) {
        return event->item_kind == ITEM_RESULT;
    }
    json_t *logprobs = s->logprobs ? json_array() : NULL;
    bool ok = !s->logprobs ||
              (logprobs_append(logprobs, w->head.tokenizer, event->tokens, event->n_tokens) &&
               !json_array_extend(s->logprobs, logprobs));
    if (ok && w->out) {
        json_t *data = about_with(w, s, "delta", json_stringn(event->text, event->text_length));
        if (s->form->part_type && !strcmp(s->form->part_type, "output_text")) {
            ok = !json_object_set_new(data, "logprobs",
                                      logprobs ? json_incref(logprobs) : json_array());
        }
        send_suffixed(w, s->form->events, "delta", data);
    }
    json_decref(logprobs);
    return ok;
}

// The text is complete.
static bool close_item(writer *w, const turn_event *event) {
    if (event->item_kind == ITEM_RESULT) {
        slot *call = find_call(w, event->call_id);
        if (!call) {
            return true;
        }
        w->pending = call;
        return item_set_output(call->item, call->form, event->text, event->text_length);
    }
    slot *s = find_item(w, event->item);
    if (!s || !item_set_text(s->item, s->form, event->text, event->text_length, s->logprobs)) {
        return false;
    }
    s->closed = true;
    if (w->out) {
        const char *key = s->form->text_key ? s->form->text_key : "text";
        json_t *data = about_with(w, s, key, json_stringn(event->text, event->text_length));
        if (!strcmp(s->form->type, "message")) {
            json_object_set_new(data, "logprobs",
                                s->logprobs ? json_deep_copy(s->logprobs) : json_array());
        } else if (!strcmp(s->form->type, "function_call")) {
            json_object_set_new(data, "name", json_string(event->name));
        }
        send_suffixed(w, s->form->events, "done", data);
    }
    if (!s->form->states) {
        w->pending = s;
    }
    return true;
}

// output_item.done and what comes before it.
static bool finish_item(writer *w, slot *s, bool cut) {
    bool own_unanswered = s->form->states && cut;
    const char *status = !cut                                ? "completed"
                         : strcmp(s->form->type, "mcp_call") ? "incomplete"
                                                             : "failed";
    s->done = true;
    if (!item_set_status(s->item, status)) {
        return false;
    }
    if (s->form->states) {
        // There is no such event for code that was cut short.
        if (!own_unanswered || !strcmp(status, "failed")) {
            send_suffixed(w, s->form->states, own_unanswered ? "failed" : "completed", about(w, s));
        }
    } else if (s->form->part_type && w->out) {
        json_t *part = json_array_get(json_object_get(s->item, "content"), 0);
        send(w, "response.content_part.done", about_with(w, s, "part", json_deep_copy(part)));
    }
    if (!strcmp(s->form->type, "reasoning") && w->state.sealed) {
        const json_t *words =
            json_object_get(json_array_get(json_object_get(s->item, "content"), 0), "text");
        if (json_object_set_new(
                s->item, "encrypted_content",
                responses_seal(json_string_value(words), json_string_length(words)))) {
            return false;
        }
    }
    send(w, "response.output_item.done", item_event(w, s));
    return true;
}

// ---- the turn --------------------------------------------------------------------------------

static bool is_cut(const turn_event *event) {
    return event->kind == TURN_CHOICE && event->finish != FINISH_STOP &&
           event->finish != FINISH_CALLS;
}

static bool end_choice(writer *w, const turn_event *event) {
    for (size_t i = 0; i < w->n_slots; i++) {
        if (!w->slots[i].done && !finish_item(w, &w->slots[i], true)) {
            return false; // a call whose result the turn did not wait for
        }
    }
    return response_state_finish(&w->state, event);
}

static bool end(writer *w, const turn_event *event) {
    static const char *const types[] = {
        [RESPONSE_IN_PROGRESS] = "response.incomplete", [RESPONSE_COMPLETED] = "response.completed",
        [RESPONSE_INCOMPLETE] = "response.incomplete",  [RESPONSE_FAILED] = "response.failed",
        [RESPONSE_CANCELLED] = "response.incomplete",
    };
    if (!response_state_done(&w->state, event)) {
        return false;
    }
    send_response(w, types[w->state.status]);
    return true;
}

static bool step(writer *w, const turn_event *event) {
    if (event->kind == TURN_WAIT || event->choice) {
        return true; // a response is one choice
    }
    begin(w);
    if (w->pending) {
        slot *s = w->pending;
        w->pending = NULL;
        if (!finish_item(w, s, is_cut(event))) {
            return false;
        }
    }
    switch (event->kind) {
    case TURN_OPEN:
        return open_item(w, event);
    case TURN_DELTA:
        return grow_item(w, event);
    case TURN_CLOSE:
        return close_item(w, event);
    case TURN_CHOICE:
        return end_choice(w, event);
    case TURN_DONE:
        return end(w, event);
    default:
        return true;
    }
}

bool responses_write(void *opened, const turn_event *event, text *out) {
    writer *w = opened;
    w->out = out;
    w->failed = w->failed || !step(w, event) || out->failed;
    return !w->failed;
}

bool responses_collect(void *opened, const turn_event *event) {
    writer *w = opened;
    w->out = NULL;
    w->failed = w->failed || !step(w, event);
    return !w->failed;
}

bool responses_document(void *opened, text *out) {
    writer *w = opened;
    json_t *object = w->failed ? NULL : response_object(&w->state);
    text_json(out, object);
    json_decref(object);
    return !out->failed;
}
