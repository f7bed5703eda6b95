// The text of system and developer content: sections with a blank line between them.
#ifndef HARMONY_SECTIONS_H
#define HARMONY_SECTIONS_H

#include "harmony/harmony.h"

// Both append to *out. has_functions: somewhere in the conversation functions are declared.
gptoss_status harmony_print_system(base_buffer *out, const harmony_system *system,
                                   bool has_functions, gptoss_error *error);
gptoss_status harmony_print_developer(base_buffer *out, const harmony_developer *developer,
                                      gptoss_error *error);

#endif
