// completions.c: OpenAI's /v1/completions: a text goes on, without Harmony.
#include <stdlib.h>
#include <string.h>

#include "dialect.h"
#include "fields.h"
#include "logprobs.h"
#include "openai.h"
#include "sampling.h"

enum { DEFAULT_TOKENS = 16, MAX_LOGPROBS = 20, MAX_CHOICES = 128 };

// ---- request -----------------------------------------------------------------------------------

static bool bad_prompt(const fields *body) {
    return fields_wrong(body, PROBLEM_INVALID, "prompt",
                        "prompt must be a string, an array of token ids, or an array of one of "
                        "these");
}

static bool read_ids(const fields *body, const json_t *array, request *r) {
    size_t count = json_array_size(array);
    r->ids = malloc(count * sizeof(*r->ids));
    if (!r->ids) {
        return fields_no_memory(body);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(array, i);
        json_int_t value = json_integer_value(id);
        if (!json_is_integer(id) || value < 0 || value > INT32_MAX) {
            return bad_prompt(body);
        }
        r->ids[r->n_ids++] = (int32_t)value;
    }
    return true;
}

static bool read_prompt(const fields *body, request *r) {
    const json_t *prompt = json_object_get(body->object, "prompt");
    const json_t *first = json_array_get(prompt, 0);
    if (!fields_need(body, "prompt")) {
        return false;
    }
    if (json_is_string(first) || json_is_array(first)) {
        if (json_array_size(prompt) > 1) {
            return fields_wrong(body, PROBLEM_UNSUPPORTED, "prompt",
                                "%zu prompts were given, but each request takes one",
                                json_array_size(prompt));
        }
        prompt = first;
    }
    if (json_is_array(prompt) && json_array_size(prompt)) {
        return read_ids(body, prompt, r);
    }
    if (!json_is_string(prompt)) {
        return bad_prompt(body);
    }
    r->prompt = strdup(json_string_value(prompt));
    return r->prompt || fields_no_memory(body);
}

// logprobs: how many most probable tokens beside each one.
static bool read_logprobs(const fields *body, request *r) {
    r->logprobs = fields_has(body, "logprobs");
    return fields_integer(body, "logprobs", 0, MAX_LOGPROBS, &r->n_logprobs);
}

static bool read_choices(const fields *body, request *r) {
    if (!fields_integer(body, "n", 1, MAX_CHOICES, &r->n_choices)) {
        return false;
    }
    int32_t best_of = r->n_choices;
    if (!fields_integer(body, "best_of", 1, MAX_CHOICES, &best_of)) {
        return false;
    }
    return best_of == r->n_choices ||
           fields_wrong(body, PROBLEM_UNSUPPORTED, "best_of", "best_of must be n, which is %d",
                        (int)r->n_choices);
}

// What stands before the answer is the prompt as it was given.
static bool read_echo(const fields *body, request *r) {
    return fields_bool(body, "echo", &r->echo) &&
           (!r->echo || (r->prompt && !r->logprobs) ||
            fields_wrong(body, PROBLEM_UNSUPPORTED, "echo",
                         "only text is repeated, without log-probabilities"));
}

static bool refuse_suffix(const fields *body) {
    const char *suffix = "";
    return fields_string(body, "suffix", &suffix) &&
           (!*suffix || fields_wrong(body, PROBLEM_UNSUPPORTED, "suffix",
                                     "gpt-oss was not trained to fill in the middle"));
}

static const char *const known[] = {
    "model", "prompt", "best_of", "echo", "logprobs",       "max_tokens",    "n",
    "stop",  "stream", "suffix",  "user", "stream_options", SAMPLING_FIELDS, NULL};

static bool copy(const fields *body, const char *key, char **to) {
    const char *from = NULL;
    if (!fields_string(body, key, &from)) {
        return false;
    }
    *to = from ? strdup(from) : NULL;
    return !from || *to || fields_no_memory(body);
}

static bool completions_read(const json_t *json, request *r, problem *p) {
    fields body;
    r->kind = REQUEST_RAW;
    r->max_tokens = DEFAULT_TOKENS;
    return fields_open(&body, json, p, "%s", "") && copy(&body, "model", &r->model) &&
           copy(&body, "user", &r->user) && read_prompt(&body, r) && refuse_suffix(&body) &&
           fields_integer(&body, "max_tokens", 1, INT32_MAX, &r->max_tokens) &&
           read_logprobs(&body, r) && read_echo(&body, r) && read_choices(&body, r) &&
           sampling_read(&body, r) && sampling_stops(&body, r) && sampling_stream(&body, r) &&
           fields_ignore_others(&body, known, r);
}

// ---- answer ------------------------------------------------------------------------------------

// One choice as it grows.
typedef struct choice {
    text words;       // document: all of it
    json_t *logprobs; // document: all of them
    size_t offset;    // characters so far
    turn_finish finish;
    char *details;
} choice;

