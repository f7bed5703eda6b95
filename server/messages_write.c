// messages_write.c: a turn's events as Anthropic's stream of content blocks, or as one message.
#include "messages.h"

#include <stdlib.h>
#include <string.h>

#include "json_prefix.h"

enum { PING_EVERY = 32 }; // deltas that show nothing: connections die of silence

typedef struct writer {
    answer_head head;
    messages_thinking thinking;
    int32_t index;         // of the block at hand, or of the next one
    bool begun;            // stream: message_start was sent
    bool open;             // stream: a block is
    int32_t silent;        // stream: deltas since the last thing that was shown
    json_prefix arguments; // of the call at hand
    text blocks;           // document: their JSON, with commas between
    turn_usage usage;
    turn_finish finish;
    char *stop, *details;
    problem problem;
} writer;

// What a client sees of an item.
typedef enum block_kind {
    BLOCK_NONE,
    BLOCK_TEXT,
    BLOCK_THINKING, // with its text
    BLOCK_OMITTED,  // thinking without
    BLOCK_CALL,
    BLOCK_RESULT,
} block_kind;

static block_kind block_of(const writer *w, const turn_event *event) {
    static const block_kind reasoning[] = {
        [THINKING_HIDDEN] = BLOCK_NONE,
        [THINKING_SHOWN] = BLOCK_THINKING,
        [THINKING_OMITTED] = BLOCK_OMITTED,
        [THINKING_BETWEEN] = BLOCK_NONE,
    };
    switch (event->item_kind) {
    case ITEM_REASONING:
        return reasoning[w->thinking];
    case ITEM_PREAMBLE:
        return w->thinking == THINKING_BETWEEN ? BLOCK_THINKING : BLOCK_TEXT;
    case ITEM_ANSWER:
        return BLOCK_TEXT;
    case ITEM_CALL:
        return BLOCK_CALL;
    case ITEM_RESULT:
        return BLOCK_RESULT;
    default:
        return BLOCK_NONE;
    }
}

static messages_thinking read_thinking(const request *r) {
    json_t *kept = r->repeated ? json_loads(r->repeated, 0, NULL) : NULL;
    const char *name = json_string_value(json_object_get(kept, "thinking"));
    int found = THINKING_HIDDEN;
    for (int i = 0; name && messages_thinking_names[i]; i++) {
        found = strcmp(name, messages_thinking_names[i]) ? found : i;
    }
    json_decref(kept);
    return (messages_thinking)found;
}

void *messages_open(const answer_head *head) {
    writer *w = calloc(1, sizeof(*w));
    if (w) {
        w->head = *head;
        w->thinking = read_thinking(head->request);
    }
    return w;
}

void messages_close(void *made) {
    writer *w = made;
    if (w) {
        text_clear(&w->blocks);
        free(w->stop);
        free(w->details);
        free(w);
    }
}

// ---- pieces ------------------------------------------------------------------------------------

static json_t *string_of(const char *words, size_t length) {
    return json_stringn(words ? words : "", words ? length : 0);
}

static json_t *usage_of(const turn_usage *u) {
    return json_pack("{s:I, s:i, s:I, s:I, s:{s:I}}", "input_tokens",
                     (json_int_t)(u->prompt_tokens - u->cached_tokens),
                     "cache_creation_input_tokens", 0, "cache_read_input_tokens",
                     (json_int_t)u->cached_tokens, "output_tokens",
                     (json_int_t)u->completion_tokens, "output_tokens_details", "thinking_tokens",
                     (json_int_t)u->reasoning_tokens);
}

static const char *stop_reason(const writer *w) {
    switch (w->finish) {
    case FINISH_STOP:
        return w->stop ? "stop_sequence" : "end_turn";
    case FINISH_CALLS:
        return "tool_use";
    case FINISH_CONTEXT:
        return "model_context_window_exceeded";
    default: // also where the answer is cut for a reason that Anthropic's service has not
        return "max_tokens";
    }
}

