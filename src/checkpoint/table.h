// Inside checkpoint: the table under construction, and the readers that fill it.
#ifndef CHECKPOINT_TABLE_H
#define CHECKPOINT_TABLE_H

#include "checkpoint/checkpoint.h"

enum {
    TABLE_MAX_HEADER = 100000000,                   // bytes, as in the safetensors reference
    TABLE_MAX_VALUES = 16 * CHECKPOINT_MAX_TENSORS, // commas: a tensor's entry has at most 11
};

typedef struct table_file {
    char *name;   // owned
    char *path;   // owned: for messages, "directory/name"
    base_map map; // data and size
    bool mapped;  // by us, so unmapped by us
} table_file;

struct checkpoint {
    char *path; // owned
    table_file **files;
    size_t n_files, files_capacity;
    checkpoint_tensor *tensors; // names owned
    size_t n_tensors, tensors_capacity;
    const table_file *config, *tokenizer;
};

// Where the files come from: a directory, or memory when directory is NULL.
typedef struct table_source {
    const char *directory;
    const checkpoint_file *files;
    size_t n_files;
} table_source;

gptoss_status table_source_has(const table_source *source, const char *name, bool *has_out,
                               gptoss_error *error);

// Adds a file of the source, mapped or lent.
gptoss_status table_add_file(checkpoint *table, const table_source *source, const char *name,
                             const table_file **file_out, gptoss_error *error);

// Copies the name; every other field of *tensor is taken as it is.
gptoss_status table_add_tensor(checkpoint *table, const checkpoint_tensor *tensor,
                               gptoss_error *error);

// Adds every tensor of a .safetensors file, checked.
gptoss_status safetensors_read(checkpoint *table, const table_file *file, gptoss_error *error);

// Reads model.safetensors.index.json and every shard that it names.
gptoss_status index_read(checkpoint *table, const table_source *source, gptoss_error *error);

// Orders the tensors by name and refuses a name that occurs twice.
gptoss_status table_sort(checkpoint *table, gptoss_error *error);

#endif
