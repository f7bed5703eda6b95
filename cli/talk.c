// talk.c: one conversation with one model: opening it, and answers with the tools they call.
#include "talk.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "input.h"
#include "interrupt.h"
#include "sampling.h"
#include "terminal.h"
#include "tool.h"

enum { MAX_ROUNDS = 8 }; // calls in one answer: a model that only calls is stopped

static const char *const efforts[] = {[GPTOSS_EFFORT_LOW] = "low",
                                      [GPTOSS_EFFORT_MEDIUM] = "medium",
                                      [GPTOSS_EFFORT_HIGH] = "high",
                                      NULL};

void talk_default(talk_state *talk_out) {
    *talk_out = (talk_state){.effort = GPTOSS_EFFORT_MEDIUM, .tool_seconds = 30};
    model_choice_default(&talk_out->choice);
    gptoss_generation_default(&talk_out->generation);
    gptoss_guide_options_default(&talk_out->guided);
    talk_out->generation.sampling.temperature = -1; // by the model: see talk_parse
    if (getentropy(&talk_out->generation.sampling.seed, sizeof(uint64_t)) != 0) {
        talk_out->generation.sampling.seed = (uint64_t)time(NULL);
    }
    time_t now = time(NULL);
    struct tm parts;
    if (localtime_r(&now, &parts)) {
        strftime(talk_out->today, sizeof(talk_out->today), "%Y-%m-%d", &parts);
    }
}

static bool is_date(const char *s) {
    static const char form[] = "0000-00-00";
    for (size_t i = 0; i < sizeof(form); i++) {
        bool digit = s[i] >= '0' && s[i] <= '9';
        if (form[i] == '0' ? !digit : s[i] != form[i]) {
            return false;
        }
    }
    return true;
}

bool talk_parse(talk_state *t, const char *command, const char *arguments, const char *about,
                int max_arguments, int argc, char **argv, int *n_out, int *status_out) {
    const option table[] = {
        MODEL_OPTIONS(t->choice),
        CHOICE_OPTION("effort", efforts, &t->effort, "how much it reasons; default medium"),
        TEXT_OPTION("system", "TEXT", &t->system,
                    "instructions for the model (the developer message)"),
        TEXT_OPTION("tools", "FILE.json", &t->tools_path,
                    "functions that it may call, a JSON list of {name, description, parameters}"),
        TEXT_OPTION("tool-command", "CMD", &t->tool_command,
                    "program that answers calls: CMD NAME, arguments on stdin, result on stdout"),
        COUNT_OPTION("tool-timeout", "SECONDS", 1, 86400, &t->tool_seconds,
                     "how long that program may take; default 30"),
        FORM_OPTIONS(t->form),
        COUNT_OPTION("max-reasoning", "N", 0, 1 << 24, &t->guided.max_reasoning_tokens,
                     "tokens of reasoning, then it must answer; default 0: no limit"),
        TEXT_OPTION("date", "YYYY-MM-DD", &t->date,
                    "the date that the model is told; default today"),
        COUNT_OPTION("max-tokens", "N", 0, 1 << 24, &t->generation.max_tokens,
                     "longest answer; default 0: no limit"),
        SAMPLING_OPTIONS(t->generation.sampling, "default 1; 0 for the demo model"),
        SWITCH_OPTION("speculation", &t->generation.speculation,
                      "guess from repetitions: the same tokens, sooner; default on"),
        FLAG_OPTION("hide-analysis", &t->show.hide_analysis, "do not show the reasoning"),
        FLAG_OPTION("show-all", &t->show.show_all,
                    "in a pipe too, show every channel with a label"),
        FLAG_OPTION("json", &t->show.json, "one JSON object a line for every event"),
        FLAG_OPTION("stats", &t->stats,
                    "tokens per second at the end, on stderr; always on a terminal"),
    };
    const command_syntax syntax = {
        command, arguments, about, table, sizeof(table) / sizeof(table[0]), max_arguments};
    t->command = command;
    if (!options_parse(&syntax, argc, argv, n_out, status_out)) {
        return false;
    }
    if (t->date && !is_date(t->date)) {
        *status_out = cli_usage(command, "--date is YYYY-MM-DD, not \"%s\"", t->date);
        return false;
    }
    if (t->generation.sampling.temperature < 0) {
        t->generation.sampling.temperature = t->choice.options.path ? 1 : 0;
    }
    return true;
}

