// One .safetensors file: eight bytes of header length, a JSON header, the tensors' bytes. The rules
// are those of the reference implementation (safetensors 0.4 and later, `Metadata::validate`).
#include "checkpoint/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// The bytes that the header's offsets count in.
typedef struct body {
    const table_file *file;
    const uint8_t *data;
    size_t size;
} body;

static gptoss_status fail(const body *b, const char *tensor, gptoss_error *error,
                          const char *expected) {
    return base_fail(error, GPTOSS_BAD_FILE, "%s: tensor %.200s: %s", b->file->path, tensor,
                     expected);
}

// A JSON integer in 0 .. SIZE_MAX.
static bool take_size(const json_t *value, size_t *size_out) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *size_out = (size_t)json_integer_value(value);
    return true;
}

static gptoss_status take_dtype(const body *b, const json_t *entry, checkpoint_tensor *tensor,
                                gptoss_error *error) {
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name) {
        return fail(b, tensor->name, error, "dtype: expected a string");
    }
    for (int i = 0; i < CHECKPOINT_N_DTYPES; i++) {
        if (strcmp(name, checkpoint_dtype_name((checkpoint_dtype)i)) == 0) {
            tensor->dtype = (checkpoint_dtype)i;
            return GPTOSS_OK;
        }
    }
    return base_fail(error, GPTOSS_UNSUPPORTED, "%s: tensor %.200s: unknown dtype %.40s",
                     b->file->path, tensor->name, name);
}

// Fills rank, shape and size.
static gptoss_status take_shape(const body *b, const json_t *entry, checkpoint_tensor *tensor,
                                gptoss_error *error) {
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape) || json_array_size(shape) > CHECKPOINT_MAX_RANK) {
        return fail(b, tensor->name, error, "shape: expected an array of at most 8 sizes");
    }
    tensor->rank = (int)json_array_size(shape);
    tensor->size = checkpoint_dtype_size(tensor->dtype);
    for (int i = 0; i < tensor->rank; i++) {
        if (!take_size(json_array_get(shape, (size_t)i), &tensor->shape[i])) {
            return fail(b, tensor->name, error, "shape: expected whole numbers of at least 0");
        }
        if (__builtin_mul_overflow(tensor->size, tensor->shape[i], &tensor->size)) {
            return fail(b, tensor->name, error, "shape: too many elements for any memory");
        }
    }
    return GPTOSS_OK;
}

static gptoss_status take_data(const body *b, const json_t *entry, checkpoint_tensor *tensor,
                               gptoss_error *error) {
    const json_t *offsets = json_object_get(entry, "data_offsets");
    size_t begin, end;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !take_size(json_array_get(offsets, 0), &begin) ||
        !take_size(json_array_get(offsets, 1), &end)) {
        return fail(b, tensor->name, error, "data_offsets: expected two whole numbers");
    }
    if (begin > end || end > b->size) {
        return base_fail(error, GPTOSS_BAD_FILE,
                         "%s: tensor %.200s: data_offsets [%zu, %zu], expected a range within the "
                         "file's %zu data bytes",
                         b->file->path, tensor->name, begin, end, b->size);
    }
    if (end - begin != tensor->size) {
        return base_fail(error, GPTOSS_BAD_FILE,
                         "%s: tensor %.200s: %zu data bytes, expected %zu for its dtype and shape",
                         b->file->path, tensor->name, end - begin, tensor->size);
    }
    tensor->data = b->data + begin;
    if (tensor->size && (uintptr_t)tensor->data % checkpoint_dtype_size(tensor->dtype) != 0) {
        return base_fail(error, GPTOSS_UNSUPPORTED,
                         "%s: tensor %.200s: its data is not aligned to its dtype %s",
                         b->file->path, tensor->name, checkpoint_dtype_name(tensor->dtype));
    }
    return GPTOSS_OK;
}

