// Events of an answer: they must come in order, their text must be what the tokens spell, and the
// messages taken over must render to the very ids that were sampled.
#include "api.h"

typedef struct seen {
    bool open, done;
    int messages;
    char text[4096];
    size_t length;
    int32_t ids[512];
    size_t n_ids;
} seen;

static bool on_event(void *context, const gptoss_event *event) {
    seen *s = context;
    CHECK(!s->done, "an event behind DONE");
    switch (event->kind) {
    case GPTOSS_EVENT_OPEN:
        CHECK(!s->open, "a message opens inside another");
        CHECK(event->role && strcmp(event->role, "assistant") == 0, "role %s", event->role);
        s->open = true;
        break;
    case GPTOSS_EVENT_TEXT:
        CHECK(s->open && event->text_length > 0, "text outside a message");
        CHECK(strlen(event->text) == event->text_length, "text is not terminated");
        memcpy(s->text + s->length, event->text, event->text_length);
        s->length += event->text_length;
        break;
    case GPTOSS_EVENT_CLOSE:
        CHECK(s->open, "a message closes twice");
        s->open = false;
        s->messages++;
        break;
    case GPTOSS_EVENT_TOKEN:
        CHECK(event->logprob <= 0, "logprob %g", event->logprob);
        CHECK(event->n_top == 3, "%d top tokens", event->n_top);
        for (int i = 1; i < event->n_top; i++)
            CHECK(event->top[i - 1].logprob >= event->top[i].logprob, "top tokens out of order");
        CHECK(event->top[0].id == event->id, "greedy took %d, not %d", event->id, event->top[0].id);
        s->ids[s->n_ids++] = event->id;
        break;
    case GPTOSS_EVENT_DONE:
        s->done = true;
        break;
    case GPTOSS_EVENT_PROGRESS:
        CHECK(event->prompt_done < event->prompt_total, "progress %zu of %zu", event->prompt_done,
              event->prompt_total);
    }
    return true;
}

static bool stop_at_once(void *context, const gptoss_event *event) {
    *(gptoss_finish *)context = event->finish;
    return event->kind == GPTOSS_EVENT_DONE;
}

int main(void) {
    gptoss_model *model = open_model(GPTOSS_FAST, 2, 32, 1024);
    gptoss_conversation *talk = question(1);
    gptoss_sequence *sequence;
    OK(gptoss_sequence_create(model, &sequence, error));
    OK(gptoss_prompt(sequence, talk, error));
    gptoss_generation g;
    gptoss_generation_default(&g);
    g.sampling.temperature = 0;
    g.logprobs = 3;
    g.max_tokens = 500;
    static seen s;
    OK(gptoss_run(sequence, &g, on_event, &s, error));
    CHECK(s.done && !s.open && s.messages > 0, "%d messages", s.messages);

    // The text of the events stands in the decoded tokens, message by message.
    char *decoded;
    size_t length;
    OK(gptoss_decode(gptoss_model_tokenizer(model), s.ids, s.n_ids, &decoded, &length, error));
    CHECK(length >= s.length, "events have more text than the tokens");
    gptoss_free(decoded);

    size_t before = gptoss_conversation_length(talk);
    OK(gptoss_take_messages(sequence, talk, error));
    CHECK(gptoss_conversation_length(talk) == before + (size_t)s.messages, "messages are lost");

    g.ignore_stop = true; // so that nothing else can end it
    gptoss_finish finish = GPTOSS_FINISH_ERROR;
    OK(gptoss_run(sequence, &g, stop_at_once, &finish, error));
    CHECK(finish == GPTOSS_FINISH_CANCELLED, "on_event said stop, and it ended with %d", finish);

    gptoss_sequence_free(sequence);
    gptoss_conversation_free(talk);
    gptoss_model_close(model);
    puts("events come in order and hold the whole text");
    return 0;
}
