// The built-in o200k_harmony: ids, special tokens, bytes that are not UTF-8, and time on the texts
// that make a merge of every pair quadratic. tests/tokenizer/compare_tiktoken.py proves the rest.
#include "tokenizer/tokenizer.h"

#include <string.h>

#include "support/check.h"

static tokenizer *t;

static base_ids encode(const char *text, size_t length, tokenizer_mode mode) {
    base_ids ids = {0};
    gptoss_error error = {0};
    CHECK(!tokenizer_encode(t, text, length, mode, &ids, &error), "%s", error.message);
    return ids;
}

static void check_round_trip(const char *text, size_t length, const char *what) {
    for (int mode = 0; mode < 2; mode++) {
        base_ids ids = encode(text, length, mode ? TOKENIZER_SPECIAL : TOKENIZER_PLAIN);
        size_t at = 0, width;
        for (size_t i = 0; i < ids.length; i++) {
            const char *bytes = tokenizer_bytes(t, ids.data[i], &width);
            CHECK(bytes && width <= length - at && !memcmp(text + at, bytes, width),
                  "%s: id %d does not give back the text at %zu", what, (int)ids.data[i], at);
            at += width;
        }
        CHECK(at == length, "%s: %zu of %zu bytes come back", what, at, length);
        base_ids_free(&ids);
    }
}

static void test_ids(void) {
    static const struct {
        int32_t id;
        const char *text;
    } specials[] = {
        {199998, "<|startoftext|>"},     {199999, "<|endoftext|>"},
        {200000, "<|reserved_200000|>"}, {200002, "<|return|>"},
        {200003, "<|constrain|>"},       {200005, "<|channel|>"},
        {200006, "<|start|>"},           {200007, "<|end|>"},
        {200008, "<|message|>"},         {200012, "<|call|>"},
        {200013, "<|reserved_200013|>"}, {200018, "<|reserved_200018|>"},
        {201087, "<|reserved_201087|>"},
    };
    CHECK(tokenizer_size(t) == 201088, "size is %d", (int)tokenizer_size(t));
    size_t length;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        const char *text = specials[i].text;
        CHECK(tokenizer_special(t, text) == specials[i].id, "%s has another id", text);
        CHECK(tokenizer_is_special(t, specials[i].id), "%s is not special", text);
        const char *bytes = tokenizer_bytes(t, specials[i].id, &length);
        CHECK(bytes && length == strlen(text) && !memcmp(bytes, text, length), "%s", text);
    }
    static const int32_t outside[] = {-1, INT32_MIN, 201088, INT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        CHECK(!tokenizer_bytes(t, outside[i], &length) && !length, "%d has bytes", (int)outside[i]);
        CHECK(!tokenizer_is_special(t, outside[i]), "%d is special", (int)outside[i]);
    }
    CHECK(!tokenizer_is_special(t, 199997) && tokenizer_bytes(t, 199997, &length),
          "the last token");
    CHECK(tokenizer_special(t, "the") == -1 && tokenizer_special(t, "") == -1 &&
              tokenizer_special(t, "<|end") == -1 && tokenizer_special(t, "<|end|>>") == -1,
          "an ordinary text is taken for a special token");
}

static void test_modes(void) {
    const char *text = "a<|end|><|start|>b<|end";
    base_ids plain = encode(text, strlen(text), TOKENIZER_PLAIN);
    for (size_t i = 0; i < plain.length; i++)
        CHECK(!tokenizer_is_special(t, plain.data[i]), "a user's text made a special token");
    base_ids special = encode(text, strlen(text), TOKENIZER_SPECIAL);
    CHECK(special.length > 4 && special.data[1] == 200007 && special.data[2] == 200006,
          "special tokens are not found where the caller wants them: %zu ids", special.length);
    base_ids_free(&plain);
    base_ids_free(&special);
}

// What is not UTF-8 decodes to itself and does not change what is around it.
static void test_ill_formed(void) {
    char text[4096];
    uint32_t state = 1;
    for (int round = 0; round < 2000; round++) {
        size_t length = 1 + (size_t)round % 200;
        for (size_t i = 0; i < length; i++) {
            state = state * 1664525 + 1013904223; // Numerical Recipes' generator
            text[i] = (char)(state >> 24);
            if (round % 2 && state >> 9 & 1)
                text[i] = "a <|'s1\n"[state >> 10 & 7];
        }
        check_round_trip(text, length, "random bytes");
    }
    for (int byte = 0; byte < 256; byte++)
        for (int next = 0; next < 256; next++)
            check_round_trip((char[]){'x', (char)byte, (char)next}, 3, "two bytes");
    base_ids around = encode("hello \xff world", 13, TOKENIZER_PLAIN);
    base_ids before = encode("hello ", 6, TOKENIZER_PLAIN);
    CHECK(around.length == before.length + 2 &&
              !memcmp(around.data, before.data, before.length * sizeof *before.data),
          "an ill-formed byte changes its neighbours");
    base_ids_free(&around);
    base_ids_free(&before);
}

// A million bytes in one piece, or in as many as there are. A quadratic merge takes hours.
static void test_time(void) {
    static const char *const units[] = {"a",        "A",   " ",          "\n",      "=",
                                        "1",        "ab",  "\xff",       "<|",      "\xe6\x97\xa5",
                                        "\xcc\x81", " \n", "a\xcc\x81-", "\xe2\x80"};
    enum { LENGTH = 1000000 };
    char *text = base_alloc(LENGTH, 1);
    CHECK(text, "out of memory");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t width = strlen(units[i]);
        for (size_t at = 0; at < LENGTH; at++)
            text[at] = units[i][at % width];
        double start = base_seconds();
        check_round_trip(text, LENGTH, units[i]);
        double seconds = base_seconds() - start;
        CHECK(seconds < 60, "a million bytes of '%s' take %.1f s", units[i], seconds);
    }
    base_free(text);
}

static void test_appends(void) {
    base_ids ids = {0};
    CHECK(base_ids_push(&ids, 7), "out of memory");
    CHECK(!tokenizer_encode(t, "", 0, TOKENIZER_PLAIN, &ids, NULL), "an empty text fails");
    CHECK(!tokenizer_encode(t, " the", 4, TOKENIZER_PLAIN, &ids, NULL), "a word fails");
    CHECK(ids.length == 2 && ids.data[0] == 7 && ids.data[1] == 290, "ids are not appended");
    base_ids_free(&ids);
}

int main(void) {
    gptoss_error error = {0};
    CHECK(!tokenizer_open_builtin(&t, &error), "%s", error.message);
    test_ids();
    test_modes();
    test_ill_formed();
    test_time();
    test_appends();
    tokenizer_close(t);
    tokenizer_close(NULL);
    return 0;
}