static gptoss_status take_tensor(checkpoint *table, const body *b, const char *name,
                                 const json_t *entry, gptoss_error *error) {
    checkpoint_tensor tensor = {.name = name, .file = b->file->name};
    if (strlen(name) > CHECKPOINT_MAX_NAME) {
        return fail(b, name, error, "expected a name of at most 512 bytes");
    }
    if (!json_is_object(entry) || json_object_size(entry) != 3) {
        return fail(b, name, error, "expected exactly dtype, shape and data_offsets");
    }
    gptoss_status status = take_dtype(b, entry, &tensor, error);
    if (status == GPTOSS_OK) {
        status = take_shape(b, entry, &tensor, error);
    }
    if (status == GPTOSS_OK) {
        status = take_data(b, entry, &tensor, error);
    }
    return status == GPTOSS_OK ? table_add_tensor(table, &tensor, error) : status;
}

static int by_data(const void *a, const void *b) {
    const checkpoint_tensor *left = a, *right = b;
    if (left->data != right->data) {
        return left->data < right->data ? -1 : 1;
    }
    return left->size < right->size ? -1 : left->size > right->size;
}

// The tensors of a file lie end to end, from its first data byte to its last.
static gptoss_status check_layout(checkpoint *table, size_t first, const body *b,
                                  gptoss_error *error) {
    size_t n = table->n_tensors - first;
    checkpoint_tensor *tensors = n ? table->tensors + first : NULL; // no array without tensors
    if (n)
        qsort(tensors, n, sizeof *tensors, by_data);
    const uint8_t *expected = b->data;
    for (size_t i = 0; i < n; i++) {
        if (tensors[i].data != expected) {
            return base_fail(error, GPTOSS_BAD_FILE,
                             "%s: tensor %.200s: begins at data byte %zu, expected %zu (where the "
                             "one before it ends)",
                             b->file->path, tensors[i].name, (size_t)(tensors[i].data - b->data),
                             (size_t)(expected - b->data));
        }
        expected += tensors[i].size;
    }
    size_t used = (size_t)(expected - b->data);
    if (used != b->size) {
        return base_fail(error, GPTOSS_BAD_FILE,
                         "%s: the tensors end after %zu data bytes, expected %zu", b->file->path,
                         used, b->size);
    }
    return GPTOSS_OK;
}

// __metadata__ is a map from strings to strings; nothing in it is used.
static gptoss_status check_metadata(const body *b, json_t *metadata, gptoss_error *error) {
    const char *key;
    json_t *value;
    bool good = json_is_object(metadata);
    json_object_foreach(metadata, key, value) {
        good = good && json_is_string(value);
    }
    if (!good) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: __metadata__: expected an object of strings",
                         b->file->path);
    }
    return GPTOSS_OK;
}

// Finds the header's text and the body after it.
static gptoss_status split(const table_file *file, const char **header_out, size_t *length_out,
                           body *body_out, gptoss_error *error) {
    *header_out = NULL;
    *length_out = 0;
    *body_out = (body){0};
    const uint8_t *data = file->map.data;
    if (file->map.size < 8) {
        return base_fail(error, GPTOSS_BAD_FILE,
                         "%s: %zu bytes, expected at least the 8 of a header length", file->path,
                         file->map.size);
    }
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) {
        length = length << 8 | data[i];
    }
    if (length > TABLE_MAX_HEADER || length > file->map.size - 8) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: header of %llu bytes, expected at most %zu",
                         file->path, (unsigned long long)length,
                         file->map.size - 8 < TABLE_MAX_HEADER ? file->map.size - 8
                                                               : (size_t)TABLE_MAX_HEADER);
    }
    if (length < 2 || data[8] != '{') {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: expected a header that begins with '{'",
                         file->path);
    }
    *header_out = (const char *)data + 8;
    *length_out = (size_t)length;
    *body_out = (body){file, data + 8 + length, file->map.size - 8 - (size_t)length};
    return GPTOSS_OK;
}

gptoss_status safetensors_read(checkpoint *table, const table_file *file, gptoss_error *error) {
    const char *header;
    size_t length, first = table->n_tensors;
    body b;
    gptoss_status status = split(file, &header, &length, &b, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    json_t *root;
    status = checkpoint_parse_json(header, length, TABLE_MAX_VALUES, file->path, &root, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry) {
        if (strcmp(name, "__metadata__") == 0) {
            status = check_metadata(&b, entry, error);
        } else {
            status = take_tensor(table, &b, name, entry, error);
        }
        if (status != GPTOSS_OK) {
            break;
        }
    }
    json_decref(root);
    return status == GPTOSS_OK ? check_layout(table, first, &b, error) : status;
}
