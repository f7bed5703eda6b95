// stored_create.c: POST /v1/responses: what came before is fetched, and the answer is kept.
#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "body.h"
#include "responses.h"
#include "state.h"

// The answer that is to be made.
typedef struct making {
    store *store;
    json_t *before; // items of earlier answers
    kept_answer kept;
} making;

static void release(void *context) {
    making *m = context;
    json_decref(m->before);
    kept_answer_clear(&m->kept);
    free(m);
}

static bool keep(void *context, const answer_head *head, text *document, problem *problem) {
    making *m = context;
    kept_answer whole = m->kept;
    whole.document = document->data;
    return store_put(m->store, head->id, &whole, problem);
}

static bool no_memory(problem *problem) {
    return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
}

// ---- what came before -----------------------------------------------------------------------

// The conversation up to and with the kept answer.
static json_t *whole_conversation(const kept_answer *answer) {
    json_t *items = json_loads(answer->conversation, JSON_ALLOW_NUL, NULL);
    json_t *document = json_loads(answer->document, JSON_ALLOW_NUL, NULL);
    if (!items || !document || json_array_extend(items, json_object_get(document, "output"))) {
        json_decref(items);
        items = NULL;
    }
    json_decref(document);
    return items;
}

static bool fetch(store *s, const char *id, json_t **items_out, bool *found_out, problem *problem) {
    kept_answer answer;
    if (!store_get(s, id, &answer, found_out, problem)) {
        return false;
    }
    if (*found_out) {
        *items_out = whole_conversation(&answer);
    }
    kept_answer_clear(&answer);
    return !*found_out || *items_out || no_memory(problem);
}

static bool fetch_previous(server *s, const json_t *body, making *m, problem *problem) {
    const char *id = json_string_value(json_object_get(body, "previous_response_id"));
    bool found = true;
    if (!id) {
        m->before = json_array();
        return m->before || no_memory(problem);
    }
    if (!s->store) {
        return problem_set(problem, PROBLEM_UNSUPPORTED, "previous_response_id",
                           "previous_response_id is not supported: answers are not kept, send the "
                           "conversation as input");
    }
    return fetch(s->store, id, &m->before, &found, problem) &&
           (found || problem_set(problem, PROBLEM_INVALID, "previous_response_id",
                                 "Previous response with id '%s' not found.", id));
}

// {"type": "item_reference", "id": "msg_LETTERS_0"} becomes the item of resp_LETTERS; one that is
// not found stays, and the dialect tells.
static bool follow(store *s, json_t *input, size_t index, problem *problem) {
    const char *id = json_string_value(json_object_get(json_array_get(input, index), "id"));
    const char *from = id ? strchr(id, '_') : NULL;
    const char *to = from ? strchr(from + 1, '_') : NULL;
    char answer[64];
    json_t *items = NULL, *item;
    bool found;
    if (!to || to - from > 40) {
        return true;
    }
    snprintf(answer, sizeof(answer), "%s%.*s", responses_dialect.id_prefix, (int)(to - from - 1),
             from + 1);
    if (!fetch(s, answer, &items, &found, problem)) {
        return false;
    }
    size_t i;
    json_array_foreach(items, i, item) {
        const char *name = json_string_value(json_object_get(item, "id"));
        if (name && !strcmp(name, id)) {
            json_array_set(input, index, item);
            break;
        }
    }
    json_decref(items);
    return true;
}

static bool follow_references(server *s, json_t *body, problem *problem) {
    json_t *input = json_object_get(body, "input");
    for (size_t i = 0; s->store && i < json_array_size(input); i++) {
        const json_t *item = json_array_get(input, i);
        const char *type = json_string_value(json_object_get(item, "type"));
        bool refers = type ? !strcmp(type, "item_reference")
                           : json_object_get(item, "id") && !json_object_get(item, "role");
        if (refers && !follow(s->store, input, i, problem)) {
            return false;
        }
    }
    return true;
}

// Earlier items first; what there was to remark of them was told then.
static bool read_before(const json_t *before, request *r, problem *problem) {
    if (!json_array_size(before)) {
        return true;
    }
    fields in;
    json_t *object = json_pack("{s:O}", "input", before);
    bool good = object ? fields_open(&in, object, problem, "%s", "") && responses_read_input(&in, r)
                       : no_memory(problem);
    json_decref(object);
    request_forget_remarks(r);
    return good;
}

