// chat.c: gptoss chat: a line is a question, a line that begins with "/" a command.
#include "chat.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "input.h"
#include "interrupt.h"
#include "output.h"

// Remarks of the chat itself go to stderr: stdout is the model's.
#define say(...) fprintf(stderr, __VA_ARGS__)

static int apply_setting(talk_state *t) {
    gptoss_error error = {0};
    gptoss_setting setting = talk_setting(t);
    return gptoss_conversation_set(t->conversation, &setting, &error) ? cli_fail_with(&error)
                                                                      : CLI_OK;
}

static int chat_effort(talk_state *t, const char *argument) {
    static const char *const names[] = {"low", "medium", "high"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(argument, names[i]) == 0) {
            t->effort = i;
            return apply_setting(t);
        }
    }
    if (*argument) {
        return cli_fail("/effort is low, medium or high, not \"%s\"", argument);
    }
    say("effort: %s\n", names[t->effort]);
    return CLI_OK;
}

static int chat_system(talk_state *t, const char *argument) {
    buffer_clear(&t->instructions);
    if (!buffer_add(&t->instructions, argument)) {
        return cli_fail("out of memory");
    }
    say(*argument ? "instructions set\n" : "instructions removed\n");
    return apply_setting(t);
}

static int chat_tools(talk_state *t, const char *argument) {
    text_buffer before = t->tools;
    t->tools = (text_buffer){0};
    int status = *argument ? talk_load_tools(t, argument) : CLI_OK;
    status = status == CLI_OK ? apply_setting(t) : status;
    if (status != CLI_OK) {
        buffer_free(&t->tools);
        t->tools = before; // as it was: the conversation still has it
        return status;
    }
    buffer_free(&before);
    say(*argument ? "tools loaded\n" : "tools removed\n");
    return CLI_OK;
}

static int chat_save(talk_state *t, const char *argument) {
    gptoss_error error = {0};
    char *json = NULL;
    size_t length = 0;
    if (!*argument) {
        return cli_fail("/save needs a file");
    }
    if (gptoss_conversation_to_json(t->conversation, &json, &length, &error)) {
        return cli_fail_with(&error);
    }
    int status = output_replace_file(argument, json, length);
    gptoss_free(json);
    if (status == CLI_OK) {
        say("saved %zu messages\n", gptoss_conversation_length(t->conversation));
    }
    return status;
}

// The messages up to and including the last one of the user; 0 where there is none.
static size_t last_question(const gptoss_conversation *conversation) {
    size_t end = gptoss_conversation_length(conversation);
    while (end > 0 && strcmp(gptoss_conversation_role(conversation, end - 1), "user") != 0) {
        end--;
    }
    return end;
}

static int chat_load(talk_state *t, const char *argument) {
    gptoss_error error = {0};
    gptoss_conversation *loaded = NULL;
    text_buffer json = {0};
    if (!*argument) {
        return cli_fail("/load needs a file");
    }
    int status = input_file(argument, &json);
    if (status == CLI_OK &&
        gptoss_conversation_from_json(json.data, json.length, &loaded, &error)) {
        status = cli_fail("%s: %s", argument, error.message);
    }
    buffer_free(&json);
    if (status == CLI_OK) {
        gptoss_conversation_free(t->conversation);
        t->conversation = loaded;
        t->question_end = last_question(loaded);
        say("loaded %zu messages\n", gptoss_conversation_length(loaded));
    }
    return status;
}

static int chat_retry(talk_state *t, const char *argument) {
    (void)argument;
    if (t->question_end == 0) {
        return cli_fail("there is no question to answer again");
    }
    gptoss_conversation_truncate(t->conversation, t->question_end);
    t->generation.sampling.stream++; // other random numbers, else the same answer
    return talk_answer(t);
}

static int chat_clear(talk_state *t, const char *argument) {
    (void)argument;
    int status = talk_clear(t);
    if (status == CLI_OK) {
        say("a new conversation\n");
    }
    return status;
}

static int chat_stats(talk_state *t, const char *argument) {
    (void)argument;
    gptoss_plan plan;
    gptoss_model_describe(t->model, &plan);
    say("%s: %s, kernels %s, %s, %.1f MiB\n", plan.name, plan.device, plan.kernels,
        model_precisions[plan.precision], (double)plan.total_bytes / (1 << 20));
    say("%zu messages, %zu of %d positions used\n", gptoss_conversation_length(t->conversation),
        gptoss_sequence_length(t->sequence), (int)plan.context);
    show_stats(&t->show, &t->last);
    return CLI_OK;
}

