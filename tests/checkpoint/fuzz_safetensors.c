// libFuzzer: any bytes as model.safetensors. Whatever is accepted must lie inside the input.
#include "checkpoint/checkpoint.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    checkpoint_file files[] = {{"config.json", "{}", 2}, {"model.safetensors", data, size}};
    checkpoint *source;
    gptoss_error error;
    if (checkpoint_open_memory(files, 2, "fuzz", &source, &error) != GPTOSS_OK) {
        return 0;
    }
    for (size_t i = 0; i < checkpoint_count(source); i++) {
        const checkpoint_tensor *tensor = checkpoint_at(source, i);
        bool inside = tensor->data >= data && tensor->size <= size &&
                      (size_t)(tensor->data - data) <= size - tensor->size;
        if (!inside || checkpoint_find(source, tensor->name) != tensor) {
            abort();
        }
    }
    checkpoint_close(source);
    return 0;
}
