// The backend table: life of a handle, and what it takes.
#include "plain/plain.h"

#include "machine/machine.h"
#include "plain/state.h"

#include <stdio.h>

static void plain_close(void *handle) {
    plain_state *plain = handle;
    if (!plain)
        return;
    plain_free_tensors(plain);
    backend_pages_free(&plain->pages);
    base_free(plain->scratch_memory);
    base_free(plain->layers);
    base_free(plain);
}

static gptoss_status find_step(const char *name, const model_config *config,
                               const plain_step **step_out, gptoss_error *error) {
    *step_out = plain_find_step(name);
    if (!*step_out) {
        char names[128];
        plain_list_steps(names, sizeof names);
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no step '%s', only: %s", name,
                         names);
    }
    bool any_full = false;
    for (int i = 0; i < config->layers; i++)
        any_full = any_full || !config->is_sliding[i];
    if (!(*step_out)->caches && !any_full)
        return base_fail(error, GPTOSS_UNSUPPORTED,
                         "%s computes without a cache and keeps a text's tokens with the layers "
                         "that see all of it: this model has none",
                         (*step_out)->name);
    return GPTOSS_OK;
}

static void count_pages(plain_state *plain) {
    if (!plain->step->caches) {
        plain->pages.bytes[BACKEND_FULL] = BACKEND_PAGE * sizeof(int32_t);
        return;
    }
    size_t of_layer = 2 * BACKEND_PAGE * plain->key_heads * plain->dim * sizeof(float);
    for (int i = 0; i < plain->config->layers; i++)
        plain->pages.bytes[plain->layers[i].group] += of_layer;
}

static gptoss_status plain_open(const backend_options *options, const model_config *config,
                                const model_weights *weights, void **handle_out,
                                gptoss_error *error) {
    *handle_out = NULL;
    const plain_step *step = NULL;
    gptoss_status status = backend_check_options(options, error);
    if (!status)
        status = find_step(options->instruction_set, config, &step, error);
    if (status)
        return status;
    int32_t positions = step->caches ? options->max_tokens : options->max_context;
    if ((int64_t)positions * config->experts_per_token > INT32_MAX)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "%d tokens of %d experts each are too many",
                         (int)positions, config->experts_per_token);
    plain_state *plain = base_alloc_zero(1, sizeof *plain);
    plain_layer *layers = base_alloc_zero((size_t)config->layers, sizeof *layers);
    if (!plain || !layers) {
        base_free(plain);
        base_free(layers);
        return base_fail_memory(error, sizeof *plain + (size_t)config->layers * sizeof *layers);
    }
    *plain = (plain_state){
        .step = step,
        .config = config,
        .options = *options,
        .heads = (size_t)config->heads,
        .kv_heads = (size_t)config->kv_heads,
        .dim = (size_t)config->head_dim,
        .hidden = (size_t)config->hidden,
        .experts = (size_t)config->experts,
        .top_k = (size_t)config->experts_per_token,
        .intermediate = (size_t)config->intermediate,
        .key_heads = (size_t)(step->shares_keys ? config->kv_heads : config->heads),
        .layers = layers,
    };
    model_rope_init(config, &plain->rope);
    plain_profile_init(&plain->profile);
    plain_bind(plain, weights);
    count_pages(plain);
    plain->weight_bytes = step->maps_weights ? 0 : plain_expanded_bytes(plain);
    plain->scratch_bytes = plain_lay_out(plain, NULL);
    *handle_out = plain;
    return GPTOSS_OK;
}

static void plain_describe(const void *handle, backend_description *description_out) {
    const plain_state *plain = handle;
    model_bytes bytes = model_count_bytes(plain->config);
    *description_out = (backend_description){
        .device = "CPU, 1 thread",
        .mapped_bytes = plain->step->maps_weights ? (size_t)bytes.total : 0,
        .weight_bytes = plain->weight_bytes,
        .scratch_bytes = plain->scratch_bytes,
        .page_bytes = {plain->pages.bytes[0], plain->pages.bytes[1]},
        .attention_bytes = 2 * plain->key_heads * plain->dim * sizeof(float),
    };
    snprintf(description_out->kernels, sizeof description_out->kernels, "plain C, %s",
             plain->step->name);
}

// Weights as float32 may be far more than there is, and the system says so only when they are
// touched: by ending the process.
static gptoss_status check_memory(const plain_state *plain, gptoss_error *error) {
    size_t available = base_memory_available();
    if (available == 0 || plain->weight_bytes <= available)
        return GPTOSS_OK;
    return base_fail(
        error, GPTOSS_NO_MEMORY, "%s makes every weight float32: %.1f GB, and %.1f are available",
        plain->step->name, (double)plain->weight_bytes * 1e-9, (double)available * 1e-9);
}

static gptoss_status plain_load(void *handle, bool (*progress)(void *context, double share),
                                void *context, gptoss_error *error) {
    plain_state *plain = handle;
    if (plain->scratch_memory)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the model is loaded already");
    gptoss_status status = check_memory(plain, error);
    if (status)
        return status;
    plain->scratch_memory = base_alloc_aligned(1, plain->scratch_bytes);
    if (!plain->scratch_memory)
        return base_fail_memory(error, plain->scratch_bytes);
    plain_lay_out(plain, plain->scratch_memory);
    if (!plain->step->maps_weights)
        status = plain_expand(plain, progress, context, error);
    if (!status && progress && !progress(context, 1))
        status = base_fail(error, GPTOSS_CANCELLED, "loading was cancelled");
    return status;
}

static gptoss_status plain_cache_create(void *handle, const int32_t n_pages[BACKEND_GROUPS],
                                        gptoss_error *error) {
    plain_state *plain = handle;
    return backend_pages_create(&plain->pages, n_pages, error);
}

static void plain_profile(const void *handle, gptoss_profile *profile_out) {
    const plain_state *plain = handle;
    *profile_out = plain->profile;
}

// Those of the one thread that it uses, with the best that the processor has.
static gptoss_status plain_limits(void *handle, gptoss_limits *limits_out, gptoss_error *error) {
    (void)handle;
    *limits_out = (gptoss_limits){0};
    base_pool *pool;
    gptoss_status status = base_pool_create(1, &pool, error);
    if (!status)
        status = machine_limits(pool, base_cpu_flags(), limits_out, error);
    base_pool_destroy(pool);
    return status;
}

static gptoss_status plain_page_copy(void *handle, backend_group group, int32_t from, int32_t to,
                                     gptoss_error *error) {
    plain_state *plain = handle;
    return backend_page_copy(&plain->pages, group, from, to, error);
}

static gptoss_status plain_page_read(void *handle, backend_group group, int32_t page, void *bytes,
                                     gptoss_error *error) {
    plain_state *plain = handle;
    return backend_page_read(&plain->pages, group, page, bytes, error);
}

static gptoss_status plain_page_write(void *handle, backend_group group, int32_t page,
                                      const void *bytes, gptoss_error *error) {
    plain_state *plain = handle;
    return backend_page_write(&plain->pages, group, page, bytes, error);
}

const backend_table plain_backend = {
    .name = "plain",
    .open = plain_open,
    .describe = plain_describe,
    .load = plain_load,
    .cache_create = plain_cache_create,
    .forward = plain_forward,
    .profile = plain_profile,
    .limits = plain_limits,
    .page_copy = plain_page_copy,
    .page_read = plain_page_read,
    .page_write = plain_page_write,
    .close = plain_close,
};
