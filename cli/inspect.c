// inspect.c: gptoss inspect: a checkpoint's tensors, its bytes by kind, what running it takes.
#include "cli.h"
#include "model.h"
#include "output.h"
#include "terminal.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

// Kinds of tensors, by a part of their name; the first that fits counts. (Hugging Face names.)
static const struct {
    const char *part, *kind;
} kinds[] = {
    {"experts", "experts"},
    {"router", "router"},
    {"self_attn", "attention"},
    {"embed_tokens", "embedding"},
    {"lm_head", "unembedding"},
    {"norm", "norms"},
    {"", "other"},
};
enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

typedef struct tensor_listing {
    output_file *out;
    bool json;
    size_t n_tensors;
    uint64_t bytes, kind_bytes[N_KINDS];
} tensor_listing;

static void shape_text(const gptoss_tensor *tensor, char *shape, size_t size) {
    shape[0] = 0;
    for (int32_t i = 0; i < tensor->rank && i < 8; i++) {
        size_t used = strlen(shape);
        snprintf(shape + used, size - used, "%s%llu", i ? ", " : "",
                 (unsigned long long)tensor->shape[i]);
    }
}

static bool on_tensor(void *context, const gptoss_tensor *tensor) {
    tensor_listing *listing = context;
    int kind = 0;
    while (*kinds[kind].part && !strstr(tensor->name, kinds[kind].part)) {
        kind++;
    }
    listing->kind_bytes[kind] += tensor->bytes;
    listing->bytes += tensor->bytes;
    char shape[200], line[400];
    shape_text(tensor, shape, sizeof(shape));
    if (!listing->json) {
        snprintf(line, sizeof(line), " %-5s %12llu  [%s]\n", tensor->dtype,
                 (unsigned long long)tensor->bytes, shape);
        terminal_text(listing->out, tensor->name, strlen(tensor->name));
        for (size_t n = strlen(tensor->name); n < 52; n++) {
            output_write(listing->out, " ", 1);
        }
        output_string(listing->out, line);
    } else {
        text_buffer row = {0};
        bool ok = buffer_add(&row, listing->n_tensors ? ",\n{\"name\":" : "\n{\"name\":") &&
                  buffer_json_string(&row, tensor->name) && buffer_add(&row, ",\"dtype\":") &&
                  buffer_json_string(&row, tensor->dtype) && buffer_add(&row, ",\"file\":") &&
                  buffer_json_string(&row, tensor->file) &&
                  buffer_format(&row, ",\"shape\":[%s],\"bytes\":%llu}", shape,
                                (unsigned long long)tensor->bytes);
        if (ok) {
            output_write(listing->out, row.data, row.length);
        }
        buffer_free(&row);
    }
    listing->n_tensors++;
    return listing->out->problem == 0;
}

static void print_bytes(output_file *out, const char *what, uint64_t bytes) {
    char line[160];
    snprintf(line, sizeof(line), "  %-34s %16llu  %10.2f MiB\n", what, (unsigned long long)bytes,
             (double)bytes / (1 << 20));
    output_string(out, line);
}

static void print_plan(output_file *out, const tensor_listing *listing, const gptoss_plan *plan) {
    char line[640];
    snprintf(line, sizeof(line), "\n%zu tensors, bytes by kind\n", listing->n_tensors);
    output_string(out, line);
    for (int i = 0; i < N_KINDS; i++) {
        if (listing->kind_bytes[i]) {
            print_bytes(out, kinds[i].kind, listing->kind_bytes[i]);
        }
    }
    print_bytes(out, "total", listing->bytes);
    snprintf(line, sizeof(line),
             "\n%s\n  %d layers, hidden %d, %d query heads over %d key/value heads of %d\n"
             "  %d experts, %d per token, intermediate %d\n"
             "  vocabulary %d, window %d, context up to %d\n"
             "  %llu parameters, %llu used per token\n",
             plan->name, (int)plan->layers, (int)plan->hidden, (int)plan->heads,
             (int)plan->kv_heads, (int)plan->head_dim, (int)plan->experts,
             (int)plan->experts_per_token, (int)plan->intermediate, (int)plan->vocabulary,
             (int)plan->window, (int)plan->max_context, (unsigned long long)plan->parameters,
             (unsigned long long)plan->active_parameters);
    output_string(out, line);
    snprintf(line, sizeof(line), "\nthis machine would run it on %s, kernels %s, precision %s\n",
             plan->device, plan->kernels, model_precisions[plan->precision]);
    output_string(out, line);
    snprintf(line, sizeof(line), "memory for %d sequence%s of %d positions\n", (int)plan->sequences,
             plan->sequences == 1 ? "" : "s", (int)plan->context);
    output_string(out, line);
    print_bytes(out, "weights read from the file", plan->mapped_bytes);
    print_bytes(out, "weights repacked", plan->weight_bytes);
    print_bytes(out, "keys and values", plan->cache_bytes);
    print_bytes(out, "working memory", plan->scratch_bytes);
    print_bytes(out, "total", plan->total_bytes);
}

