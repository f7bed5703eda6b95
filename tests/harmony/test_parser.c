// The stream parser on streams that no model should write: each case's messages and irregularities,
// then 100,000 damaged streams. If this fails, text is lost, a stream can't be followed, or
// something that a model wrote by mistake ends in a wrong place.
#include "harmony/harmony.h"

#include <string.h>

#include "support/check.h"

static tokenizer *bpe;
static harmony *format;

// ---- cases --------------------------------------------------------------------------------------

// In `text` special tokens stand by name, and \1 is the id 999999, \2 and \3 halves of a character.
static void encode(const char *text, base_ids *ids) {
    ids->length = 0;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\1\2\3");
        CHECK(!tokenizer_encode(bpe, at, length, TOKENIZER_SPECIAL, ids, NULL), "no memory");
        at += length;
        for (; *at && *at <= 3; at++) {
            int32_t id = 999999;
            for (int32_t i = 0; *at > 1 && i < 256; i++) { // single bytes are the first 256 ids
                size_t width;
                const char *bytes = tokenizer_bytes(bpe, i, &width);
                id = width == 1 && (unsigned char)bytes[0] == (*at == 2 ? 0xC3 : 0xA9) ? i : id;
            }
            CHECK(base_ids_push(ids, id), "no memory");
        }
    }
}

// A message in short: ROLE:NAME to=RECIPIENT #CHANNEL TYPE "TEXT"; then the irregularities.
static void describe(const harmony_parser *parser, base_buffer *out) {
    const harmony_conversation *messages = harmony_parser_messages(parser);
    out->length = 0;
    base_buffer_text(out, "");
    for (size_t i = 0; i < harmony_conversation_length(messages); i++) {
        const harmony_message *message = harmony_conversation_message(messages, i);
        base_buffer_format(out, "%s%s", i ? "; " : "", harmony_role_name(message->role));
        const struct {
            const char *before;
            harmony_text text;
        } parts[] = {{":", message->name},
                     {" to=", message->recipient},
                     {" #", message->channel},
                     {" ", message->content_type}};
        for (size_t k = 0; k < 4; k++) {
            if (parts[k].text.data) {
                base_buffer_format(out, "%s%s", parts[k].before, parts[k].text.data);
            }
        }
        base_buffer_format(out, " \"%s\"", message->contents[0].text.data);
    }
    for (size_t i = 0; i < harmony_parser_irregularities(parser); i++) {
        harmony_irregularity item = harmony_parser_irregularity(parser, i);
        base_buffer_format(out, " !%zu %s", item.message, harmony_irregular_name(item.bit));
        if (item.text.data) {
            base_buffer_format(out, "(%s)", item.text.data);
        }
    }
}

