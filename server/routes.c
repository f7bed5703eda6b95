// routes.c: the table of paths, and what every request goes through.
#include "routes.h"

#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "guard.h"
#include "messages_count.h"
#include "page.h"
#include "service.h"
#include "state.h"
#include "stored.h"

typedef struct route {
    const char *method, *path; // "{}" stands for anything without "/", "{*}" for anything
    const dialect *dialect;    // in whose form errors are; answers the route where handle is NULL
    service *handle;
    bool keyless; // answered without the API key
} route;

static const route routes[] = {
    {"POST", "/v1/chat/completions", &chat_dialect, NULL, false},
    {"POST", "/v1/completions", &completions_dialect, NULL, false},
    {"POST", "/v1/messages", &messages_dialect, NULL, false},
    {"POST", "/v1/messages/count_tokens", &messages_dialect, messages_count, false},
    {"POST", "/v1/responses", &responses_dialect, stored_create, false},
    {"GET", "/v1/responses/{}", &responses_dialect, stored_retrieve, false},
    {"DELETE", "/v1/responses/{}", &responses_dialect, stored_delete, false},
    {"GET", "/v1/responses/{}/input_items", &responses_dialect, stored_input_items, false},
    {"POST", "/v1/responses/{}/cancel", &responses_dialect, stored_cancel, false},
    {"GET", "/v1/models", &chat_dialect, service_models, false},
    {"GET", "/v1/models/{*}", &chat_dialect, service_model, false},
    {"POST", "/v1/embeddings", &chat_dialect, service_embeddings, false},
    {"GET", "/health", &chat_dialect, service_health, true},
    {"GET", "/ready", &chat_dialect, service_ready, true},
    {"GET", "/metrics", &chat_dialect, service_metrics, false},
    {"POST", "/tokenize", &chat_dialect, service_tokenize, false},
    {"POST", "/detokenize", &chat_dialect, service_detokenize, false},
    {"POST", "/apply-template", &chat_dialect, service_template, false},
    {"GET", "/", &chat_dialect, page_answer, true},
    {"GET", "/style.css", &chat_dialect, page_answer, true},
    {"GET", "/app.js", &chat_dialect, page_answer, true},
    {"GET", "/markdown.js", &chat_dialect, page_answer, true},
    {"GET", "/icon.svg", &chat_dialect, page_answer, true},
};
enum { N_ROUTES = sizeof(routes) / sizeof(routes[0]) };

// ---- replies --------------------------------------------------------------------------------

void reply_problem(http_reply *reply, const dialect *dialect, const problem *problem) {
    reply->status = problem_status(problem->kind);
    reply->dialect = dialect->name;
    reply->content_type = NULL;
    if (problem->retry_after > 0) {
        text_print(&reply->headers, "Retry-After: %d\n", (int)problem->retry_after);
    }
    if (problem->kind == PROBLEM_KEY) {
        text_print(&reply->headers, "WWW-Authenticate: Bearer\n");
    }
    dialect->fail(problem, false, &reply->body);
}

void reply_json(http_reply *reply, json_t *document) {
    text_json(&reply->body, document);
    json_decref(document);
}

void reply_header(http_reply *reply, const char *name, const char *value) {
    text_print(&reply->headers, "%s: ", name);
    for (; *value; value++) {
        char c = *value >= ' ' && *value < 0x7f ? *value : '?';
        text_add(&reply->headers, &c, 1);
    }
    text_add(&reply->headers, "\n", 1);
}

// ---- finding --------------------------------------------------------------------------------

static bool matches(const char *pattern, const char *path, char *parameter, size_t size) {
    const char *hole = strchr(pattern, '{');
    if (!hole) {
        return strcmp(pattern, path) == 0;
    }
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before) != 0) {
        return false;
    }
    bool any = hole[1] == '*';
    const char *rest = hole + (any ? 3 : 2);
    size_t length = any ? strlen(path + before) : strcspn(path + before, "/");
    if (length == 0 || length >= size || strcmp(path + before + length, rest) != 0) {
        return false;
    }
    memcpy(parameter, path + before, length);
    parameter[length] = 0;
    return true;
}