// ---- what is kept ---------------------------------------------------------------------------

static const char *prefix_of(const char *type) {
    static const char *const prefixes[][2] = {
        {"message", "msg"},          {"reasoning", "rs"},
        {"function_call", "fc"},     {"function_call_output", "fco"},
        {"custom_tool_call", "ctc"}, {"custom_tool_call_output", "ctco"},
    };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (!strcmp(type, prefixes[i][0])) {
            return prefixes[i][1];
        }
    }
    return "item";
}

// "content": "words" -> [{"type": "input_text", "text": "words"}]
static bool set_parts(json_t *message) {
    json_t *content = json_object_get(message, "content");
    if (!json_is_string(content)) {
        return true;
    }
    const char *role = json_string_value(json_object_get(message, "role"));
    bool spoken = role && !strcmp(role, "assistant");
    json_t *parts = spoken ? json_pack("[{s:s, s:O, s:[]}]", "type", "output_text", "text", content,
                                       "annotations")
                           : json_pack("[{s:s, s:O}]", "type", "input_text", "text", content);
    return !json_object_set_new(message, "content", parts);
}

// An item with the fields that one has when it is listed.
static json_t *listed_item(const json_t *given, const char *letters, size_t number) {
    json_t *item = json_deep_copy(given);
    const char *type = json_string_value(json_object_get(item, "type"));
    bool good = item && (type || !json_object_set_new(item, "type", json_string("message")));
    type = good ? json_string_value(json_object_get(item, "type")) : NULL;
    const char *prefix = type ? prefix_of(type) : "";
    good = type && (strcmp(type, "message") || set_parts(item));
    if (good && !json_is_string(json_object_get(item, "id"))) {
        char id[96];
        snprintf(id, sizeof(id), "%s_%s_in%zu", prefix, letters, number);
        good = !json_object_set_new(item, "id", json_string(id));
    }
    if (good && !json_object_get(item, "status") && strcmp(prefix, "rs") &&
        strcmp(prefix, "item")) {
        good = !json_object_set_new(item, "status", json_string("completed"));
    }
    if (!good) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static bool append_input(json_t *items, const json_t *input) {
    char letters[25];
    server_random(letters, 24);
    if (json_is_string(input)) {
        json_t *message =
            json_pack("{s:s, s:s, s:O}", "type", "message", "role", "user", "content", input);
        json_t *item = message ? listed_item(message, letters, 0) : NULL;
        json_decref(message);
        return item && !json_array_append_new(items, item);
    }
    for (size_t i = 0; i < json_array_size(input); i++) {
        json_t *item = listed_item(json_array_get(input, i), letters, i);
        if (!item || json_array_append_new(items, item)) {
            return false;
        }
    }
    return true;
}

// The conversation as it will be kept, once the body was read and found good.
static bool prepare(making *m, const json_t *body, problem *problem) {
    m->kept.n_before = (int64_t)json_array_size(m->before);
    if (!append_input(m->before, json_object_get(body, "input"))) {
        return no_memory(problem);
    }
    m->kept.conversation = json_copy_text(m->before);
    return m->kept.conversation || no_memory(problem);
}

// ---- the whole ------------------------------------------------------------------------------

static bool read(server *s, json_t *body, request *r, making *m, problem *problem) {
    if (!fetch_previous(s, body, m, problem) || !follow_references(s, body, problem) ||
        !read_before(m->before, r, problem) || !responses_dialect.read(body, r, problem)) {
        return false;
    }
    if (!s->store && r->store && json_is_true(json_object_get(body, "store")) &&
        !request_ignore(r, "store")) {
        return no_memory(problem);
    }
    r->store = r->store && s->store;
    return !r->store || prepare(m, body, problem);
}

void stored_create(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    request request;
    request_init(&request);
    making *m = calloc(1, sizeof *m);
    json_t *body = m ? body_parse(from->body, from->body_length, &problem) : NULL;
    bool good = m ? body && read(s, body, &request, m, &problem) : no_memory(&problem);
    json_decref(body);
    if (good) {
        m->store = s->store;
        answer_keeper keeper = {request.store ? keep : NULL, release, m};
        answer_request(s, &responses_dialect, from, &request, &keeper, reply);
        return;
    }
    if (m) {
        release(m);
    }
    request_clear(&request);
    reply_problem(reply, &responses_dialect, &problem);
}