// Numbers of a plan as JSON; the names are the fields'.
static bool json_plan(text_buffer *json, const gptoss_plan *plan) {
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
#define FIELD(name) {#name, (uint64_t)plan->name}
        FIELD(layers),
        FIELD(hidden),
        FIELD(heads),
        FIELD(kv_heads),
        FIELD(head_dim),
        FIELD(experts),
        FIELD(experts_per_token),
        FIELD(intermediate),
        FIELD(vocabulary),
        FIELD(window),
        FIELD(max_context),
        FIELD(context),
        FIELD(sequences),
        FIELD(threads),
        FIELD(batch_tokens),
        FIELD(parameters),
        FIELD(active_parameters),
        FIELD(mapped_bytes),
        FIELD(weight_bytes),
        FIELD(cache_bytes),
        FIELD(scratch_bytes),
        FIELD(total_bytes),
#undef FIELD
    };
    bool ok = buffer_add(json, "{\"name\":") && buffer_json_string(json, plan->name) &&
              buffer_add(json, ",\"device\":") && buffer_json_string(json, plan->device) &&
              buffer_add(json, ",\"kernels\":") && buffer_json_string(json, plan->kernels) &&
              buffer_format(json, ",\"precision\":\"%s\"", model_precisions[plan->precision]);
    for (size_t i = 0; ok && i < sizeof(fields) / sizeof(fields[0]); i++) {
        ok = buffer_format(json, ",\"%s\":%llu", fields[i].name,
                           (unsigned long long)fields[i].value);
    }
    return ok && buffer_add(json, "}");
}

static int finish_json(output_file *out, const tensor_listing *listing, const gptoss_plan *plan) {
    text_buffer json = {0};
    bool ok = buffer_add(&json, "],\n\"bytes_by_kind\":{");
    for (int i = 0; ok && i < N_KINDS; i++) {
        ok = buffer_format(&json, "%s\"%s\":%llu", i ? "," : "", kinds[i].kind,
                           (unsigned long long)listing->kind_bytes[i]);
    }
    ok = ok && buffer_add(&json, "},\n\"plan\":") && json_plan(&json, plan) &&
         buffer_add(&json, "}\n");
    if (ok) {
        output_write(out, json.data, json.length);
    }
    buffer_free(&json);
    return ok ? CLI_OK : cli_fail("out of memory");
}

static int inspect(model_choice *choice, bool json) {
    gptoss_error error = {0};
    gptoss_plan plan;
    output_file out = {stdout, 0};
    tensor_listing listing = {.out = &out, .json = json};
    // The plan first: where the checkpoint is wrong, the error is all that is printed.
    if (gptoss_model_plan(&choice->options, &plan, &error)) {
        return cli_fail_with(&error);
    }
    output_string(&out, json ? "{\"tensors\":[" : "");
    if (gptoss_list_tensors(choice->options.path, on_tensor, &listing, &error) &&
        out.problem == 0) {
        return cli_fail_with(&error);
    }
    int status = CLI_OK;
    if (json) {
        status = finish_json(&out, &listing, &plan);
    } else {
        print_plan(&out, &listing, &plan);
    }
    return output_finish(&out, status);
}

int command_inspect(int argc, char **argv) {
    model_choice choice;
    model_choice_default(&choice);
    bool json = false;
    const option table[] = {
        MODEL_OPTIONS(choice),
        COUNT_OPTION("sequences", "N", 1, 65536, &choice.options.sequences,
                     "conversations at once; default 1"),
        FLAG_OPTION("json", &json, "as one JSON object"),
    };
    const command_syntax syntax = {
        "inspect",
        "[DIR]",
        "Shows a checkpoint's tensors, their bytes by kind, and what running it on "
        "this machine takes.\nWithout DIR: the built-in demo model.",
        table,
        sizeof(table) / sizeof(table[0]),
        1};
    int n, status;
    if (!options_parse(&syntax, argc, argv, &n, &status)) {
        return status;
    }
    if (n == 1) {
        choice.options.path = argv[1];
    }
    model_choice_complete(&choice);
    return inspect(&choice, json);
}
