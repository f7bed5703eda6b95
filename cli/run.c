// run.c: gptoss run: one question and its answer; without a question a chat.
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "cli.h"
#include "input.h"
#include "output.h"
#include "talk.h"

// Joins the arguments with blanks; "-" stands for what stdin holds.
static int join_prompt(char **words, int n, text_buffer *prompt) {
    for (int i = 0; i < n; i++) {
        bool ok = i == 0 || buffer_append(prompt, " ", 1);
        if (strcmp(words[i], "-") == 0) {
            text_buffer content = {0};
            int status = input_stdin(&content);
            if (status != CLI_OK) {
                return status;
            }
            ok = ok && buffer_append(prompt, content.data, content.length);
            buffer_free(&content);
        } else {
            ok = ok && buffer_add(prompt, words[i]);
        }
        if (!ok) {
            return cli_fail("out of memory");
        }
    }
    return CLI_OK;
}

// The question: the arguments, or all of a pipe without its last newlines.
static int find_prompt(char **words, int n, text_buffer *prompt) {
    if (n > 0) {
        return join_prompt(words, n, prompt);
    }
    int status = input_stdin(prompt);
    while (status == CLI_OK && prompt->length && prompt->data[prompt->length - 1] == '\n') {
        prompt->data[--prompt->length] = 0;
    }
    return status;
}

int command_run(int argc, char **argv) {
    talk_state talk;
    talk_default(&talk);
    int n, status;
    if (!talk_parse(
            &talk, "run", "[PROMPT]",
            "Answers a question, given here or through a pipe; without one, chats.\n"
            "In a prompt, - stands for what stdin holds: gptoss run \"Summarise:\" - < file\n"
            "In a pipe only the final answer is written.",
            -1, argc, argv, &n, &status)) {
        return status;
    }
    text_buffer prompt = {0};
    bool chat = n == 0 && isatty(STDIN_FILENO) == 1;
    if (!chat) {
        status = find_prompt(argv + 1, n, &prompt);
        if (status == CLI_OK && prompt.length == 0) {
            status = cli_usage("run", "the prompt is empty");
        }
    }
    if (status == CLI_OK && (status = talk_open(&talk)) == CLI_OK) {
        status = chat ? chat_session(&talk)
                      : output_finish(&talk.show.out, talk_ask(&talk, prompt.data, prompt.length));
    }
    talk_close(&talk);
    buffer_free(&prompt);
    return status;
}
