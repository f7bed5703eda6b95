// options.h: a command line described by a table, from which parsing and --help are made.
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum option_kind {
    OPTION_FLAG,   // bool: set to true
    OPTION_SWITCH, // bool: on or off
    OPTION_TEXT,   // const char *
    OPTION_COUNT,  // int32_t within [low, high]
    OPTION_NUMBER, // float within [low, high]
    OPTION_SEED,   // uint64_t
    OPTION_CHOICE, // int: index into choices
} option_kind;

typedef struct option {
    const char *name; // without the dashes
    option_kind kind;
    const char *value; // how help names the value; NULL for flags and choices
    const char *help;
    void *target;               // of the kind's type; holds the default
    double low, high;           // OPTION_COUNT, OPTION_NUMBER
    const char *const *choices; // OPTION_CHOICE: NULL-terminated
} option;

// Rows, one kind each.
#define FLAG_OPTION(name, target, help) {(name), OPTION_FLAG, NULL, (help), (target), 0, 0, NULL}
#define SWITCH_OPTION(name, target, help)                                                          \
    {(name), OPTION_SWITCH, "on|off", (help), (target), 0, 0, NULL}
#define TEXT_OPTION(name, value, target, help)                                                     \
    {(name), OPTION_TEXT, (value), (help), (target), 0, 0, NULL}
#define COUNT_OPTION(name, value, low, high, target, help)                                         \
    {(name), OPTION_COUNT, (value), (help), (target), (low), (high), NULL}
#define NUMBER_OPTION(name, value, low, high, target, help)                                        \
    {(name), OPTION_NUMBER, (value), (help), (target), (low), (high), NULL}
#define SEED_OPTION(name, value, target, help)                                                     \
    {(name), OPTION_SEED, (value), (help), (target), 0, 0, NULL}
#define CHOICE_OPTION(name, choices, target, help)                                                 \
    {(name), OPTION_CHOICE, NULL, (help), (target), 0, 0, (choices)}

typedef struct command_syntax {
    const char *command;   // "run", "harmony parse"
    const char *arguments; // "[PROMPT]"; "" for none
    const char *about;     // a sentence or more, shown above the options
    const option *options; // [n_options]
    size_t n_options;
    int max_arguments; // -1: any number
} command_syntax;

// Takes the options out of argv[1..]; what is left are arguments, moved to argv[1..*n_out]. "--"
// ends the options. Returns false when the command must end now, with *status_out: --help was
// printed, or an error was.
bool options_parse(const command_syntax *syntax, int argc, char **argv, int *n_out,
                   int *status_out);

#endif
