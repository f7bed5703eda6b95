// Opening a model: checkpoint -> config -> weights -> backend -> engine; and planning the same
// without allocating it.
#include "api/internal.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_CONTEXT = 8192, DEFAULT_BATCH = 512, MAX_SEQUENCES = 4096 };

const char *gptoss_version(void) {
    return GPTOSS_VERSION;
}

const char *gptoss_status_name(gptoss_status status) {
    static const char *const names[] = {
        [GPTOSS_OK] = "ok",
        [GPTOSS_BAD_ARGUMENT] = "bad_argument",
        [GPTOSS_NO_MEMORY] = "no_memory",
        [GPTOSS_NO_FILE] = "no_file",
        [GPTOSS_BAD_FILE] = "bad_file",
        [GPTOSS_BAD_INPUT] = "bad_input",
        [GPTOSS_UNSUPPORTED] = "unsupported",
        [GPTOSS_CANCELLED] = "cancelled",
        [GPTOSS_IO] = "io",
    };
    size_t index = (size_t)status;
    return index < sizeof names / sizeof names[0] ? names[index] : "unknown";
}

void gptoss_model_options_default(gptoss_model_options *options_out) {
    *options_out = (gptoss_model_options){.sequences = 1};
}

gptoss_status api_open_checkpoint(const char *path, checkpoint **checkpoint_out,
                                  gptoss_error *error) {
    return path ? checkpoint_open(path, checkpoint_out, error)
                : api_open_builtin(checkpoint_out, error);
}

gptoss_status gptoss_list_tensors(const char *path,
                                  bool (*visit)(void *context, const gptoss_tensor *tensor),
                                  void *context, gptoss_error *error) {
    checkpoint *ck = NULL;
    gptoss_status status = api_open_checkpoint(path, &ck, error);
    if (status != GPTOSS_OK)
        return status;
    for (size_t i = 0; i < checkpoint_count(ck); i++) {
        const checkpoint_tensor *t = checkpoint_at(ck, i);
        gptoss_tensor tensor = {t->name, checkpoint_dtype_name(t->dtype), t->file, t->rank, {0},
                                t->size};
        for (int d = 0; d < t->rank; d++)
            tensor.shape[d] = t->shape[d];
        if (!visit(context, &tensor))
            break;
    }
    checkpoint_close(ck);
    return GPTOSS_OK;
}

static gptoss_status in_range(const char *name, int32_t value, int32_t low, int32_t high,
                              gptoss_error *error) {
    if (value >= low && value <= high)
        return GPTOSS_OK;
    return base_fail(error, GPTOSS_BAD_ARGUMENT, "%s must be %d to %d, not %d", name, low, high,
                     value);
}

// Precision and threads: what the way fixes, or else what the caller chose.
static gptoss_status resolve_way(gptoss_model *m, const gptoss_model_options *o,
                                 gptoss_error *error) {
    const api_config *way = m->way;
    backend_precision asked = o->precision == GPTOSS_EXACT ? BACKEND_EXACT : BACKEND_FAST;
    int32_t threads = o->threads ? o->threads : base_cpu_count();
    if (!o->threads && threads > BASE_POOL_MAX_THREADS)
        threads = BASE_POOL_MAX_THREADS;
    gptoss_status status = in_range("threads", threads, 1, BASE_POOL_MAX_THREADS, error);
    if (status == GPTOSS_OK && o->precision != GPTOSS_FAST && o->precision != GPTOSS_EXACT)
        status =
            base_fail(error, GPTOSS_BAD_ARGUMENT, "there is no precision %d", (int)o->precision);
    if (status == GPTOSS_OK && way->threads && o->threads && o->threads != way->threads)
        status =
            base_fail(error, GPTOSS_BAD_ARGUMENT, "config %s computes on %d thread%s, not %d",
                      way->listed.name, way->threads, way->threads == 1 ? "" : "s", o->threads);
    // Fast is also what a caller gets who did not choose: only exact can contradict.
    if (status == GPTOSS_OK && way->threads && asked == BACKEND_EXACT && way->precision != asked)
        status = base_fail(error, GPTOSS_BAD_ARGUMENT, "config %s does not compute exactly",
                           way->listed.name);
    m->backend_options.precision = way->threads ? way->precision : asked;
    m->backend_options.n_threads = way->threads ? way->threads : threads;
    m->backend_options.instruction_set = way->step ? way->step : o->instruction_set;
    return status;
}

