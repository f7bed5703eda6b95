// http.c: libmicrohttpd's connections, each with a thread: bodies in, replies and streams out.
#include "http.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"
#include "routes.h"
#include "state.h"

enum {
    HEADER_BYTES = 64 << 10, // of one request
    BODY_SECONDS = 120,      // to send it all
    DISCARDED_BODIES = 4,    // a body that is too large is read to its end, up to so many limits
    STREAM_BYTES = 16 << 10, // of one piece that is written
    THREAD_STACK = 1 << 20,
};

struct http {
    server *server;
    struct MHD_Daemon *daemon;
    int32_t port;
    clients clients;
    atomic_uint_fast64_t n_requests;
    atomic_int unsent; // requests that came whole and whose answer is not yet all with the system
};

// A request on its way through the handler's calls.
typedef struct exchange {
    http *http;
    http_request request;
    text body;
    uint64_t body_total; // bytes that came, kept or not
    bool too_large;
    bool unsent; // counted in http.unsent
    double began;
    int status;
    char method[8], path[96]; // for the log
} exchange;

// ---- one request ----------------------------------------------------------------------------

const char *http_header(const http_request *r, const char *name) {
    return r->connection ? MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name) : NULL;
}

const char *http_query(const http_request *r, const char *name) {
    return r->connection ? MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name)
                         : NULL;
}

static void set_address(struct MHD_Connection *connection, char *out, size_t size) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    out[0] = 0;
    if (address && address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, out, (socklen_t)size);
    } else if (address && address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, out,
                  (socklen_t)size);
    }
}

static client *client_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// The words of a log line: what a client sends must not look like another line.
static void copy_printable(char *out, size_t size, const char *from) {
    size_t n = 0;
    for (; from[n] && n + 1 < size; n++) {
        out[n] = from[n] > ' ' && from[n] < 0x7f ? from[n] : '?';
    }
    out[n] = 0;
}

static exchange *open_exchange(http *h, struct MHD_Connection *connection, const char *method,
                               const char *path) {
    exchange *e = calloc(1, sizeof *e);
    if (!e) {
        return NULL;
    }
    e->http = h;
    e->began = server_now();
    e->request.connection = connection;
    e->request.clients = &h->clients;
    e->request.client = client_of(connection);
    e->request.number = atomic_fetch_add(&h->n_requests, 1) + 1;
    set_address(connection, e->request.address, sizeof(e->request.address));
    copy_printable(e->method, sizeof(e->method), method);
    copy_printable(e->path, sizeof(e->path), path);
    clients_set_deadline(&h->clients, e->request.client, e->began + BODY_SECONDS);
    return e;
}

// False when the connection is to be closed.
static bool take_body(exchange *e, const char *data, size_t length) {
    size_t most = e->http->server->options.body_bytes;
    e->body_total += length;
    e->too_large |= e->body_total > most;
    if (e->too_large) {
        text_clear(&e->body);
        return e->body_total <= DISCARDED_BODIES * (uint64_t)most;
    }
    text_add(&e->body, data, length);
    return true;
}

// ---- replies --------------------------------------------------------------------------------

// A stream that is being written.
typedef struct stream {
    http_reply reply;
    text part;
    size_t written;
    bool ended;
} stream;

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t most) {
    stream *s = context;
    (void)position;
    while (s->written == s->part.length) {
        if (s->ended) {
            return s->part.failed ? MHD_CONTENT_READER_END_WITH_ERROR
                                  : MHD_CONTENT_READER_END_OF_STREAM;
        }
        s->part.length = s->written = 0;
        s->ended = !s->reply.more(s->reply.context, &s->part) || s->part.failed;
    }
    size_t length = s->part.length - s->written;
    length = length < most ? length : most;
    memcpy(out, s->part.data + s->written, length);
    s->written += length;
    return (ssize_t)length;
}

static void free_stream(void *context) {
    stream *s = context;
    s->reply.end(s->reply.context);
    text_clear(&s->part);
    free(s);
}

static struct MHD_Response *make_response(http_reply *reply) {
    struct MHD_Response *response = NULL;
    if (!reply->more) {
        response = MHD_create_response_from_buffer(reply->body.length, reply->body.data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response) {
            reply->body = (text){0};
        }
        return response;
    }
    stream *s = calloc(1, sizeof *s);
    if (s) {
        s->reply = *reply;
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, read_stream, s,
                                                     free_stream);
    }
    if (response) {
        reply->end = NULL; // the stream's
    } else {
        free(s);
    }
    return response;
}

// Lines "Name: value".
static void add_headers(struct MHD_Response *response, char *lines) {
    char *rest = NULL;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strstr(line, ": ");
        if (colon) {
            *colon = 0;
            MHD_add_response_header(response, line, colon + 2);
        }
    }
}

