// The backend table: life of a handle, pages, and the door to the forward pass.
#include "cpu/cpu.h"

#include <stdio.h>
#include <string.h>

#include "cpu/state.h"
#include "machine/machine.h"

#define SET_NAME(set, flags) #set,
static const char *const set_names[] = {CPU_KERNEL_SETS(SET_NAME)};

const char *cpu_kernel_set(size_t index, bool *runs_out) {
    cpu_kernel_choice sets[CPU_MAX_KERNEL_SETS];
    *runs_out = false;
    if (index >= cpu_kernel_sets(sets))
        return NULL;
    *runs_out = sets[index].runs;
    return set_names[index];
}

static gptoss_status choose_kernels(const char *name, cpu_kernels *kernels_out,
                                    gptoss_error *error) {
    cpu_kernel_choice sets[CPU_MAX_KERNEL_SETS];
    size_t n = cpu_kernel_sets(sets), length = 0;
    char available[128] = "";
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (!sets[i].runs)
            continue;
        if (!name || strcmp(name, set_names[i]) == 0)
            *kernels_out = sets[i].kernels, found = true;
        size_t size = strlen(set_names[i]);
        if (length + size + 3 < sizeof available) {
            memcpy(available + length, length ? ", " : "", length ? 2 : 0);
            length += length ? 2 : 0;
            memcpy(available + length, set_names[i], size + 1);
            length += size;
        }
    }
    if (found)
        return GPTOSS_OK;
    return base_fail(error, GPTOSS_BAD_ARGUMENT,
                     "this machine has no instruction set '%s', only: %s", name, available);
}

static void cpu_close(void *handle) {
    cpu_state *cpu = handle;
    if (!cpu)
        return;
    base_pool_destroy(cpu->pool);
    backend_pages_free(&cpu->cache.pages);
    base_free(cpu->scratch_memory);
    base_free(cpu->weight_memory);
    base_free(cpu->layers);
    base_free(cpu);
}

static gptoss_status cpu_open(const backend_options *options, const model_config *config,
                              const model_weights *weights, void **handle_out,
                              gptoss_error *error) {
    *handle_out = NULL;
    cpu_kernels kernels;
    gptoss_status status = backend_check_options(options, error);
    if (!status)
        status = choose_kernels(options->instruction_set, &kernels, error);
    if (status)
        return status;
    // Entries (token, rank) are numbered with int32.
    if ((int64_t)options->max_tokens * config->experts_per_token > INT32_MAX)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "%d tokens of %d experts each are too many",
                         (int)options->max_tokens, config->experts_per_token);
    cpu_state *cpu = base_alloc_zero(1, sizeof *cpu);
    cpu_layer *layers = base_alloc_zero((size_t)config->layers, sizeof *layers);
    if (!cpu || !layers) {
        base_free(cpu);
        base_free(layers);
        return base_fail_memory(error, sizeof *cpu + (size_t)config->layers * sizeof *layers);
    }
    cpu->config = config;
    cpu->weights = weights;
    cpu->kernels = kernels;
    cpu->layers = layers;
    cpu->precision = options->precision;
    cpu->n_threads = options->n_threads;
    cpu->max_tokens = options->max_tokens;
    cpu->options = *options;
    cpu->q_width = (size_t)config->heads * (size_t)config->head_dim;
    cpu->kv_width = (size_t)config->kv_heads * (size_t)config->head_dim;
    cpu->padded_dim = cpu_round_up((size_t)config->head_dim, CPU_LANES);
    cpu->max_spans = cpu_round_up((size_t)options->max_context, CPU_SPAN) / CPU_SPAN;
    model_rope_init(config, &cpu->rope);
    cpu_profile_init(&cpu->profile);
    cpu_arena weight_arena = {0}, scratch_arena = {0};
    cpu_plan_cache(cpu);
    cpu_plan_weights(cpu, &weight_arena);
    cpu_plan_scratch(cpu, &scratch_arena);
    cpu->weight_bytes = weight_arena.used;
    cpu->scratch_bytes = scratch_arena.used;
    *handle_out = cpu;
    return GPTOSS_OK;
}

