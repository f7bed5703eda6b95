// tool.c: runs a user's program as a tool: fork, exec, pipes with a deadline.
#define _GNU_SOURCE // pipe2
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"

enum { RESULT_LIMIT = 1 << 20 };

typedef struct tool_process {
    pid_t id;
    int input, output; // our ends; -1 when closed
} tool_process;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool result_error(text_buffer *result, const char *what) {
    buffer_clear(result);
    return buffer_add(result, "{\"error\":") && buffer_json_string(result, what) &&
           buffer_add(result, "}");
}

static void close_end(int *descriptor) {
    if (*descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
}

static void run_in_child(const char *program, const char *name, int input, int out) {
    dup2(input, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    char *arguments[] = {(char *)program, (char *)name, NULL};
    execvp(program, arguments);
    _exit(127);
}

static bool start(const char *program, const char *name, tool_process *child) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0) {
        return false;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    pid_t id = fork();
    if (id == 0) {
        run_in_child(program, name, in[0], out[1]);
    }
    close(in[0]);
    close(out[1]);
    child->id = id;
    child->input = in[1];
    child->output = out[0];
    if (id < 0) {
        close_end(&child->input);
        close_end(&child->output);
        return false;
    }
    fcntl(child->input, F_SETFL, O_NONBLOCK);
    fcntl(child->output, F_SETFL, O_NONBLOCK);
    return true;
}

// Writes what the pipe takes; closes it when all is written or the child does not want it.
static void feed(tool_process *child, const text_buffer *arguments, size_t *written) {
    ssize_t n = write(child->input, arguments->data + *written, arguments->length - *written);
    if (n > 0) {
        *written += (size_t)n;
    }
    bool refused = n < 0 && errno != EAGAIN && errno != EINTR;
    if (refused || *written == arguments->length) {
        close_end(&child->input);
    }
}

// Moves bytes until the child closes its stdout. NULL, or why it had to end.
static const char *converse(tool_process *child, const text_buffer *arguments, double deadline,
                            text_buffer *result) {
    char buffer[4096];
    size_t written = 0;
    if (arguments->length == 0) {
        close_end(&child->input);
    }
    for (;;) {
        double left = deadline - now();
        if (interrupt_seen()) {
            return "interrupted";
        }
        if (left <= 0) {
            return "the tool took too long";
        }
        struct pollfd ends[2] = {{child->output, POLLIN, 0}, {child->input, POLLOUT, 0}};
        if (poll(ends, child->input >= 0 ? 2 : 1, left > 60 ? 60000 : (int)(left * 1000) + 1) < 0) {
            continue; // EINTR: asked above
        }
        if (child->input >= 0 && ends[1].revents) {
            feed(child, arguments, &written);
        }
        if (!ends[0].revents) {
            continue;
        }
        ssize_t n = read(child->output, buffer, sizeof(buffer));
        if (n == 0) {
            return NULL;
        }
        if (n > 0 && (result->length + (size_t)n > RESULT_LIMIT ||
                      !buffer_append(result, buffer, (size_t)n))) {
            return "the tool's output is too long";
        }
    }
}

// Waits until the deadline, then ends it. Returns the exit status, 128 + signal for a signal.
static int finish(tool_process *child, double deadline) {
    int status = 0;
    for (;;) {
        pid_t id = waitpid(child->id, &status, WNOHANG);
        if (id == child->id || (id < 0 && errno != EINTR)) {
            break;
        }
        if (now() >= deadline) {
            kill(child->id, SIGKILL);
            deadline += 1e9; // killed: it will end, wait for it
        }
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool tool_run(const char *program, const char *name, const text_buffer *arguments, int32_t seconds,
              text_buffer *result) {
    tool_process child = {-1, -1, -1};
    double deadline = now() + seconds;
    buffer_clear(result);
    if (!buffer_append(result, "", 0)) {
        return false;
    }
    if (!start(program, name, &child)) {
        return result_error(result, "the tool could not be started");
    }
    const char *why = converse(&child, arguments, deadline, result);
    close_end(&child.input);
    close_end(&child.output);
    int status = finish(&child, why ? now() : deadline);
    char message[96];
    if (!why && status == 127) {
        why = "the tool's program could not be started";
    } else if (!why && status != 0) {
        snprintf(message, sizeof(message), "the tool ended with exit status %d", status);
        why = message;
    }
    if (why) {
        return result_error(result, why);
    }
    while (result->length && result->data[result->length - 1] == '\n') {
        result->data[--result->length] = 0;
    }
    return true;
}
