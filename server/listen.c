// listen.c: resolving, binding, and the rule that strangers need a key.
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    }
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int bind_one(const struct addrinfo *to) {
    int on = 1, fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, to->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, to->ai_addr, to->ai_addrlen) || listen(fd, SOMAXCONN)) {
        int why = errno;
        close(fd);
        errno = why;
        return -1;
    }
    return fd;
}

int listen_open(const server_options *o, bool *loopback_out, problem *problem) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    char port[16];
    snprintf(port, sizeof(port), "%d", (int)o->port);
    int fault = getaddrinfo(o->host, port, &hints, &found);
    if (fault) {
        problem_set(problem, PROBLEM_INVALID, "host", "%s: %s", o->host, gai_strerror(fault));
        return -1;
    }
    int fd = -1;
    *loopback_out = is_loopback(found->ai_addr);
    if (!*loopback_out && !o->api_key && !o->open) {
        problem_set(problem, PROBLEM_FORBIDDEN, "host",
                    "%s can be reached by others: set an API key (--api-key-file), or say "
                    "--open to let anybody in",
                    o->host);
    } else if ((fd = bind_one(found)) < 0) {
        problem_set(problem, PROBLEM_FAILED, "port", "%s port %d: %s", o->host, (int)o->port,
                    strerror(errno));
    }
    freeaddrinfo(found);
    return fd;
}

int32_t listen_port(int fd) {
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &length)) {
        return 0;
    }
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}
