// messages_count.c: makes a prompt and only counts it.
#include "messages_count.h"

#include <stdlib.h>

#include "body.h"
#include "messages.h"
#include "prompt.h"

void messages_count(server *s, const http_request *from, http_reply *reply) {
    problem problem = {0};
    request request;
    names names = {0};
    prompt prompt = {0};
    json_t *json = body_parse(from->body, from->body_length, &problem);
    request_init(&request);
    if (json && messages_read_count(json, &request, &problem) &&
        prompt_check(s, &request, &problem) &&
        prompt_make(s, &request, &names, &prompt, &problem)) {
        reply_json(reply, json_pack("{s:I}", "input_tokens", (json_int_t)prompt.n_ids));
    } else {
        reply_problem(reply, &messages_dialect, &problem);
    }
    names_clear(&names);
    free(prompt.ids);
    request_clear(&request);
    json_decref(json);
}
