// answer.c: drives a dialect: a body becomes a request, a turn's events a stream or a document.
#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"
#include "state.h"

// An answer that is being made.
typedef struct answer {
    server *server;
    const dialect *dialect;
    clients *clients; // client's, which may be NULL
    client *client;
    turn *turn;
    answer_head head;
    void *writer;
    answer_keeper keeper;
} answer;

static void release_keeper(const answer_keeper *keeper) {
    if (keeper && keeper->release) {
        keeper->release(keeper->context);
    }
}

static void end_answer(void *context) {
    answer *a = context;
    if (a->client) {
        clients_watch(a->clients, a->client, NULL);
    }
    if (a->writer) {
        a->dialect->close(a->writer);
    }
    turn_free(a->turn);
    release_keeper(&a->keeper);
    free(a);
}

// Keeps the whole answer, if it is to be kept.
static bool keep(answer *a, problem *problem) {
    text document = {0};
    if (!a->keeper.keep) {
        return true;
    }
    bool good = a->dialect->document(a->writer, &document) && !document.failed
                    ? a->keeper.keep(a->keeper.context, &a->head, &document, problem)
                    : problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    text_clear(&document);
    return good;
}

// The last event of a stream: an error in its place where the answer could not be kept.
static void end_stream(answer *a, text *out) {
    problem problem = {0};
    if (!out->failed && !keep(a, &problem)) {
        text_clear(out);
        a->dialect->fail(&problem, true, out);
    }
}

static bool more_answer(void *context, text *out) {
    answer *a = context;
    turn_event event;
    while (!out->length && !out->failed) {
        if (!turn_next(a->turn, &event)) {
            return false;
        }
        if (!a->dialect->write(a->writer, &event, out)) {
            out->failed = true; // cuts the stream: there is no other way to say so
        }
        if (event.kind == TURN_WAIT && !out->length) {
            text_print(out, ": waiting\n\n"); // a comment: the connection lives
        }
        if (event.kind == TURN_DONE) {
            end_stream(a, out);
            return false;
        }
    }
    return true;
}

// Collects all events. False: *problem says why there is no answer.
static bool collect(answer *a, text *out, problem *problem) {
    turn_event event;
    bool good = true, failed = false;
    while (turn_next(a->turn, &event)) {
        good = good && a->dialect->collect(a->writer, &event);
        if (event.kind == TURN_CHOICE && event.finish == FINISH_FAILED && !failed) {
            failed = true;
            *problem = event.problem;
        }
    }
    if (failed) {
        return false;
    }
    if (!good || !a->dialect->document(a->writer, out) || out->failed) {
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    return !a->keeper.keep || a->keeper.keep(a->keeper.context, &a->head, out, problem);
}

static void add_remarks(const request *request, http_reply *reply) {
    text ignored = {0};
    for (size_t i = 0; i < request->n_ignored; i++) {
        text_print(&ignored, "%s%s", i ? ", " : "", request->ignored[i]);
    }
    if (ignored.length) {
        reply_header(reply, "X-Ignored-Fields", ignored.data);
    }
    text_clear(&ignored);
    for (size_t i = 0; i < request->n_warnings; i++) {
        reply_header(reply, "X-Warning", request->warnings[i]);
    }
}

static void fill_head(answer *a) {
    char letters[33];
    server_random(letters, 24);
    a->head.created = time(NULL);
    a->head.model = a->server->name;
    a->head.request = turn_request(a->turn);
    a->head.tokenizer = a->server->tokenizer;
    snprintf(a->head.id, sizeof(a->head.id), "%s%s", a->dialect->id_prefix, letters);
}

static answer *begin(server *server, const dialect *dialect, const http_request *from,
                     request *request, problem *problem) {
    answer *a = calloc(1, sizeof *a);
    if (!a) {
        request_clear(request);
        problem_set(problem, PROBLEM_FAILED, "", "out of memory");
        return NULL;
    }
    a->server = server;
    a->dialect = dialect;
    if (!turn_start(server, request, &a->turn, problem)) {
        free(a);
        return NULL;
    }
    if (from->client) {
        a->clients = from->clients;
        a->client = from->client;
        clients_watch(a->clients, a->client, a->turn);
    }
    fill_head(a);
    a->writer = dialect->open(&a->head);
    if (!a->writer) {
        problem_set(problem, PROBLEM_FAILED, "", "out of memory");
        end_answer(a);
        return NULL;
    }
    return a;
}

// Who is asking, for fairness: the client's word for its user, else where it comes from.
static bool set_user(request *request, const http_request *from) {
    if (!request->user) {
        request->user = strdup(from->address);
    }
    return request->user != NULL;
}

void answer_request(server *server, const dialect *dialect, const http_request *from,
                    request *request, const answer_keeper *keeper, http_reply *reply) {
    problem problem = {0};
    bool stream = request->stream;
    add_remarks(request, reply);
    if (!set_user(request, from)) {
        request_clear(request);
        release_keeper(keeper);
        problem_set(&problem, PROBLEM_FAILED, "", "out of memory");
        reply_problem(reply, dialect, &problem);
        return;
    }
    answer *a = begin(server, dialect, from, request, &problem);
    if (!a) {
        release_keeper(keeper);
        reply_problem(reply, dialect, &problem);
        return;
    }
    a->keeper = keeper ? *keeper : (answer_keeper){0};
    reply->dialect = dialect->name;
    if (stream) {
        reply->content_type = "text/event-stream";
        text_print(&reply->headers, "Cache-Control: no-cache\nX-Accel-Buffering: no\n");
        reply->more = more_answer;
        reply->end = end_answer;
        reply->context = a;
        return;
    }
    if (!collect(a, &reply->body, &problem)) {
        text_clear(&reply->body);
        reply_problem(reply, dialect, &problem);
    }
    end_answer(a);
}

void answer_post(server *server, const dialect *dialect, const http_request *from,
                 http_reply *reply) {
    problem problem = {0};
    request request;
    request_init(&request);
    json_t *body = body_parse(from->body, from->body_length, &problem);
    bool good = body && dialect->read(body, &request, &problem);
    json_decref(body);
    if (good) {
        answer_request(server, dialect, from, &request, NULL, reply);
    } else {
        request_clear(&request);
        reply_problem(reply, dialect, &problem);
    }
}
