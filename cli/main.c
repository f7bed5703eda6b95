// main.c: the table of subcommands, help, and how errors are printed.
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "interrupt.h"

typedef struct command {
    const char *name;
    int (*main)(int argc, char **argv);
    const char *summary;
} command;

static const command commands[] = {
    {"run", command_run, "answer a question, or chat when there is none"},
    {"chat", command_chat, "chat, one line a question"},
#ifdef GPTOSS_HAVE_SERVER
    {"serve", command_serve, "answer HTTP, as OpenAI's and Anthropic's APIs do"},
#endif
    {"inspect", command_inspect, "show a checkpoint's tensors and what running it takes"},
    {"bench", command_bench, "measure tokens per second"},
    {"tokenize", command_tokenize, "text to token ids"},
    {"detokenize", command_detokenize, "token ids to text"},
    {"harmony", command_harmony, "conversation to token ids (render) and back (parse)"},
    {"generate", command_generate, "token ids in, token ids out"},
    {"logits", command_logits, "token ids in, a NumPy file of logits out"},
};
enum { N_COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_line(const char *format, va_list arguments, const char *tail) {
    char line[1024];
    vsnprintf(line, sizeof(line), format, arguments);
    for (char *c = line; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?'; // may quote hostile input: one line, nothing that a terminal would obey
        }
    }
    fflush(stdout);
    fprintf(stderr, "gptoss: %s%s\n", line, tail);
}

int cli_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments, "");
    va_end(arguments);
    return CLI_FAILED;
}

int cli_fail_with(const gptoss_error *error) {
    if (error->status == GPTOSS_CANCELLED && interrupt_seen()) {
        return CLI_INTERRUPTED;
    }
    return cli_fail("%s", error->message[0] ? error->message : gptoss_status_name(error->status));
}

int cli_usage(const char *name, const char *format, ...) {
    char tail[64];
    snprintf(tail, sizeof(tail), " (see gptoss %s%s--help)", name, *name ? " " : "");
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments, tail);
    va_end(arguments);
    return CLI_USAGE;
}

static const command *find_command(const char *name) {
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int print_help(void) {
    printf("gptoss %s: OpenAI's gpt-oss models on this computer\n\n"
           "usage: gptoss COMMAND [options]\n\n",
           gptoss_version());
    for (int i = 0; i < N_COMMANDS; i++) {
        printf("  %-11s %s\n", commands[i].name, commands[i].summary);
    }
    printf("\n  gptoss help COMMAND (or COMMAND --help) shows a command's options.\n"
           "  gptoss --version shows the version.\n\n"
           "Environment: GPTOSS_CPU=scalar|avx2|... lowers the instruction set that is used;\n"
           "NO_COLOR switches colours off.\n");
    return CLI_OK;
}

static int help_for(const char *name) {
    const command *found = find_command(name);
    if (!found) {
        return cli_usage("", "there is no command \"%s\"", name);
    }
    char *arguments[] = {(char *)found->name, "--help", NULL};
    return found->main(2, arguments);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); // a closed pipe is a failed write, not a death
    interrupt_install();
    if (!setlocale(LC_CTYPE, "") || strcmp(setlocale(LC_CTYPE, NULL), "C") == 0) {
        setlocale(LC_CTYPE, "C.UTF-8"); // the chat's line is UTF-8 even where nothing is set
    }
    if (argc < 2) {
        return cli_usage("", "a command is missing");
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("gptoss %s\n", gptoss_version());
        return CLI_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return print_help();
    }
    if (strcmp(name, "help") == 0) {
        return argc > 2 ? help_for(argv[2]) : print_help();
    }
    const command *found = find_command(name);
    if (!found) {
        return cli_usage("", "there is no command \"%s\"", name);
    }
    return found->main(argc - 1, argv + 1);
}
