// libFuzzer: any bytes as config.json. What is accepted keeps the promises of model.h.
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model_config config;
    gptoss_error error;
    if (model_config_parse((const char *)data, size, "fuzz", &config, &error) != GPTOSS_OK) {
        return 0;
    }
    model_rope rope;
    float cosine[MODEL_MAX_HEAD_DIM / 2], sine[MODEL_MAX_HEAD_DIM / 2];
    model_rope_init(&config, &rope);
    model_rope_table(&rope, config.max_positions - 1, 1, cosine, sine);
    bool good = config.hidden % 32 == 0 && config.heads % config.kv_heads == 0;
    for (int lane = 0; lane < rope.half; lane++) {
        good = good && isfinite(rope.inverse[lane]) && isfinite(cosine[lane]);
    }
    if (!good || model_count_bytes(&config).total == 0) {
        abort();
    }
    return 0;
}
