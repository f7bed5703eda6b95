// Any body of completions: it is refused with a reason that can be printed, or becomes a request.
#include <stdint.h>
#include <stdlib.h>

#include "server/body.h"
#include "server/dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    problem why = {0};
    request asked;
    text printed = {0};
    request_init(&asked);
    json_t *body = body_parse((const char *)data, size, &why);
    bool read = body && completions_dialect.read(body, &asked, &why);
    completions_dialect.fail(&why, size % 2, &printed);
    if (printed.failed || (read ? !asked.model && !asked.prompt && !asked.n_ids
                                : why.kind == PROBLEM_NONE || !why.message[0])) {
        abort();
    }
    text_clear(&printed);
    json_decref(body);
    request_clear(&asked);
    return 0;
}
