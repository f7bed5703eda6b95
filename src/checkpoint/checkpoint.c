// Opening and closing a checkpoint, and looking things up in it.
#include "checkpoint/checkpoint.h"
#include "checkpoint/table.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[CHECKPOINT_N_DTYPES] = {
    [CHECKPOINT_BOOL] = {"BOOL", 1},       [CHECKPOINT_U8] = {"U8", 1},
    [CHECKPOINT_I8] = {"I8", 1},           [CHECKPOINT_F8_E5M2] = {"F8_E5M2", 1},
    [CHECKPOINT_F8_E4M3] = {"F8_E4M3", 1}, [CHECKPOINT_F8_E8M0] = {"F8_E8M0", 1},
    [CHECKPOINT_U16] = {"U16", 2},         [CHECKPOINT_I16] = {"I16", 2},
    [CHECKPOINT_F16] = {"F16", 2},         [CHECKPOINT_BF16] = {"BF16", 2},
    [CHECKPOINT_U32] = {"U32", 4},         [CHECKPOINT_I32] = {"I32", 4},
    [CHECKPOINT_F32] = {"F32", 4},         [CHECKPOINT_U64] = {"U64", 8},
    [CHECKPOINT_I64] = {"I64", 8},         [CHECKPOINT_F64] = {"F64", 8},
};

const char *checkpoint_dtype_name(checkpoint_dtype dtype) {
    return dtypes[dtype].name;
}

size_t checkpoint_dtype_size(checkpoint_dtype dtype) {
    return dtypes[dtype].size;
}

static gptoss_status read_texts(checkpoint *table, const table_source *source,
                                gptoss_error *error) {
    gptoss_status status = table_add_file(table, source, "config.json", &table->config, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    if (table->config->map.size > CHECKPOINT_MAX_CONFIG) {
        return base_fail(error, GPTOSS_BAD_FILE, "%s: %zu bytes, expected at most %d",
                         table->config->path, table->config->map.size, CHECKPOINT_MAX_CONFIG);
    }
    bool has;
    status = table_source_has(source, "tokenizer.json", &has, error);
    if (status == GPTOSS_OK && has) {
        status = table_add_file(table, source, "tokenizer.json", &table->tokenizer, error);
    }
    return status;
}

static gptoss_status read_tensors(checkpoint *table, const table_source *source,
                                  gptoss_error *error) {
    bool single, sharded;
    gptoss_status status = table_source_has(source, "model.safetensors", &single, error);
    if (status == GPTOSS_OK) {
        status = table_source_has(source, "model.safetensors.index.json", &sharded, error);
    }
    if (status != GPTOSS_OK) {
        return status;
    }
    if (single) { // where both are there, as transformers does
        const table_file *file;
        status = table_add_file(table, source, "model.safetensors", &file, error);
        if (status == GPTOSS_OK) {
            status = safetensors_read(table, file, error);
        }
        return status == GPTOSS_OK ? table_sort(table, error) : status;
    }
    if (sharded) {
        return index_read(table, source, error);
    }
    return base_fail(error, GPTOSS_NO_FILE,
                     "%s: neither model.safetensors nor model.safetensors.index.json is there",
                     table->path);
}

static gptoss_status open_source(const table_source *source, const char *label,
                                 checkpoint **checkpoint_out, gptoss_error *error) {
    *checkpoint_out = NULL;
    checkpoint *table = base_alloc_zero(1, sizeof *table);
    if (!table) {
        return base_fail_memory(error, sizeof *table);
    }
    gptoss_status status = GPTOSS_OK;
    table->path = base_copy_string(label, strlen(label));
    if (!table->path) {
        status = base_fail_memory(error, strlen(label) + 1);
    }
    if (status == GPTOSS_OK) {
        status = read_texts(table, source, error);
    }
    if (status == GPTOSS_OK) {
        status = read_tensors(table, source, error);
    }
    if (status != GPTOSS_OK) {
        checkpoint_close(table);
        return status;
    }
    *checkpoint_out = table;
    return GPTOSS_OK;
}

gptoss_status checkpoint_open(const char *directory, checkpoint **checkpoint_out,
                              gptoss_error *error) {
    table_source source = {.directory = directory};
    return open_source(&source, directory, checkpoint_out, error);
}

gptoss_status checkpoint_open_memory(const checkpoint_file *files, size_t n_files,
                                     const char *label, checkpoint **checkpoint_out,
                                     gptoss_error *error) {
    table_source source = {.files = files, .n_files = n_files};
    return open_source(&source, label, checkpoint_out, error);
}

void checkpoint_release_pages(const checkpoint *table) {
    for (size_t i = 0; i < table->n_files; i++) {
        if (table->files[i]->mapped)
            base_map_release(&table->files[i]->map);
    }
}

void checkpoint_close(checkpoint *table) {
    if (!table) {
        return;
    }
    for (size_t i = 0; i < table->n_tensors; i++) {
        base_free((char *)table->tensors[i].name);
    }
    for (size_t i = 0; i < table->n_files; i++) {
        if (table->files[i]->mapped) {
            base_map_close(&table->files[i]->map);
        }
        base_free(table->files[i]->name);
        base_free(table->files[i]->path);
        base_free(table->files[i]);
    }
    base_free(table->tensors);
    base_free(table->files);
    base_free(table->path);
    base_free(table);
}

size_t checkpoint_count(const checkpoint *table) {
    return table->n_tensors;
}

const checkpoint_tensor *checkpoint_at(const checkpoint *table, size_t index) {
    return &table->tensors[index];
}

const checkpoint_tensor *checkpoint_find(const checkpoint *table, const char *name) {
    size_t low = 0, high = table->n_tensors;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(table->tensors[middle].name, name);
        if (order == 0) {
            return &table->tensors[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static const char *text_of(const table_file *file, size_t *length_out) {
    *length_out = file ? file->map.size : 0;
    if (!file) {
        return NULL;
    }
    return file->map.data ? (const char *)file->map.data : ""; // an empty file has no mapping
}

const char *checkpoint_config(const checkpoint *table, size_t *length_out) {
    return text_of(table->config, length_out);
}

const char *checkpoint_tokenizer(const checkpoint *table, size_t *length_out) {
    return text_of(table->tokenizer, length_out);
}

const char *checkpoint_path(const checkpoint *table) {
    return table->path;
}
