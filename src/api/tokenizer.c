// Text and ids without a model: encode, decode, render, parse.
#include "api/internal.h"

#include <string.h>
#include <sys/stat.h>

enum { MAX_TOKENIZER_BYTES = 256 << 20 };

gptoss_status api_give(base_buffer *buffer, char **text_out, size_t *length_out,
                       gptoss_error *error) {
    if (!base_buffer_reserve(buffer, 0)) { // an empty result is "", not NULL
        base_buffer_free(buffer);
        return base_fail_memory(error, 1);
    }
    *text_out = buffer->data;
    *length_out = buffer->length;
    *buffer = (base_buffer){0};
    return GPTOSS_OK;
}

void gptoss_free(void *memory) {
    base_free(memory);
}

gptoss_status api_wrap_tokenizer(tokenizer *t, gptoss_tokenizer **out, gptoss_error *error) {
    *out = NULL;
    gptoss_tokenizer *wrapped = base_alloc_zero(1, sizeof *wrapped);
    if (!wrapped) {
        tokenizer_close(t);
        return base_fail_memory(error, sizeof *wrapped);
    }
    wrapped->tokenizer = t;
    wrapped->guides = base_alloc_zero(1, sizeof *wrapped->guides);
    if (!wrapped->guides) {
        gptoss_tokenizer_close(wrapped);
        return base_fail_memory(error, sizeof *wrapped->guides);
    }
    pthread_mutex_init(&wrapped->guides->lock, NULL);
    // A vocabulary without the markers can still encode and decode.
    gptoss_status status = harmony_open(t, &wrapped->harmony, error);
    if (status != GPTOSS_OK && status != GPTOSS_UNSUPPORTED) {
        gptoss_tokenizer_close(wrapped);
        return status;
    }
    *out = wrapped;
    return GPTOSS_OK;
}

gptoss_status api_require_harmony(const gptoss_tokenizer *t, gptoss_error *error) {
    if (!t)
        return base_fail(error, GPTOSS_UNSUPPORTED, "this checkpoint has no tokenizer.json");
    if (!t->harmony)
        return base_fail(error, GPTOSS_UNSUPPORTED,
                         "this vocabulary lacks the special tokens of Harmony");
    return GPTOSS_OK;
}

static gptoss_status open_file(const char *path, tokenizer **out, gptoss_error *error) {
    base_buffer file = {0};
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (!base_buffer_format(&file, "%s/tokenizer.json", path))
            return base_fail_memory(error, strlen(path));
    } else if (!base_buffer_text(&file, path)) {
        return base_fail_memory(error, strlen(path));
    }
    base_buffer json = {0};
    gptoss_status status = base_read_file(file.data, MAX_TOKENIZER_BYTES, &json, error);
    if (status == GPTOSS_OK)
        status = tokenizer_open_json(json.data, json.length, file.data, out, error);
    base_buffer_free(&json);
    base_buffer_free(&file);
    return status;
}

gptoss_status gptoss_tokenizer_open(const char *path, gptoss_tokenizer **tokenizer_out,
                                    gptoss_error *error) {
    *tokenizer_out = NULL;
    tokenizer *t = NULL;
    gptoss_status status = path ? open_file(path, &t, error) : tokenizer_open_builtin(&t, error);
    return status == GPTOSS_OK ? api_wrap_tokenizer(t, tokenizer_out, error) : status;
}

void gptoss_tokenizer_close(gptoss_tokenizer *t) {
    if (!t)
        return;
    if (t->guides) {
        guide_library_free(t->guides->library);
        pthread_mutex_destroy(&t->guides->lock);
        base_free(t->guides);
    }
    harmony_close(t->harmony);
    tokenizer_close(t->tokenizer);
    base_free(t);
}

gptoss_status gptoss_encode(const gptoss_tokenizer *t, const char *text, size_t length,
                            bool special, int32_t **ids_out, size_t *n_ids_out,
                            gptoss_error *error) {
    *ids_out = NULL;
    *n_ids_out = 0;
    base_ids ids = {0};
    gptoss_status status = tokenizer_encode(
        t->tokenizer, text, length, special ? TOKENIZER_SPECIAL : TOKENIZER_PLAIN, &ids, error);
    if (status != GPTOSS_OK) {
        base_ids_free(&ids);
        return status;
    }
    *ids_out = ids.data;
    *n_ids_out = ids.length;
    return GPTOSS_OK;
}

gptoss_status gptoss_decode(const gptoss_tokenizer *t, const int32_t *ids, size_t n_ids,
                            char **text_out, size_t *length_out, gptoss_error *error) {
    *text_out = NULL;
    *length_out = 0;
    base_buffer text = {0};
    gptoss_status status = GPTOSS_OK;
    for (size_t i = 0; i < n_ids && status == GPTOSS_OK; i++) {
        size_t length;
        const char *bytes = tokenizer_bytes(t->tokenizer, ids[i], &length);
        if (!bytes)
            status = base_fail(error, GPTOSS_BAD_INPUT, "there is no token %d", ids[i]);
        else if (!base_buffer_append(&text, bytes, length))
            status = base_fail_memory(error, text.length + length);
    }
    if (status == GPTOSS_OK)
        return api_give(&text, text_out, length_out, error);
    base_buffer_free(&text);
    return status;
}

gptoss_status gptoss_render(const gptoss_tokenizer *t, const gptoss_conversation *conversation,
                            gptoss_purpose purpose, int32_t **ids_out, size_t *n_ids_out,
                            gptoss_error *error) {
    *ids_out = NULL;
    *n_ids_out = 0;
    gptoss_status status = api_require_harmony(t, error);
    if (status != GPTOSS_OK)
        return status;
    static const harmony_purpose purposes[] = {
        [GPTOSS_FOR_COMPLETION] = HARMONY_COMPLETION,
        [GPTOSS_FOR_TRAINING] = HARMONY_TRAINING,
        [GPTOSS_FOR_CONVERSATION] = HARMONY_CONVERSATION,
    };
    if ((size_t)purpose >= sizeof purposes / sizeof purposes[0])
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no purpose %d", (int)purpose);
    harmony_render_options options = {.purpose = purposes[purpose]};
    base_ids ids = {0};
    status = harmony_render(t->harmony, conversation->messages, &options, &ids, error);
    if (status != GPTOSS_OK) {
        base_ids_free(&ids);
        return status;
    }
    *ids_out = ids.data;
    *n_ids_out = ids.length;
    return GPTOSS_OK;
}

gptoss_status gptoss_parse(const gptoss_tokenizer *t, const char *role, const int32_t *ids,
                           size_t n_ids, char **json_out, size_t *length_out, gptoss_error *error) {
    *json_out = NULL;
    *length_out = 0;
    int role_number = role ? harmony_role_from_name(role, strlen(role)) : -1;
    gptoss_status status = api_require_harmony(t, error);
    if (status == GPTOSS_OK && role && role_number < 0)
        status = base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no role '%s'", role);
    base_buffer json = {0};
    if (status == GPTOSS_OK)
        status = harmony_parse_to_json(t->harmony, ids, n_ids, role_number, &json, error);
    if (status == GPTOSS_OK)
        return api_give(&json, json_out, length_out, error);
    base_buffer_free(&json);
    return status;
}
