// Every allocation of the plain backend made to fail in turn: it is said, and nothing is lost.
#include "plain/plain.h"
#include "support/check.h"
#include "support/contract.h"
#include "support/failing_malloc.h"

int __real_posix_memalign(void **memory_out, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory_out, size_t alignment, size_t size);

int __wrap_posix_memalign(void **memory_out, size_t alignment, size_t size) {
    int failure = fails() ? 12 : __real_posix_memalign(memory_out, alignment, size); // ENOMEM
    live += failure == 0;
    return failure;
}

// Everything up to a handle that could compute.
static gptoss_status make(const contract *c, void **handle_out, gptoss_error *error) {
    backend_options options = contract_options(c);
    gptoss_status status = c->backend->open(&options, c->config, c->weights, handle_out, error);
    if (!status)
        status = c->backend->load(*handle_out, NULL, NULL, error);
    if (!status)
        status = c->backend->cache_create(*handle_out, (int32_t[]){4, 4}, error);
    return status;
}

static void test_allocations(const contract *c) {
    gptoss_status status = GPTOSS_NO_MEMORY;
    long failing = 0, before = live;
    for (; status; failing++) {
        gptoss_error error = {0};
        void *handle;
        until_failure = failing;
        status = make(c, &handle, &error);
        until_failure = -1;
        CHECK(!status || (status == GPTOSS_NO_MEMORY && error.message[0]), "allocation %ld: %s",
              failing, error.message);
        c->backend->close(handle);
        CHECK(live == before, "allocation %ld: %ld are left", failing, live - before);
    }
    CHECK(failing > 5, "%ld allocations", failing);
}

int main(void) {
    model_config config;
    model_weights weights;
    contract_model(&config, &weights);
    contract c = {&plain_backend, &config, &weights, BACKEND_EXACT, 1, NULL};
    for (size_t i = 0; (c.set = plain_step_name(i)); i++)
        test_allocations(&c);
    contract_model_free();
    return 0;
}
