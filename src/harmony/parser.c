// The stream parser: a state machine over ids that takes whatever comes (docs/harmony.md,
// "Parsing").
#include "harmony/harmony.h"
#include "harmony/header.h"

#include <string.h>

typedef enum state {
    BETWEEN, // no message is open: <|start|> is expected
    HEADER,  // after <|start|>
    CONTENT, // after <|message|>
    FINISHED,
} state;

enum { MAX_EVENTS = 4 }; // of one push: the text and end of a cut header, or of a broken character

struct harmony_parser {
    const harmony *harmony;
    const tokenizer *tokenizer;
    state state;
    int role;              // HEADER: known before the header's own words, or -1
    base_buffer raw;       // HEADER: harmony_header_append's
    harmony_arena arena;   // texts of `header`
    harmony_header header; // CONTENT: of the open message; then of the last one
    base_buffer content;   // CONTENT: all text so far
    char pending[4];       // CONTENT: an incomplete character
    size_t n_pending;
    unsigned flags; // irregular in the header or message at hand
    unsigned stray; // irregular between messages, each noted once
    harmony_event events[MAX_EVENTS];
    size_t n_events, next_event;
    size_t delta; // content[delta ..] came with this push
    harmony_conversation *messages;
    harmony_irregularity *irregularities; // [n_irregularities]
    size_t n_irregularities, capacity;
    harmony_arena notes; // texts of irregularities
    bool no_memory;      // remembered until the push returns
};

// ---- notes and events -------------------------------------------------------------------------

static void note(harmony_parser *parser, unsigned bit, harmony_text text) {
    if (parser->n_irregularities == parser->capacity) {
        size_t capacity = parser->capacity ? 2 * parser->capacity : 8;
        harmony_irregularity *grown =
            base_resize(parser->irregularities, capacity, sizeof *parser->irregularities);
        if (!grown) {
            parser->no_memory = true;
            return;
        }
        parser->irregularities = grown;
        parser->capacity = capacity;
    }
    harmony_irregularity *item = &parser->irregularities[parser->n_irregularities++];
    *item = (harmony_irregularity){harmony_conversation_length(parser->messages), bit, {0}};
    parser->no_memory |= !harmony_arena_text(&parser->notes, text, &item->text);
}

// Notes what is new among the bits, once for each message.
static void flag(harmony_parser *parser, unsigned bits) {
    bits &= ~parser->flags;
    parser->flags |= bits;
    for (unsigned i = 0; i < HARMONY_N_IRREGULAR; i++) {
        if (bits & 1u << i) {
            harmony_text none = {0};
            note(parser, 1u << i, 1u << i == HARMONY_EXTRA_HEADER ? parser->header.extra : none);
        }
    }
}

static void flag_stray(harmony_parser *parser, unsigned bit) {
    if (!(parser->stray & bit)) {
        parser->stray |= bit;
        note(parser, bit, (harmony_text){0});
    }
}

static void emit(harmony_parser *parser, harmony_event_kind kind, harmony_close_reason reason) {
    const harmony_header *header = &parser->header;
    parser->events[parser->n_events++] = (harmony_event){
        .kind = kind,
        .role = header->role,
        .name = header->name,
        .recipient = header->recipient,
        .channel = header->channel,
        .content_type = header->content_type,
        .reason = reason,
        .irregular = parser->flags,
    };
}

// ---- content ----------------------------------------------------------------------------------

static void put_content(harmony_parser *parser, const char *bytes, size_t length) {
    parser->no_memory |= !base_buffer_append(&parser->content, bytes, length);
}

static void put_replacement(harmony_parser *parser) {
    flag(parser, HARMONY_BROKEN_UTF8);
    put_content(parser, "\xEF\xBF\xBD", 3);
}