// How much is kept of earlier texts; the backend's pages are known.
static void resolve_kept(gptoss_model *m, const gptoss_model_options *o) {
    enum { STATES = 4, STATE_PAGES = 8, MOST = 1 << 20 }; // a state every 512 tokens
    engine_options *e = &m->engine_options;
    e->kept_states = e->kept_pages = STATES * o->sequences;
    if (!o->prefix_bytes)
        return;
    int32_t none[BACKEND_GROUPS], some[BACKEND_GROUPS];
    e->kept_states = e->kept_pages = 0;
    engine_plan(&m->config, e, none);
    e->kept_states = 1;
    e->kept_pages = STATE_PAGES;
    engine_plan(&m->config, e, some);
    backend_description d;
    m->backend->describe(m->handle, &d);
    size_t state = 0;
    for (int g = 0; g < BACKEND_GROUPS; g++)
        state += (size_t)(some[g] - none[g]) * d.page_bytes[g];
    size_t states = state ? o->prefix_bytes / state : 0;
    e->kept_states = states < MOST ? (int32_t)states : MOST;
    e->kept_pages = STATE_PAGES * e->kept_states;
}

// Fills in what the options leave open, except what resolve_kept does.
static gptoss_status resolve(gptoss_model *m, const gptoss_model_options *o, gptoss_error *error) {
    int32_t longest = m->config.max_positions;
    int32_t context = o->context                  ? o->context
                      : longest < DEFAULT_CONTEXT ? longest
                                                  : DEFAULT_CONTEXT;
    int32_t batch = o->batch_tokens ? o->batch_tokens : DEFAULT_BATCH;
    gptoss_status status = in_range("context", context, 1, longest, error);
    if (status == GPTOSS_OK)
        status = in_range("batch_tokens", batch, 1, 1 << 16, error);
    if (status == GPTOSS_OK)
        status = in_range("sequences", o->sequences, 1, MAX_SEQUENCES, error);
    if (status == GPTOSS_OK)
        status = resolve_way(m, o, error);
    if (batch > context)
        batch = context;
    m->engine_options = (engine_options){
        .context = context, .sequences = o->sequences, .batch_tokens = batch, .stall = o->stall};
    if (status == GPTOSS_OK && !(o->stall >= 0 && o->stall < 1e6))
        status = base_fail(error, GPTOSS_BAD_ARGUMENT, "stall must be a number of seconds, not %g",
                           o->stall);
    m->backend_options.max_tokens = batch;
    m->backend_options.max_context = context;
    return status;
}

// The last part of a path, as a name for people.
static void copy_name(char *name, size_t size, const char *path) {
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    snprintf(name, size, "%.*s", (int)(length - start), path + start);
}

