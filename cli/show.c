// show.c: an answer's events on a terminal, in a pipe, or as JSON lines.
#include "show.h"

#include <errno.h>
#include <string.h>

#include "terminal.h"

void show_begin(show_state *s) {
    s->out = (output_file){stdout, 0};
    s->side = (output_file){stderr, 0};
    s->out_terminal = terminal_is(stdout);
    s->side_terminal = terminal_is(stderr);
    s->out_colour = terminal_has_colour(stdout);
    s->side_colour = terminal_has_colour(stderr);
    show_answer(s);
}

void show_answer(show_state *s) {
    s->sink = NULL;
    s->anything = false;
}

bool show_works(const show_state *s) {
    return s->out.problem == 0;
}

static show_kind kind_of(const gptoss_event *event) {
    if (event->recipient) {
        return SHOW_CALL;
    }
    if (event->channel && strcmp(event->channel, "analysis") == 0) {
        return SHOW_ANALYSIS;
    }
    return event->channel && strcmp(event->channel, "commentary") == 0 ? SHOW_COMMENTARY
                                                                       : SHOW_FINAL;
}

static output_file *sink_of(show_state *s, show_kind kind) {
    if (kind == SHOW_ANALYSIS && s->hide_analysis) {
        return NULL;
    }
    if (kind == SHOW_FINAL || s->out_terminal || s->show_all) {
        return &s->out;
    }
    return s->side_terminal ? &s->side : NULL;
}

static void style(show_state *s, terminal_style which) {
    if (s->colour && (which != STYLE_PLAIN || s->styled)) {
        terminal_style_set(s->sink, which);
        s->styled = which != STYLE_PLAIN;
    }
}

static void label(show_state *s, const char *before, const char *name) {
    style(s, STYLE_LABEL);
    output_string(s->sink, "[");
    output_string(s->sink, before);
    terminal_text(s->sink, name, strlen(name));
    output_string(s->sink, "]");
    style(s, STYLE_PLAIN);
    output_string(s->sink, "\n");
}

static void open_message(show_state *s, const gptoss_event *event) {
    s->kind = kind_of(event);
    s->sink = sink_of(s, s->kind);
    s->line_open = false;
    if (!s->sink) {
        return;
    }
    bool out = s->sink == &s->out;
    s->colour = out ? s->out_colour : s->side_colour;
    bool plain_final = s->kind == SHOW_FINAL && (s->out_terminal || !s->show_all);
    if (s->kind == SHOW_CALL) {
        label(s, "call ", event->recipient);
    } else if (!plain_final) {
        label(s, "", event->channel ? event->channel : "no channel");
    } else if (s->anything && s->out_terminal) {
        output_string(s->sink, "\n");
    }
    s->anything = true;
    if (s->kind != SHOW_FINAL) {
        style(s, s->kind == SHOW_ANALYSIS ? STYLE_DIM : STYLE_CALL);
    }
}

static void text_of_message(show_state *s, const gptoss_event *event) {
    if (!s->sink || event->text_length == 0) {
        return;
    }
    bool terminal = s->sink == &s->out ? s->out_terminal : s->side_terminal;
    if (terminal) {
        terminal_text(s->sink, event->text, event->text_length);
    } else {
        output_write(s->sink, event->text, event->text_length);
    }
    s->line_open = event->text[event->text_length - 1] != '\n';
    output_flush(s->sink);
}

static void close_message(show_state *s) {
    if (s->sink) {
        style(s, STYLE_PLAIN);
        if (s->line_open) {
            output_string(s->sink, "\n");
        }
        output_flush(s->sink);
        s->sink = NULL;
    }
}

static bool add_field(text_buffer *line, const char *name, const char *value, size_t length) {
    return buffer_add(line, ",\"") && buffer_add(line, name) && buffer_add(line, "\":") &&
           buffer_json(line, value, length);
}

static bool add_string(text_buffer *line, const char *name, const char *value) {
    return !value || add_field(line, name, value, strlen(value));
}

static const char *finish_name(gptoss_finish finish) {
    static const char *const names[] = {
        [GPTOSS_FINISH_RETURN] = "return", [GPTOSS_FINISH_CALL] = "call",
        [GPTOSS_FINISH_LENGTH] = "length", [GPTOSS_FINISH_CANCELLED] = "cancelled",
        [GPTOSS_FINISH_ERROR] = "error",
    };
    return names[finish];
}