// Passes whole characters on; broken ones are replaced, the last one waits until it is complete.
static void push_bytes(harmony_parser *parser, const char *bytes, size_t length) {
    while (parser->n_pending && length) {
        int32_t c;
        parser->pending[parser->n_pending++] = *bytes;
        size_t taken = base_utf8_decode(parser->pending, parser->n_pending, &c);
        if (c == -1) { // what waited is broken; the new byte may begin something
            put_replacement(parser);
            parser->n_pending = 0;
            break;
        }
        bytes++;
        length--;
        if (c >= 0) {
            put_content(parser, parser->pending, taken);
            parser->n_pending = 0;
        }
    }
    size_t start = 0, at = 0;
    while (at < length) {
        int32_t c;
        size_t taken = base_utf8_decode(bytes + at, length - at, &c);
        if (c < 0) {
            put_content(parser, bytes + start, at - start);
            start = at + taken;
        }
        if (c == -1) {
            put_replacement(parser);
        } else if (c == -2) {
            memcpy(parser->pending, bytes + at, taken);
            parser->n_pending = taken;
        }
        at += taken;
    }
    put_content(parser, bytes + start, at - start);
}

// A character ends where a special token stands, even a skipped one.
static void end_character(harmony_parser *parser) {
    if (parser->n_pending) {
        put_replacement(parser);
        parser->n_pending = 0;
    }
}

static void emit_text(harmony_parser *parser) {
    if (parser->content.length > parser->delta) {
        emit(parser, HARMONY_EVENT_TEXT, HARMONY_CLOSE_CUT);
        // The buffer may move, but not before the next push.
        parser->events[parser->n_events - 1].text = (harmony_text){
            parser->content.data + parser->delta, parser->content.length - parser->delta};
        parser->delta = parser->content.length;
    }
}

static void skip_in_content(harmony_parser *parser, unsigned bit) {
    flag(parser, bit);
    end_character(parser);
    emit_text(parser);
}

static void open_message(harmony_parser *parser) {
    flag(parser, parser->header.irregular);
    parser->content.length = parser->delta = 0;
    parser->n_pending = 0;
    emit(parser, HARMONY_EVENT_OPEN, HARMONY_CLOSE_CUT);
    parser->state = CONTENT;
}

static gptoss_status close_message(harmony_parser *parser, harmony_close_reason reason,
                                   gptoss_error *error) {
    end_character(parser);
    emit_text(parser);
    emit(parser, HARMONY_EVENT_CLOSE, reason);
    const harmony_header *header = &parser->header;
    harmony_content content = {.kind = HARMONY_CONTENT_TEXT,
                               .text = {parser->content.data, parser->content.length}};
    harmony_message message = {header->role,
                               header->name,
                               header->recipient,
                               header->channel,
                               header->content_type,
                               &content,
                               1};
    parser->state = BETWEEN;
    parser->flags = parser->stray = 0;
    return harmony_conversation_add(parser->messages, &message, error);
}

// ---- header -----------------------------------------------------------------------------------

static void begin_header(harmony_parser *parser, int role) {
    parser->state = HEADER;
    parser->role = role;
    parser->raw.length = 0;
}

static bool read_header(harmony_parser *parser, bool complete) {
    harmony_arena_free(&parser->arena);
    harmony_text raw = {parser->raw.data ? parser->raw.data : "", parser->raw.length};
    bool good = (complete ? harmony_header_read : harmony_header_as_text)(
        raw, parser->role, &parser->arena, &parser->header);
    parser->no_memory |= !good;
    return good;
}

// The header at hand ends without <|message|>. Nothing but a role makes no message.
static gptoss_status cut_header(harmony_parser *parser, harmony_close_reason reason, unsigned bits,
                                gptoss_error *error) {
    if (!read_header(parser, false)) {
        return GPTOSS_OK; // no_memory is set
    }
    parser->state = BETWEEN;
    const harmony_header *header = &parser->header;
    bool white = true;
    for (size_t i = 0; i < header->text.length; i++) {
        white = white && strchr(" \t\n\r\f", header->text.data[i]);
    }
    if (white && !header->name.data && !header->channel.data) {
        bits |= reason == HARMONY_CLOSE_CUT ? 0 : HARMONY_MISSING_MESSAGE;
        bits |= header->irregular & ~(unsigned)(HARMONY_MISSING_MESSAGE | HARMONY_MISSING_ROLE);
        for (unsigned i = 0; i < HARMONY_N_IRREGULAR; i++) {
            if (bits & 1u << i) {
                flag_stray(parser, 1u << i);
            }
        }
        parser->flags = 0;
        return GPTOSS_OK;
    }
    open_message(parser);
    flag(parser, bits & ~(unsigned)HARMONY_REPEATED_START);
    put_content(parser, header->text.data, header->text.length);
    return close_message(parser, reason, error);
}

