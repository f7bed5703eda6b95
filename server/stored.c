// stored.c: kept answers: GET and DELETE, their input items, cancel.
#include "stored.h"

#include <stdlib.h>
#include <string.h>

#include "state.h"

static void refuse(http_reply *reply, const problem *problem) {
    reply_problem(reply, &responses_dialect, problem);
}

static bool not_found(const char *id, problem *problem) {
    return problem_set(problem, PROBLEM_NOT_FOUND, "response_id",
                       "Response with id '%s' not found.", id);
}

static bool has_store(const server *s, problem *problem) {
    return s->store ||
           problem_set(problem, PROBLEM_UNSUPPORTED, "response_id", "answers are not kept");
}

// The answer whose id is in the path; false: *problem.
static bool find(server *s, const http_request *from, kept_answer *answer_out, problem *problem) {
    bool found;
    return has_store(s, problem) &&
           store_get(s->store, from->parameter, answer_out, &found, problem) &&
           (found || not_found(from->parameter, problem));
}

void stored_retrieve(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    kept_answer answer = {0};
    const char *stream = http_query(from, "stream");
    if (stream && strcmp(stream, "false")) {
        problem_set(&problem, PROBLEM_UNSUPPORTED, "stream",
                    "stream is not supported: an answer that is kept is complete");
        refuse(reply, &problem);
    } else if (find(s, from, &answer, &problem)) {
        text_add(&reply->body, answer.document, strlen(answer.document));
    } else {
        refuse(reply, &problem);
    }
    kept_answer_clear(&answer);
}

void stored_delete(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    bool found;
    if (has_store(s, &problem) && store_delete(s->store, from->parameter, &found, &problem) &&
        (found || not_found(from->parameter, &problem))) {
        reply_json(reply, json_pack("{s:s, s:s, s:b}", "id", from->parameter, "object", "response",
                                    "deleted", 1));
    } else {
        refuse(reply, &problem);
    }
}

void stored_cancel(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    kept_answer answer = {0};
    if (find(s, from, &answer, &problem)) {
        problem_set(&problem, PROBLEM_INVALID, "response_id",
                    "Cannot cancel a synchronous response.");
    }
    kept_answer_clear(&answer);
    refuse(reply, &problem);
}

// ---- input items ----------------------------------------------------------------------------

typedef struct page {
    int64_t limit;
    bool ascending;
    const char *after, *before; // ids
} page;

static bool read_page(const http_request *from, page *page_out, problem *problem) {
    const char *limit = http_query(from, "limit"), *order = http_query(from, "order");
    char *end = NULL;
    *page_out = (page){20, order && !strcmp(order, "asc"), http_query(from, "after"),
                       http_query(from, "before")};
    if (limit) {
        page_out->limit = strtol(limit, &end, 10);
    }
    if (limit && (end == limit || *end || page_out->limit < 1 || page_out->limit > 100)) {
        return problem_set(problem, PROBLEM_INVALID, "limit", "limit must be 1 to 100");
    }
    return !order || page_out->ascending || !strcmp(order, "desc") ||
           problem_set(problem, PROBLEM_INVALID, "order", "order must be 'asc' or 'desc'");
}

static const char *id_of(const json_t *item) {
    const char *id = json_string_value(json_object_get(item, "id"));
    return id ? id : "";
}

static json_t *id_or_null(const json_t *list, size_t index) {
    const json_t *item = json_array_get(list, index);
    return item ? json_string(id_of(item)) : json_null();
}

// Items between after and before, at most limit of them; NULL when memory ran out.
static json_t *choose(const json_t *all, size_t first, const page *page, problem *problem) {
    json_t *data = json_array();
    size_t n = json_array_size(all) - first;
    bool begun = !page->after, more = false;
    for (size_t i = 0; data && i < n; i++) {
        json_t *item = json_array_get(all, page->ascending ? first + i : first + n - 1 - i);
        if (!begun) {
            begun = !strcmp(id_of(item), page->after);
        } else if (page->before && !strcmp(id_of(item), page->before)) {
            break;
        } else if (json_array_size(data) == (size_t)page->limit) {
            more = true;
            break;
        } else if (json_array_append(data, item)) {
            json_decref(data);
            data = NULL;
        }
    }
    if (!begun) {
        problem_set(problem, PROBLEM_INVALID, "after",
                    "there is no such item after which to go on");
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:b}", "object", "list", "first_id", id_or_null(data, 0),
                     "last_id", id_or_null(data, json_array_size(data) - 1), "data", data,
                     "has_more", (int)more);
}

void stored_input_items(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    kept_answer answer = {0};
    page page;
    json_t *all = NULL, *list = NULL;
    if (read_page(from, &page, &problem) && find(s, from, &answer, &problem)) {
        all = json_loads(answer.conversation, JSON_ALLOW_NUL, NULL);
        list = all ? choose(all, (size_t)answer.n_before, &page, &problem) : NULL;
        if (!list) {
            problem_set(&problem, PROBLEM_FAILED, "", "out of memory");
        }
    }
    if (problem.kind) {
        json_decref(list);
        refuse(reply, &problem);
    } else {
        reply_json(reply, list);
    }
    json_decref(all);
    kept_answer_clear(&answer);
}