static bool is_python(const turn_event *event) {
    return event->tool_kind == TOOL_BUILTIN && !strcmp(event->name, "python");
}

// A call as it begins. Tools that the server runs itself have types of their own, so that no client
// answers them.
static json_t *call_of(const turn_event *event) {
    if (is_python(event)) {
        return json_pack("{s:s, s:s, s:s, s:{}}", "type", "server_tool_use", "id", event->call_id,
                         "name", "code_execution", "input");
    }
    if (event->tool_kind == TOOL_BUILTIN) {
        return json_pack("{s:s, s:s, s:s, s:s, s:{}}", "type", "mcp_tool_use", "id", event->call_id,
                         "name", event->name, "server_name", "gptoss", "input");
    }
    return json_pack("{s:s, s:s, s:s, s:{}}", "type", "tool_use", "id", event->call_id, "name",
                     event->name, "input");
}

static json_t *result_of(const turn_event *event) {
    if (!strcmp(event->name, "python")) {
        return json_pack(
            "{s:s, s:s, s:{s:s, s:o, s:s, s:i, s:[]}}", "type", "code_execution_tool_result",
            "tool_use_id", event->call_id, "content", "type", "code_execution_result", "stdout",
            string_of(event->text, event->text_length), "stderr", "", "return_code", 0, "content");
    }
    return json_pack("{s:s, s:s, s:b, s:[{s:s, s:o}]}", "type", "mcp_tool_result", "tool_use_id",
                     event->call_id, "is_error", 0, "content", "type", "text", "text",
                     string_of(event->text, event->text_length));
}

// Arguments that are no JSON object, as one.
static void wrap_arguments(const turn_event *event, text *out) {
    json_t *wrapped = event->text_length ? json_pack("{s:o}", is_python(event) ? "code" : "input",
                                                     string_of(event->text, event->text_length))
                                         : json_object();
    text_json(out, wrapped);
    json_decref(wrapped);
}

static json_t *empty_block(const writer *w, const turn_event *event) {
    switch (block_of(w, event)) {
    case BLOCK_TEXT:
        return json_pack("{s:s, s:s}", "type", "text", "text", "");
    case BLOCK_CALL:
        return call_of(event);
    case BLOCK_RESULT:
        return result_of(event);
    default:
        return json_pack("{s:s, s:s, s:s}", "type", "thinking", "thinking", "", "signature", "");
    }
}

static json_t *signature_of(const turn_event *event, block_kind kind) {
    bool hides = kind == BLOCK_OMITTED && event->text_length;
    return messages_sign(event->item_kind, hides ? event->text : NULL, event->text_length);
}

// ---- stream ------------------------------------------------------------------------------------

static void start_block(writer *w, const turn_event *event, text *out) {
    if (!w->open) {
        text_event(out, "content_block_start",
                   json_pack("{s:s, s:i, s:o}", "type", "content_block_start", "index", w->index,
                             "content_block", empty_block(w, event)));
    }
    w->open = true;
    w->silent = 0;
}

static void send_delta(writer *w, const char *type, const char *key, json_t *value, text *out) {
    text_event(out, "content_block_delta",
               json_pack("{s:s, s:i, s:{s:s, s:o}}", "type", "content_block_delta", "index",
                         w->index, "delta", "type", type, key, value));
    w->silent = 0;
}

static void stop_block(writer *w, text *out) {
    if (w->open) {
        text_event(out, "content_block_stop",
                   json_pack("{s:s, s:i}", "type", "content_block_stop", "index", w->index++));
    }
    w->open = false;
}

static void ping(writer *w, text *out) {
    text_event(out, "ping", json_pack("{s:s}", "type", "ping"));
    w->silent = 0;
}

static void write_begin(writer *w, const turn_event *event, text *out) {
    json_t *message =
        json_pack("{s:s, s:s, s:s, s:[], s:s, s:n, s:n, s:o}", "id", w->head.id, "type", "message",
                  "role", "assistant", "content", "model", w->head.model, "stop_reason",
                  "stop_sequence", "usage", usage_of(&event->usage));
    text_event(out, "message_start",
               json_pack("{s:s, s:o}", "type", "message_start", "message", message));
    w->begun = true;
}

