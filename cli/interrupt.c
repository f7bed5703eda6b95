// interrupt.c: Ctrl-C. A signal handler can only reach static variables, so the two live here.
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "cli.h"

static atomic_int seen;
static _Atomic(gptoss_sequence *) watched;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    if (atomic_fetch_add(&seen, 1) > 0) {
        _exit(CLI_INTERRUPTED); // nobody looked since the last one: the person means it
    }
    gptoss_sequence *sequence = atomic_load(&watched);
    if (sequence) {
        gptoss_cancel(sequence);
    }
}

void interrupt_install(void) {
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL); // without SA_RESTART: reading ends too
}

void interrupt_watch(gptoss_sequence *sequence) {
    atomic_store(&watched, sequence);
}

bool interrupt_seen(void) {
    return atomic_load(&seen) > 0;
}

void interrupt_clear(void) {
    atomic_store(&seen, 0);
}
