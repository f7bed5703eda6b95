// The cpu backend as a table: it keeps the contract in both precisions, and wrong options say what
// would be right.
#include "cpu/cpu.h"
#include "support/contract.h"

int main(void) {
    model_config config;
    model_weights weights;
    contract_model(&config, &weights);
    contract c = {&cpu_backend, &config, &weights, BACKEND_FAST, 2, NULL};
    contract_check_malformed(&c);
    contract_check_loading(&c);
    contract_check_pages(&c);
    c.precision = BACKEND_EXACT;
    contract_check_pages(&c);
    backend_options options = contract_options(&c);
    options.instruction_set = "mmx";
    contract_check_refused(&c, options, GPTOSS_BAD_ARGUMENT, "scalar");
    options = contract_options(&c);
    options.n_threads = 0;
    contract_check_refused(&c, options, GPTOSS_BAD_ARGUMENT, "threads");
    contract_model_free();
    return 0;
}
