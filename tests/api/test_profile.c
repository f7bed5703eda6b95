// The profile: its parts add up to the steps, the steps to the time that a caller waits, and what
// is counted as work is what the model's shapes say.
#include "api/api.h"

#include <time.h>

enum { PROMPT = 200, TOKENS = 20 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const gptoss_part *part(const gptoss_steps *steps, const char *name) {
    for (int32_t i = 0; i < steps->n_parts; i++) {
        if (strcmp(steps->parts[i].name, name) == 0)
            return &steps->parts[i];
    }
    CHECK(false, "there is no part %s", name);
    return NULL;
}

static double sum_of_parts(const gptoss_steps *steps) {
    double sum = 0;
    for (int32_t i = 0; i < steps->n_parts; i++)
        sum += steps->parts[i].seconds;
    return sum;
}

// Runs a prompt and TOKENS tokens; the seconds that the caller waited.
static double generate(gptoss_model *model) {
    int32_t ids[PROMPT];
    for (int32_t i = 0; i < PROMPT; i++)
        ids[i] = i * 7 % 200;
    gptoss_sequence *sequence;
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.max_tokens = TOKENS + 1; // the first comes out of the prompt's step
    g.ignore_stop = true;
    OK(gptoss_sequence_create(model, &sequence, error));
    OK(gptoss_push(sequence, ids, PROMPT, error));
    OK(gptoss_start(sequence, &g, error));
    double start = now();
    for (gptoss_event event = {0}; event.kind != GPTOSS_EVENT_DONE;)
        OK(gptoss_next(sequence, &event, error));
    double seconds = now() - start;
    gptoss_sequence_free(sequence);
    return seconds;
}

static void check_macs(const gptoss_steps *steps, const char *name, uint64_t expected) {
    CHECK(part(steps, name)->macs == expected, "%s: %llu multiply-accumulates, not %llu", name,
          (unsigned long long)part(steps, name)->macs, (unsigned long long)expected);
}

// Shapes alone say what has to be multiplied.
static void check_work(const gptoss_plan *plan, const gptoss_steps *steps, uint64_t rows) {
    uint64_t n = steps->tokens, layers = (uint64_t)plan->layers, hidden = (uint64_t)plan->hidden;
    uint64_t q = (uint64_t)plan->heads * (uint64_t)plan->head_dim;
    uint64_t kv = (uint64_t)plan->kv_heads * (uint64_t)plan->head_dim;
    uint64_t expert = (uint64_t)plan->experts_per_token * hidden * (uint64_t)plan->intermediate;
    check_macs(steps, "qkv", n * layers * hidden * (q + 2 * kv));
    check_macs(steps, "o", n * layers * hidden * q);
    check_macs(steps, "router", n * layers * hidden * (uint64_t)plan->experts);
    check_macs(steps, "gate_up", n * layers * 2 * expert);
    check_macs(steps, "down", n * layers * expert);
    check_macs(steps, "unembed", rows * hidden * (uint64_t)plan->vocabulary);
    CHECK(part(steps, "norm")->calls == steps->steps * layers, "a norm per layer and step");
    CHECK(part(steps, "sample")->calls == steps->steps, "one sampling per step");
}

// Attention of positions first .. last, half of the layers with a window.
static void check_attention(const gptoss_plan *plan, const gptoss_steps *steps, uint64_t first,
                            uint64_t last) {
    uint64_t seen = 0;
    for (int32_t layer = 0; layer < plan->layers; layer++) {
        uint64_t window = layer % 2 ? UINT64_MAX : (uint64_t)plan->window; // sliding, full, ...
        for (uint64_t p = first; p <= last; p++)
            seen += p + 1 < window ? p + 1 : window;
    }
    check_macs(steps, "attention", seen * 2 * (uint64_t)plan->heads * (uint64_t)plan->head_dim);
}

int main(void) {
    gptoss_model *model = open_model(GPTOSS_FAST, 1, 256, 1024);
    gptoss_plan plan;
    gptoss_model_describe(model, &plan);
    gptoss_profile p;
    gptoss_model_profile(model, &p);
    CHECK(p.prompt.steps == 0 && p.decode.steps == 0 && p.decode.seconds == 0, "not empty");

    generate(model);
    gptoss_model_profile(model, &p);
    CHECK(p.prompt.steps == 1 && p.prompt.tokens == PROMPT, "one step for the prompt");
    CHECK(p.decode.steps == TOKENS && p.decode.tokens == TOKENS, "a step for each token");
    check_work(&plan, &p.prompt, 1);
    check_work(&plan, &p.decode, TOKENS);
    check_attention(&plan, &p.prompt, 0, PROMPT - 1);
    check_attention(&plan, &p.decode, PROMPT, PROMPT + TOKENS - 1);

    // Others may take the processor away between two looks at the clock, so the best of some runs.
    double best = 0;
    for (int i = 0; i < 20 && best < 0.9; i++) {
        gptoss_profile before = p;
        double waited = generate(model);
        gptoss_model_profile(model, &p);
        double steps =
            p.prompt.seconds + p.decode.seconds - before.prompt.seconds - before.decode.seconds;
        double parts = sum_of_parts(&p.prompt) + sum_of_parts(&p.decode) -
                       sum_of_parts(&before.prompt) - sum_of_parts(&before.decode);
        CHECK(parts > steps * 0.999 && parts < steps * 1.001, "parts %g, steps %g", parts, steps);
        CHECK(steps <= waited, "steps took %g s of %g", steps, waited);
        best = steps / waited > best ? steps / waited : best;
    }
    CHECK(best >= 0.9, "only %.0f %% of the time is accounted for", best * 100);
    printf("the parts account for %.1f %% of the time\n", best * 100);
    gptoss_model_close(model);
    return 0;
}
