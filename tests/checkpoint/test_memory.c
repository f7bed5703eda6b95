// A checkpoint that lies in memory, as the built-in model does: found by name, label in messages,
// nothing copied. If this fails, the program can't run without --model.
#include "checkpoint/checkpoint.h"

#include <string.h>

#include "support/check.h"

// Two tensors, 8 + 3 bytes, after a header that build pads.
#define HEADER                                                                                     \
    "{\"w\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[0,8]},"                          \
    "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[8,11]}}"
#define BODY "ABCDEFGHxyz"

typedef struct image {
    _Alignas(8) char bytes[256];
    size_t size;
} image;

// pad: blanks after the header, which move the data.
static void build(image *out, size_t pad) {
    size_t length = strlen(HEADER) + pad;
    memset(out, ' ', sizeof out->bytes);
    memset(out->bytes, 0, 8);
    out->bytes[0] = (char)length;
    memcpy(out->bytes + 8, HEADER, strlen(HEADER));
    memcpy(out->bytes + 8 + length, BODY, strlen(BODY));
    out->size = 8 + length + strlen(BODY);
}

static gptoss_status open_image(const image *model, const char *tokenizer, checkpoint **out,
                                gptoss_error *error) {
    checkpoint_file files[] = {{"config.json", "{\"x\": 1}", 8},
                               {"model.safetensors", model->bytes, model->size},
                               {"tokenizer.json", tokenizer, 2}};
    return checkpoint_open_memory(files, tokenizer ? 3 : 2, "built-in", out, error);
}

static void test_found(void) {
    image model;
    checkpoint *source;
    gptoss_error error;
    build(&model, (8 - strlen(HEADER) % 8) % 8);
    CHECK(open_image(&model, "{}", &source, &error) == GPTOSS_OK, "%s", error.message);
    CHECK(checkpoint_count(source) == 2, "%zu tensors", checkpoint_count(source));
    CHECK(strcmp(checkpoint_at(source, 0)->name, "b") == 0, "the order is by name");
    const checkpoint_tensor *w = checkpoint_find(source, "w");
    CHECK(w && w->dtype == CHECKPOINT_BF16 && w->rank == 2 && w->shape[0] == 2 && w->size == 8,
          "w as its header says");
    CHECK(w && memcmp(w->data, "ABCDEFGH", 8) == 0, "w's bytes");
    CHECK((const char *)w->data > model.bytes && (const char *)w->data < model.bytes + 256,
          "the data was copied");
    CHECK(!checkpoint_find(source, "v") && !checkpoint_find(source, ""), "found what isn't there");
    size_t length;
    CHECK(memcmp(checkpoint_config(source, &length), "{\"x\": 1}", 8) == 0 && length == 8,
          "config");
    CHECK(checkpoint_tokenizer(source, &length) && length == 2, "tokenizer");
    CHECK(strcmp(checkpoint_path(source), "built-in") == 0, "label");
    checkpoint_close(source);
    CHECK(open_image(&model, NULL, &source, &error) == GPTOSS_OK, "%s", error.message);
    CHECK(!checkpoint_tokenizer(source, &length) && length == 0, "a tokenizer from nowhere");
    checkpoint_close(source);
    checkpoint_close(NULL);
}

static void expect(const image *model, gptoss_status status, const char *text) {
    checkpoint *source;
    gptoss_error error;
    CHECK(open_image(model, NULL, &source, &error) == status, "expected status %d", (int)status);
    CHECK(!source && strstr(error.message, text), "message: %s, expected: %s", error.message, text);
}

static void test_refused(void) {
    image model;
    build(&model, (8 - strlen(HEADER) % 8) % 8 + 1);
    expect(&model, GPTOSS_UNSUPPORTED, "tensor w: its data is not aligned");
    build(&model, (8 - strlen(HEADER) % 8) % 8);
    model.size--;
    expect(&model, GPTOSS_BAD_FILE, "built-in/model.safetensors: tensor b: data_offsets [8, 11]");
    model.size += 2;
    expect(&model, GPTOSS_BAD_FILE, "the tensors end after 11 data bytes, expected 12");
    checkpoint *source;
    gptoss_error error;
    CHECK(checkpoint_open_memory(NULL, 0, "none", &source, &error) == GPTOSS_NO_FILE, "no files");
    CHECK(checkpoint_open("/nonexistent", &source, &error) == GPTOSS_NO_FILE && !source,
          "no folder");
    CHECK(strstr(error.message, "/nonexistent/config.json"), "message: %s", error.message);
}

int main(void) {
    test_found();
    test_refused();
    return 0;
}