typedef struct writer {
    answer_head head;
    choice *choices; // [n_choices]
    int32_t n_choices;
    turn_usage usage;
    problem problem;
    bool failed;
} writer;

static void completions_close(void *made) {
    writer *w = made;
    for (int32_t i = 0; w && i < w->n_choices; i++) {
        text_clear(&w->choices[i].words);
        json_decref(w->choices[i].logprobs);
        free(w->choices[i].details);
    }
    if (w) {
        free(w->choices);
        free(w);
    }
}

static void *completions_open(const answer_head *head) {
    int32_t n = head->request->n_choices;
    writer *w = calloc(1, sizeof(*w));
    choice *choices = calloc((size_t)n, sizeof(*choices));
    if (!w || !choices) {
        free(w);
        free(choices);
        return NULL;
    }
    *w = (writer){.head = *head, .choices = choices, .n_choices = n};
    return w;
}

static const char *finish_name(turn_finish finish) {
    return finish == FINISH_STOP || finish == FINISH_CALLS ? "stop" : "length";
}

static size_t count_characters(const char *bytes, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
    }
    return count;
}

// ---- log-probabilities: four lists side by side ------------------------------------------------

static json_t *empty_logprobs(void) {
    return json_pack("{s:[], s:[], s:[], s:[]}", "tokens", "token_logprobs", "top_logprobs",
                     "text_offset");
}

static json_t *top_of(const gptoss_tokenizer *tokenizer, const turn_token *token) {
    json_t *top = json_object();
    for (int32_t i = 0; top && i < token->n_top; i++) {
        json_t *name = logprobs_token(tokenizer, token->top[i].id);
        if (!name || json_object_set_new(top, json_string_value(name),
                                         json_real(logprobs_finite(token->top[i].logprob)))) {
            json_decref(top);
            top = NULL;
        }
        json_decref(name);
    }
    return top;
}

static bool append_to(json_t *lists, const char *name, json_t *value) {
    return !json_array_append_new(json_object_get(lists, name), value);
}

// Offsets count characters; a token that ends within one begins where the next one does.
static bool append_token(json_t *lists, const writer *w, const turn_token *token, size_t offset) {
    json_t *name = logprobs_token(w->head.tokenizer, token->id);
    json_t *top = top_of(w->head.tokenizer, token);
    bool named = append_to(lists, "tokens", name), topped = append_to(lists, "top_logprobs", top);
    return named && topped &&
           append_to(lists, "token_logprobs", json_real(logprobs_finite(token->logprob))) &&
           append_to(lists, "text_offset", json_integer((json_int_t)offset));
}

static bool append_tokens(json_t *lists, const writer *w, const turn_event *event, size_t offset) {
    size_t end = offset + count_characters(event->text, event->text_length);
    for (size_t i = 0; i < event->n_tokens; i++) {
        if (!append_token(lists, w, &event->tokens[i], offset < end ? offset : end)) {
            return false;
        }
        const json_t *names = json_object_get(lists, "tokens");
        const json_t *last = json_array_get(names, json_array_size(names) - 1);
        offset += count_characters(json_string_value(last), json_string_length(last));
    }
    return true;
}

// ---- stream ------------------------------------------------------------------------------------

static json_t *chunk_of(const writer *w, json_t *choices) {
    json_t *chunk = json_pack("{s:s, s:s, s:I, s:s, s:o}", "id", w->head.id, "object",
                              "text_completion", "created", (json_int_t)w->head.created, "model",
                              w->head.model, "choices", choices);
    if (chunk && w->head.request->stream && w->head.request->stream_usage) {
        json_object_set_new(chunk, "usage", json_null());
    }
    return chunk;
}

static json_t *choice_of(int32_t index, json_t *words, json_t *logprobs, const char *finish) {
    return json_pack("{s:o, s:i, s:o, s:s?}", "text", words, "index", (int)index, "logprobs",
                     logprobs ? logprobs : json_null(), "finish_reason", finish);
}

static void write_words(writer *w, const turn_event *event, text *out) {
    json_t *lists = event->n_tokens ? empty_logprobs() : NULL;
    size_t *offset = &w->choices[event->choice].offset;
    if (event->n_tokens && (!lists || !append_tokens(lists, w, event, *offset))) {
        out->failed = true;
    }
    *offset += count_characters(event->text, event->text_length);
    json_t *words = json_stringn(event->text ? event->text : "", event->text_length);
    text_event(out, NULL,
               chunk_of(w, json_pack("[o]", choice_of(event->choice, words, lists, NULL))));
}

static bool note_choice(writer *w, const turn_event *event) {
    choice *c = &w->choices[event->choice];
    c->finish = event->finish;
    if (event->finish == FINISH_FAILED) {
        w->failed = true;
        w->problem = event->problem;
    }
    free(c->details);
    c->details = event->details ? strdup(event->details) : NULL;
    return !event->details || c->details;
}