gptoss_setting talk_setting(const talk_state *t) {
    return (gptoss_setting){
        .effort = (gptoss_effort)t->effort,
        .date = t->date ? t->date : t->today,
        .instructions = t->instructions.length ? t->instructions.data : NULL,
        .tools = t->tools.length ? t->tools.data : NULL,
    };
}

int talk_load_tools(talk_state *t, const char *path) {
    text_buffer content = {0};
    int status = input_file(path, &content);
    if (status == CLI_OK) {
        buffer_free(&t->tools);
        t->tools = content;
        gptoss_guide_free(t->guide);
        t->guide = NULL;
    }
    return status;
}

int talk_clear(talk_state *t) {
    gptoss_error error = {0};
    gptoss_conversation *fresh = NULL;
    gptoss_setting setting = talk_setting(t);
    if (gptoss_conversation_create(&setting, &fresh, &error)) {
        return cli_fail_with(&error);
    }
    gptoss_conversation_free(t->conversation);
    t->conversation = fresh;
    t->question_end = 0;
    return CLI_OK;
}

// What an answer may be, by the tools and the form of now; an exit status.
static int make_guide(talk_state *t) {
    gptoss_error error = {0};
    if (t->guide) {
        return CLI_OK;
    }
    t->guided.tools = t->tools.length ? t->tools.data : NULL;
    if (gptoss_guide_create(gptoss_model_tokenizer(t->model), &t->guided, &t->guide, &error)) {
        return cli_fail_with(&error);
    }
    const char *warning;
    for (size_t i = 0; (warning = gptoss_guide_warning(t->guide, i)); i++) {
        if (!t->show.json && t->show.side_terminal) {
            show_remark(&t->show, warning);
        }
    }
    return CLI_OK;
}

int talk_open(talk_state *t) {
    show_begin(&t->show);
    if (t->system && !buffer_add(&t->instructions, t->system)) {
        return cli_fail("out of memory");
    }
    int status = form_load(&t->form, t->command, &t->guided);
    if (status != CLI_OK ||
        (t->tools_path && (status = talk_load_tools(t, t->tools_path)) != CLI_OK) ||
        (status = talk_clear(t)) != CLI_OK || // checks the tools before the model is loaded
        (status = model_load(&t->choice, &t->model)) != CLI_OK) {
        return status;
    }
    gptoss_error error = {0};
    if (gptoss_sequence_create(t->model, &t->sequence, &error)) {
        return cli_fail_with(&error);
    }
    status = make_guide(t);
    if (status != CLI_OK) {
        return status;
    }
    t->lines = line_open();
    return t->lines ? CLI_OK : cli_fail("out of memory");
}

void talk_close(talk_state *t) {
    interrupt_watch(NULL);
    line_close(t->lines);
    gptoss_sequence_free(t->sequence);
    gptoss_guide_free(t->guide);
    gptoss_conversation_free(t->conversation);
    gptoss_model_close(t->model);
    buffer_free(&t->form.text);
    buffer_free(&t->instructions);
    buffer_free(&t->tools);
}

// A call as it arrives: the last message with a recipient.
typedef struct tool_call {
    text_buffer recipient, arguments;
} tool_call;

static bool note_call(tool_call *call, const gptoss_event *event) {
    if (!event->recipient) {
        return true;
    }
    if (event->kind == GPTOSS_EVENT_OPEN) {
        buffer_clear(&call->recipient);
        buffer_clear(&call->arguments);
        return buffer_add(&call->recipient, event->recipient);
    }
    return event->kind != GPTOSS_EVENT_TEXT ||
           buffer_append(&call->arguments, event->text, event->text_length);
}

// Samples until the model stops; an exit status, and why it stopped.
static int generate(talk_state *t, tool_call *call, gptoss_finish *finish_out) {
    gptoss_error error = {0};
    gptoss_event event = {0};
    *finish_out = GPTOSS_FINISH_ERROR;
    int made = make_guide(t);
    if (made != CLI_OK) {
        return made;
    }
    t->generation.guide = t->guide;
    if (gptoss_prompt(t->sequence, t->conversation, &error) ||
        gptoss_start(t->sequence, &t->generation, &error)) {
        return cli_fail_with(&error);
    }
    interrupt_watch(t->sequence);
    bool memory = true;
    do {
        if (gptoss_next(t->sequence, &event, &error)) {
            interrupt_watch(NULL);
            return cli_fail_with(&error);
        }
        gptoss_sequence_stats(t->sequence, &t->last);
        memory = memory && note_call(call, &event);
        show_event(&t->show, &event, &t->last);
        if (!memory || !show_works(&t->show) || interrupt_seen()) {
            gptoss_cancel(t->sequence);
        }
    } while (event.kind != GPTOSS_EVENT_DONE);
    interrupt_watch(NULL);
    *finish_out = event.finish;
    if (!memory || gptoss_take_messages(t->sequence, t->conversation, &error)) {
        return memory ? cli_fail_with(&error) : cli_fail("out of memory");
    }
    return CLI_OK;
}

