// body.c: JSON as clients send it, made such that a strict reader takes it.
#include "body.h"

#include <string.h>

#include "text.h"

typedef struct scanner {
    const char *text;
    size_t at, length;
    size_t copied; // up to here everything is in out
    int depth;
    bool changed;
    text out;
} scanner;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Puts words in the place of text[from .. to - 1].
static void replace(scanner *s, size_t from, size_t to, const char *words) {
    text_add(&s->out, s->text + s->copied, from - s->copied);
    text_add(&s->out, words, strlen(words));
    s->copied = to;
    s->changed = true;
}

// The UTF-16 unit of "\uXXXX" at this place, or -1.
static int unit_at(const scanner *s, size_t at) {
    int unit = 0;
    if (at + 6 > s->length || s->text[at] != '\\' || s->text[at + 1] != 'u') {
        return -1;
    }
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = s->text[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        unit = 16 * unit + digit;
    }
    return unit;
}

static void scan_escape(scanner *s) {
    int unit = unit_at(s, s->at);
    if (unit < 0xD800 || unit > 0xDFFF) {
        s->at += 2;
        return;
    }
    int next = unit_at(s, s->at + 6);
    if (unit < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
        s->at += 12;
        return;
    }
    replace(s, s->at, s->at + 6, "\\ufffd");
    s->at += 6;
}

static void scan_string(scanner *s) {
    s->at++;
    while (s->at < s->length && s->text[s->at] != '"') {
        if (s->text[s->at] == '\\') {
            scan_escape(s);
        } else {
            s->at++;
        }
    }
    s->at++;
}

static void scan_number(scanner *s) {
    enum { SAFE_DIGITS = 18 };
    size_t start = s->at;
    while (s->at < s->length && is_digit(s->text[s->at])) {
        s->at++;
    }
    char next = s->at < s->length ? s->text[s->at] : 0;
    bool whole = next != '.' && next != 'e' && next != 'E';
    if (whole && s->at - start > SAFE_DIGITS) {
        replace(s, s->at, s->at, ".0");
    }
    while (s->at < s->length && strchr("+-.eE0123456789", s->text[s->at]) && s->text[s->at]) {
        s->at++;
    }
}

static bool scan(scanner *s) {
    while (s->at < s->length) {
        char c = s->text[s->at];
        if (c == '"') {
            scan_string(s);
        } else if (is_digit(c)) {
            scan_number(s);
        } else {
            s->depth += (c == '[' || c == '{') - (c == ']' || c == '}');
            if (s->depth > BODY_DEPTH) {
                return false;
            }
            s->at++;
        }
    }
    return true;
}

json_t *body_parse(const char *body, size_t length, problem *problem) {
    scanner s = {.text = body, .length = length};
    json_t *json = NULL;
    json_error_t error;
    if (!scan(&s)) {
        problem_set(problem, PROBLEM_INVALID, "", "the JSON body is nested deeper than %d",
                    BODY_DEPTH);
        goto cleanup;
    }
    if (s.changed) {
        text_add(&s.out, body + s.copied, length - s.copied);
    }
    if (s.out.failed) {
        problem_set(problem, PROBLEM_FAILED, "", "out of memory");
        goto cleanup;
    }
    json = json_loadb(s.changed ? s.out.data : body, s.changed ? s.out.length : length,
                      JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        bool memory = json_error_code(&error) == json_error_out_of_memory;
        problem_set(problem, memory ? PROBLEM_FAILED : PROBLEM_INVALID, "",
                    "the body is not JSON: line %d, column %d: %s", error.line, error.column,
                    error.text);
    } else if (!json_is_object(json)) {
        problem_set(problem, PROBLEM_INVALID, "", "the body must be a JSON object");
        json_decref(json);
        json = NULL;
    }
cleanup:
    text_clear(&s.out);
    return json;
}
