// bench_json.c: what was measured, as one JSON document for programs.
#include <string.h>

#include "bench.h"

#include "model.h"

static bool add_machine(const bench_report *r, text_buffer *json) {
    return buffer_add(json, "{\"version\":") && buffer_json_string(json, gptoss_version()) &&
           buffer_add(json, ",\n\"machine\":{\"cpu\":") && buffer_json_string(json, r->processor) &&
           buffer_format(json, ",\"processors\":%d,\"threads\":%d,\"kernels\":", r->processors,
                         (int)r->plan.threads) &&
           buffer_json_string(json, r->plan.kernels) &&
           buffer_format(json,
                         ",\"read_gb_s\":%.3f,\"int8_gmac_s\":%.3f,\"f32_gmac_s\":%.3f},\n"
                         "\"model\":{\"name\":",
                         r->limits.read_bytes * 1e-9, r->limits.int8_macs * 1e-9,
                         r->limits.f32_macs * 1e-9) &&
           buffer_json_string(json, r->plan.name) && buffer_add(json, ",\"config\":") &&
           buffer_json_string(json, r->config ? r->config : "optimized") &&
           buffer_format(json,
                         ",\"precision\":\"%s\",\"parameters\":%llu,\"active_parameters\":%llu,"
                         "\"context\":%d,\"batch_tokens\":%d,\"planned_bytes\":%llu,\"attention_"
                         "bytes\":%llu},\n",
                         model_precisions[r->plan.precision],
                         (unsigned long long)r->plan.parameters,
                         (unsigned long long)r->plan.active_parameters, (int)r->plan.context,
                         (int)r->plan.batch_tokens, (unsigned long long)r->plan.total_bytes,
                         (unsigned long long)r->plan.attention_bytes) &&
           buffer_format(json,
                         "\"load_s\":%.6f,\"weights_s\":%.6f,\"first_token_s\":%.4f,"
                         "\"first_token_prompt\":%d,\n"
                         "\"resident_bytes\":%llu,\"resident_most_bytes\":%llu,\n",
                         r->load_seconds, r->weights_seconds, r->first_seconds,
                         (int)r->first_tokens, (unsigned long long)r->resident,
                         (unsigned long long)r->resident_most);
}

static bool add_steps(const char *kind, const gptoss_steps *steps, text_buffer *json) {
    bool ok = buffer_format(
        json, "\"%s\":{\"steps\":%llu,\"tokens\":%llu,\"seconds\":%.6f,\"parts\":[", kind,
        (unsigned long long)steps->steps, (unsigned long long)steps->tokens, steps->seconds);
    bool first = true;
    for (int i = 0; i < steps->n_parts && ok; i++) {
        const gptoss_part *part = &steps->parts[i];
        if (part->calls == 0) {
            continue;
        }
        ok = buffer_add(json, first ? "\n{\"part\":" : ",\n{\"part\":") &&
             buffer_json_string(json, part->name) &&
             buffer_format(json, ",\"seconds\":%.6f,\"calls\":%llu,\"bytes\":%llu,\"macs\":%llu}",
                           part->seconds, (unsigned long long)part->calls,
                           (unsigned long long)part->bytes, (unsigned long long)part->macs);
        first = false;
    }
    return ok && buffer_add(json, "]}");
}

// The samples' values of one kind, as an array.
#define ADD_SAMPLES(json, r, name, field, unit)                                                    \
    add_array(json, name, r, offsetof(bench_sample, field), unit)
static bool add_array(text_buffer *json, const char *name, const bench_result *r, size_t offset,
                      double unit) {
    bool ok = buffer_format(json, ",\n \"%s\":[", name);
    for (int i = 0; i < r->n_samples && ok; i++) {
        double value;
        memcpy(&value, (const char *)&r->samples[i] + offset, sizeof(value));
        ok = buffer_format(json, i ? ",%.6f" : "%.6f", value / unit);
    }
    return ok && buffer_add(json, "]");
}

static bool add_result(const bench_report *report, const bench_result *r, text_buffer *json) {
    const bench_test *test = &r->test;
    bool ok = buffer_add(json, "{\"test\":") && buffer_json_string(json, test->name) &&
              buffer_format(json, ",\"kind\":\"%s\",\"tokens\":%d,\"batch\":%d,\"depth\":%d",
                            test->prompt ? "prompt" : "decode", (int)test->tokens, (int)test->batch,
                            (int)test->depth) &&
              ADD_SAMPLES(json, r, "tokens_per_s", tokens_per_second, 1) &&
              ADD_SAMPLES(json, r, "seconds", seconds, 1) &&
              ADD_SAMPLES(json, r, "processor_share", processor_share, 1) &&
              ADD_SAMPLES(json, r, "read_gb_s", limits.read_bytes, 1e9) &&
              ADD_SAMPLES(json, r, "int8_gmac_s", limits.int8_macs, 1e9) &&
              ADD_SAMPLES(json, r, "f32_gmac_s", limits.f32_macs, 1e9) &&
              ADD_SAMPLES(json, r, "shares", reached, 1) &&
              buffer_format(json,
                            ",\n \"median_tokens_per_s\":%.4f,\"bound_tokens_per_s\":%.4f,"
                            "\"bound_by\":\"%s\",\"reached\":%.4f,\"bytes_per_token\":%.0f,"
                            "\"macs_per_token\":%.0f",
                            BENCH_MIDDLE(r, tokens_per_second), BENCH_MIDDLE(r, bound),
                            r->bound_by_memory ? "memory" : "arithmetic", BENCH_MIDDLE(r, reached),
                            r->bytes_per_token, r->macs_per_token);
    double joules = bench_joules_per_token(r);
    if (ok && joules >= 0) {
        ok = buffer_format(json, ",\"joules_per_token\":%.4f", joules);
    }
    if (ok && report->profile) {
        ok = buffer_add(json, ",\n\"profile\":{") &&
             add_steps("prompt", &r->profile.prompt, json) && buffer_add(json, ",\n") &&
             add_steps("decode", &r->profile.decode, json) && buffer_add(json, "}");
    }
    return ok && buffer_add(json, "}");
}

bool bench_report_json(const bench_report *r, text_buffer *json) {
    bool ok = add_machine(r, json) && buffer_add(json, "\"tests\":[");
    for (int i = 0; i < r->n_results && ok; i++) {
        ok = buffer_add(json, i ? ",\n" : "\n") && add_result(r, &r->results[i], json);
    }
    return ok && buffer_add(json, "]}\n");
}
