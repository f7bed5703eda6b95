// The format's words: roles, markers, names of irregularities; and the handle that knows their ids.
#include "harmony/harmony.h"

#include <string.h>

struct harmony {
    int32_t markers[HARMONY_N_MARKERS];
    int32_t end_of_text; // -1 where the vocabulary has none
    const tokenizer *tokenizer;
};

static const char *const role_names[HARMONY_N_ROLES] = {
    [HARMONY_ASSISTANT] = "assistant", [HARMONY_USER] = "user", [HARMONY_SYSTEM] = "system",
    [HARMONY_DEVELOPER] = "developer", [HARMONY_TOOL] = "tool",
};

static const char *const marker_texts[HARMONY_N_MARKERS] = {
    [HARMONY_MARK_START] = "<|start|>",     [HARMONY_MARK_MESSAGE] = "<|message|>",
    [HARMONY_MARK_CHANNEL] = "<|channel|>", [HARMONY_MARK_CONSTRAIN] = "<|constrain|>",
    [HARMONY_MARK_END] = "<|end|>",         [HARMONY_MARK_RETURN] = "<|return|>",
    [HARMONY_MARK_CALL] = "<|call|>",
};

static const char *const irregular_names[HARMONY_N_IRREGULAR] = {
    "missing_start",  "missing_role",     "missing_message",  "missing_end",    "unfinished",
    "repeated_start", "repeated_channel", "repeated_message", "stray_end",      "stray_constrain",
    "empty_channel",  "bare_recipient",   "extra_header",     "reserved_token", "unknown_id",
    "broken_utf8",    "end_of_text",
};

const char *harmony_role_name(harmony_role role) {
    return role_names[role];
}

int harmony_role_from_name(const char *name, size_t length) {
    for (int role = 0; role < HARMONY_N_ROLES; role++) {
        if (strlen(role_names[role]) == length && !memcmp(role_names[role], name, length)) {
            return role;
        }
    }
    return -1;
}

harmony_text harmony_text_of(const char *string) {
    return (harmony_text){string, string ? strlen(string) : 0};
}

const char *harmony_marker_text(harmony_marker marker) {
    return marker_texts[marker];
}

const char *harmony_irregular_name(unsigned bit) {
    for (int i = 0; i < HARMONY_N_IRREGULAR; i++) {
        if (bit == 1u << i) {
            return irregular_names[i];
        }
    }
    return NULL;
}

const char *harmony_close_name(harmony_close_reason reason) {
    static const char *const names[] = {"end", "return", "call", "cut"};
    return names[reason];
}

gptoss_status harmony_open(const tokenizer *bpe, harmony **harmony_out, gptoss_error *error) {
    *harmony_out = NULL;
    harmony opened = {.tokenizer = bpe, .end_of_text = tokenizer_special(bpe, "<|endoftext|>")};
    for (int i = 0; i < HARMONY_N_MARKERS; i++) {
        opened.markers[i] = tokenizer_special(bpe, marker_texts[i]);
        if (opened.markers[i] < 0) {
            return base_fail(error, GPTOSS_UNSUPPORTED,
                             "the vocabulary lacks the special token %s: it can't hold Harmony "
                             "conversations",
                             marker_texts[i]);
        }
    }
    harmony *h = base_alloc(1, sizeof *h);
    if (!h) {
        return base_fail_memory(error, sizeof *h);
    }
    *h = opened;
    *harmony_out = h;
    return GPTOSS_OK;
}

void harmony_close(harmony *h) {
    base_free(h);
}

const tokenizer *harmony_tokenizer(const harmony *h) {
    return h->tokenizer;
}

int32_t harmony_marker_id(const harmony *h, harmony_marker marker) {
    return h->markers[marker];
}

int32_t harmony_end_of_text(const harmony *h) {
    return h->end_of_text;
}

bool harmony_stops(const harmony *h, int32_t id) {
    return id == h->markers[HARMONY_MARK_RETURN] || id == h->markers[HARMONY_MARK_CALL] ||
           (id >= 0 && id == h->end_of_text);
}