static const struct {
    int role; // -1: the stream has its own <|start|>
    const char *stream, *expected;
} cases[] = {
    {HARMONY_ASSISTANT, "<|channel|>final<|message|>hi<|return|>", "assistant #final \"hi\""},
    {-1, "<|start|>user<|message|>hi<|end|><|start|>assistant", "user \"hi\" !1 unfinished"},
    {HARMONY_ASSISTANT, "", " !0 unfinished"},
    {-1, "", ""},
    // resynchronising
    {HARMONY_ASSISTANT,
     "<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b",
     "assistant #analysis \"a\"; assistant #final \"b\" !0 missing_end !1 unfinished"},
    {HARMONY_ASSISTANT, "<|channel|>analysis<|message|>a<|channel|>final<|message|>b<|return|>",
     "assistant #analysis \"a\"; assistant #final \"b\" !0 missing_end !1 missing_start"},
    {HARMONY_ASSISTANT, "<|start|>assistant<|channel|>final<|message|>a<|return|>",
     "assistant #final \"a\" !0 repeated_start"},
    {-1, "<|start|>assistant<|start|>assistant<|channel|>final<|message|>a<|end|>",
     "assistant #final \"a\" !0 repeated_start"},
    {HARMONY_ASSISTANT, "<|channel|>final<|message|>a<|message|>b<|return|>",
     "assistant #final \"ab\" !0 repeated_message"},
    {-1, "<|message|>a<|end|>", "assistant \"a\" !0 missing_start !0 missing_role"},
    {-1, "<|channel|>final<|message|>a<|end|>",
     "assistant #final \"a\" !0 missing_start !0 missing_role"},
    {HARMONY_ASSISTANT, "<|channel|>final<|message|>a<|return|>more<|end|>",
     "assistant #final \"a\"; assistant \"more\" !1 missing_start !1 missing_role "
     "!1 missing_message"},
    {-1, "<|end|><|call|><|start|>user<|message|>a<|end|><|end|>",
     "user \"a\" !0 stray_end !1 stray_end"},
    // headers that end too early
    {HARMONY_ASSISTANT, "<|channel|>final hello there<|return|>",
     "assistant #final \" hello there\" !0 missing_message"},
    {HARMONY_ASSISTANT, " to=functions.f<|call|>",
     "assistant \" to=functions.f\" !0 missing_message"},
    {-1, "<|start|>assistant<|end|>", " !0 missing_message"},
    {-1, "<|start|>user:bob hi<|start|>user<|message|>x<|end|>",
     "user:bob \" hi\"; user \"x\" !0 missing_message"},
    // headers with odd words
    {-1, "<|start|>user:bob<|message|>a<|end|>", "user:bob \"a\""},
    {-1, "<|start|>functions.f<|message|>a<|end|>", "tool:functions.f \"a\""},
    {-1, "<|start|>functions.f<|channel|>commentary<|message|>a<|end|>",
     "tool:functions.f #commentary \"a\""},
    {HARMONY_ASSISTANT, "<|channel|>analysis<|channel|>final<|message|>a<|end|>",
     "assistant #final \"a\" !0 repeated_channel !0 extra_header(analysis)"},
    {HARMONY_ASSISTANT, "<|channel|><|message|>a<|end|>", "assistant \"a\" !0 empty_channel"},
    {HARMONY_ASSISTANT, "<|channel|> final<|message|>a<|end|>", "assistant #final \"a\""},
    {HARMONY_ASSISTANT, "<|channel|>commentary<|constrain|>json<|message|>a<|end|>",
     "assistant #commentary <|constrain|>json \"a\""},
    {HARMONY_ASSISTANT,
     "<|channel|>commentary to=functions.f <|constrain|> json<|message|>{}<|call|>",
     "assistant to=functions.f #commentary <|constrain|>json \"{}\""},
    {HARMONY_ASSISTANT, "<|channel|>commentary json<|message|>a<|end|>",
     "assistant to=json #commentary \"a\" !0 bare_recipient"},
    {HARMONY_ASSISTANT, " one two to=f three<|message|>a<|end|>",
     "assistant to=f three \"a\" !0 extra_header(one two)"},
    {HARMONY_ASSISTANT, "<|constrain|>json to=f<|channel|>final<|message|>a<|end|>",
     "assistant to=f #final <|constrain|>json \"a\""},
    // tokens without a meaning
    {HARMONY_ASSISTANT, "<|channel|>final<|message|>a<|constrain|>b\1c<|startoftext|>d<|return|>",
     "assistant #final \"abcd\" !0 stray_constrain !0 unknown_id !0 reserved_token"},
    {HARMONY_ASSISTANT, "<|channel|>final\1<|message|>a<|endoftext|>\1",
     "assistant #final \"a\" !0 unknown_id !0 end_of_text !1 unknown_id"},
    // characters over several tokens, and broken ones
    {HARMONY_ASSISTANT, "<|message|>a\2\3b\2<|end|>",
     "assistant \"a\xC3\xA9"
     "b\xEF\xBF\xBD\" !0 broken_utf8"},
    {HARMONY_ASSISTANT, "<|message|>\2\2\3\3\2x<|end|>",
     "assistant \"\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBDx\" !0 broken_utf8"},
    {HARMONY_ASSISTANT, "<|channel|>fi\2nal<|message|>x<|end|>",
     "assistant #fi\xEF\xBF\xBDnal \"x\" !0 broken_utf8"},
};

static void test_cases(void) {
    base_ids ids = {0};
    base_buffer got = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        harmony_parser *parser;
        encode(cases[i].stream, &ids);
        CHECK(!harmony_parser_create(format, cases[i].role, &parser, NULL), "no memory");
        for (size_t k = 0; k < ids.length; k++) {
            CHECK(!harmony_parser_push(parser, ids.data[k], NULL), "push failed");
        }
        CHECK(!harmony_parser_finish(parser, NULL), "finish failed");
        CHECK(harmony_parser_push(parser, 0, NULL) == GPTOSS_BAD_ARGUMENT, "pushed after finish");
        describe(parser, &got);
        const char *expected = cases[i].expected;
        CHECK(!strcmp(got.data, expected), "%s\nexpected: %s\ngot:      %s", cases[i].stream,
              expected, got.data);
        harmony_parser_free(parser);
    }
    base_ids_free(&ids);
    base_buffer_free(&got);
}

