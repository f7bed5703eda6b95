// A sharded checkpoint: model.safetensors.index.json says which shard holds which tensor.
#include "checkpoint/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// A plain file name of a safetensors file: it can't leave the directory.
static bool is_shard_name(const char *name) {
    static const char suffix[] = ".safetensors";
    size_t length = strlen(name), tail = sizeof suffix - 1;
    return length > tail && length <= 255 && name[0] != '.' && !strchr(name, '/') &&
           !strchr(name, '\\') && strcmp(name + length - tail, suffix) == 0;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// names [n], each checked; sorted and made unique in place.
static size_t unique(const char **names, size_t n) {
    qsort(names, n, sizeof *names, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0) {
            names[kept++] = names[i];
        }
    }
    return kept;
}

static gptoss_status collect(json_t *map, const table_file *index, const char **names,
                             gptoss_error *error) {
    const char *tensor;
    json_t *value;
    size_t n = 0;
    json_object_foreach(map, tensor, value) {
        const char *name = json_string_value(value);
        if (!name || !is_shard_name(name)) {
            return base_fail(error, GPTOSS_BAD_FILE,
                             "%s: tensor %.200s: %.100s is not the plain name of a .safetensors "
                             "file beside it",
                             index->path, tensor, name ? name : "a value that is no string");
        }
        names[n++] = name;
    }
    return GPTOSS_OK;
}

static gptoss_status read_shards(checkpoint *table, const table_source *source,
                                 const table_file *index, const char **names, size_t n_names,
                                 gptoss_error *error) {
    if (n_names > CHECKPOINT_MAX_SHARDS) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: %zu shards, expected at most %d", index->path,
                         n_names, CHECKPOINT_MAX_SHARDS);
    }
    for (size_t i = 0; i < n_names; i++) {
        const table_file *file;
        gptoss_status status = table_add_file(table, source, names[i], &file, error);
        if (status == GPTOSS_OK) {
            status = safetensors_read(table, file, error);
        }
        if (status != GPTOSS_OK) {
            return status;
        }
    }
    return table_sort(table, error);
}

// Every tensor of the index is where the index says.
static gptoss_status check_places(const checkpoint *table, json_t *map, const table_file *index,
                                  gptoss_error *error) {
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value) {
        const checkpoint_tensor *tensor = checkpoint_find(table, name);
        const char *shard = json_string_value(value);
        if (!tensor || strcmp(tensor->file, shard) != 0) {
            return base_fail(error, GPTOSS_BAD_FILE,
                             "%s: tensor %.200s: expected in %s, which does not hold it",
                             index->path, name, shard);
        }
    }
    return GPTOSS_OK;
}

gptoss_status index_read(checkpoint *table, const table_source *source, gptoss_error *error) {
    const char **names = NULL;
    json_t *root = NULL;
    const table_file *index;
    gptoss_status status =
        table_add_file(table, source, "model.safetensors.index.json", &index, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    if (index->map.size > TABLE_MAX_HEADER) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: %zu bytes, expected at most %d", index->path,
                         index->map.size, TABLE_MAX_HEADER);
    }
    status = checkpoint_parse_json((const char *)index->map.data, index->map.size, TABLE_MAX_VALUES,
                                   index->path, &root, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    json_t *map = json_object_get(root, "weight_map");
    size_t n = json_object_size(map);
    if (n == 0 || n > CHECKPOINT_MAX_TENSORS) {
        status =
            base_fail(error, GPTOSS_BAD_FILE, "%s: weight_map: expected an object of 1 to %d names",
                      index->path, CHECKPOINT_MAX_TENSORS);
        goto done;
    }
    names = base_alloc(n, sizeof *names);
    if (!names) {
        status = base_fail_memory(error, n * sizeof *names);
        goto done;
    }
    status = collect(map, index, names, error);
    if (status == GPTOSS_OK) {
        status = read_shards(table, source, index, names, unique(names, n), error);
    }
    if (status == GPTOSS_OK) {
        status = check_places(table, map, index, error);
    }
done:
    base_free(names);
    json_decref(root);
    return status;
}
