// tokenizer.json: what is followed, what is refused and with which status.
// compare_huggingface.py proves that what is followed is followed rightly.
#include "tokenizer/tokenizer.h"

#include <string.h>

#include "support/check.h"
#include "tokenizer/sample_json.h"

static gptoss_status open_sample(const sample_json *sample, tokenizer **t_out,
                                 gptoss_error *error) {
    base_buffer json = {0};
    CHECK(sample_build(sample, &json), "out of memory");
    gptoss_status status = tokenizer_open_json(json.data, json.length, "sample", t_out, error);
    base_buffer_free(&json);
    CHECK((status == GPTOSS_OK) == (*t_out != NULL), "a failed open left a result");
    return status;
}

typedef struct encoding {
    const char *text;
    tokenizer_mode mode;
    int32_t ids[12]; // up to the first -1
} encoding;

static void check_encodings(const sample_json *sample, const encoding *cases, size_t count) {
    tokenizer *t;
    gptoss_error error = {0};
    CHECK(!open_sample(sample, &t, &error), "%s", error.message);
    for (size_t i = 0; i < count; i++) {
        base_ids ids = {0};
        CHECK(
            !tokenizer_encode(t, cases[i].text, strlen(cases[i].text), cases[i].mode, &ids, &error),
            "%s", error.message);
        size_t n = 0;
        while (cases[i].ids[n] >= 0)
            n++;
        CHECK(ids.length == n && (!n || !memcmp(ids.data, cases[i].ids, n * sizeof *ids.data)),
              "'%s', mode %d: %zu ids, the first is %d", cases[i].text, (int)cases[i].mode,
              ids.length, ids.length ? (int)ids.data[0] : -1);
        base_ids_free(&ids);
    }
    tokenizer_close(t);
}

static void test_followed(void) {
    static const encoding merges[] = {
        {"abc", TOKENIZER_PLAIN, {257, -1}},
        {"abbc", TOKENIZER_PLAIN, {256, 258, -1}},
        {" abc", TOKENIZER_PLAIN, {' ', 257, -1}},
        {" ab", TOKENIZER_PLAIN, {259, -1}},
        {"<|x|>", TOKENIZER_SPECIAL, {300, -1}},
        {"<|x|>", TOKENIZER_PLAIN, {'<', '|', 'x', '|', '>', -1}},
        {"acatb", TOKENIZER_PLAIN, {'a', 301, 'b', -1}},
        {"acatb", TOKENIZER_SPECIAL, {'a', 301, 'b', -1}},
        {"", TOKENIZER_SPECIAL, {-1}},
    };
    check_encodings(&(sample_json){0}, merges, sizeof merges / sizeof *merges);
    // "bc" first: "abc" can't be reached by merging, only as a whole where ignore_merges says so.
    static const encoding unreached[] = {{"abc", TOKENIZER_PLAIN, {'a', 258, -1}}};
    check_encodings(&(sample_json){.merges = "\"b c\",\"a b\""}, unreached, 1);
    static const encoding whole[] = {{"abc", TOKENIZER_PLAIN, {257, -1}}};
    check_encodings(&(sample_json){.merges = "\"b c\",\"a b\"", .model = ",\"ignore_merges\":true"},
                    whole, 1);
    // Whole text as one piece; a pattern that leaves gaps.
    static const encoding one_piece[] = {{"a  ab", TOKENIZER_PLAIN, {'a', ' ', 259, -1}},
                                         {"1ab", TOKENIZER_PLAIN, {'1', 256, -1}}};
    check_encodings(&(sample_json){.pre = SAMPLE_BYTE_LEVEL("false")}, one_piece, 2);
    static const encoding gaps[] = {{"ab c", TOKENIZER_PLAIN, {'a', 'b', ' ', 'c', -1}}};
    check_encodings(&(sample_json){.pre = SAMPLE_SPLIT("b")}, gaps, 1);
    // A special token stays unreachable for text, even where it is in the vocabulary.
    static const encoding never[] = {{"q1", TOKENIZER_PLAIN, {'q', '1', -1}},
                                     {"q1", TOKENIZER_SPECIAL, {260, -1}}};
    check_encodings(&(sample_json){.tokens = ",\"q1\":260,\"ab\":256",
                                   .merges = "",
                                   .model = ",\"ignore_merges\":true",
                                   .pre = SAMPLE_BYTE_LEVEL("false"),
                                   .added = "{\"id\":260,\"content\":\"q1\",\"special\":true}"},
                    never, 2);
}

