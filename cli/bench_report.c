// bench_report.c: what was measured, as tables for people.
#include <stdio.h>

#include "bench.h"

#include "model.h"

static bool add_head(const bench_report *r, text_buffer *text) {
    const gptoss_plan *p = &r->plan;
    double gib = 1 << 30;
    char reads[48];
    snprintf(reads, sizeof(reads), "%.1f", r->limits.read_bytes * 1e-9);
    if (r->least_read < 0.9 * r->limits.read_bytes) {
        snprintf(reads, sizeof(reads), "%.1f to %.1f", r->least_read * 1e-9,
                 r->limits.read_bytes * 1e-9);
    }
    bool ok = buffer_format(text, "%s: %s, %s, %s\n", p->name, model_precisions[p->precision],
                            p->device, p->kernels) &&
              buffer_format(text,
                            "%s, %d processor%s: reads %s GB/s, %.0f GMAC/s of 8-bit "
                            "integers, %.0f of float32\n",
                            r->processor, r->processors, r->processors == 1 ? "" : "s", reads,
                            r->limits.int8_macs * 1e-9, r->limits.f32_macs * 1e-9) &&
              buffer_format(text,
                            "loaded in %.4f s (weights: %.4f), first token of a %d-token prompt "
                            "%.2f s later\n",
                            r->load_seconds, r->weights_seconds, (int)r->first_tokens,
                            r->first_seconds) &&
              buffer_format(text, "memory: %.2f GiB planned", (double)p->total_bytes / gib);
    if (ok && r->resident) {
        ok = buffer_format(text, ", %.2f resident, %.2f at most", (double)r->resident / gib,
                           (double)r->resident_most / gib);
    }
    return ok && buffer_add(text, "\n");
}

static bool has_energy(const bench_report *r) {
    return r->n_results > 0 && bench_joules_per_token(&r->results[0]) >= 0;
}

static bool add_row(const bench_report *report, const bench_result *r, text_buffer *text) {
    double least, most;
    bench_spread(r, &least, &most);
    bool ok =
        buffer_format(text, "%-16s %10.2f  %10.2f - %-10.2f %10.2f %-10s %5.0f %%", r->test.name,
                      BENCH_MIDDLE(r, tokens_per_second), least, most, BENCH_MIDDLE(r, bound),
                      r->bound_by_memory ? "memory" : "arithmetic", BENCH_MIDDLE(r, reached) * 100);
    if (ok && has_energy(report)) {
        ok = buffer_format(text, " %8.2f", bench_joules_per_token(r));
    }
    return ok && buffer_add(text, bench_disturbed(r) ? "  disturbed\n" : "\n");
}

static bool add_part(const gptoss_limits *limits, double peak, const gptoss_steps *steps,
                     const gptoss_part *part, text_buffer *text) {
    bool ok = buffer_format(text, "  %-12s %10.3f %6.1f %% %8.0f", part->name,
                            part->seconds / (double)steps->steps * 1e3,
                            part->seconds / steps->seconds * 100,
                            (double)part->calls / (double)steps->steps);
    if (ok && part->bytes && part->seconds > 0) {
        double reading = (double)part->bytes / part->seconds;
        double computing = (double)part->macs / part->seconds;
        ok = buffer_format(text, " %8.2f %4.0f %% %8.2f %4.0f %%", reading * 1e-9,
                           reading / limits->read_bytes * 100, computing * 1e-9,
                           computing / peak * 100);
    }
    return ok && buffer_add(text, "\n");
}

static bool add_steps(const bench_report *report, const bench_result *r, const gptoss_steps *steps,
                      const char *kind, text_buffer *text) {
    if (steps->steps == 0) {
        return true;
    }
    double seconds = 0, peak = bench_peak(&report->plan, &r->limits);
    for (int i = 0; i < r->n_samples; i++) {
        seconds += r->samples[i].seconds;
    }
    bool ok = buffer_format(
        text,
        "\n%s, %s: %.0f steps of %.1f tokens, %.3f ms each, %.1f %% of the time\n"
        "  %-12s %10s %8s %8s %8s %6s %8s %6s\n",
        r->test.name, kind, (double)steps->steps, (double)steps->tokens / (double)steps->steps,
        steps->seconds / (double)steps->steps * 1e3, steps->seconds / seconds * 100, "part", "ms",
        "share", "calls", "GB/s", "limit", "GMAC/s", "limit");
    for (int i = 0; i < steps->n_parts && ok; i++) {
        ok =
            steps->parts[i].calls == 0 || add_part(&r->limits, peak, steps, &steps->parts[i], text);
    }
    return ok;
}

bool bench_report_text(const bench_report *r, text_buffer *text) {
    bool ok =
        add_head(r, text) &&
        buffer_format(text, "\n%-16s %10s  %10s - %-10s %10s %-10s %7s%s\n", "test", "tokens/s",
                      "least", "most", "bound", "by", "reached", has_energy(r) ? "  J/token" : "");
    for (int i = 0; i < r->n_results && ok; i++) {
        ok = add_row(r, &r->results[i], text);
    }
    for (int i = 0; i < r->n_results && ok && r->profile; i++) {
        const bench_result *result = &r->results[i];
        ok = add_steps(r, result, &result->profile.prompt, "prompt", text) &&
             add_steps(r, result, &result->profile.decode, "decode", text);
    }
    return ok;
}