static void fill_plan(gptoss_model *m) {
    const model_config *c = &m->config;
    gptoss_plan *p = &m->plan;
    backend_description d;
    m->backend->describe(m->handle, &d);
    model_bytes bytes = model_count_bytes(c);
    int32_t n_pages[BACKEND_GROUPS], n_needed[BACKEND_GROUPS];
    engine_options needed = m->engine_options;
    needed.kept_states = needed.kept_pages = 0;
    engine_plan(c, &needed, n_needed);
    engine_plan(c, &m->engine_options, n_pages);
    *p = (gptoss_plan){
        .precision = m->backend_options.precision == BACKEND_EXACT ? GPTOSS_EXACT : GPTOSS_FAST,
        .layers = c->layers,
        .hidden = c->hidden,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_dim = c->head_dim,
        .experts = c->experts,
        .experts_per_token = c->experts_per_token,
        .intermediate = c->intermediate,
        .vocabulary = c->vocabulary,
        .window = c->window,
        .max_context = c->max_positions,
        .context = m->engine_options.context,
        .sequences = m->engine_options.sequences,
        .threads = m->backend_options.n_threads,
        .batch_tokens = m->engine_options.batch_tokens,
        .kept_states = m->engine_options.kept_states,
        .parameters = bytes.parameters,
        .active_parameters = bytes.active_parameters,
        .mapped_bytes = d.mapped_bytes,
        .weight_bytes = d.weight_bytes,
        .attention_bytes = d.attention_bytes,
        .scratch_bytes = d.scratch_bytes + engine_bytes(c, &m->engine_options),
    };
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        p->cache_bytes += (size_t)n_pages[g] * d.page_bytes[g];
        p->kept_bytes += (size_t)(n_pages[g] - n_needed[g]) * d.page_bytes[g];
    }
    p->total_bytes = p->mapped_bytes + p->weight_bytes + p->cache_bytes + p->scratch_bytes;
    copy_name(p->name, sizeof p->name, checkpoint_path(m->checkpoint));
    snprintf(p->device, sizeof p->device, "%s", d.device);
    snprintf(p->kernels, sizeof p->kernels, "%s", d.kernels);
}

// FNV-1a over the shapes, the way to compute and the first bytes of every tensor.
static uint64_t fingerprint(const gptoss_model *m) {
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)m->backend_options.precision;
    for (const char *step = m->way->step; step && *step; step++)
        hash = (hash ^ (uint8_t)*step) * 0x100000001b3u;
    for (size_t i = 0; i < checkpoint_count(m->checkpoint); i++) {
        const checkpoint_tensor *t = checkpoint_at(m->checkpoint, i);
        size_t count = t->size < 256 ? t->size : 256;
        hash = (hash ^ t->size) * 0x100000001b3u;
        for (size_t j = 0; j < count; j++)
            hash = (hash ^ t->data[j]) * 0x100000001b3u;
    }
    return hash;
}

// Everything that costs no memory to speak of: files checked, shapes known, plan made.
static gptoss_status prepare(const gptoss_model_options *options, gptoss_model *m,
                             gptoss_error *error) {
    gptoss_status status = api_find_config(options->config, &m->way, error);
    if (status == GPTOSS_OK)
        status = api_open_checkpoint(options->path, &m->checkpoint, error);
    if (status != GPTOSS_OK)
        return status;
    size_t length;
    const char *config = checkpoint_config(m->checkpoint, &length);
    base_buffer name = {0};
    if (!base_buffer_format(&name, "%s/config.json", checkpoint_path(m->checkpoint)))
        return base_fail_memory(error, length);
    status = model_config_parse(config, length, name.data, &m->config, error);
    base_buffer_free(&name);
    if (status == GPTOSS_OK)
        status = model_bind(&m->config, m->checkpoint, &m->weights, error);
    if (status == GPTOSS_OK)
        status = resolve(m, options, error);
    m->backend = m->way->backend;
    if (status == GPTOSS_OK)
        status = m->backend->open(&m->backend_options, &m->config, &m->weights, &m->handle, error);
    if (status != GPTOSS_OK)
        return status;
    resolve_kept(m, options);
    fill_plan(m);
    if (options->memory_limit && m->plan.total_bytes > options->memory_limit)
        return base_fail(error, GPTOSS_NO_MEMORY,
                         "%s would take %zu bytes, over the limit of %zu: lower the context or the "
                         "number of sequences",
                         m->plan.name, m->plan.total_bytes, options->memory_limit);
    return GPTOSS_OK;
}

// The checkpoint's tokenizer, or o200k_harmony where it has none and the vocabulary is that large.
static gptoss_status open_tokenizer(gptoss_model *m, gptoss_error *error) {
    enum { O200K_HARMONY_ROWS = 201088 };
    size_t length;
    const char *json = checkpoint_tokenizer(m->checkpoint, &length);
    tokenizer *t = NULL;
    gptoss_status status = GPTOSS_OK;
    if (json)
        status = tokenizer_open_json(json, length, "tokenizer.json", &t, error);
    else if (m->config.vocabulary == O200K_HARMONY_ROWS)
        status = tokenizer_open_builtin(&t, error);
    if (status != GPTOSS_OK || !t)
        return status;
    return api_wrap_tokenizer(t, &m->tokenizer, error);
}

