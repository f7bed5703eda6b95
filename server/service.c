// service.c: models, health, metrics, tokens.
#include "service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "body.h"
#include "fields.h"
#include "logprobs.h"
#include "prompt.h"
#include "state.h"
#include "utf8.h"

static void refuse(http_reply *reply, const problem *problem) {
    reply_problem(reply, &chat_dialect, problem);
}

// ---- health ---------------------------------------------------------------------------------

void service_health(server *s, const http_request *from, http_reply *reply) {
    (void)s;
    (void)from;
    reply_json(reply, json_pack("{s:s}", "status", "ok"));
}

void service_ready(server *s, const http_request *from, http_reply *reply) {
    (void)from;
    bool draining = atomic_load(&s->draining);
    reply_json(reply, json_pack("{s:s}", "status", draining ? "draining" : "ready"));
    reply->status = draining ? 503 : 200;
}

void service_metrics(server *s, const http_request *from, http_reply *reply) {
    (void)from;
    int32_t running, waiting;
    queue_count(&s->queue, &running, &waiting);
    gptoss_totals kept;
    gptoss_model_stats(s->model, &kept);
    metrics_print(&s->metrics, running, waiting, &kept, &reply->body);
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

// ---- models ---------------------------------------------------------------------------------

// With the fields of OpenAI's form, Anthropic's, and what other local servers add.
static json_t *model_object(const server *s) {
    char created[32] = "";
    time_t started = (time_t)s->started;
    struct tm utc;
    if (gmtime_r(&started, &utc)) {
        strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:i, s:i}", "id", s->name, "object",
                     "model", "created", (json_int_t)s->started, "owned_by", "gpt-oss.c", "type",
                     "model", "display_name", s->name, "created_at", created, "max_model_len",
                     (int)s->plan.context, "context_length", (int)s->plan.context);
}

void service_models(server *s, const http_request *from, http_reply *reply) {
    (void)from;
    reply_json(reply,
               json_pack("{s:s, s:[o], s:b, s:s, s:s}", "object", "list", "data", model_object(s),
                         "has_more", 0, "first_id", s->name, "last_id", s->name));
}

void service_model(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    if (strcmp(from->parameter, s->name) == 0) {
        reply_json(reply, model_object(s));
        return;
    }
    problem_set(&problem, PROBLEM_NOT_FOUND, "model", "The model '%s' does not exist: here is '%s'",
                from->parameter, s->name);
    refuse(reply, &problem);
}

void service_embeddings(server *s, const http_request *from, http_reply *reply) {
    (void)from;
    problem problem = {0};
    problem_set(&problem, PROBLEM_NOT_FOUND, "model",
                "'%s' makes no embeddings: gpt-oss models only generate text", s->name);
    refuse(reply, &problem);
}

// ---- tokens ---------------------------------------------------------------------------------