// ---- ids --------------------------------------------------------------------------------------

static gptoss_status take_end(harmony_parser *parser, harmony_close_reason reason, unsigned bits,
                              gptoss_error *error) {
    switch (parser->state) {
    case HEADER:
        return cut_header(parser, reason, bits, error);
    case CONTENT:
        flag(parser, bits);
        return close_message(parser, reason, error);
    default:
        flag_stray(parser, bits ? bits : HARMONY_STRAY_END);
        return GPTOSS_OK;
    }
}

static gptoss_status take_start(harmony_parser *parser, gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    if (parser->state == HEADER) {
        status = cut_header(parser, HARMONY_CLOSE_CUT, HARMONY_REPEATED_START, error);
    } else if (parser->state == CONTENT) {
        flag(parser, HARMONY_MISSING_END);
        status = close_message(parser, HARMONY_CLOSE_CUT, error);
    }
    begin_header(parser, -1);
    return status;
}

static gptoss_status take_channel(harmony_parser *parser, gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    if (parser->state == CONTENT) { // `<|end|><|start|>assistant` was forgotten
        flag(parser, HARMONY_MISSING_END);
        status = close_message(parser, HARMONY_CLOSE_CUT, error);
        begin_header(parser, (int)parser->header.role);
        flag(parser, HARMONY_MISSING_START);
    } else if (parser->state == BETWEEN) {
        begin_header(parser, -1);
        flag(parser, HARMONY_MISSING_START);
    }
    parser->no_memory |= !harmony_header_mark(&parser->raw, HEADER_CHANNEL);
    return status;
}

static void take_message(harmony_parser *parser) {
    if (parser->state == CONTENT) {
        skip_in_content(parser, HARMONY_REPEATED_MESSAGE);
        return;
    }
    if (parser->state == BETWEEN) {
        begin_header(parser, -1);
        flag(parser, HARMONY_MISSING_START);
    }
    if (read_header(parser, true)) {
        open_message(parser);
    }
}

static void take_constrain(harmony_parser *parser) {
    if (parser->state == HEADER) {
        parser->no_memory |= !harmony_header_mark(&parser->raw, HEADER_CONSTRAIN);
    } else if (parser->state == CONTENT) {
        skip_in_content(parser, HARMONY_STRAY_CONSTRAIN);
    } else {
        flag_stray(parser, HARMONY_STRAY_CONSTRAIN);
    }
}

// A special token without a meaning here, or no token at all.
static void take_other(harmony_parser *parser, unsigned bit) {
    if (parser->state == BETWEEN) {
        flag_stray(parser, bit);
    } else if (parser->state == CONTENT) {
        skip_in_content(parser, bit);
    } else {
        flag(parser, bit);
        parser->no_memory |= !harmony_header_mark(&parser->raw, HEADER_OTHER);
    }
}

static void take_bytes(harmony_parser *parser, const char *bytes, size_t length) {
    if (parser->state == BETWEEN) {
        begin_header(parser, -1);
        flag(parser, HARMONY_MISSING_START);
    }
    if (parser->state == HEADER) {
        parser->no_memory |= !harmony_header_append(&parser->raw, bytes, length);
        return;
    }
    push_bytes(parser, bytes, length);
    emit_text(parser);
}