// U+180E is no white space to Rust and Oniguruma; it is to PCRE2.
static void test_white_space(void) {
    static const encoding cases[] = {
        {"\xe1\xa0\x8e"
         "ab",
         TOKENIZER_PLAIN,
         {0xe1, 0xa0, 0x8e, 'a', 'b', -1}},
        {"\xc2\x85"
         "ab",
         TOKENIZER_PLAIN,
         {0xc2, 0x85, 256, -1}},
    };
    check_encodings(&(sample_json){.pre = SAMPLE_SPLIT("\\\\s|\\\\Sa|b")}, cases, 1);
    check_encodings(&(sample_json){.pre = SAMPLE_SPLIT("\\\\s|[^\\\\s]+")}, cases + 1, 1);
}

static const struct {
    sample_json sample;
    gptoss_status status;
    const char *says;
} refused[] = {
    {{.without = 'q'}, GPTOSS_UNSUPPORTED, "byte 0x71"},
    {{.tokens = ",\"ab\":255"}, GPTOSS_BAD_FILE, "255"},
    {{.tokens = ",\"ab\":-1"}, GPTOSS_BAD_FILE, "-1"},
    {{.tokens = ",\"ab\":2097152"}, GPTOSS_BAD_FILE, "2097152"},
    {{.tokens = ",\"ab\":9223372036854775807"}, GPTOSS_BAD_FILE, "ab"},
    {{.tokens = ",\"ab\":1.5"}, GPTOSS_BAD_FILE, "integer"},
    {{.tokens = ",\"ab\":256,\"ab\":257"}, GPTOSS_BAD_FILE, "duplicate"},
    {{.merges = "\"a b c\""}, GPTOSS_BAD_FILE, "merge 0"},
    {{.merges = "\"ab\""}, GPTOSS_BAD_FILE, "merge 0"},
    {{.merges = "[\"a\"]"}, GPTOSS_BAD_FILE, "merge 0"},
    {{.merges = "[\"a\",1]"}, GPTOSS_BAD_FILE, "merge 0"},
    {{.merges = "1"}, GPTOSS_BAD_FILE, "merge 0"},
    {{.merges = "\"a xyz\""}, GPTOSS_BAD_FILE, "xyz"},
    {{.merges = "\"a z\""}, GPTOSS_BAD_FILE, "do not make"},
    {{.merges = "\"a \""}, GPTOSS_BAD_FILE, "merge 0"},
    {{.merges = "\"< x\"",
      .tokens = ",\"<x\":256",
      .added = "{\"id\":256,\"content\":\"<x\",\"special\":true}"},
     GPTOSS_BAD_FILE,
     "do not make"},
    {{.added = "{\"id\":3,\"content\":\"<x>\"}"}, GPTOSS_BAD_FILE, "another token"},
    {{.added = "{\"id\":300,\"content\":\"ab\"}"}, GPTOSS_BAD_FILE, "another token"},
    {{.added = "{\"id\":300,\"content\":\"\"}"}, GPTOSS_BAD_FILE, "no content"},
    {{.added = "{\"id\":300}"}, GPTOSS_BAD_FILE, "no content"},
    {{.added = "{\"content\":\"x\"}"}, GPTOSS_BAD_FILE, "integer"},
    {{.added = "7"}, GPTOSS_BAD_FILE, "integer"},
    {{.added = "{\"id\":300,\"content\":\"qq\"},{\"id\":301,\"content\":\"qq\"}"},
     GPTOSS_BAD_FILE,
     "same text"},
    {{.added = "{\"id\":256,\"content\":\"ab\"},{\"id\":256,\"content\":\"ab\"}"},
     GPTOSS_BAD_FILE,
     "twice"},
    {{.added = "{\"id\":300,\"content\":\"qq\",\"lstrip\":true}"}, GPTOSS_UNSUPPORTED, "lstrip"},
    {{.pre = "null"}, GPTOSS_UNSUPPORTED, "ByteLevel"},
    {{.pre = "{\"type\":\"Whitespace\"}"}, GPTOSS_UNSUPPORTED, "ByteLevel"},
    {{.pre = "{\"type\":\"ByteLevel\"}"}, GPTOSS_UNSUPPORTED, "add_prefix_space"},
    {{.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[]}"}, GPTOSS_UNSUPPORTED, "ByteLevel"},
    {{.pre = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"}," SAMPLE_BYTE_LEVEL(
          "false") "]}"},
     GPTOSS_UNSUPPORTED,
     "item 0"},
    {{.pre = SAMPLE_SPLIT("[a-z&&[^b]]")}, GPTOSS_UNSUPPORTED, "class"},
    {{.pre = SAMPLE_SPLIT("(a")}, GPTOSS_UNSUPPORTED, "pattern"},
    {{.model = ",\"byte_fallback\":true"}, GPTOSS_UNSUPPORTED, "byte_fallback"},
    {{.model = ",\"dropout\":0.1"}, GPTOSS_UNSUPPORTED, "dropout"},
    {{.model = ",\"end_of_word_suffix\":\"</w>\""}, GPTOSS_UNSUPPORTED, "end_of_word_suffix"},
    {{.model = ",\"ignore_merges\":1"}, GPTOSS_BAD_FILE, "ignore_merges"},
    {{.root = ",\"normalizer\":{\"type\":\"NFC\"}"}, GPTOSS_UNSUPPORTED, "normalizer"},
    {{.root = ",\"truncation\":{}"}, GPTOSS_UNSUPPORTED, "truncation"},
    {{.root = ",\"post_processor\":{\"type\":\"TemplateProcessing\"}"},
     GPTOSS_UNSUPPORTED,
     "post_processor"},
    {{.root = ",\"decoder\":{\"type\":\"WordPiece\"}"}, GPTOSS_UNSUPPORTED, "decoder"},
    {{.root = ","}, GPTOSS_BAD_FILE, "line 1"},
};

static void test_refused(void) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tokenizer *t;
        gptoss_error error = {0};
        gptoss_status status = open_sample(&refused[i].sample, &t, &error);
        CHECK(status == refused[i].status, "case %zu: status %d, '%s'", i, (int)status,
              error.message);
        CHECK(strstr(error.message, "sample") && strstr(error.message, refused[i].says),
              "case %zu: the message does not say %s: %s", i, refused[i].says, error.message);
    }
}

