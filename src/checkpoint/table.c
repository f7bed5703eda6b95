// The table under construction: its files, its tensors, their order.
#include "checkpoint/table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// "directory/name" or, for files in memory, "label/name".
static char *join(const char *directory, const char *name) {
    base_buffer buffer = {0};
    if (!base_buffer_format(&buffer, "%s/%s", directory, name)) {
        base_buffer_free(&buffer);
        return NULL;
    }
    return buffer.data;
}

static const checkpoint_file *find_in_memory(const table_source *source, const char *name) {
    for (size_t i = 0; i < source->n_files; i++) {
        if (strcmp(source->files[i].name, name) == 0) {
            return &source->files[i];
        }
    }
    return NULL;
}

gptoss_status table_source_has(const table_source *source, const char *name, bool *has_out,
                               gptoss_error *error) {
    *has_out = false;
    if (!source->directory) {
        *has_out = find_in_memory(source, name) != NULL;
        return GPTOSS_OK;
    }
    char *path = join(source->directory, name);
    if (!path) {
        return base_fail_memory(error, strlen(source->directory) + strlen(name) + 2);
    }
    *has_out = access(path, F_OK) == 0;
    base_free(path);
    return GPTOSS_OK;
}

static gptoss_status open_file(table_file *file, const table_source *source, const char *directory,
                               const char *name, gptoss_error *error) {
    file->name = base_copy_string(name, strlen(name));
    file->path = join(directory, name);
    if (!file->name || !file->path) {
        return base_fail_memory(error, strlen(directory) + strlen(name) + 2);
    }
    if (source->directory) {
        gptoss_status status = base_map_open(file->path, &file->map, error);
        file->mapped = status == GPTOSS_OK;
        return status;
    }
    const checkpoint_file *lent = find_in_memory(source, name);
    if (!lent) {
        return base_fail(error, GPTOSS_NO_FILE, "%s: not among the files given", file->path);
    }
    file->map = (base_map){lent->data, lent->size};
    return GPTOSS_OK;
}

gptoss_status table_add_file(checkpoint *table, const table_source *source, const char *name,
                             const table_file **file_out, gptoss_error *error) {
    *file_out = NULL;
    if (table->n_files == table->files_capacity) {
        size_t capacity = table->files_capacity * 2 + 4;
        table_file **files = base_resize(table->files, capacity, sizeof *files);
        if (!files) {
            return base_fail_memory(error, capacity * sizeof *files);
        }
        table->files = files;
        table->files_capacity = capacity;
    }
    table_file *file = base_alloc_zero(1, sizeof *file);
    if (!file) {
        return base_fail_memory(error, sizeof *file);
    }
    table->files[table->n_files++] = file; // checkpoint_close releases it, complete or not
    gptoss_status status = open_file(file, source, table->path, name, error);
    if (status == GPTOSS_OK) {
        *file_out = file;
    }
    return status;
}

gptoss_status table_add_tensor(checkpoint *table, const checkpoint_tensor *tensor,
                               gptoss_error *error) {
    if (table->n_tensors == CHECKPOINT_MAX_TENSORS) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: more than %d tensors", table->path,
                         CHECKPOINT_MAX_TENSORS);
    }
    if (table->n_tensors == table->tensors_capacity) {
        size_t capacity = table->tensors_capacity * 2 + 64;
        checkpoint_tensor *tensors = base_resize(table->tensors, capacity, sizeof *tensors);
        if (!tensors) {
            return base_fail_memory(error, capacity * sizeof *tensors);
        }
        table->tensors = tensors;
        table->tensors_capacity = capacity;
    }
    char *name = base_copy_string(tensor->name, strlen(tensor->name));
    if (!name) {
        return base_fail_memory(error, strlen(tensor->name) + 1);
    }
    table->tensors[table->n_tensors] = *tensor;
    table->tensors[table->n_tensors++].name = name;
    return GPTOSS_OK;
}

static int by_name(const void *a, const void *b) {
    const checkpoint_tensor *left = a, *right = b;
    return strcmp(left->name, right->name);
}

gptoss_status table_sort(checkpoint *table, gptoss_error *error) {
    if (table->n_tensors == 0) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: holds no tensors", table->path);
    }
    qsort(table->tensors, table->n_tensors, sizeof *table->tensors, by_name);
    for (size_t i = 1; i < table->n_tensors; i++) {
        const checkpoint_tensor *one = &table->tensors[i - 1], *two = &table->tensors[i];
        if (strcmp(one->name, two->name) == 0) {
            return base_fail(error, GPTOSS_BAD_FILE, "%s: tensor %s is in both %s and %s",
                             table->path, one->name, one->file, two->file);
        }
    }
    return GPTOSS_OK;
}
