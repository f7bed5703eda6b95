// The text of system and developer content: sections with a blank line between them.
#include "harmony/sections.h"
#include "harmony/schema.h"

#include <stdlib.h>
#include <string.h>

static bool put(base_buffer *out, harmony_text text) {
    return !text.length || base_buffer_append(out, text.data, text.length);
}

// The blank line before every section but the first; *any says whether there was one.
static bool begin_section(base_buffer *out, bool *any) {
    bool first = !*any;
    *any = true;
    return first || base_buffer_text(out, "\n\n");
}

// Each line of text after prefix. As Rust's lines(): a carriage return before the line's end and an
// empty last line are no part of the text.
static bool put_lines(base_buffer *out, const char *prefix, harmony_text text) {
    for (size_t at = 0; at < text.length;) {
        const char *end = memchr(text.data + at, '\n', text.length - at);
        size_t stop = end ? (size_t)(end - text.data) : text.length;
        size_t length = stop - at;
        length -= end && length && text.data[stop - 1] == '\r';
        if (!base_buffer_text(out, prefix) || !put(out, (harmony_text){text.data + at, length}) ||
            !base_buffer_text(out, "\n")) {
            return false;
        }
        at = stop + 1;
    }
    return true;
}

static gptoss_status put_tool(base_buffer *out, const harmony_tool *tool, gptoss_error *error) {
    bool good = put_lines(out, "// ", tool->description) && base_buffer_text(out, "type ") &&
                put(out, tool->name) &&
                base_buffer_text(out, tool->parameters.data ? " = (_: " : " = () => any;\n\n");
    if (good && tool->parameters.data) {
        gptoss_status status = harmony_schema_to_typescript(tool->parameters.data,
                                                            tool->parameters.length, out, error);
        if (status) {
            return status;
        }
        good = base_buffer_text(out, ") => any;\n\n");
    }
    return good ? GPTOSS_OK : base_fail_memory(error, out->capacity);
}

// The section ends without a line feed, unlike its lines.
static gptoss_status put_namespace(base_buffer *out, const harmony_namespace *space,
                                   gptoss_error *error) {
    bool good = base_buffer_text(out, "## ") && put(out, space->name) &&
                base_buffer_text(out, "\n\n") &&
                put_lines(out, space->n_tools ? "// " : "", space->description);
    if (good && space->n_tools) {
        good = base_buffer_text(out, "namespace ") && put(out, space->name) &&
               base_buffer_text(out, " {\n\n");
        for (size_t i = 0; good && i < space->n_tools; i++) {
            gptoss_status status = put_tool(out, &space->tools[i], error);
            if (status) {
                return status;
            }
        }
        good = good && base_buffer_text(out, "} // namespace ") && put(out, space->name);
    } else if (good) {
        out->data[--out->length] = 0;
    }
    return good ? GPTOSS_OK : base_fail_memory(error, out->capacity);
}

static int compare_namespaces(const void *a, const void *b) {
    harmony_text x = (*(const harmony_namespace *const *)a)->key;
    harmony_text y = (*(const harmony_namespace *const *)b)->key;
    size_t shorter = x.length < y.length ? x.length : y.length;
    int order = shorter ? memcmp(x.data, y.data, shorter) : 0;
    return order ? order : (x.length > y.length) - (x.length < y.length);
}

static gptoss_status put_tools(base_buffer *out, const harmony_namespace *spaces, size_t n_spaces,
                               gptoss_error *error) {
    const harmony_namespace **sorted = base_alloc(n_spaces, sizeof *sorted);
    if (!sorted || !base_buffer_text(out, "# Tools")) {
        base_free(sorted);
        return base_fail_memory(error, n_spaces * sizeof *sorted);
    }
    for (size_t i = 0; i < n_spaces; i++) {
        sorted[i] = &spaces[i];
    }
    qsort(sorted, n_spaces, sizeof *sorted, compare_namespaces);
    gptoss_status status = GPTOSS_OK;
    for (size_t i = 0; !status && i < n_spaces; i++) {
        status = base_buffer_text(out, "\n\n") ? put_namespace(out, sorted[i], error)
                                               : base_fail_memory(error, out->capacity);
    }
    base_free(sorted);
    return status;
}

// `Knowledge cutoff: 2024-06`, on a line of its own.
static bool put_line(base_buffer *out, bool *any, const char *label, harmony_text value) {
    if (!value.data) {
        return true;
    }
    bool first = !*any;
    *any = true;
    return (first || base_buffer_text(out, "\n")) && base_buffer_text(out, label) &&
           put(out, value);
}

static bool put_channels(base_buffer *out, const harmony_system *system, bool has_functions) {
    bool good = base_buffer_text(out, "# Valid channels: ");
    for (size_t i = 0; good && i < system->n_valid_channels; i++) {
        good = (!i || base_buffer_text(out, ", ")) && put(out, system->valid_channels[i]);
    }
    return good && base_buffer_text(out, ".") &&
           (!system->channel_required ||
            base_buffer_text(out, " Channel must be included for every message.")) &&
           (!has_functions || base_buffer_text(out, "\nCalls to these tools must go to the "
                                                    "commentary channel: 'functions'."));
}

gptoss_status harmony_print_system(base_buffer *out, const harmony_system *system,
                                   bool has_functions, gptoss_error *error) {
    static const char *const efforts[] = {NULL, "low", "medium", "high"};
    bool any = false;
    bool good = put_line(out, &any, "", system->model_identity) &&
                put_line(out, &any, "Knowledge cutoff: ", system->knowledge_cutoff) &&
                put_line(out, &any, "Current date: ", system->conversation_start_date);
    if (good && system->reasoning_effort) {
        good = begin_section(out, &any) && base_buffer_text(out, "Reasoning: ") &&
               base_buffer_text(out, efforts[system->reasoning_effort]);
    }
    if (good && system->has_tools && system->n_tools) {
        good = begin_section(out, &any);
        gptoss_status status =
            good ? put_tools(out, system->tools, system->n_tools, error) : GPTOSS_OK;
        if (status) {
            return status;
        }
    }
    if (good && system->has_channel_config && system->n_valid_channels) {
        good = begin_section(out, &any) && put_channels(out, system, has_functions);
    }
    return good ? GPTOSS_OK : base_fail_memory(error, out->capacity);
}

static bool put_format(base_buffer *out, const harmony_format *format) {
    return base_buffer_text(out, "\n\n## ") && put(out, format->name) &&
           base_buffer_text(out, "\n\n") && put_lines(out, "// ", format->description) &&
           put(out, format->schema);
}

gptoss_status harmony_print_developer(base_buffer *out, const harmony_developer *developer,
                                      gptoss_error *error) {
    bool any = false, good = true;
    if (developer->instructions.data) {
        good = begin_section(out, &any) && base_buffer_text(out, "# Instructions\n\n") &&
               put(out, developer->instructions);
    }
    if (good && developer->has_tools && developer->n_tools) {
        good = begin_section(out, &any);
        gptoss_status status =
            good ? put_tools(out, developer->tools, developer->n_tools, error) : GPTOSS_OK;
        if (status) {
            return status;
        }
    }
    if (good && developer->n_formats) {
        good = begin_section(out, &any) && base_buffer_text(out, "# Response Formats");
        for (size_t i = 0; good && i < developer->n_formats; i++) {
            good = put_format(out, &developer->formats[i]);
        }
    }
    return good ? GPTOSS_OK : base_fail_memory(error, out->capacity);
}
