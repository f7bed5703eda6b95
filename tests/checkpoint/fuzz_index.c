// libFuzzer: any bytes as model.safetensors.index.json over two small shards.
#include "checkpoint/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SHARD(name)                                                                                \
    "\x39\0\0\0\0\0\0\0{\"" name "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}  "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char a[] = SHARD("a"), b[] = SHARD("b");
    checkpoint_file files[] = {{"config.json", "{}", 2},
                               {"a.safetensors", a, 8 + 0x39},
                               {"b.safetensors", b, 8 + 0x39},
                               {"model.safetensors.index.json", data, size}};
    checkpoint *source;
    gptoss_error error;
    if (checkpoint_open_memory(files, 4, "fuzz", &source, &error) == GPTOSS_OK) {
        checkpoint_close(source);
    }
    return 0;
}
