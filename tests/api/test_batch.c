// A sequence's tokens don't depend on who else is computed: alone, eight together, beside another
// thread, cut into chunks of any size, cancelled halfway. Ids and log-probabilities are compared
// with ==. If a sum's order depended on the batch, or two threads raced, this fails.
#include "api.h"

#include <pthread.h>

enum { TOGETHER = 8 };

static tokens expected[TOGETHER + 1];

// The ninth sequence, in a thread of its own.
static void *beside(void *argument) {
    gptoss_model *model = argument;
    for (int round = 0; round < 3; round++) {
        tokens t = alone(model, TOGETHER);
        check_equal(&t, &expected[TOGETHER], MAX_TOKENS, "beside a batch");
    }
    return NULL;
}

// Eight sequences advance in turn; the odd ones are cancelled halfway.
static void eight_together(gptoss_model *model) {
    gptoss_sequence *sequences[TOGETHER];
    static tokens got[TOGETHER];
    memset(got, 0, sizeof got);
    for (int i = 0; i < TOGETHER; i++) {
        sequences[i] = asked(model, i);
        gptoss_generation g = generation_for(i);
        OK(gptoss_start(sequences[i], &g, error));
    }
    bool running[TOGETHER], any = true;
    memset(running, 1, sizeof running);
    while (any) {
        any = false;
        for (int i = 0; i < TOGETHER; i++) {
            if (i % 2 && got[i].n == MAX_TOKENS / 2)
                gptoss_cancel(sequences[i]);
            if (running[i])
                running[i] = take(sequences[i], &got[i]);
            any |= running[i];
        }
    }
    for (int i = 0; i < TOGETHER; i++) {
        check_equal(&got[i], &expected[i], i % 2 ? MAX_TOKENS / 2 : MAX_TOKENS, "eight together");
        CHECK(got[i].finish == (i % 2 ? GPTOSS_FINISH_CANCELLED : GPTOSS_FINISH_LENGTH),
              "sequence %d ended with %d", i, got[i].finish);
        // Cancelled, it goes on where it was: the tokens so far stay.
        CHECK(gptoss_sequence_length(sequences[i]) > got[i].n, "tokens are lost");
        gptoss_sequence_free(sequences[i]);
    }
}

static void check_precision(gptoss_precision precision) {
    gptoss_model *model = open_model(precision, TOGETHER + 2, 512, 1024);
    for (int i = 0; i <= TOGETHER; i++)
        expected[i] = alone(model, i);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, beside, model) == 0, "thread");
    eight_together(model);
    pthread_join(thread, NULL);
    gptoss_model_close(model);

    static const int32_t chunks[] = {1, 7, 64};
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        model = open_model(precision, 1, chunks[i], 1024);
        tokens t = alone(model, 3);
        check_equal(&t, &expected[3], MAX_TOKENS, "a prompt in chunks");
        gptoss_model_close(model);
    }
}

int main(void) {
    check_precision(GPTOSS_FAST);
    check_precision(GPTOSS_EXACT);
    puts("nine sequences in two threads got the tokens that each gets alone");
    return 0;
}
