// libFuzzer: any bytes as model.safetensors.index.json over two small shards.
#include "checkpoint/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A shard with one empty tensor of a one-letter name: its header is 53 (0x35) bytes and 3 blanks.
#define SHARD(name)                                                                                \
    "\x38\0\0\0\0\0\0\0{\"" name "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}   "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char a[] = SHARD("a"), b[] = SHARD("b");
    checkpoint_file files[] = {{"config.json", "{}", 2},
                               {"a.safetensors", a, sizeof a - 1},
                               {"b.safetensors", b, sizeof b - 1},
                               {"model.safetensors.index.json", data, size}};
    checkpoint *source;
    gptoss_error error;
    if (checkpoint_open_memory(files, 4, "fuzz", &source, &error) == GPTOSS_OK) {
        checkpoint_close(source);
    }
    return 0;
}
