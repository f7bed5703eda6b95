// Where the time of a step goes: one look at the clock per phase, by one thread, and the work that
// the phase's shapes call for. A step has some hundred phases: this costs microseconds.
#include "cpu/state.h"

#include "number/number.h"

void cpu_profile_init(gptoss_profile *profile_out) {
#define NAMED(phase, text) [CPU_PHASE_##phase] = {.name = text},
    gptoss_steps empty = {.n_parts = CPU_PHASES, .parts = {CPU_PHASE_LIST(NAMED)}};
#undef NAMED
    _Static_assert((int)CPU_PHASES < (int)GPTOSS_MAX_PARTS, "room for every phase");
    *profile_out = (gptoss_profile){empty, empty};
}

// What a phase reads and multiplies, whoever does it and how often it goes through the cache.
typedef struct work {
    size_t bytes, macs;
} work;

static work dense_work(const cpu_state *cpu, const cpu_matrix *matrix, size_t n) {
    if (n == 0)
        return (work){0};
    size_t values = matrix->rows * matrix->columns, bytes = values * sizeof(uint16_t);
    if (cpu->precision == BACKEND_FAST)
        bytes = cpu_round_up(matrix->rows, CPU_PANEL) * cpu_round_up(matrix->columns, CPU_BLOCK) /
                CPU_BLOCK * (CPU_BLOCK + sizeof(uint16_t));
    return (work){bytes, n * values};
}

static work router_work(const cpu_step *step) {
    size_t values = (size_t)step->cpu->config->experts * (size_t)step->cpu->config->hidden;
    return (work){values * sizeof(float), step->n * values};
}

// rows x columns: of one expert.
static work expert_work(const cpu_step *step, size_t rows, size_t columns) {
    size_t bytes = rows * (columns / CPU_BLOCK) * (NUMBER_MXFP4_BLOCK_BYTES + 1);
    size_t entries = step->n * (size_t)step->cpu->config->experts_per_token;
    return (work){step->n_active * bytes, entries * rows * columns};
}

// Positions that a run's tokens see, together; *read_out: those that at least one of them sees.
static size_t seen_positions(const backend_run *run, size_t window, size_t *read_out) {
    size_t position = (size_t)run->position, count = (size_t)run->count, seen = 0;
    for (size_t t = position; t < position + count; t++)
        seen += t + 1 < window ? t + 1 : window;
    size_t before = position < window - 1 ? position : window - 1;
    *read_out = before + count;
    return seen;
}

static work attention_work(const cpu_step *step, int layer) {
    const cpu_state *cpu = step->cpu;
    const model_config *config = cpu->config;
    bool sliding = cpu->layers[layer].group == BACKEND_SLIDING;
    size_t window = sliding ? (size_t)config->window : SIZE_MAX;
    size_t seen = 0, total = 0;
    for (int32_t i = 0; i < step->batch->n_runs; i++) {
        size_t run_read;
        seen += seen_positions(&step->batch->runs[i], window, &run_read);
        total += run_read;
    }
    return (work){total * cpu->cache.head_bytes / CPU_PAGE * (size_t)config->kv_heads,
                  seen * 2 * cpu->q_width};
}

static work phase_work(const cpu_step *step, int layer, cpu_phase phase) {
    const cpu_state *cpu = step->cpu;
    size_t hidden = (size_t)cpu->config->hidden, inner = (size_t)cpu->config->intermediate;
    switch (phase) {
    case CPU_PHASE_QKV:
        return dense_work(cpu, &cpu->layers[layer].qkv, step->n);
    case CPU_PHASE_ATTEND:
        return attention_work(step, layer);
    case CPU_PHASE_O:
        return dense_work(cpu, &cpu->layers[layer].o, step->n);
    case CPU_PHASE_ROUTER:
        return router_work(step);
    case CPU_PHASE_GATE_UP:
        return expert_work(step, 2 * inner, hidden);
    case CPU_PHASE_DOWN:
        return expert_work(step, hidden, inner);
    case CPU_PHASE_UNEMBED:
        return dense_work(cpu, &cpu->unembedding, (size_t)step->batch->n_rows);
    default:
        return (work){0}; // small beside these
    }
}

void cpu_profile_begin(cpu_step *step) {
    const backend_batch *batch = step->batch;
    gptoss_profile *profile = &step->cpu->profile;
    step->profile = batch->n_rows == batch->n_tokens ? &profile->decode : &profile->prompt;
    step->profile->steps++;
    step->profile->tokens += (uint64_t)batch->n_tokens;
    step->mark = base_seconds();
}

void cpu_profile_phase(cpu_step *step, int layer, cpu_phase phase) {
    double now = base_seconds();
    gptoss_part *part = &step->profile->parts[phase];
    work done = phase_work(step, layer, phase);
    part->seconds += now - step->mark;
    part->calls++;
    part->bytes += done.bytes;
    part->macs += done.macs;
    step->profile->seconds += now - step->mark;
    step->mark = now;
}
