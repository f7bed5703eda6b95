// chat.h: the chat, for run without a prompt and for chat.
#ifndef CLI_CHAT_H
#define CLI_CHAT_H

#include "talk.h"

// Until the input ends or /quit; an exit status.
int chat_session(talk_state *talk);

#endif
