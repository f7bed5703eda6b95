// checkpoint: files on disk (or bytes linked into the program) -> one table of named tensors, with
// config.json and tokenizer.json beside it.
//
// Reads the Hugging Face layout: model.safetensors, or model.safetensors.index.json with the shards
// that it names. Everything in those files is taken as hostile: each offset, length, dtype and
// shape is checked before use, and what does not hold is GPTOSS_BAD_FILE with a message that names
// file, tensor and what was expected. After a successful open, for every tensor:
// - data[0 .. size-1] lies inside its mapped file and size is exactly product(shape) * dtype size;
// - data is aligned to the dtype's size (a file whose header length would break this is refused
// with
//   GPTOSS_UNSUPPORTED, not copied: every known writer pads the header to 8 bytes);
// - tensors of a file don't overlap and leave no hole; names are unique over all shards.
//
// A checkpoint does not change once opened: any number of threads may read it. Files stay mapped,
// read-only, until checkpoint_close; pages are read from disk when touched. A file must not be cut
// short meanwhile: the system answers a touch beyond its end with SIGBUS.
#ifndef CHECKPOINT_CHECKPOINT_H
#define CHECKPOINT_CHECKPOINT_H

#include "base/base.h"

enum {
    CHECKPOINT_MAX_RANK = 8,
    CHECKPOINT_MAX_NAME = 512,        // bytes of a tensor's name, without the NUL
    CHECKPOINT_MAX_TENSORS = 1 << 15, // the 120b model has 687
    CHECKPOINT_MAX_SHARDS = 1 << 12,
    CHECKPOINT_MAX_CONFIG = 1 << 20, // bytes of config.json
};

typedef enum checkpoint_dtype {
    CHECKPOINT_BOOL,
    CHECKPOINT_U8,
    CHECKPOINT_I8,
    CHECKPOINT_F8_E5M2,
    CHECKPOINT_F8_E4M3,
    CHECKPOINT_F8_E8M0,
    CHECKPOINT_U16,
    CHECKPOINT_I16,
    CHECKPOINT_F16,
    CHECKPOINT_BF16,
    CHECKPOINT_U32,
    CHECKPOINT_I32,
    CHECKPOINT_F32,
    CHECKPOINT_U64,
    CHECKPOINT_I64,
    CHECKPOINT_F64,
    CHECKPOINT_N_DTYPES,
} checkpoint_dtype;

const char *checkpoint_dtype_name(checkpoint_dtype dtype); // as safetensors writes it: "BF16"
size_t checkpoint_dtype_size(checkpoint_dtype dtype);      // bytes of one element: 1, 2, 4 or 8

// Strings and data are owned by the checkpoint.
typedef struct checkpoint_tensor {
    const char *name;
    const char *file; // name of the file that holds it, without the directory
    checkpoint_dtype dtype;
    int rank; // 0 (a scalar) .. CHECKPOINT_MAX_RANK
    size_t shape[CHECKPOINT_MAX_RANK];
    const uint8_t *data; // size bytes; may be NULL when size is 0
    size_t size;
} checkpoint_tensor;

typedef struct checkpoint checkpoint;

gptoss_status checkpoint_open(const char *directory, checkpoint **checkpoint_out,
                              gptoss_error *error);

// One file of a checkpoint that is in memory already. data is aligned to 8 bytes.
typedef struct checkpoint_file {
    const char *name; // "config.json", "model.safetensors", ...
    const void *data;
    size_t size;
} checkpoint_file;

// As checkpoint_open, from memory. The caller keeps every data (but not the array and the names)
// until checkpoint_close. label stands where a path would in messages.
gptoss_status checkpoint_open_memory(const checkpoint_file *files, size_t n_files,
                                     const char *label, checkpoint **checkpoint_out,
                                     gptoss_error *error);
void checkpoint_close(checkpoint *checkpoint); // NULL is allowed

// Lets go of the pages of mapped files that were touched so far (base_map_release): for after
// weights were repacked, when much of what was read is not needed again.
void checkpoint_release_pages(const checkpoint *checkpoint);

size_t checkpoint_count(const checkpoint *checkpoint);
// index < checkpoint_count. Ordered by name (bytewise).
const checkpoint_tensor *checkpoint_at(const checkpoint *checkpoint, size_t index);
// NULL when there is none of that name.
const checkpoint_tensor *checkpoint_find(const checkpoint *checkpoint, const char *name);

// The text of config.json (always present) and tokenizer.json (NULL with length 0 when absent).
// Not NUL-terminated.
const char *checkpoint_config(const checkpoint *checkpoint, size_t *length_out);
const char *checkpoint_tokenizer(const checkpoint *checkpoint, size_t *length_out);

// Parses JSON that came with a checkpoint: duplicate keys are refused, and so is text with more
// than max_values commas, which bounds the memory that it can cost (about 100 bytes a value). name
// stands in messages. *json_out is released with json_decref.
struct json_t;
gptoss_status checkpoint_parse_json(const char *text, size_t length, size_t max_values,
                                    const char *name, struct json_t **json_out,
                                    gptoss_error *error);

const char *checkpoint_path(const checkpoint *checkpoint); // the directory, or the label

#endif
