// chat.c: a complete chat over gptoss.h. Build: cc chat.c $(pkg-config --cflags --libs gptoss)
#include <gptoss/gptoss.h>
#include <stdio.h>
#include <string.h>

static bool on_event(void *context, const gptoss_event *event) {
    (void)context;
    if (event->kind == GPTOSS_EVENT_OPEN)
        printf("[%s] ", event->channel ? event->channel : "no channel");
    if (event->kind == GPTOSS_EVENT_TEXT)
        printf("%s", event->text);
    if (event->kind == GPTOSS_EVENT_CLOSE)
        printf("\n");
    return fflush(stdout) == 0; // false would end the answer
}

int main(int argc, char **argv) {
    gptoss_error error = {0};
    gptoss_setting setting = {.effort = GPTOSS_EFFORT_MEDIUM, .date = "2026-11-24"};
    gptoss_model *model = NULL;
    gptoss_sequence *sequence = NULL;
    gptoss_conversation *talk = NULL;
    gptoss_model_options options;
    gptoss_generation generation;
    gptoss_model_options_default(&options);
    gptoss_generation_default(&generation);
    options.path = argc > 1 ? argv[1] : NULL; // NULL: the built-in demo model
    bool failed = gptoss_model_open(&options, &model, &error) ||
                  gptoss_sequence_create(model, &sequence, &error) ||
                  gptoss_conversation_create(&setting, &talk, &error);
    char line[4096];
    while (!failed && printf("> ") && fflush(stdout) == 0 && fgets(line, sizeof line, stdin))
        failed = gptoss_add_user(talk, line, strcspn(line, "\n"), &error) ||
                 gptoss_prompt(sequence, talk, &error) ||
                 gptoss_run(sequence, &generation, on_event, NULL, &error) ||
                 gptoss_take_messages(sequence, talk, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.message);
    gptoss_conversation_free(talk);
    gptoss_sequence_free(sequence);
    gptoss_model_close(model);
    return failed;
}
