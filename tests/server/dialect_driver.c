// dialect_driver: one dialect as a filter, for tests in Python (dialects.py).
//
// usage: dialect_driver chat|responses|messages|completions
// Reads a JSON object per line: {"request": the body, "events": [synthetic turn events]}; prints
// one per line: {"problem": {"kind", "field", "message", "printed", "in_stream"}} or {"request": as
// it was read, "stream": the server-sent events, "document": the answer as one}. Events are the
// fields of turn_event by name, kinds in lower case ("delta", "reasoning", "stop").
#include "driver_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A dialect adds its row when it lands.
static const dialect *const DIALECTS[] = {
    &chat_dialect,
    &completions_dialect,
    &messages_dialect,
    &responses_dialect,
};

static const dialect *find(const char *name) {
    for (size_t i = 0; i < sizeof(DIALECTS) / sizeof(DIALECTS[0]); i++) {
        if (!strcmp(DIALECTS[i]->name, name)) {
            return DIALECTS[i];
        }
    }
    return NULL;
}

static void die(const char *why) {
    fprintf(stderr, "dialect_driver: %s\n", why);
    exit(1);
}

static json_t *text_value(text *whole) {
    if (whole->failed) {
        die("out of memory");
    }
    json_t *value = json_stringn(whole->data ? whole->data : "", whole->length);
    text_clear(whole);
    if (!value) {
        die("what was printed is not UTF-8");
    }
    return value;
}

static json_t *print_problem(const dialect *d, const problem *p) {
    text plain = {0}, in_stream = {0};
    d->fail(p, false, &plain);
    d->fail(p, true, &in_stream);
    return json_pack("{s:{s:i, s:s, s:s, s:o, s:o}}", "problem", "kind", (int)p->kind, "field",
                     p->field, "message", p->message, "printed", text_value(&plain), "in_stream",
                     text_value(&in_stream));
}

// The same events through a writer of a stream and one of a document.
static void answer(const dialect *d, const answer_head *head, const json_t *events, json_t *out) {
    void *stream = d->open(head), *whole = d->open(head);
    text sent = {0}, document = {0};
    if (!stream || !whole) {
        die("out of memory");
    }
    for (size_t i = 0; i < json_array_size(events); i++) {
        driver_event event;
        if (!driver_event_read(json_array_get(events, i), &event)) {
            die("not an event");
        }
        if (!d->write(stream, &event.event, &sent) || !d->collect(whole, &event.event)) {
            die("the dialect gave up");
        }
        driver_event_clear(&event);
    }
    if (!d->document(whole, &document)) {
        die("no document");
    }
    d->close(stream);
    d->close(whole);
    json_object_set_new(out, "stream", text_value(&sent));
    json_object_set_new(out, "document", text_value(&document));
}

static json_t *run(const dialect *d, const gptoss_tokenizer *tokenizer, const json_t *job) {
    request r;
    problem p = {0};
    request_init(&r);
    json_t *out;
    if (!d->read(json_object_get(job, "request"), &r, &p)) {
        out = print_problem(d, &p);
    } else {
        answer_head head = {
            .created = 1700000000, .model = "gpt-oss-20b", .request = &r, .tokenizer = tokenizer};
        snprintf(head.id, sizeof(head.id), "%s0123456789abcdef", d->id_prefix);
        out = json_pack("{s:o}", "request", driver_request_json(&r));
        if (json_object_get(job, "events")) {
            answer(d, &head, json_object_get(job, "events"), out);
        }
    }
    request_clear(&r);
    return out;
}

int main(int argc, char **argv) {
    const dialect *d = argc == 2 ? find(argv[1]) : NULL;
    gptoss_tokenizer *tokenizer;
    if (!d || gptoss_tokenizer_open(NULL, &tokenizer, NULL)) {
        die("usage: dialect_driver NAME");
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        json_error_t error;
        json_t *job = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, &error);
        json_t *out = job ? run(d, tokenizer, job) : NULL;
        if (!out || json_dumpf(out, stdout, JSON_COMPACT)) {
            die(job ? "out of memory" : error.text);
        }
        putchar('\n');
        fflush(stdout);
        json_decref(job);
        json_decref(out);
    }
    free(line);
    gptoss_tokenizer_close(tokenizer);
    return 0;
}