gptoss_status gptoss_model_plan(const gptoss_model_options *options, gptoss_plan *plan_out,
                                gptoss_error *error) {
    *plan_out = (gptoss_plan){0};
    gptoss_model *m = base_alloc_zero(1, sizeof *m);
    if (!m)
        return base_fail_memory(error, sizeof *m);
    gptoss_status status = prepare(options, m, error);
    if (status == GPTOSS_OK)
        *plan_out = m->plan;
    gptoss_model_close(m);
    return status;
}

gptoss_status gptoss_model_open(const gptoss_model_options *options, gptoss_model **model_out,
                                gptoss_error *error) {
    *model_out = NULL;
    gptoss_model *m = base_alloc_zero(1, sizeof *m);
    if (!m)
        return base_fail_memory(error, sizeof *m);
    gptoss_status status = prepare(options, m, error);
    if (status == GPTOSS_OK)
        status = open_tokenizer(m, error);
    if (status == GPTOSS_OK)
        status = m->backend->load(m->handle, options->progress, options->progress_context, error);
    if (status == GPTOSS_OK)
        status =
            engine_open(m->backend, m->handle, &m->config, &m->engine_options, &m->engine, error);
    if (status != GPTOSS_OK) {
        gptoss_model_close(m);
        return status;
    }
    m->fingerprint = fingerprint(m);
    checkpoint_release_pages(m->checkpoint); // what was repacked is not read again
    *model_out = m;
    return GPTOSS_OK;
}

void gptoss_model_describe(const gptoss_model *m, gptoss_plan *plan_out) {
    *plan_out = m->plan;
}

void gptoss_model_profile(gptoss_model *m, gptoss_profile *profile_out) {
    engine_profile(m->engine, profile_out);
}

void gptoss_model_stats(gptoss_model *m, gptoss_totals *stats_out) {
    engine_counts counts = engine_count(m->engine);
    *stats_out = (gptoss_totals){
        .prompts = counts.prompts,
        .prompt_tokens = counts.prompt_tokens,
        .hits = counts.hits,
        .reused_tokens = counts.reused_tokens,
        .evicted = counts.cache.evicted,
        .preempted = counts.preempted,
        .running = counts.running,
        .waiting = counts.waiting,
        .kept_states = (size_t)counts.cache.kept,
    };
    backend_description d;
    m->backend->describe(m->handle, &d);
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        stats_out->kept_bytes += (size_t)counts.cache.kept_pages[g] * d.page_bytes[g];
        stats_out->free_bytes += (size_t)counts.cache.free_pages[g] * d.page_bytes[g];
    }
}

bool gptoss_model_fits(gptoss_model *m, size_t n_tokens) {
    return n_tokens <= (size_t)m->engine_options.context &&
           engine_fits(m->engine, (int32_t)n_tokens);
}

gptoss_status gptoss_model_limits(gptoss_model *m, gptoss_limits *limits_out, gptoss_error *error) {
    return engine_limits(m->engine, limits_out, error);
}

void gptoss_model_close(gptoss_model *m) {
    if (!m)
        return;
    engine_close(m->engine);
    if (m->backend)
        m->backend->close(m->handle);
    gptoss_tokenizer_close(m->tokenizer);
    model_weights_free(&m->weights);
    checkpoint_close(m->checkpoint);
    base_free(m);
}

const gptoss_tokenizer *gptoss_model_tokenizer(const gptoss_model *m) {
    return m->tokenizer;
}

gptoss_status gptoss_logits(gptoss_model *m, const int32_t *ids, size_t n_ids,
                            bool (*visit)(void *context, size_t token, const float *row),
                            void *context, gptoss_error *error) {
    return engine_logits(m->engine, ids, n_ids, visit, context, error);
}
