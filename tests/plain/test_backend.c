// The plain backend as a table: every step keeps the contract, wrong options say what would be
// right.
#include "plain/plain.h"
#include "support/check.h"
#include "support/contract.h"

static void test_options(const contract *c) {
    backend_options options = contract_options(c);
    options.instruction_set = "avx2";
    contract_check_refused(c, options, GPTOSS_BAD_ARGUMENT, "baseline, grouped-query");
    options.instruction_set = "";
    contract_check_refused(c, options, GPTOSS_BAD_ARGUMENT, "cache");
    options = contract_options(c);
    options.n_threads = 0;
    contract_check_refused(c, options, GPTOSS_BAD_ARGUMENT, "threads");
    options = contract_options(c);
    options.max_context = MODEL_MAX_POSITIONS + 1;
    contract_check_refused(c, options, GPTOSS_BAD_ARGUMENT, "context");
    options = contract_options(c);
    options.max_tokens = 0;
    contract_check_refused(c, options, GPTOSS_BAD_ARGUMENT, "batch");
}

// Without a full layer nothing but a cache remembers what left the window.
static void test_windows_only(contract c) {
    model_config config = *c.config;
    config.is_sliding[1] = true;
    c.config = &config;
    c.set = "cache";
    contract_check_pages(&c);
    c.set = "baseline";
    contract_check_refused(&c, contract_options(&c), GPTOSS_UNSUPPORTED, "without a cache");
}

int main(void) {
    model_config config;
    model_weights weights;
    contract_model(&config, &weights);
    contract c = {&plain_backend, &config, &weights, BACKEND_EXACT, 1, NULL};
    contract_check_pages(&c);
    int n = 0;
    for (; (c.set = plain_step_name((size_t)n)); n++) {
        contract_check_malformed(&c);
        contract_check_loading(&c);
        contract_check_pages(&c);
    }
    CHECK(n == 5, "%d steps", n);
    test_options(&c);
    test_windows_only(c);
    contract_model_free();
    return 0;
}
