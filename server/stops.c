// stops.c: stop strings and whole characters.
#include "stops.h"

#include <string.h>

// Whether text[0 .. length - 1] begins with the stop, or is the beginning of it.
static bool begins(const char *stop, size_t stop_length, const char *text, size_t length,
                   bool *whole_out) {
    size_t common = length < stop_length ? length : stop_length;
    *whole_out = length >= stop_length;
    return memcmp(stop, text, common) == 0;
}

stops_match stops_find(const char *const *stops, size_t n_stops, const char *text, size_t from,
                       size_t length) {
    stops_match found = {.at = length};
    for (size_t at = from; at < length; at++) {
        for (size_t i = 0; i < n_stops; i++) {
            bool whole;
            size_t stop_length = strlen(stops[i]);
            if (!stop_length || !begins(stops[i], stop_length, text + at, length - at, &whole)) {
                continue;
            }
            if (whole) {
                return (stops_match){stops[i], at};
            }
            found.at = found.at == length ? at : found.at;
        }
    }
    return found;
}