static void cpu_describe(const void *handle, backend_description *description_out) {
    const cpu_state *cpu = handle;
    model_bytes bytes = model_count_bytes(cpu->config);
    bool fast = cpu->precision == BACKEND_FAST; // dense tensors are read once, to be packed
    uint64_t embedding = bytes.embeddings / (cpu->config->tied_embeddings ? 1 : 2);
    *description_out = (backend_description){
        .mapped_bytes = (size_t)(fast ? bytes.experts + embedding : bytes.total),
        .weight_bytes = cpu->weight_bytes,
        .scratch_bytes = cpu->scratch_bytes,
        .page_bytes = {cpu->cache.pages.bytes[0], cpu->cache.pages.bytes[1]},
        .attention_bytes = (size_t)cpu->config->kv_heads * cpu->cache.head_bytes / CPU_PAGE,
    };
    snprintf(description_out->device, sizeof description_out->device, "CPU, %d thread%s",
             cpu->n_threads, cpu->n_threads == 1 ? "" : "s");
    snprintf(description_out->kernels, sizeof description_out->kernels, "%s", cpu->kernels.name);
}

static gptoss_status cpu_load(void *handle, bool (*progress)(void *context, double share),
                              void *context, gptoss_error *error) {
    cpu_state *cpu = handle;
    if (cpu->pool)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the model is loaded already");
    cpu->weight_memory = base_alloc_aligned(1, cpu->weight_bytes);
    if (!cpu->weight_memory)
        return base_fail_memory(error, cpu->weight_bytes);
    cpu->scratch_memory = base_alloc_aligned(1, cpu->scratch_bytes);
    if (!cpu->scratch_memory)
        return base_fail_memory(error, cpu->scratch_bytes);
    // Padding inside of rows is never written again: it stays zero.
    memset(cpu->scratch_memory, 0, cpu->scratch_bytes);
    cpu_plan_weights(cpu, &(cpu_arena){.base = cpu->weight_memory});
    cpu_plan_scratch(cpu, &(cpu_arena){.base = cpu->scratch_memory});
    int32_t entries = cpu->max_tokens * cpu->config->experts_per_token;
    for (int32_t i = 0; i < entries; i++)
        cpu->scratch.identity[i] = i;
    gptoss_status status = base_pool_create(cpu->n_threads, &cpu->pool, error);
    return status ? status : cpu_load_weights(cpu, progress, context, error);
}

static gptoss_status cpu_cache_create(void *handle, const int32_t n_pages[BACKEND_GROUPS],
                                      gptoss_error *error) {
    cpu_state *cpu = handle;
    return backend_pages_create(&cpu->cache.pages, n_pages, error);
}

static gptoss_status cpu_forward(void *handle, const backend_batch *batch, float *logits,
                                 gptoss_error *error) {
    cpu_state *cpu = handle;
    gptoss_status status =
        backend_check_batch(&cpu->options, cpu->config, &cpu->cache.pages, batch, error);
    if (status)
        return status;
    cpu_step step = {.cpu = cpu, .batch = batch, .logits = logits};
    cpu_forward_step(&step);
    return GPTOSS_OK;
}

static void cpu_profile(const void *handle, gptoss_profile *profile_out) {
    const cpu_state *cpu = handle;
    *profile_out = cpu->profile;
}

static gptoss_status cpu_limits(void *handle, gptoss_limits *limits_out, gptoss_error *error) {
    cpu_state *cpu = handle;
    return machine_limits(cpu->pool, cpu->kernels.needs, limits_out, error);
}

static gptoss_status cpu_page_copy(void *handle, backend_group group, int32_t from, int32_t to,
                                   gptoss_error *error) {
    cpu_state *cpu = handle;
    return backend_page_copy(&cpu->cache.pages, group, from, to, error);
}

static gptoss_status cpu_page_read(void *handle, backend_group group, int32_t page, void *bytes,
                                   gptoss_error *error) {
    cpu_state *cpu = handle;
    return backend_page_read(&cpu->cache.pages, group, page, bytes, error);
}

static gptoss_status cpu_page_write(void *handle, backend_group group, int32_t page,
                                    const void *bytes, gptoss_error *error) {
    cpu_state *cpu = handle;
    return backend_page_write(&cpu->cache.pages, group, page, bytes, error);
}

const backend_table cpu_backend = {
    .name = "cpu",
    .open = cpu_open,
    .describe = cpu_describe,
    .load = cpu_load,
    .cache_create = cpu_cache_create,
    .forward = cpu_forward,
    .profile = cpu_profile,
    .limits = cpu_limits,
    .page_copy = cpu_page_copy,
    .page_read = cpu_page_read,
    .page_write = cpu_page_write,
    .close = cpu_close,
};