static void write_open(writer *w, const turn_event *event, text *out) {
    block_kind kind = block_of(w, event);
    w->arguments = (json_prefix){0};
    if (kind == BLOCK_CALL || kind == BLOCK_OMITTED) { // the others wait for something to show
        start_block(w, event, out);
    }
}

// What of a delta continues a JSON object. Clients parse what they have at each step, so that the
// first thing they get must be the brace, without space before it.
static const char *next_arguments(writer *w, const turn_event *event, size_t *length) {
    bool begun = w->arguments.whole;
    *length =
        is_python(event) ? 0 : json_prefix_add(&w->arguments, event->text, event->text_length);
    if (begun) {
        return event->text;
    }
    const char *brace = *length ? memchr(event->text, '{', *length) : NULL;
    *length = brace ? *length - (size_t)(brace - event->text) : 0;
    return brace;
}

static void write_delta(writer *w, const turn_event *event, text *out) {
    block_kind kind = block_of(w, event);
    const char *words = event->text;
    size_t length = event->text_length;
    if (kind == BLOCK_CALL) {
        words = next_arguments(w, event, &length);
    }
    if (!length || kind == BLOCK_NONE || kind == BLOCK_OMITTED || kind == BLOCK_RESULT) {
        if (++w->silent >= PING_EVERY) {
            ping(w, out);
        }
        return;
    }
    start_block(w, event, out);
    json_t *value = string_of(words, length);
    if (kind == BLOCK_CALL) {
        send_delta(w, "input_json_delta", "partial_json", value, out);
    } else if (kind == BLOCK_THINKING) {
        send_delta(w, "thinking_delta", "thinking", value, out);
    } else {
        send_delta(w, "text_delta", "text", value, out);
    }
}

static void write_close(writer *w, const turn_event *event, text *out) {
    block_kind kind = block_of(w, event);
    if (kind == BLOCK_RESULT) {
        start_block(w, event, out);
    }
    if (w->open && (kind == BLOCK_THINKING || kind == BLOCK_OMITTED)) {
        send_delta(w, "signature_delta", "signature", signature_of(event, kind), out);
    }
    if (kind == BLOCK_CALL && !w->arguments.whole && event->text_length) {
        text wrapped = {0};
        wrap_arguments(event, &wrapped);
        send_delta(w, "input_json_delta", "partial_json", string_of(wrapped.data, wrapped.length),
                   out);
        out->failed |= wrapped.failed;
        text_clear(&wrapped);
    }
    stop_block(w, out);
}

static json_t *or_null(const char *words) {
    return words ? json_string(words) : json_null();
}

static void write_done(writer *w, const turn_event *event, text *out) {
    if (w->finish == FINISH_FAILED) {
        messages_fail(&w->problem, true, out);
        return;
    }
    json_t *delta = json_pack("{s:{s:s, s:o}, s:s, s:o}", "delta", "stop_reason", stop_reason(w),
                              "stop_sequence", or_null(w->stop), "type", "message_delta", "usage",
                              usage_of(&event->usage));
    if (w->details && delta) {
        json_object_set_new(delta, "finish_details", json_string(w->details));
    }
    text_event(out, "message_delta", delta);
    text_event(out, "message_stop", json_pack("{s:s}", "type", "message_stop"));
}

// Both ways: remembers how the turn ended.
static bool note_choice(writer *w, const turn_event *event) {
    w->finish = event->finish;
    w->problem = event->problem;
    free(w->stop);
    free(w->details);
    w->stop = event->stop ? strdup(event->stop) : NULL;
    w->details = event->details ? strdup(event->details) : NULL;
    return (!event->stop || w->stop) && (!event->details || w->details);
}

