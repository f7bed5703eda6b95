// A batch is checked once, here; what follows trusts it.
#include "cpu/state.h"

static gptoss_status check_pages(const cpu_state *cpu, const backend_run *run, backend_group group,
                                 gptoss_error *error) {
    if (cpu->cache.page_bytes[group] == 0)
        return GPTOSS_OK;
    int32_t first = 0;
    if (group == BACKEND_SLIDING && run->position >= cpu->config->window)
        first = run->position - cpu->config->window + 1;
    if (!run->pages[group])
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a run has no pages of group %d", (int)group);
    for (int32_t i = first / CPU_PAGE; i <= (run->position + run->count - 1) / CPU_PAGE; i++) {
        int32_t page = run->pages[group][i];
        if (page < 0 || page >= cpu->cache.n_pages[group])
            return base_fail(error, GPTOSS_BAD_ARGUMENT,
                             "page %d of group %d is outside of the cache's %d", (int)page,
                             (int)group, (int)cpu->cache.n_pages[group]);
    }
    return GPTOSS_OK;
}

static gptoss_status check_run(const cpu_state *cpu, const backend_run *run, gptoss_error *error) {
    if (run->position < 0 || run->position > cpu->max_context - run->count)
        return base_fail(error, GPTOSS_BAD_ARGUMENT,
                         "%d tokens at position %d leave the context of %d", (int)run->count,
                         (int)run->position, (int)cpu->max_context);
    gptoss_status status = check_pages(cpu, run, BACKEND_FULL, error);
    return status ? status : check_pages(cpu, run, BACKEND_SLIDING, error);
}

static gptoss_status check_tokens(const cpu_state *cpu, const backend_batch *batch,
                                  gptoss_error *error) {
    if (batch->n_tokens < 1 || batch->n_tokens > cpu->max_tokens || !batch->ids)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a batch has 1 to %d tokens, not %d",
                         (int)cpu->max_tokens, (int)batch->n_tokens);
    for (int32_t i = 0; i < batch->n_tokens; i++) {
        if (batch->ids[i] < 0 || batch->ids[i] >= cpu->config->vocabulary)
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "token id %d is not in 0 .. %d",
                             (int)batch->ids[i], cpu->config->vocabulary - 1);
    }
    if (batch->n_rows < 0 || batch->n_rows > batch->n_tokens || (batch->n_rows && !batch->rows))
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a batch of %d tokens asks for %d rows",
                         (int)batch->n_tokens, (int)batch->n_rows);
    for (int32_t i = 0; i < batch->n_rows; i++) {
        if (batch->rows[i] < (i ? batch->rows[i - 1] + 1 : 0) || batch->rows[i] >= batch->n_tokens)
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "row %d is not ascending or past the end",
                             (int)batch->rows[i]);
    }
    return GPTOSS_OK;
}

gptoss_status cpu_check_batch(const cpu_state *cpu, const backend_batch *batch,
                              gptoss_error *error) {
    gptoss_status status = check_tokens(cpu, batch, error);
    if (status)
        return status;
    int32_t next = 0;
    for (int32_t i = 0; i < batch->n_runs; i++) {
        const backend_run *run = &batch->runs[i];
        if (run->first != next || run->count < 1 || run->count > batch->n_tokens - next)
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "run %d does not continue at token %d",
                             (int)i, (int)next);
        next += run->count;
        status = check_run(cpu, run, error);
        if (status)
            return status;
    }
    if (next != batch->n_tokens)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "runs cover %d of %d tokens", (int)next,
                         (int)batch->n_tokens);
    return GPTOSS_OK;
}

void cpu_prepare(cpu_step *step) {
    cpu_state *cpu = step->cpu;
    cpu_scratch *s = &cpu->scratch;
    size_t half = (size_t)cpu->rope.half;
    step->n = (size_t)step->batch->n_tokens;
    step->n_tiles = step->n_spans = 0;
    for (int32_t i = 0; i < step->batch->n_runs; i++) {
        const backend_run *run = &step->batch->runs[i];
        model_rope_table(&cpu->rope, run->position, run->count, s->cos + (size_t)run->first * half,
                         s->sin + (size_t)run->first * half);
        size_t spans = (size_t)(run->position + run->count - 1) / CPU_SPAN + 1;
        step->n_spans = spans > step->n_spans ? spans : step->n_spans;
        for (int32_t t = 0; t < run->count; t++)
            s->position[run->first + t] = run->position + t;
        for (int32_t t = 0; t < run->count; t += CPU_QUERY_TILE) {
            int32_t left = run->count - t;
            s->tiles[step->n_tiles++] = (cpu_query_tile){
                .run = i,
                .first = run->first + t,
                .count = left < CPU_QUERY_TILE ? left : CPU_QUERY_TILE,
            };
        }
    }
    for (int i = 0; i < (cpu->config->layers + 1) * CPU_PHASES; i++)
        atomic_store_explicit(&s->counters[i], 0, memory_order_relaxed);
}