// The route, or NULL; *any_out is then one with another method, or NULL.
static const route *find(http_request *r, const char *method, const route **any_out) {
    *any_out = NULL;
    for (int i = 0; i < N_ROUTES; i++) {
        if (matches(routes[i].path, r->path, r->parameter, sizeof(r->parameter))) {
            *any_out = &routes[i];
            if (strcmp(routes[i].method, method) == 0) {
                return &routes[i];
            }
        }
    }
    return NULL;
}

static void list_methods(http_request *r, text *out) {
    bool any = false;
    char ignored[sizeof(r->parameter)];
    for (int i = 0; i < N_ROUTES; i++) {
        if (matches(routes[i].path, r->path, ignored, sizeof(ignored))) {
            bool get = strcmp(routes[i].method, "GET") == 0;
            text_print(out, "%s%s%s", any ? ", " : "", routes[i].method, get ? ", HEAD" : "");
            any = true;
        }
    }
    text_print(out, "%sOPTIONS", any ? ", " : "");
}

// ---- answering ------------------------------------------------------------------------------

static void add_cors(const server *s, const http_request *r, http_reply *reply) {
    const char *origin = guard_cors(s, r);
    if (origin) {
        reply_header(reply, "Access-Control-Allow-Origin", origin);
        text_print(&reply->headers, "Vary: Origin\nAccess-Control-Expose-Headers: X-Request-Id, "
                                    "X-Ignored-Fields, X-Warning\n");
    }
}

static void answer_options(http_request *r, http_reply *reply) {
    text methods = {0};
    list_methods(r, &methods);
    reply->status = 204;
    reply_header(reply, "Allow", methods.data ? methods.data : "OPTIONS");
    reply_header(reply, "Access-Control-Allow-Methods", methods.data ? methods.data : "OPTIONS");
    const char *asked = http_header(r, "Access-Control-Request-Headers");
    reply_header(reply, "Access-Control-Allow-Headers",
                 asked ? asked : "Authorization, Content-Type, X-Api-Key");
    text_print(&reply->headers, "Access-Control-Max-Age: 600\n");
    text_clear(&methods);
}

static void refuse_method(http_request *r, const route *any, http_reply *reply) {
    problem problem = {0};
    text methods = {0};
    list_methods(r, &methods);
    reply_header(reply, "Allow", methods.data ? methods.data : "");
    problem_set(&problem, PROBLEM_METHOD, "", "%s is not answered at %s, but %s", r->method,
                r->path, methods.data ? methods.data : "");
    reply_problem(reply, any->dialect, &problem);
    text_clear(&methods);
}

static bool is_plain(const http_request *r, problem *problem) {
    const char *coding = http_header(r, "Content-Encoding");
    return !coding || !*coding || strcmp(coding, "identity") == 0 ||
           problem_set(problem, PROBLEM_UNSUPPORTED, "Content-Encoding",
                       "bodies must come as they are, not as %s", coding);
}

void routes_answer(server *s, http_request *r, http_reply *reply) {
    problem problem = {0};
    const route *any, *found = find(r, strcmp(r->method, "HEAD") == 0 ? "GET" : r->method, &any);
    bool options = strcmp(r->method, "OPTIONS") == 0;
    const dialect *form = any ? any->dialect : &chat_dialect;
    reply->dialect = form->name;
    add_cors(s, r, reply);
    if (!guard_check(s, r, options || (found && found->keyless), &problem)) {
        reply_problem(reply, form, &problem);
    } else if (!any) {
        problem_set(&problem, PROBLEM_NOT_FOUND, "", "there is nothing at %s", r->path);
        reply_problem(reply, form, &problem);
    } else if (options) {
        answer_options(r, reply);
    } else if (!found) {
        refuse_method(r, any, reply);
    } else if (!is_plain(r, &problem)) {
        reply_problem(reply, form, &problem);
    } else if (atomic_load(&s->draining) && !found->handle) {
        problem_set(&problem, PROBLEM_DRAINING, "", "the server is shutting down");
        reply_problem(reply, form, &problem);
    } else if (found->handle) {
        found->handle(s, r, reply);
    } else {
        answer_post(s, found->dialect, r, reply);
    }
}
