// stops.h: stop strings in a text that grows, and whole characters in bytes that grow.
#ifndef SERVER_STOPS_H
#define SERVER_STOPS_H

#include "text.h"

typedef struct stops_match {
    const char *stop; // the string that came, or NULL
    size_t at;        // where it begins; without one: up to where the text can't be a part of one
} stops_match;

// Looks for the first of the stops in text[from .. length - 1]. What lies before `from` is no
// beginning of one.
stops_match stops_find(const char *const *stops, size_t n_stops, const char *text, size_t from,
                       size_t length);

#endif
