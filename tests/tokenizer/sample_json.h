// A small tokenizer.json for the tests, whose parts can be replaced: 256 tokens of one byte, then
// "ab" (256), "abc" (257), "bc" (258), "Ġab" (259: a blank, then ab).
#ifndef TESTS_TOKENIZER_SAMPLE_JSON_H
#define TESTS_TOKENIZER_SAMPLE_JSON_H

#include "base/base.h"

// A part that is NULL is as it should be.
typedef struct sample_json {
    const char *tokens; // behind the 256: members of vocab, each with a comma before it
    const char *merges; // elements of merges
    const char *added;  // elements of added_tokens
    const char *pre;    // value of pre_tokenizer
    const char *model;  // members of model, each with a comma before it
    const char *root;   // members of the root, each with a comma before it
    int without;        // a byte whose token is left out, if it isn't 0
} sample_json;

#define SAMPLE_BYTE_LEVEL(use_regex)                                                               \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" use_regex "}"
#define SAMPLE_SPLIT(regex)                                                                        \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"        \
    "\"" regex "\"},\"behavior\":\"Isolated\",\"invert\":false}," SAMPLE_BYTE_LEVEL("false") "]}"

static inline const char *sample_or(const char *part, const char *otherwise) {
    return part ? part : otherwise;
}

// False when memory is short.
static inline bool sample_build(const sample_json *s, base_buffer *json_out) {
    bool good = base_buffer_text(json_out, "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\\u0100\":0");
    for (int byte = 1, other = 257; good && byte < 256; byte++) {
        bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        int code = prints ? byte : other++;
        if (byte != s->without)
            good = base_buffer_format(json_out, ",\"\\u%04x\":%d", (unsigned)code, byte);
    }
    return good &&
           base_buffer_format(
               json_out, "%s},\"merges\":[%s]%s},\"added_tokens\":[%s],\"pre_tokenizer\":%s%s}",
               sample_or(s->tokens, ",\"ab\":256,\"abc\":257,\"bc\":258,\"\\u0120ab\":259"),
               sample_or(s->merges, "\"a b\",[\"ab\",\"c\"],\"b c\",\"\\u0120 ab\""),
               sample_or(s->model, ""),
               sample_or(s->added, "{\"id\":300,\"content\":\"<|x|>\",\"special\":true},"
                                   "{\"id\":301,\"content\":\"cat\",\"special\":false}"),
               sample_or(s->pre, SAMPLE_BYTE_LEVEL("true")), sample_or(s->root, ""));
}

#endif
