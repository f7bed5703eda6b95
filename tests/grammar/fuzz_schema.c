// Fuzz target: any bytes as a JSON schema. Reading must end in a status and a message, in bounded
// time and memory; what is understood must be rules without faults.
#include <stdlib.h>

#include "grammar/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rules *r = rules_create();
    gptoss_error error = {0};
    if (!r)
        return 0;
    gptoss_status status = rules_read_schema(r, (const char *)data, size, &error);
    if (!status != !error.message[0])
        abort();
    if (!status && rules_status(r, &error))
        abort();
    if (status == GPTOSS_NO_MEMORY)
        abort();
    rules_free(r);
    return 0;
}
