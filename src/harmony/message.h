// How a conversation keeps its messages: each in one arena, shared by counting.
#ifndef HARMONY_MESSAGE_H
#define HARMONY_MESSAGE_H

#include "harmony/arena.h"

// Copies *message deeply into the arena, checking that schemas are JSON.
gptoss_status harmony_message_copy(harmony_arena *arena, const harmony_message *message,
                                   harmony_message *copy_out, gptoss_error *error);

#endif
