// body.h: JSON from anybody.
#ifndef SERVER_BODY_H
#define SERVER_BODY_H

#include <jansson.h>

#include "request.h"

enum { BODY_DEPTH = 96 }; // of arrays and objects

// NULL: *problem says what is wrong. Halves of surrogate pairs that stand alone become U+FFFD, and
// whole numbers beyond 64 bits become real ones: clients are known to send both.
json_t *body_parse(const char *text, size_t length, problem *problem);

#endif