// ---- events while streaming ---------------------------------------------------------------------

static void test_events(void) {
    base_ids ids = {0};
    harmony_parser *parser;
    harmony_event event;
    base_buffer got = {0};
    encode("<|channel|>commentary to=functions.f <|constrain|>json<|message|>a\2\3<|call|>", &ids);
    CHECK(!harmony_parser_create(format, HARMONY_ASSISTANT, &parser, NULL), "no memory");
    for (size_t i = 0; i < ids.length; i++) {
        CHECK(!harmony_parser_push(parser, ids.data[i], NULL), "push failed");
        base_buffer_text(&got, "|");
        while (harmony_parser_next(parser, &event)) {
            const char *const kinds[] = {"open", "text", "close"};
            base_buffer_format(&got, "%s %s %s ", kinds[event.kind], event.recipient.data,
                               event.kind == HARMONY_EVENT_CLOSE ? harmony_close_name(event.reason)
                                                                 : "");
            base_buffer_append(&got, event.text.data ? event.text.data : "", event.text.length);
        }
    }
    const char *events = strstr(got.data, "open");
    CHECK(events && !strcmp(events, "open functions.f  |text functions.f  a||text functions.f  "
                                    "\xC3\xA9|close functions.f call "),
          "events come with other ids than those that make them: %s", got.data);
    harmony_parser_free(parser);
    base_ids_free(&ids);
    base_buffer_free(&got);
}

// ---- damaged streams ----------------------------------------------------------------------------

static uint64_t random_state = 1;

static uint32_t pick(uint32_t n) { // SplitMix64
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) >> 32) % n;
}

static const char *const streams[] = {
    "<|start|>system<|message|>You are X9.<|end|><|start|>user:BOB<|message|>Q \xE2\x82\xAC "
    "7?<|end|>"
    "<|start|>assistant<|channel|>analysis<|message|>HMM \xF0\x9F\x9A\x80 "
    "12<|end|><|start|>assistant"
    "<|channel|>final<|message|>A\xC3\xA9Z<|return|>",
    "<|start|>assistant<|channel|>commentary to=functions.F9 <|constrain|>JSON<|message|>{\"X\":1}"
    "<|call|><|start|>functions.F9 to=assistant<|channel|>commentary<|message|>[42]<|end|>",
    "<|channel|>analysis<|message|>\xE6\x97\xA5\xE6\x9C\xAC GO<|end|><|start|>assistant "
    "to=W<|channel|>"
    "CODE K<|message|>8<|call|>",
};

static const char *const pieces[] = {
    "<|start|>",
    "<|message|>",
    "<|channel|>",
    "<|constrain|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|start|>",
    "<|endoftext|>",
    "<|startoftext|>",
    "\1",
    "assistant",
    "user",
    " to=G5",
    "ZZ 3",
    " ",
    "tool",
    "\xF0\x9F\xA6\x8A",
    "final",
    "\n",
    "E:F",
    "to=",
};

// Adds or removes ids at random places. broken: single bytes too, which mostly are no characters.
static void damage(base_ids *ids, bool broken) {
    base_ids piece = {0}, out = {0};
    for (uint32_t n = 1 + pick(6); n; n--) {
        size_t at = pick((uint32_t)ids->length + 1), skip = 0;
        if (pick(3) == 0) {
            skip = pick(4);
        } else if (broken && pick(2)) {
            base_ids_push(&piece, (int32_t)pick(256));
        } else {
            encode(pieces[pick(sizeof pieces / sizeof *pieces)], &piece);
        }
        skip = skip > ids->length - at ? ids->length - at : skip;
        out.length = 0;
        CHECK(base_ids_append(&out, ids->data, at) &&
                  base_ids_append(&out, piece.data, piece.length) &&
                  base_ids_append(&out, ids->data + at + skip, ids->length - at - skip),
              "no memory");
        base_ids swap = *ids;
        *ids = out;
        out = swap;
        piece.length = 0;
    }
    base_ids_free(&piece);
    base_ids_free(&out);
}