static json_t *finished(const choice *c, json_t *made) {
    if (made && c->details) {
        json_object_set_new(made, "finish_details", json_string(c->details));
    }
    return made;
}

static void write_choice(writer *w, const turn_event *event, text *out) {
    const choice *c = &w->choices[event->choice];
    if (!note_choice(w, event)) {
        out->failed = true;
    } else if (event->finish != FINISH_FAILED) {
        json_t *made = choice_of(event->choice, json_string(""), NULL, finish_name(c->finish));
        text_event(out, NULL, chunk_of(w, json_pack("[o]", finished(c, made))));
    }
}

static void completions_fail(const problem *p, bool in_stream, text *out) {
    text words = {0};
    openai_error(p, &words);
    if (in_stream) {
        text_print(out, "data: ");
    }
    text_add(out, words.data, words.length);
    if (in_stream) {
        text_print(out, "\n\n");
    }
    out->failed |= words.failed;
    text_clear(&words);
}

static void write_done(writer *w, const turn_event *event, text *out) {
    if (w->failed) {
        completions_fail(&w->problem, true, out);
    } else if (w->head.request->stream_usage) {
        json_t *chunk = chunk_of(w, json_array());
        json_object_set_new(chunk, "usage", openai_usage(&event->usage));
        text_event(out, NULL, chunk);
    }
    text_print(out, "data: [DONE]\n\n");
}

// The prompt as the first words of a choice.
static turn_event echo_of(const writer *w, int32_t index) {
    const char *prompt = w->head.request->prompt;
    return (turn_event){
        .kind = TURN_DELTA, .choice = index, .text = prompt, .text_length = strlen(prompt)};
}

static void write_echo(writer *w, text *out) {
    for (int32_t i = 0; w->head.request->echo && i < w->n_choices; i++) {
        turn_event event = echo_of(w, i);
        write_words(w, &event, out);
    }
}

static bool completions_write(void *made, const turn_event *event, text *out) {
    switch (event->kind) {
    case TURN_BEGIN:
        write_echo(made, out);
        break;
    case TURN_WAIT:
        text_print(out, ": waiting\n\n");
        break;
    case TURN_DELTA:
        write_words(made, event, out);
        break;
    case TURN_CHOICE:
        write_choice(made, event, out);
        break;
    case TURN_DONE:
        write_done(made, event, out);
        break;
    default:
        break;
    }
    return !out->failed;
}

// ---- document ----------------------------------------------------------------------------------

static bool collect_words(writer *w, const turn_event *event) {
    choice *c = &w->choices[event->choice];
    if (event->n_tokens) {
        c->logprobs = c->logprobs ? c->logprobs : empty_logprobs();
        if (!c->logprobs || !append_tokens(c->logprobs, w, event, c->offset)) {
            return false;
        }
    }
    c->offset += count_characters(event->text, event->text_length);
    text_add(&c->words, event->text, event->text_length);
    return !c->words.failed;
}

static bool collect_echo(writer *w) {
    for (int32_t i = 0; w->head.request->echo && i < w->n_choices; i++) {
        turn_event event = echo_of(w, i);
        if (!collect_words(w, &event)) {
            return false;
        }
    }
    return true;
}

static bool completions_collect(void *made, const turn_event *event) {
    writer *w = made;
    if (event->kind == TURN_DONE) {
        w->usage = event->usage;
    }
    return event->kind == TURN_BEGIN    ? collect_echo(w)
           : event->kind == TURN_DELTA  ? collect_words(w, event)
           : event->kind == TURN_CHOICE ? note_choice(w, event)
                                        : true;
}

static bool completions_document(void *made, text *out) {
    writer *w = made;
    if (w->failed) {
        completions_fail(&w->problem, false, out);
        return !out->failed;
    }
    json_t *choices = json_array();
    bool good = choices != NULL;
    for (int32_t i = 0; good && i < w->n_choices; i++) {
        choice *c = &w->choices[i];
        json_t *words = json_stringn(c->words.data ? c->words.data : "", c->words.length);
        json_t *one = choice_of(i, words, json_incref(c->logprobs), finish_name(c->finish));
        good = !json_array_append_new(choices, finished(c, one));
    }
    json_t *document = chunk_of(w, choices);
    good = good && !json_object_set_new(document, "usage", openai_usage(&w->usage));
    text_json(out, document);
    json_decref(document);
    return good && !out->failed;
}

const dialect completions_dialect = {
    .name = "completions",
    .path = "/v1/completions",
    .id_prefix = "cmpl-",
    .read = completions_read,
    .open = completions_open,
    .write = completions_write,
    .collect = completions_collect,
    .document = completions_document,
    .close = completions_close,
    .fail = completions_fail,
};