static void add_stats(gptoss_stats *sum, const gptoss_stats *part) {
    sum->prompt_tokens += part->prompt_tokens;
    sum->cached_tokens += part->cached_tokens;
    sum->sampled_tokens += part->sampled_tokens;
    sum->prompt_seconds += part->prompt_seconds;
    sum->sample_seconds += part->sample_seconds;
    sum->guessed_tokens += part->guessed_tokens;
    sum->right_guesses += part->right_guesses;
}

// Gets the result of a call, from the program or the person. *answered_out false: nobody is there.
static int answer_call(talk_state *t, const tool_call *call, bool *answered_out) {
    const char *recipient = call->recipient.data;
    const char *dot = strchr(recipient, '.');
    text_buffer result = {0}, prompt = {0};
    int status = CLI_OK;
    *answered_out = true;
    if (t->tool_command) {
        if (!tool_run(t->tool_command, dot ? dot + 1 : recipient, &call->arguments, t->tool_seconds,
                      &result)) {
            status = cli_fail("out of memory");
        } else if (interrupt_seen()) {
            status = CLI_INTERRUPTED;
        } else {
            show_tool_result(&t->show, recipient, result.data, result.length);
        }
    } else if (!t->show.json && isatty(STDIN_FILENO) == 1 && t->show.out_terminal) {
        if (!buffer_add(&prompt, "result> ")) {
            status = cli_fail("out of memory");
        } else {
            line_result read = line_read(t->lines, prompt.data, false, &result);
            *answered_out = read == LINE_READ;
            status = read == LINE_INTERRUPTED ? CLI_INTERRUPTED : CLI_OK;
        }
    } else {
        *answered_out = false;
        show_call_line(&t->show, recipient, &call->arguments);
    }
    gptoss_error error = {0};
    if (status == CLI_OK && *answered_out &&
        gptoss_add_tool_result(t->conversation, recipient, result.data ? result.data : "",
                               result.length, &error)) {
        status = cli_fail_with(&error);
    }
    buffer_free(&result);
    buffer_free(&prompt);
    return status;
}

// Rounds of sampling and calling; *sum adds up what they took.
static int answer_rounds(talk_state *t, tool_call *call, gptoss_stats *sum) {
    for (int round = 0; round < MAX_ROUNDS; round++) {
        gptoss_finish finish;
        buffer_clear(&call->recipient);
        buffer_clear(&call->arguments);
        int status = generate(t, call, &finish);
        add_stats(sum, &t->last);
        if (status != CLI_OK || !show_works(&t->show)) {
            return status;
        }
        if (interrupt_seen() || finish == GPTOSS_FINISH_CANCELLED) {
            return CLI_INTERRUPTED;
        }
        if (finish == GPTOSS_FINISH_LENGTH && !t->show.json && t->show.side_terminal) {
            show_remark(&t->show, "[cut: the limit of tokens was reached]");
        }
        bool answered = false;
        if (finish == GPTOSS_FINISH_CALL && call->recipient.length) {
            status = answer_call(t, call, &answered);
        }
        if (status != CLI_OK || !answered) {
            return status;
        }
    }
    return cli_fail("stopped: %d calls without a final answer", MAX_ROUNDS);
}

int talk_answer(talk_state *t) {
    tool_call call = {0};
    gptoss_stats sum = {0};
    show_answer(&t->show);
    int status = answer_rounds(t, &call, &sum);
    buffer_free(&call.recipient);
    buffer_free(&call.arguments);
    t->last = sum;
    bool wanted = t->stats || (t->show.side_terminal && t->show.out_terminal && !t->show.json);
    if (status == CLI_OK && wanted) {
        show_stats(&t->show, &sum);
    }
    return status;
}

int talk_ask(talk_state *t, const char *question, size_t length) {
    gptoss_error error = {0};
    if (gptoss_add_user(t->conversation, question, length, &error)) {
        return cli_fail_with(&error);
    }
    t->question_end = gptoss_conversation_length(t->conversation);
    return talk_answer(t);
}
