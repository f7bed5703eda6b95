// request.c: a request's defaults, its lists and its end; problems.
#include "request.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { MAX_REMARKS = 64 }; // ignored fields and warnings: more tell nobody anything

void request_init(request *r) {
    *r = (request){
        .parallel_calls = true,
        .effort = GPTOSS_EFFORT_MEDIUM,
        .n_choices = 1,
    };
    gptoss_sampling_default(&r->sampling);
}

static void clear_format(format *f) {
    free(f->name);
    free(f->description);
    free(f->text);
}

static void free_strings(char **strings, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(strings[i]);
    }
    free(strings);
}

void request_clear(request *r) {
    for (size_t i = 0; i < r->n_items; i++) {
        free(r->items[i].text);
        free(r->items[i].name);
        free(r->items[i].call_id);
    }
    for (size_t i = 0; i < r->n_tools; i++) {
        free(r->tools[i].name);
        free(r->tools[i].description);
        free(r->tools[i].schema);
        clear_format(&r->tools[i].grammar);
    }
    clear_format(&r->answer);
    free(r->items);
    free(r->tools);
    free(r->bias);
    free(r->ids);
    free_strings(r->stops, r->n_stops);
    request_forget_remarks(r);
    char *strings[] = {r->model,    r->instructions, r->prompt,    r->chosen_tool, r->previous,
                       r->metadata, r->user,         r->cache_key, r->repeated};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        free(strings[i]);
    }
    request_init(r);
}

// Room for one more element behind `count` of them: capacities are the powers of two.
static bool grow(void **list, size_t count, size_t size) {
    if (count & (count - 1)) {
        return true;
    }
    size_t capacity = count ? 2 * count : 1;
    void *larger = capacity < SIZE_MAX / size ? realloc(*list, capacity * size) : NULL;
    if (larger) {
        *list = larger;
    }
    return larger != NULL;
}

// A copy whose zero bytes, which JSON may spell, become U+FFFD.
static char *copy_text(const char *from, size_t length) {
    size_t zeros = 0;
    for (size_t i = 0; i < length; i++) {
        zeros += !from[i];
    }
    char *copy = malloc(length + 2 * zeros + 1), *to = copy;
    if (!copy) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        if (from[i]) {
            *to++ = from[i];
        } else {
            memcpy(to, "\xEF\xBF\xBD", 3);
            to += 3;
        }
    }
    *to = 0;
    return copy;
}

// *to is a copy of from, or NULL where from is; false when memory ran out.
static bool set(char **to, const char *from) {
    *to = from ? strdup(from) : NULL;
    return !from || *to;
}

bool request_add_item(request *r, item_kind kind, const char *text, size_t length, const char *name,
                      const char *call_id) {
    if (!grow((void **)&r->items, r->n_items, sizeof *r->items)) {
        return false;
    }
    item *added = &r->items[r->n_items++];
    *added = (item){.kind = kind};
    text = text ? text : "";
    added->text = copy_text(text, length == SIZE_MAX ? strlen(text) : length);
    return added->text && set(&added->name, name) && set(&added->call_id, call_id);
}

tool *request_add_tool(request *r, tool_kind kind, const char *name) {
    if (!grow((void **)&r->tools, r->n_tools, sizeof *r->tools)) {
        return NULL;
    }
    tool *added = &r->tools[r->n_tools];
    *added = (tool){.kind = kind};
    if (!set(&added->name, name)) {
        return NULL;
    }
    r->n_tools++;
    return added;
}

static bool add_string(char ***list, size_t *count, const char *string) {
    if (!grow((void **)list, *count, sizeof **list) || !set(&(*list)[*count], string)) {
        return false;
    }
    ++*count;
    return true;
}

bool request_add_stop(request *r, const char *stop) {
    return add_string(&r->stops, &r->n_stops, stop);
}

bool request_ignore(request *r, const char *field) {
    return r->n_ignored >= MAX_REMARKS || add_string(&r->ignored, &r->n_ignored, field);
}

void request_forget_remarks(request *r) {
    free_strings(r->ignored, r->n_ignored);
    free_strings(r->warnings, r->n_warnings);
    r->ignored = r->warnings = NULL;
    r->n_ignored = r->n_warnings = 0;
}

// A string that quotes what came, or was cut anywhere, becomes UTF-8: each other byte a '?'.
static void make_whole(char *string) {
    for (size_t left = strlen(string); left;) {
        int taken = utf8_character(string, left);
        size_t n = taken > 0 ? (size_t)taken : taken < 0 ? (size_t)-taken : left;
        if (taken <= 0) {
            memset(string, '?', n);
        }
        string += n;
        left -= n;
    }
}

bool request_warn(request *r, const char *words, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, words);
    vsnprintf(line, sizeof(line), words, arguments);
    va_end(arguments);
    make_whole(line);
    return r->n_warnings >= MAX_REMARKS || add_string(&r->warnings, &r->n_warnings, line);
}

int problem_status(problem_kind kind) {
    static const int statuses[] = {
        [PROBLEM_NONE] = 200,      [PROBLEM_INVALID] = 400,  [PROBLEM_UNSUPPORTED] = 400,
        [PROBLEM_TOO_LONG] = 400,  [PROBLEM_KEY] = 401,      [PROBLEM_FORBIDDEN] = 403,
        [PROBLEM_NOT_FOUND] = 404, [PROBLEM_METHOD] = 405,   [PROBLEM_TOO_LARGE] = 413,
        [PROBLEM_BUSY] = 429,      [PROBLEM_DRAINING] = 503, [PROBLEM_FAILED] = 500,
    };
    return statuses[kind];
}

bool problem_set(problem *p, problem_kind kind, const char *field, const char *words, ...) {
    p->kind = kind;
    snprintf(p->field, sizeof(p->field), "%s", field ? field : "");
    make_whole(p->field);
    va_list arguments;
    va_start(arguments, words);
    vsnprintf(p->message, sizeof(p->message), words, arguments);
    va_end(arguments);
    make_whole(p->message);
    return false;
}
