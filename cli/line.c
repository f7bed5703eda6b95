// line.c: one line from the person: libedit on a terminal, plain reading elsewhere.
#include "line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"

#ifdef GPTOSS_HAVE_LIBEDIT
#include <histedit.h>
#endif

struct line_reader {
    bool terminal; // stdin and stdout both are
    const char *prompt;
    char *plain; // getline's
    size_t plain_size;
#ifdef GPTOSS_HAVE_LIBEDIT
    EditLine *edit;
    History *history;
    text_buffer history_path; // empty: not kept
#endif
};

#ifdef GPTOSS_HAVE_LIBEDIT
enum { HISTORY_LINES = 1000 };

static char *prompt_of(EditLine *edit) {
    line_reader *reader = NULL;
    el_get(edit, EL_CLIENTDATA, &reader);
    return (char *)reader->prompt;
}

// $XDG_STATE_HOME/gptoss/history, else ~/.local/state/gptoss/history; its folders are made.
static void find_history(text_buffer *path) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool ok = state && state[0] == '/'
                  ? buffer_add(path, state)
                  : home && *home && buffer_add(path, home) && buffer_add(path, "/.local/state");
    ok = ok && buffer_add(path, "/gptoss");
    for (char *slash = ok ? strchr(path->data + 1, '/') : NULL; slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path->data, 0755);
        *slash = '/';
    }
    if (!ok || (mkdir(path->data, 0700) != 0 && errno != EEXIST) || !buffer_add(path, "/history")) {
        buffer_clear(path);
    }
}

static void open_edit(line_reader *reader) {
    HistEvent event;
    reader->edit = el_init("gptoss", stdin, stdout, stderr);
    reader->history = history_init();
    if (!reader->edit || !reader->history) {
        return;
    }
    el_set(reader->edit, EL_CLIENTDATA, reader);
    el_set(reader->edit, EL_PROMPT, prompt_of);
    el_set(reader->edit, EL_EDITOR, "emacs");
    el_set(reader->edit, EL_SIGNAL, 1);
    history(reader->history, &event, H_SETSIZE, HISTORY_LINES);
    history(reader->history, &event, H_SETUNIQUE, 1);
    el_set(reader->edit, EL_HIST, history, reader->history);
    el_set(reader->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    find_history(&reader->history_path);
    if (reader->history_path.length) {
        history(reader->history, &event, H_LOAD, reader->history_path.data);
    }
}

static void close_edit(line_reader *reader) {
    HistEvent event;
    if (reader->history && reader->history_path.length) {
        history(reader->history, &event, H_SAVE, reader->history_path.data);
        chmod(reader->history_path.data, 0600);
    }
    if (reader->edit) {
        el_end(reader->edit);
    }
    if (reader->history) {
        history_end(reader->history);
    }
    buffer_free(&reader->history_path);
}
#endif

line_reader *line_open(void) {
    line_reader *reader = calloc(1, sizeof(*reader));
    if (!reader) {
        return NULL;
    }
    reader->terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
#ifdef GPTOSS_HAVE_LIBEDIT
    if (reader->terminal) {
        open_edit(reader);
    }
#endif
    return reader;
}

// One physical line, borrowed; NULL at the end or on Ctrl-C.
static const char *read_physical(line_reader *reader, const char *prompt, size_t *length) {
    errno = 0;
#ifdef GPTOSS_HAVE_LIBEDIT
    if (reader->edit && reader->history) {
        int n = 0;
        reader->prompt = prompt;
        const char *line = el_gets(reader->edit, &n);
        if (!line || n <= 0) {
            return NULL;
        }
        *length = (size_t)n;
        return line;
    }
#endif
    if (reader->terminal) {
        fputs(prompt, stdout);
        fflush(stdout);
    }
    ssize_t n = getline(&reader->plain, &reader->plain_size, stdin);
    if (n <= 0) {
        return NULL;
    }
    *length = (size_t)n;
    return reader->plain;
}

line_result line_read(line_reader *reader, const char *prompt, bool remember, text_buffer *line) {
    buffer_clear(line);
    bool more = true;
    while (more) {
        size_t n = 0;
        const char *part = read_physical(reader, prompt, &n);
        if (!part) {
            bool interrupted = interrupt_seen();
            if (interrupted) {
                clearerr(stdin);
                return LINE_INTERRUPTED;
            }
            return line->length ? LINE_READ : LINE_END;
        }
        while (n && (part[n - 1] == '\n' || part[n - 1] == '\r')) {
            n--;
        }
        more = n && part[n - 1] == '\\';
        if (!buffer_append(line, part, n - more) || (more && !buffer_append(line, "\n", 1))) {
            return LINE_FAILED;
        }
        prompt = "… ";
    }
#ifdef GPTOSS_HAVE_LIBEDIT
    if (remember && reader->history && line->length) {
        HistEvent event;
        history(reader->history, &event, H_ENTER, line->data);
    }
#else
    (void)remember;
#endif
    return LINE_READ;
}

void line_close(line_reader *reader) {
    if (!reader) {
        return;
    }
#ifdef GPTOSS_HAVE_LIBEDIT
    close_edit(reader);
#endif
    free(reader->plain);
    free(reader);
}