// Counts what must not get lost: all but blanks, and letters of role names, "to=", ':' and broken
// characters, which a header may take as its grammar.
static void count(const char *text, size_t length, long counts[0x400], long sign) {
    for (size_t at = 0; at < length;) {
        int32_t c;
        at += base_utf8_decode(text + at, length - at, &c);
        if (c > ' ' && c != 0xFFFD && !(c < 128 && strchr("asintuerymdvlop=:", c))) {
            counts[c & 0x3FF] += sign;
        }
    }
}

static void count_text(harmony_text text, long counts[0x400]) {
    count(text.data, text.length, counts, -1);
}

// Follows the events of one push; the text of a message must equal the sum of its TEXT events.
static void follow(harmony_parser *parser, base_buffer *text, bool *open) {
    harmony_event event;
    while (harmony_parser_next(parser, &event)) {
        CHECK(*open == (event.kind != HARMONY_EVENT_OPEN), "events out of order");
        *open = event.kind != HARMONY_EVENT_CLOSE;
        if (event.kind == HARMONY_EVENT_TEXT) {
            CHECK(event.text.length && base_utf8_valid(event.text.data, event.text.length),
                  "a text event is empty or no UTF-8");
            CHECK(base_buffer_append(text, event.text.data, event.text.length), "no memory");
        } else if (event.kind == HARMONY_EVENT_CLOSE) {
            const harmony_conversation *all = harmony_parser_messages(parser);
            const harmony_message *message =
                harmony_conversation_message(all, harmony_conversation_length(all) - 1);
            harmony_text whole = message->contents[0].text;
            CHECK(whole.length == text->length &&
                      (!whole.length || !memcmp(whole.data, text->data, whole.length)),
                  "the events of a message are not its text");
            text->length = 0;
        }
    }
}

static void check_stream(const base_ids *ids, int role, bool exact) {
    long counts[0x400] = {0};
    harmony_parser *parser;
    base_buffer text = {0}, bytes = {0};
    bool open = false;
    CHECK(!harmony_parser_create(format, role, &parser, NULL), "no memory");
    for (size_t i = 0; i < ids->length; i++) {
        size_t width;
        const char *token = tokenizer_bytes(bpe, ids->data[i], &width);
        if (token && !tokenizer_is_special(bpe, ids->data[i])) {
            CHECK(base_buffer_append(&bytes, token, width), "no memory");
        } else { // characters end where special tokens stand
            count(bytes.data, bytes.length, counts, 1);
            bytes.length = 0;
        }
        CHECK(!harmony_parser_push(parser, ids->data[i], NULL), "an id was refused");
        follow(parser, &text, &open);
    }
    CHECK(!harmony_parser_finish(parser, NULL), "finish failed");
    follow(parser, &text, &open);
    CHECK(!open, "a message stays open at the end");
    count(bytes.data, bytes.length, counts, 1);
    const harmony_conversation *all = harmony_parser_messages(parser);
    for (size_t i = 0; i < harmony_conversation_length(all); i++) {
        const harmony_message *message = harmony_conversation_message(all, i);
        count_text(message->name, counts);
        count_text(message->recipient, counts);
        count_text(message->channel, counts);
        harmony_text type = message->content_type;
        bool marked = type.length >= 13 && !memcmp(type.data, "<|constrain|>", 13);
        count_text(marked ? (harmony_text){type.data + 13, type.length - 13} : type, counts);
        count_text(message->contents[0].text, counts);
    }
    for (size_t i = 0; i < harmony_parser_irregularities(parser); i++) {
        harmony_irregularity item = harmony_parser_irregularity(parser, i);
        CHECK(harmony_irregular_name(item.bit), "an irregularity without a name");
        count_text(item.text, counts);
    }
    for (int c = 0; exact && c < 0x400; c++) {
        CHECK(counts[c] == 0,
              "character %#x (modulo 0x400) came out %ld times less than it went in", c, counts[c]);
    }
    harmony_parser_free(parser);
    base_buffer_free(&text);
    base_buffer_free(&bytes);
}

int main(void) {
    gptoss_error error = {0};
    CHECK(!tokenizer_open_builtin(&bpe, &error) && !harmony_open(bpe, &format, &error), "%s",
          error.message);
    test_cases();
    test_events();
    base_ids ids = {0};
    for (int i = 0; i < 100000; i++) {
        bool broken = i % 3 == 0;
        encode(streams[pick(sizeof streams / sizeof *streams)], &ids);
        damage(&ids, broken);
        check_stream(&ids, (int)pick(3) - 1, !broken);
    }
    base_ids_free(&ids);
    harmony_close(format);
    tokenizer_close(bpe);
    return 0;
}
