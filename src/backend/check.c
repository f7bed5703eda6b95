// Options and batches are checked once, here; what computes them trusts them.
#include "backend/backend.h"

gptoss_status backend_check_options(const backend_options *options, gptoss_error *error) {
    if (options->n_threads < 1 || options->n_threads > BASE_POOL_MAX_THREADS)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "threads must be 1 to %d, not %d",
                         BASE_POOL_MAX_THREADS, options->n_threads);
    if (options->max_tokens < 1 || options->max_tokens > MODEL_MAX_POSITIONS)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a batch must be 1 to %d tokens, not %d",
                         MODEL_MAX_POSITIONS, (int)options->max_tokens);
    if (options->max_context < 1 || options->max_context > MODEL_MAX_POSITIONS)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the context must be 1 to %d, not %d",
                         MODEL_MAX_POSITIONS, (int)options->max_context);
    return GPTOSS_OK;
}

static gptoss_status check_pages(const model_config *config, const backend_pages *pages,
                                 const backend_run *run, backend_group group, gptoss_error *error) {
    if (pages->bytes[group] == 0 && pages->count[group] == 0)
        return GPTOSS_OK; // no layer of this group
    int32_t first = 0;
    if (group == BACKEND_SLIDING && run->position >= config->window)
        first = run->position - config->window + 1;
    if (!run->pages[group])
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a run has no pages of group %d", (int)group);
    for (int32_t i = first / BACKEND_PAGE; i <= (run->position + run->count - 1) / BACKEND_PAGE;
         i++) {
        int32_t page = run->pages[group][i];
        if (page < 0 || page >= pages->count[group])
            return base_fail(error, GPTOSS_BAD_ARGUMENT,
                             "page %d of group %d is outside of the cache's %d", (int)page,
                             (int)group, (int)pages->count[group]);
    }
    return GPTOSS_OK;
}

static gptoss_status check_tokens(const backend_options *options, const model_config *config,
                                  const backend_batch *batch, gptoss_error *error) {
    if (batch->n_tokens < 1 || batch->n_tokens > options->max_tokens || !batch->ids)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "a batch has 1 to %d tokens, not %d",
                         (int)options->max_tokens, (int)batch->n_tokens);
    for (int32_t i = 0; i < batch->n_tokens; i++) {
        if (batch->ids[i] < 0 || batch->ids[i] >= config->vocabulary)
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "token id %d is not in 0 .. %d",
                             (int)batch->ids[i], config->vocabulary - 1);
    }
    return GPTOSS_OK;
}

static gptoss_status check_rows(const backend_batch *batch, gptoss_error *error) {
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

static gptoss_status check_run(const backend_options *options, const model_config *config,
                               const backend_pages *pages, const backend_run *run,
                               gptoss_error *error) {
    if (run->position < 0 || run->position > options->max_context - run->count)
        return base_fail(error, GPTOSS_BAD_ARGUMENT,
                         "%d tokens at position %d leave the context of %d", (int)run->count,
                         (int)run->position, (int)options->max_context);
    gptoss_status status = check_pages(config, pages, run, BACKEND_FULL, error);
    return status ? status : check_pages(config, pages, run, BACKEND_SLIDING, error);
}

gptoss_status backend_check_batch(const backend_options *options, const model_config *config,
                                  const backend_pages *pages, const backend_batch *batch,
                                  gptoss_error *error) {
    gptoss_status status = check_tokens(options, config, batch, error);
    if (!status)
        status = check_rows(batch, error);
    int32_t next = 0;
    for (int32_t i = 0; i < batch->n_runs && !status; i++) {
        const backend_run *run = &batch->runs[i];
        if (run->first != next || run->count < 1 || run->count > batch->n_tokens - next)
            return base_fail(error, GPTOSS_BAD_ARGUMENT, "run %d does not continue at token %d",
                             (int)i, (int)next);
        next += run->count;
        status = check_run(options, config, pages, run, error);
    }
    if (!status && next != batch->n_tokens)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "runs cover %d of %d tokens", (int)next,
                         (int)batch->n_tokens);
    return status;
}
