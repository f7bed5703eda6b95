// Harmony as a filter, for the tests that compare it with openai-harmony. A line in, a line out;
// what fails answers `error: ...`.
//
//   driver render      < "PURPOSE DROP CONVERSATION"   PURPOSE, DROP: numbers of the enums; > ids
//   driver parse       < "ROLE id id ..."              ROLE: -1 or a number;   > JSON
//   driver json        < CONVERSATION                  > the conversation, written again
//   driver vocabulary                                  > every ordinary token's bytes in hex
#define _GNU_SOURCE // getline
#include "harmony/harmony.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct state {
    harmony *harmony;
    base_ids ids;
    base_buffer text;
    gptoss_error error;
} state;

static gptoss_status render(state *s, char *line, size_t length) {
    char *rest;
    harmony_render_options options = {.purpose = (harmony_purpose)strtol(line, &rest, 10)};
    options.drop = (harmony_drop)strtol(rest, &rest, 10);
    harmony_conversation *conversation;
    gptoss_status status = harmony_conversation_from_json(rest, (size_t)(line + length - rest),
                                                          &conversation, &s->error);
    if (!status) {
        status = harmony_render(s->harmony, conversation, &options, &s->ids, &s->error);
    }
    for (size_t i = 0; !status && i < s->ids.length; i++) {
        base_buffer_format(&s->text, "%s%d", i ? " " : "", s->ids.data[i]);
    }
    harmony_conversation_free(conversation);
    return status;
}

static gptoss_status parse(state *s, char *line, size_t length) {
    (void)length;
    char *at;
    int role = (int)strtol(line, &at, 10);
    for (char *end; *at; at = end) {
        long id = strtol(at, &end, 10);
        if (end == at) {
            break;
        }
        base_ids_push(&s->ids, (int32_t)id);
    }
    return harmony_parse_to_json(s->harmony, s->ids.data, s->ids.length, role, &s->text, &s->error);
}

static gptoss_status rewrite(state *s, char *line, size_t length) {
    harmony_conversation *conversation;
    gptoss_status status = harmony_conversation_from_json(line, length, &conversation, &s->error);
    if (!status) {
        status = harmony_conversation_to_json(conversation, &s->text, &s->error);
    }
    harmony_conversation_free(conversation);
    return status;
}

static void print_vocabulary(const tokenizer *t) {
    for (int32_t id = 0; id < tokenizer_size(t); id++) {
        size_t length;
        const char *bytes = tokenizer_bytes(t, id, &length);
        if (!bytes || tokenizer_is_special(t, id)) {
            continue;
        }
        for (size_t i = 0; i < length; i++) {
            printf("%02x", (unsigned char)bytes[i]);
        }
        printf(" %d\n", id);
    }
}

int main(int n_arguments, char **arguments) {
    static const struct {
        const char *name;
        gptoss_status (*run)(state *s, char *line, size_t length);
    } modes[] = {{"render", render}, {"parse", parse}, {"json", rewrite}, {"vocabulary", NULL}};
    size_t mode = 0;
    while (mode < 4 && (n_arguments != 2 || strcmp(arguments[1], modes[mode].name))) {
        mode++;
    }
    state s = {0};
    tokenizer *t;
    if (mode == 4 || tokenizer_open_builtin(&t, &s.error) ||
        harmony_open(t, &s.harmony, &s.error)) {
        fprintf(stderr, "driver: %s\n", mode == 4 ? "no such mode" : s.error.message);
        return 2;
    }
    if (!modes[mode].run) {
        print_vocabulary(t);
    }
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t length; modes[mode].run && (length = getline(&line, &capacity, stdin)) > 0;) {
        length -= line[length - 1] == '\n';
        line[length] = 0;
        s.text.length = s.ids.length = 0;
        if (modes[mode].run(&s, line, (size_t)length)) {
            printf("error: %s\n", s.error.message);
        } else {
            printf("%.*s\n", (int)s.text.length, s.text.length ? s.text.data : "");
        }
    }
    free(line);
    base_buffer_free(&s.text);
    base_ids_free(&s.ids);
    harmony_close(s.harmony);
    tokenizer_close(t);
    return 0;
}