static gptoss_status take(harmony_parser *parser, int32_t id, gptoss_error *error) {
    for (int marker = 0; marker < HARMONY_N_MARKERS; marker++) {
        if (id != harmony_marker_id(parser->harmony, (harmony_marker)marker)) {
            continue;
        }
        switch ((harmony_marker)marker) {
        case HARMONY_MARK_START:
            return take_start(parser, error);
        case HARMONY_MARK_CHANNEL:
            return take_channel(parser, error);
        case HARMONY_MARK_END:
            return take_end(parser, HARMONY_CLOSE_END, 0, error);
        case HARMONY_MARK_RETURN:
            return take_end(parser, HARMONY_CLOSE_RETURN, 0, error);
        case HARMONY_MARK_CALL:
            return take_end(parser, HARMONY_CLOSE_CALL, 0, error);
        case HARMONY_MARK_MESSAGE:
            take_message(parser);
            return GPTOSS_OK;
        default:
            take_constrain(parser);
            return GPTOSS_OK;
        }
    }
    size_t length = 0;
    const char *bytes = tokenizer_bytes(parser->tokenizer, id, &length);
    if (id >= 0 && id == harmony_end_of_text(parser->harmony)) {
        return take_end(parser, HARMONY_CLOSE_CUT, HARMONY_END_OF_TEXT, error);
    }
    if (!bytes) {
        take_other(parser, HARMONY_UNKNOWN_ID);
    } else if (tokenizer_is_special(parser->tokenizer, id)) {
        take_other(parser, HARMONY_RESERVED_TOKEN);
    } else {
        take_bytes(parser, bytes, length);
    }
    return GPTOSS_OK;
}

// ---- the handle -------------------------------------------------------------------------------

gptoss_status harmony_parser_create(const harmony *h, int role, harmony_parser **parser_out,
                                    gptoss_error *error) {
    *parser_out = NULL;
    if (role >= HARMONY_N_ROLES) {
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "no such role: %d", role);
    }
    harmony_parser *parser = base_alloc_zero(1, sizeof *parser);
    if (!parser) {
        return base_fail_memory(error, sizeof *parser);
    }
    gptoss_status status = harmony_conversation_create(&parser->messages, error);
    if (status) {
        base_free(parser);
        return status;
    }
    parser->harmony = h;
    parser->tokenizer = harmony_tokenizer(h);
    if (role >= 0) {
        begin_header(parser, role);
    }
    *parser_out = parser;
    return GPTOSS_OK;
}

void harmony_parser_free(harmony_parser *parser) {
    if (!parser) {
        return;
    }
    harmony_conversation_free(parser->messages);
    harmony_arena_free(&parser->arena);
    harmony_arena_free(&parser->notes);
    base_buffer_free(&parser->raw);
    base_buffer_free(&parser->content);
    base_free(parser->irregularities);
    base_free(parser);
}

static gptoss_status begin_push(harmony_parser *parser, gptoss_error *error) {
    if (parser->state == FINISHED) {
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the parser was finished before");
    }
    parser->n_events = parser->next_event = 0;
    return GPTOSS_OK;
}

gptoss_status harmony_parser_push(harmony_parser *parser, int32_t id, gptoss_error *error) {
    gptoss_status status = begin_push(parser, error);
    status = status ? status : take(parser, id, error);
    return !status && parser->no_memory ? base_fail_memory(error, parser->content.capacity)
                                        : status;
}

gptoss_status harmony_parser_finish(harmony_parser *parser, gptoss_error *error) {
    gptoss_status status = begin_push(parser, error);
    if (status) {
        return status;
    }
    if (parser->state != BETWEEN) {
        status = take_end(parser, HARMONY_CLOSE_CUT, HARMONY_UNFINISHED, error);
    }
    parser->state = FINISHED;
    return !status && parser->no_memory ? base_fail_memory(error, parser->content.capacity)
                                        : status;
}

bool harmony_parser_next(harmony_parser *parser, harmony_event *event_out) {
    if (parser->next_event == parser->n_events) {
        return false;
    }
    *event_out = parser->events[parser->next_event++];
    return true;
}

bool harmony_parser_in_message(const harmony_parser *parser) {
    return parser->state == CONTENT;
}

const harmony_conversation *harmony_parser_messages(const harmony_parser *parser) {
    return parser->messages;
}

size_t harmony_parser_irregularities(const harmony_parser *parser) {
    return parser->n_irregularities;
}

harmony_irregularity harmony_parser_irregularity(const harmony_parser *parser, size_t index) {
    return parser->irregularities[index];
}
