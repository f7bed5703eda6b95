// What a step needs to know about its batch: positions, angles, query tiles.
#include "cpu/state.h"

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