static bool json_event(text_buffer *line, const gptoss_event *event, const gptoss_stats *stats) {
    switch (event->kind) {
    case GPTOSS_EVENT_PROGRESS:
        return buffer_format(line, "{\"event\":\"progress\",\"done\":%zu,\"total\":%zu",
                             event->prompt_done, event->prompt_total);
    case GPTOSS_EVENT_TOKEN:
        return buffer_format(line, "{\"event\":\"token\",\"id\":%d,\"logprob\":%.6g",
                             (int)event->id, (double)event->logprob);
    case GPTOSS_EVENT_OPEN:
        return buffer_add(line, "{\"event\":\"open\"") && add_string(line, "role", event->role) &&
               add_string(line, "channel", event->channel) &&
               add_string(line, "recipient", event->recipient) &&
               add_string(line, "content_type", event->content_type);
    case GPTOSS_EVENT_TEXT:
        return buffer_add(line, "{\"event\":\"text\"") &&
               add_string(line, "channel", event->channel) &&
               add_field(line, "text", event->text, event->text_length);
    case GPTOSS_EVENT_CLOSE:
        return buffer_add(line, "{\"event\":\"close\"") &&
               add_string(line, "channel", event->channel) &&
               buffer_format(line, ",\"irregular\":%s", event->irregular ? "true" : "false");
    case GPTOSS_EVENT_DONE:
        break;
    }
    return buffer_format(line,
                         "{\"event\":\"done\",\"finish\":\"%s\",\"prompt_tokens\":%zu,"
                         "\"cached_tokens\":%zu,\"tokens\":%zu,\"prompt_seconds\":%.6f,"
                         "\"seconds\":%.6f,\"guessed_tokens\":%zu,\"right_guesses\":%zu",
                         finish_name(event->finish), stats->prompt_tokens, stats->cached_tokens,
                         stats->sampled_tokens, stats->prompt_seconds, stats->sample_seconds,
                         stats->guessed_tokens, stats->right_guesses);
}

static void put_line(show_state *s, text_buffer *line, bool complete) {
    if (complete && buffer_add(line, "}\n")) {
        output_write(&s->out, line->data, line->length);
        output_flush(&s->out);
    } else {
        s->out.problem = s->out.problem ? s->out.problem : ENOMEM;
    }
    buffer_free(line);
}

void show_event(show_state *s, const gptoss_event *event, const gptoss_stats *stats) {
    if (s->json && s->hide_analysis && event->role && kind_of(event) == SHOW_ANALYSIS) {
        return;
    }
    if (s->json) {
        text_buffer line = {0};
        bool complete = json_event(&line, event, stats);
        put_line(s, &line, complete);
        return;
    }
    switch (event->kind) {
    case GPTOSS_EVENT_PROGRESS:
        if (event->prompt_total > 64) {
            bool ready = event->prompt_done >= event->prompt_total;
            terminal_progress(
                "reading", ready ? -1 : (double)event->prompt_done / (double)event->prompt_total);
        }
        break;
    case GPTOSS_EVENT_OPEN:
        open_message(s, event);
        break;
    case GPTOSS_EVENT_TEXT:
        text_of_message(s, event);
        break;
    case GPTOSS_EVENT_CLOSE:
        close_message(s);
        break;
    case GPTOSS_EVENT_DONE:
        close_message(s);
        terminal_progress("", -1); // where the prompt was left half read
        break;
    case GPTOSS_EVENT_TOKEN:
        break;
    }
}

void show_call_line(show_state *s, const char *recipient, const text_buffer *arguments) {
    if (s->json || s->out_terminal || s->show_all) {
        return; // already there
    }
    text_buffer line = {0};
    bool complete =
        buffer_add(&line, "{\"call\":") && buffer_json_string(&line, recipient) &&
        add_field(&line, "arguments", arguments->data ? arguments->data : "", arguments->length);
    put_line(s, &line, complete);
}

void show_tool_result(show_state *s, const char *tool, const char *result, size_t length) {
    if (s->json) {
        text_buffer line = {0};
        bool complete = buffer_add(&line, "{\"event\":\"tool_result\"") &&
                        add_string(&line, "tool", tool) && add_field(&line, "text", result, length);
        put_line(s, &line, complete);
        return;
    }
    s->sink = sink_of(s, SHOW_CALL);
    if (s->sink) {
        s->colour = s->sink == &s->out ? s->out_colour : s->side_colour;
        label(s, "result of ", tool);
        style(s, STYLE_CALL);
        terminal_text(s->sink, result, length);
        s->line_open = length == 0 || result[length - 1] != '\n';
        close_message(s);
    }
}

static double rate(size_t tokens, double seconds) {
    return seconds > 0 ? (double)tokens / seconds : 0;
}

void show_remark(show_state *s, const char *remark) {
    s->sink = &s->side;
    s->colour = s->side_colour;
    style(s, STYLE_DIM);
    output_string(s->sink, remark);
    style(s, STYLE_PLAIN);
    output_string(s->sink, "\n");
    output_flush(s->sink);
    s->sink = NULL;
}

void show_stats(show_state *s, const gptoss_stats *stats) {
    char line[256];
    size_t computed = stats->prompt_tokens - stats->cached_tokens;
    snprintf(
        line, sizeof(line),
        "prompt %zu tokens (%zu from the cache), %.1f tokens/s; answer %zu tokens, %.1f tokens/s",
        stats->prompt_tokens, stats->cached_tokens, rate(computed, stats->prompt_seconds),
        stats->sampled_tokens, rate(stats->sampled_tokens, stats->sample_seconds));
    show_remark(s, line);
}
