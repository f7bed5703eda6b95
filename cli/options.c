// options.c: parses a command line by its table, and prints the table as help.
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void spell_value(const option *row, char *text, size_t size) {
    text[0] = 0;
    if (row->kind == OPTION_CHOICE) {
        for (size_t i = 0; row->choices[i]; i++) {
            size_t used = strlen(text);
            snprintf(text + used, size - used, "%s%s", i ? "|" : "", row->choices[i]);
        }
    } else if (row->value) {
        snprintf(text, size, "%s", row->value);
    }
}

static void print_help(const command_syntax *syntax) {
    printf("usage: gptoss %s%s%s%s\n\n%s\n", syntax->command, syntax->n_options ? " [options]" : "",
           *syntax->arguments ? " " : "", syntax->arguments, syntax->about);
    if (syntax->n_options) {
        printf("\n");
    }
    for (size_t i = 0; i < syntax->n_options; i++) {
        char value[80], left[112];
        spell_value(&syntax->options[i], value, sizeof(value));
        snprintf(left, sizeof(left), "--%s%s%s", syntax->options[i].name, *value ? " " : "", value);
        if (strlen(left) > 24) {
            printf("  %s\n  %-24s  %s\n", left, "", syntax->options[i].help);
        } else {
            printf("  %-24s  %s\n", left, syntax->options[i].help);
        }
    }
}

static bool store_number(const option *row, const char *text) {
    char *end = NULL;
    errno = 0;
    if (row->kind == OPTION_SEED) {
        unsigned long long seed = strtoull(text, &end, 10);
        *(uint64_t *)row->target = seed;
        return text[0] >= '0' && text[0] <= '9' && !*end && errno == 0;
    }
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= row->low && number <= row->high)) {
        return false;
    }
    if (row->kind == OPTION_NUMBER) {
        *(float *)row->target = (float)number;
        return true;
    }
    if (number != floor(number)) {
        return false;
    }
    *(int32_t *)row->target = (int32_t)number;
    return true;
}

static bool store_choice(const option *row, const char *text) {
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            *(int *)row->target = i;
            return true;
        }
    }
    return false;
}

// The status of storing one value; an error names what would have been right.
static int store(const command_syntax *syntax, const option *row, const char *text) {
    char right[80];
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)row->target = true;
        return CLI_OK;
    case OPTION_SWITCH:
        *(bool *)row->target = strcmp(text, "on") == 0;
        if (*(bool *)row->target || strcmp(text, "off") == 0) {
            return CLI_OK;
        }
        return cli_usage(syntax->command, "--%s is on or off, not \"%s\"", row->name, text);
    case OPTION_TEXT:
        *(const char **)row->target = text;
        return CLI_OK;
    case OPTION_CHOICE:
        if (store_choice(row, text)) {
            return CLI_OK;
        }
        spell_value(row, right, sizeof(right));
        return cli_usage(syntax->command, "--%s is %s, not \"%s\"", row->name, right, text);
    case OPTION_SEED:
        if (store_number(row, text)) {
            return CLI_OK;
        }
        return cli_usage(syntax->command, "--%s is a number from 0 to 2^64 - 1, not \"%s\"",
                         row->name, text);
    case OPTION_COUNT:
    case OPTION_NUMBER:
        break;
    }
    if (store_number(row, text)) {
        return CLI_OK;
    }
    return cli_usage(syntax->command, "--%s is a %snumber from %.12g to %.12g, not \"%s\"",
                     row->name, row->kind == OPTION_COUNT ? "whole " : "", row->low, row->high,
                     text);
}

static const option *find_option(const command_syntax *syntax, const char *name, size_t length) {
    for (size_t i = 0; i < syntax->n_options; i++) {
        const char *candidate = syntax->options[i].name;
        if (strlen(candidate) == length && memcmp(candidate, name, length) == 0) {
            return &syntax->options[i];
        }
    }
    return NULL;
}

// Takes argv[*index] and, where it has one, its value.
static int take_option(const command_syntax *syntax, int argc, char **argv, int *index) {
    const char *text = argv[*index];
    const char *name = text + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const option *row = strncmp(text, "--", 2) == 0 ? find_option(syntax, name, length) : NULL;
    if (!row) {
        return cli_usage(syntax->command, "unknown option %s", text);
    }
    if (row->kind == OPTION_FLAG) {
        return equals ? cli_usage(syntax->command, "--%s takes no value", row->name)
                      : store(syntax, row, NULL);
    }
    if (equals) {
        return store(syntax, row, equals + 1);
    }
    if (*index + 1 >= argc) {
        return cli_usage(syntax->command, "--%s needs a value", row->name);
    }
    return store(syntax, row, argv[++*index]);
}

bool options_parse(const command_syntax *syntax, int argc, char **argv, int *n_out,
                   int *status_out) {
    int n = 0;
    bool options_end = false;
    *n_out = 0;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        if (options_end || text[0] != '-' || text[1] == 0) {
            argv[1 + n++] = argv[i];
        } else if (strcmp(text, "--") == 0) {
            options_end = true;
        } else if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            print_help(syntax);
            *status_out = CLI_OK;
            return false;
        } else {
            *status_out = take_option(syntax, argc, argv, &i);
            if (*status_out != CLI_OK) {
                return false;
            }
        }
    }
    if (syntax->max_arguments >= 0 && n > syntax->max_arguments) {
        *status_out = cli_usage(syntax->command, "unexpected argument \"%s\"",
                                argv[1 + syntax->max_arguments]);
        return false;
    }
    *n_out = n;
    *status_out = CLI_OK;
    return true;
}