static int chat_help(talk_state *t, const char *argument);

static const struct {
    const char *name;
    int (*act)(talk_state *talk, const char *argument); // NULL: quit
    const char *help;
} chat_commands[] = {
    {"/effort", chat_effort, "low|medium|high: how much it reasons"},
    {"/system", chat_system, "TEXT: instructions for the model; without TEXT, none"},
    {"/tools", chat_tools, "FILE.json: functions that it may call; without FILE, none"},
    {"/save", chat_save, "FILE: write the conversation as JSON"},
    {"/load", chat_load, "FILE: go on with a saved conversation"},
    {"/retry", chat_retry, "answer the last question again"},
    {"/clear", chat_clear, "forget the conversation"},
    {"/stats", chat_stats, "the model, the memory, the last answer's speed"},
    {"/help", chat_help, "this list"},
    {"/quit", NULL, "leave; so does Ctrl-D"},
};
enum { N_CHAT_COMMANDS = sizeof(chat_commands) / sizeof(chat_commands[0]) };

static int chat_help(talk_state *t, const char *argument) {
    (void)t;
    (void)argument;
    for (int i = 0; i < N_CHAT_COMMANDS; i++) {
        say("  %-8s %s\n", chat_commands[i].name, chat_commands[i].help);
    }
    say("  Ctrl-C stops an answer. A line that ends in \\ goes on in the next one.\n");
    return CLI_OK;
}

// One command line; true: leave.
static bool obey(talk_state *t, const char *line, int *status_out) {
    size_t length = strcspn(line, " \t\n");
    const char *argument = line + length + strspn(line + length, " \t\n");
    for (int i = 0; i < N_CHAT_COMMANDS; i++) {
        if (strlen(chat_commands[i].name) == length &&
            memcmp(chat_commands[i].name, line, length) == 0) {
            if (!chat_commands[i].act) {
                return true;
            }
            *status_out = chat_commands[i].act(t, argument);
            return false;
        }
    }
    *status_out = cli_fail("there is no command %.*s; /help lists them", (int)length, line);
    return false;
}

// On a terminal a failed line is the person's to repeat; from a pipe it ends the session.
static bool goes_on(talk_state *t, bool terminal, int status) {
    if (status == CLI_INTERRUPTED && terminal) {
        show_remark(&t->show, "[stopped]");
        interrupt_clear();
        return true;
    }
    return show_works(&t->show) && (status == CLI_OK || terminal);
}

int chat_session(talk_state *t) {
    bool terminal = t->show.out_terminal;
    text_buffer line = {0};
    int status = CLI_OK;
    bool leave = false;
    if (terminal) {
        say("A line is a question; /help lists commands; Ctrl-D leaves.\n");
    }
    while (!leave) {
        interrupt_clear(); // a Ctrl-C that came too late for the last answer
        line_result result = line_read(t->lines, "> ", true, &line);
        if (result == LINE_INTERRUPTED && terminal) {
            say("\n(Ctrl-D or /quit leaves)\n");
            continue;
        }
        if (result != LINE_READ) {
            status = result == LINE_INTERRUPTED ? CLI_INTERRUPTED
                     : result == LINE_FAILED    ? cli_fail("out of memory")
                                                : CLI_OK;
            break;
        }
        if (line.length == 0) {
            continue;
        }
        status = CLI_OK;
        if (line.data[0] == '/') {
            leave = obey(t, line.data, &status);
        } else {
            status = talk_ask(t, line.data, line.length);
        }
        if (!goes_on(t, terminal, status)) {
            break;
        }
        status = CLI_OK;
    }
    buffer_free(&line);
    return output_finish(&t->show.out, status);
}

int command_chat(int argc, char **argv) {
    talk_state talk;
    talk_default(&talk);
    int n, status;
    if (!talk_parse(&talk, "chat", "",
                    "Chats: a line is a question. /help lists the chat's commands.", 0, argc, argv,
                    &n, &status)) {
        return status;
    }
    if ((status = talk_open(&talk)) == CLI_OK) {
        status = chat_session(&talk);
    }
    talk_close(&talk);
    return status;
}
