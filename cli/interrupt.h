// interrupt.h: Ctrl-C as a question that code can ask, and as the end of a running answer.
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

#include <gptoss/gptoss.h>

void interrupt_install(void);
// The sequence whose generation the next Ctrl-C cancels; NULL for none. Set NULL before freeing it.
void interrupt_watch(gptoss_sequence *sequence);
bool interrupt_seen(void); // since the last clear
// A second Ctrl-C that finds the first one uncleared ends the program.
void interrupt_clear(void);

#endif
