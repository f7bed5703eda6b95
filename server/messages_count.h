// messages_count.h: POST /v1/messages/count_tokens: how long a prompt would be.
#ifndef SERVER_MESSAGES_COUNT_H
#define SERVER_MESSAGES_COUNT_H

#include "routes.h"

void messages_count(server *server, const http_request *from, http_reply *reply);

#endif