static enum MHD_Result send_reply(exchange *e, struct MHD_Connection *connection,
                                  http_reply *reply) {
    enum MHD_Result result = MHD_NO;
    const char *type = reply->content_type ? reply->content_type : "application/json";
    bool failed = reply->body.failed || reply->headers.failed;
    struct MHD_Response *response = failed ? NULL : make_response(reply);
    if (response) {
        char id[32];
        snprintf(id, sizeof(id), "req_%016" PRIx64, e->request.number);
        MHD_add_response_header(response, "Content-Type", type);
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(response, "X-Request-Id", id);
        MHD_add_response_header(response, "Request-Id", id); // as Anthropic's clients look for it
        if (reply->headers.data) {
            add_headers(response, reply->headers.data);
        }
        e->status = reply->status;
        result = MHD_queue_response(connection, (unsigned)reply->status, response);
        MHD_destroy_response(response);
    }
    if (reply->end) {
        reply->end(reply->context);
    }
    text_clear(&reply->headers);
    text_clear(&reply->body);
    return result;
}

static enum MHD_Result answer(exchange *e, struct MHD_Connection *connection, const char *method,
                              const char *path) {
    server *server = e->http->server;
    http_reply reply = {.status = 200};
    e->request.method = method;
    e->request.path = path;
    e->request.body = e->body.data ? e->body.data : "";
    e->request.body_length = e->body.length;
    e->unsent = true;
    atomic_fetch_add(&e->http->unsent, 1);
    clients_set_deadline(&e->http->clients, e->request.client, 0);
    if (server->options.log_text && e->body.length) {
        fprintf(stderr, "> %s\n", e->request.body);
    }
    // While an answer is computed nothing moves on the connection, and that is no silence.
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
    if (e->too_large || e->body.failed) {
        problem why = {0};
        problem_set(&why, e->too_large ? PROBLEM_TOO_LARGE : PROBLEM_FAILED, "",
                    "the body has %" PRIu64 " bytes: at most %zu are read", e->body_total,
                    server->options.body_bytes);
        reply_problem(&reply, &chat_dialect, &why);
    } else {
        routes_answer(server, &e->request, &reply);
    }
    text_clear(&e->body);
    MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT,
                              (unsigned)server->options.idle_seconds);
    metrics_request(&server->metrics, reply.dialect ? reply.dialect : "other", reply.status);
    if (server->options.log_text && reply.body.length) {
        fprintf(stderr, "< %s\n", reply.body.data);
    }
    return send_reply(e, connection, &reply);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *length, void **state) {
    (void)version;
    if (!*state) {
        *state = open_exchange(context, connection, method, path);
        return *state ? MHD_YES : MHD_NO;
    }
    exchange *e = *state;
    if (*length) {
        bool going_on = take_body(e, data, *length);
        *length = 0;
        return going_on ? MHD_YES : MHD_NO;
    }
    return answer(e, connection, method, path);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why) {
    http *h = context;
    exchange *e = *state;
    (void)connection;
    if (!e) {
        return;
    }
    if (e->unsent) {
        atomic_fetch_sub(&h->unsent, 1);
    }
    double now = server_now();
    clients_set_deadline(&h->clients, e->request.client, now + h->server->options.idle_seconds);
    if (h->server->options.log) {
        fprintf(stderr, "%s %s %s %d %.3f s%s\n", e->request.address, e->method, e->path, e->status,
                now - e->began, why == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : ", cut");
    }
    text_clear(&e->body);
    free(e);
    *state = NULL;
}

// ---- connections ----------------------------------------------------------------------------

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what) {
    http *h = context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        clients_remove(&h->clients, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = info ? clients_add(&h->clients, info->connect_fd,
                                         server_now() + h->server->options.idle_seconds)
                           : NULL;
}

static struct MHD_Daemon *start_daemon(http *h, int socket) {
    const server_options *o = &h->server->options;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_POLL | MHD_USE_ITC;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, socket,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)o->connections_per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)THREAD_STACK, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

bool http_start(server *server, http **http_out, problem *problem) {
    *http_out = NULL;
    http *h = calloc(1, sizeof *h);
    if (!h) {
        return problem_set(problem, PROBLEM_FAILED, "", "out of memory");
    }
    h->server = server;
    int fd = listen_open(&server->options, &server->loopback, problem);
    if (fd < 0) {
        free(h);
        return false;
    }
    h->port = listen_port(fd);
    bool watched = clients_init(&h->clients);
    h->daemon = watched ? start_daemon(h, fd) : NULL;
    if (!h->daemon) {
        if (watched) {
            clients_destroy(&h->clients);
        }
        close(fd);
        free(h);
        return problem_set(problem, PROBLEM_FAILED, "", "the server's threads can't be started");
    }
    *http_out = h;
    return true;
}

int32_t http_port(const http *h) {
    return h->port;
}

void http_quiesce(http *h) {
    int fd = MHD_quiesce_daemon(h->daemon);
    if (fd >= 0) {
        close(fd);
    }
}

bool http_idle(http *h) {
    return atomic_load(&h->unsent) == 0;
}

void http_stop(http *h) {
    clients_cancel_all(&h->clients);
    MHD_stop_daemon(h->daemon);
    clients_destroy(&h->clients);
    free(h);
}