static void test_not_json(void) {
    static const char *const texts[] = {"",
                                        "[]",
                                        "{}",
                                        "7",
                                        "null",
                                        "{\"model\":{}}",
                                        "{\"model\":7}",
                                        "{\"model\":{\"type\":\"BPE\"}}",
                                        "{\"model\":",
                                        "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
                                        "\xff",
                                        "{\"a\":\"\\ud800\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        tokenizer *t;
        gptoss_error error = {0};
        gptoss_status status = tokenizer_open_json(texts[i], strlen(texts[i]), "x", &t, &error);
        CHECK((status == GPTOSS_BAD_FILE || status == GPTOSS_UNSUPPORTED) && !t && error.message[0],
              "'%s': status %d, '%s'", texts[i], (int)status, error.message);
    }
}

// A pattern that backtracks without end is an error, not a hang, and leaves the ids as they were.
static void test_slow_pattern(void) {
    tokenizer *t;
    gptoss_error error = {0};
    CHECK(!open_sample(&(sample_json){.pre = SAMPLE_SPLIT("(a+)+$|(a*)*b")}, &t, &error), "%s",
          error.message);
    base_ids ids = {0};
    CHECK(base_ids_push(&ids, 7), "out of memory");
    const char *text = "cataaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac";
    gptoss_status status = tokenizer_encode(t, text, strlen(text), TOKENIZER_PLAIN, &ids, &error);
    CHECK(status == GPTOSS_UNSUPPORTED && ids.length == 1, "status %d, %zu ids", (int)status,
          ids.length);
    base_ids_free(&ids);
    tokenizer_close(t);
}

int main(void) {
    test_followed();
    test_white_space();
    test_refused();
    test_not_json();
    test_slow_pattern();
    return 0;
}
