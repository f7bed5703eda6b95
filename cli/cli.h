// cli.h: what every subcommand shares: its entry point, and how it ends with an error.
//
// Contract with scripts: an error is exactly one line on stderr that begins with "gptoss:"; the
// exit status is 0, 1 for an error, 2 for a wrong command line, 130 after Ctrl-C. Never a signal.
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <gptoss/gptoss.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

// Prints the line and returns CLI_FAILED. Control characters in it become '?'.
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The same for the library's errors; CLI_INTERRUPTED without a line when it was cancelled by
// Ctrl-C.
int cli_fail_with(const gptoss_error *error);
// The same for a wrong command line: adds where to look and returns CLI_USAGE.
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

// One per subcommand; argv[0] is the subcommand's name.
int command_run(int argc, char **argv);
int command_chat(int argc, char **argv);
int command_serve(int argc, char **argv); // where libmicrohttpd is
int command_inspect(int argc, char **argv);
int command_tokenize(int argc, char **argv);
int command_detokenize(int argc, char **argv);
int command_harmony(int argc, char **argv);
int command_logits(int argc, char **argv);
int command_generate(int argc, char **argv);
int command_bench(int argc, char **argv);

#endif
