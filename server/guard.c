// guard.c: what keeps strangers, and pages in the user's browser, away.
//
// A page from anywhere can make a browser send requests to loopback, and a name that resolves to
// 127.0.0.1 makes them look like its own (DNS rebinding). So Host must be a name of this machine
// where only this machine is served, and a foreign Origin is refused unless it was allowed.
#include "guard.h"

#include <string.h>
#include <strings.h>

#include "state.h"

// The length of a Host header's name, without its port.
static size_t name_length(const char *host) {
    if (host[0] == '[') {
        const char *end = strchr(host, ']');
        return end ? (size_t)(end - host) + 1 : strlen(host);
    }
    return strcspn(host, ":");
}

static bool is_name(const char *host, size_t length, const char *name) {
    return name && strlen(name) == length && strncasecmp(host, name, length) == 0;
}

static bool is_local(const char *host, size_t length, const char *allowed) {
    static const char suffix[] = ".localhost";
    size_t n = sizeof(suffix) - 1;
    return is_name(host, length, "localhost") || is_name(host, length, "[::1]") ||
           (length > n && strncasecmp(host + length - n, suffix, n) == 0) ||
           (length <= 15 && strncmp(host, "127.", 4) == 0 &&
            strspn(host, "0123456789.") >= length) ||
           is_name(host, length, allowed);
}

// An origin is the server's own when it is its Host behind a scheme.
static bool is_own(const char *origin, const char *host) {
    const char *behind = strstr(origin, "://");
    return behind && host && strcasecmp(behind + 3, host) == 0;
}

const char *guard_cors(const server *s, const http_request *r) {
    const char *origin = http_header(r, "Origin"), *allowed = s->options.cors;
    if (!origin || !allowed) {
        return NULL;
    }
    return strcmp(allowed, "*") == 0 || strcasecmp(allowed, origin) == 0 ? allowed : NULL;
}

// Takes as long for any wrong key of the same length.
static bool same_key(const char *given, const char *key) {
    size_t length = strlen(key);
    volatile unsigned char difference = strlen(given) != length;
    for (size_t i = 0, k = 0; i < length; i++) {
        difference |= (unsigned char)(given[k] ^ key[i]);
        k += given[k] != 0;
    }
    return !difference;
}

static bool has_key(const server *s, const http_request *r) {
    const char *bearer = http_header(r, "Authorization"), *key = http_header(r, "x-api-key");
    if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0 &&
        same_key(bearer + 7, s->options.api_key)) {
        return true;
    }
    return key && same_key(key, s->options.api_key);
}

bool guard_check(const server *s, const http_request *r, bool keyless, problem *problem) {
    const char *host = http_header(r, "Host"), *origin = http_header(r, "Origin");
    if (s->loopback && host && !is_local(host, name_length(host), s->options.allow_host)) {
        return problem_set(problem, PROBLEM_FORBIDDEN, "Host",
                           "this server answers to localhost; --allow-host NAME adds a name");
    }
    if (origin && !is_own(origin, host) && !guard_cors(s, r)) {
        return problem_set(problem, PROBLEM_FORBIDDEN, "Origin",
                           "pages of other origins may not call this server; --cors ORIGIN "
                           "lets one");
    }
    if (s->options.api_key && !keyless && !has_key(s, r)) {
        return problem_set(problem, PROBLEM_KEY, "Authorization",
                           "Incorrect API key provided: it goes into the header Authorization, as "
                           "\"Bearer KEY\", or x-api-key");
    }
    return true;
}
