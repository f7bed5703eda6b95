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

static backend_description described(const contract *c) {
    backend_options options = contract_options(c);
    gptoss_error error;
    void *handle;
    CHECK(c->backend->open(&options, c->config, c->weights, &handle, &error) == GPTOSS_OK, "%s",
          error.message);
    backend_description d;
    c->backend->describe(handle, &d);
    c->backend->close(handle);
    return d;
}

// gpt-oss has 64 query heads on 8 key heads: sharing makes an eighth of what attention keeps, in
// working memory and in pages (opening reads no weights: the shapes are enough).
static void test_attention_memory(contract c) {
    model_config config = *c.config;
    config.heads = 64;
    config.kv_heads = 8;
    config.head_dim = 64;
    c.config = &config;
    c.set = "baseline";
    backend_description repeated = described(&c);
    c.set = "grouped-query";
    backend_description shared = described(&c);
    c.set = "cache";
    backend_description cached = described(&c);
    CHECK(repeated.attention_bytes == 2 * 64 * 64 * sizeof(float), "64 heads of 64: %zu",
          repeated.attention_bytes);
    CHECK(shared.attention_bytes * 8 == repeated.attention_bytes, "an eighth: %zu",
          shared.attention_bytes);
    size_t positions = (size_t)contract_options(&c).max_context;
    CHECK(repeated.scratch_bytes - shared.scratch_bytes ==
              positions * (repeated.attention_bytes - shared.attention_bytes),
          "working memory: %zu, %zu", repeated.scratch_bytes, shared.scratch_bytes);
    CHECK(cached.page_bytes[BACKEND_FULL] == BACKEND_PAGE * shared.attention_bytes,
          "a page of one full layer: %zu", cached.page_bytes[BACKEND_FULL]);
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
    test_attention_memory(c);
    contract_model_free();
    return 0;
}
