// terminal.c: colours, safe text, a progress line.
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

bool terminal_is(FILE *file) {
    return isatty(fileno(file)) == 1;
}

bool terminal_has_colour(FILE *file) {
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    return terminal_is(file) && !(no_colour && *no_colour) && kind && strcmp(kind, "dumb") != 0;
}

void terminal_style_set(output_file *o, terminal_style style) {
    static const char *const codes[] = {
        [STYLE_PLAIN] = "\033[0m",
        [STYLE_DIM] = "\033[2m",
        [STYLE_CALL] = "\033[36m",
        [STYLE_LABEL] = "\033[2;3m",
    };
    output_string(o, codes[style]);
}

// Bytes of the control character at data, 0 when it is none. U+0080..U+009F control too.
static size_t control_length(const char *data, size_t length) {
    unsigned char c = (unsigned char)data[0];
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
        return 1;
    }
    return c == 0xc2 && length > 1 && (unsigned char)data[1] < 0xa0 ? 2 : 0;
}

void terminal_text(output_file *o, const char *data, size_t length) {
    size_t begin = 0, i = 0;
    while (i < length) {
        size_t whole = buffer_character(data + i, length - i);
        size_t bad = whole ? control_length(data + i, length - i) : 1;
        if (bad) {
            output_write(o, data + begin, i - begin);
            output_string(o, "\xef\xbf\xbd");
            begin = i + bad;
        }
        i += bad ? bad : whole;
    }
    output_write(o, data + begin, length - begin);
}

void terminal_progress(const char *what, double share) {
    if (!terminal_is(stderr)) {
        return;
    }
    if (share < 0) {
        fprintf(stderr, "\r\033[K");
    } else {
        fprintf(stderr, "\r\033[K%s %.0f %%", what, share * 100);
    }
    fflush(stderr);
}