static json_t *ids_array(const int32_t *ids, size_t n_ids) {
    json_t *array = json_array();
    for (size_t i = 0; array && i < n_ids; i++) {
        if (json_array_append_new(array, json_integer(ids[i]))) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static void reply_tokens(const server *s, const int32_t *ids, size_t n_ids, http_reply *reply) {
    reply_json(reply, json_pack("{s:o, s:I, s:i}", "tokens", ids_array(ids, n_ids), "count",
                                (json_int_t)n_ids, "max_model_len", (int)s->plan.context));
}

// {"prompt" | "content" | "text": words, "special": whether "<|end|>" in them is the token}
void service_tokenize(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    fields body;
    const char *words = NULL;
    bool special = false;
    gptoss_error error = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0;
    json_t *json = body_parse(from->body, from->body_length, &problem);
    bool good = json && fields_open(&body, json, &problem, "%s", "") &&
                fields_string(&body, "text", &words) && fields_string(&body, "content", &words) &&
                fields_string(&body, "prompt", &words) && fields_bool(&body, "special", &special);
    if (good && !words) {
        good = problem_set(&problem, PROBLEM_INVALID, "prompt", "must be a string");
    }
    if (good && gptoss_encode(s->tokenizer, words, strlen(words), special, &ids, &n_ids, &error)) {
        good = problem_set(&problem, PROBLEM_INVALID, "prompt", "%s", error.message);
    }
    if (good) {
        reply_tokens(s, ids, n_ids, reply);
    } else {
        refuse(reply, &problem);
    }
    gptoss_free(ids);
    json_decref(json);
}

// The text of ids; broken UTF-8 becomes U+FFFD, as in any stream.
static json_t *text_of(const server *s, const int32_t *ids, size_t n_ids, problem *problem) {
    char *bytes = NULL;
    size_t length = 0;
    gptoss_error error = {0};
    if (gptoss_decode(s->tokenizer, ids, n_ids, &bytes, &length, &error)) {
        problem_set(problem, PROBLEM_INVALID, "tokens", "%s", error.message);
        return NULL;
    }
    text whole = {0};
    utf8_add(&whole, bytes, length, true);
    gptoss_free(bytes);
    json_t *string = whole.failed ? NULL : json_stringn(whole.data ? whole.data : "", whole.length);
    text_clear(&whole);
    if (!string) {
        problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    return string;
}

// The text of each id by itself.
static json_t *pieces_of(const server *s, const int32_t *ids, size_t n_ids) {
    json_t *array = json_array();
    for (size_t i = 0; array && i < n_ids; i++) {
        if (json_array_append_new(array, logprobs_token(s->tokenizer, ids[i]))) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static bool read_ids(const json_t *array, int32_t **ids_out, problem *problem) {
    size_t n = json_array_size(array);
    int32_t *ids = *ids_out = malloc((n + 1) * sizeof *ids);
    if (!ids) {
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        json_t *id = json_array_get(array, i);
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) > INT32_MAX) {
            return problem_set(problem, PROBLEM_INVALID, "tokens", "number %zu is no token id", i);
        }
        ids[i] = (int32_t)json_integer_value(id);
    }
    return true;
}

// {"tokens": ids, "pieces": whether the text of each of them is wanted too}
void service_detokenize(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    fields body;
    const json_t *array = NULL;
    json_t *words = NULL, *json = body_parse(from->body, from->body_length, &problem);
    int32_t *ids = NULL;
    bool pieces = false;
    if (json && fields_open(&body, json, &problem, "%s", "") && fields_need(&body, "tokens") &&
        fields_array(&body, "tokens", &array) && fields_bool(&body, "pieces", &pieces) &&
        read_ids(array, &ids, &problem)) {
        words = text_of(s, ids, json_array_size(array), &problem);
    }
    if (words) {
        json_t *made = json_pack("{s:O, s:o}", "content", words, "prompt", words);
        if (made && pieces &&
            json_object_set_new(made, "pieces", pieces_of(s, ids, json_array_size(array)))) {
            json_decref(made);
            made = NULL;
        }
        reply_json(reply, made);
    } else {
        refuse(reply, &problem);
    }
    free(ids);
    json_decref(json);
}

// A chat's body -> the prompt that it would be.
void service_template(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    request request;
    names names = {0};
    prompt prompt = {0};
    json_t *words = NULL, *json = body_parse(from->body, from->body_length, &problem);
    request_init(&request);
    if (json && chat_dialect.read(json, &request, &problem) &&
        prompt_check(s, &request, &problem) &&
        prompt_make(s, &request, &names, &prompt, &problem)) {
        words = text_of(s, prompt.ids, prompt.n_ids, &problem);
    }
    if (words) {
        reply_json(reply, json_pack("{s:o, s:o, s:I}", "prompt", words, "tokens",
                                    ids_array(prompt.ids, prompt.n_ids), "count",
                                    (json_int_t)prompt.n_ids));
    } else {
        refuse(reply, &problem);
    }
    names_clear(&names);
    free(prompt.ids);
    request_clear(&request);
    json_decref(json);
}
