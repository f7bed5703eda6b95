// listen.h: the socket that the server listens on.
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include "server.h"

// A listening socket on options.host and port; *loopback_out: whether only this machine reaches it.
// -1: *problem says why not; an address that others reach needs a key (or options.open).
int listen_open(const server_options *options, bool *loopback_out, problem *problem);
int32_t listen_port(int socket);

#endif