bool messages_write(void *made, const turn_event *event, text *out) {
    writer *w = made;
    switch (event->kind) {
    case TURN_BEGIN:
        write_begin(w, event, out);
        break;
    case TURN_WAIT:
        if (w->begun) {
            ping(w, out);
        } else { // clients want message_start first
            text_print(out, ": waiting\n\n");
        }
        break;
    case TURN_OPEN:
        write_open(w, event, out);
        break;
    case TURN_DELTA:
        write_delta(w, event, out);
        break;
    case TURN_CLOSE:
        write_close(w, event, out);
        break;
    case TURN_CHOICE:
        return note_choice(w, event);
    case TURN_DONE:
        write_done(w, event, out);
        break;
    }
    return !out->failed;
}

// ---- document ----------------------------------------------------------------------------------

// The block as far as json_pack makes it; a call's arguments are put in as they were said.
static void add_call(writer *w, const turn_event *event, text *out) {
    json_t *call = call_of(event);
    text head = {0};
    json_object_del(call, "input");
    text_json(&head, call);
    json_decref(call);
    w->arguments = (json_prefix){0};
    if (!is_python(event)) {
        json_prefix_add(&w->arguments, event->text, event->text_length);
    }
    text_add(out, head.data, head.length ? head.length - 1 : 0); // but for its brace
    text_print(out, ",\"input\":");
    if (w->arguments.whole) {
        json_prefix_repair(&w->arguments, event->text, out);
    } else {
        wrap_arguments(event, out);
    }
    text_add(out, "}", 1);
    out->failed |= head.failed;
    text_clear(&head);
}

static json_t *whole_block(const turn_event *event, block_kind kind) {
    json_t *words = string_of(event->text, event->text_length);
    switch (kind) {
    case BLOCK_TEXT:
        return json_pack("{s:s, s:o}", "type", "text", "text", words);
    case BLOCK_RESULT:
        json_decref(words);
        return result_of(event);
    default:
        return json_pack("{s:s, s:o, s:o}", "type", "thinking", "thinking", words, "signature",
                         signature_of(event, kind));
    }
}

static void collect_item(writer *w, const turn_event *event) {
    block_kind kind = block_of(w, event);
    bool empty = !event->text_length && (kind == BLOCK_TEXT || kind == BLOCK_THINKING);
    if (kind == BLOCK_NONE || empty) {
        return;
    }
    text_add(&w->blocks, ",", w->blocks.length != 0);
    if (kind == BLOCK_CALL) {
        add_call(w, event, &w->blocks);
        return;
    }
    json_t *block = whole_block(event, kind);
    if (kind == BLOCK_OMITTED && block) {
        json_object_set_new(block, "thinking", json_string(""));
    }
    text_json(&w->blocks, block);
    json_decref(block);
}

bool messages_collect(void *made, const turn_event *event) {
    writer *w = made;
    if (event->kind == TURN_CLOSE) {
        collect_item(w, event);
    } else if (event->kind == TURN_DONE) {
        w->usage = event->usage;
    } else if (event->kind == TURN_CHOICE) {
        return note_choice(w, event);
    }
    return !w->blocks.failed;
}

bool messages_document(void *made, text *out) {
    writer *w = made;
    if (w->finish == FINISH_FAILED) {
        messages_fail(&w->problem, false, out);
        return !out->failed;
    }
    json_t *message =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", w->head.id, "type", "message",
                  "role", "assistant", "model", w->head.model, "stop_reason", stop_reason(w),
                  "stop_sequence", or_null(w->stop), "usage", usage_of(&w->usage));
    if (w->details && message) {
        json_object_set_new(message, "finish_details", json_string(w->details));
    }
    text head = {0};
    text_json(&head, message);
    json_decref(message);
    text_add(out, head.data, head.length ? head.length - 1 : 0);
    text_print(out, ",\"content\":[");
    text_add(out, w->blocks.data, w->blocks.length);
    text_add(out, "]}", 2);
    out->failed |= head.failed;
    text_clear(&head);
    return !out->failed;
}
