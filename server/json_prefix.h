// json_prefix.h: how far a text that grows is the beginning of a JSON object.
//
// Arguments of a call are passed on while they are sampled, to clients that parse them at the end.
// Whatever the model says, what goes out is the beginning of a JSON object: the first byte that no
// object could have there ends it. Where a text was cut, `json_prefix_repair` gives the object of
// the members that are complete.
#ifndef SERVER_JSON_PREFIX_H
#define SERVER_JSON_PREFIX_H

#include <stdint.h>

#include "text.h"

enum { JSON_PREFIX_DEPTH = 128 };

typedef struct json_prefix {
    size_t accepted; // bytes so far
    bool refused;    // a byte came that could not follow; all behind it is refused too
    bool complete;   // the object is closed
    // How to close it: the first `whole` bytes end behind a complete value or an opening bracket,
    // `whole_depth` containers are open there.
    size_t whole;
    uint8_t whole_depth;
    uint8_t depth;
    uint8_t state;
    uint8_t number;                        // what a number has shown so far
    uint8_t digits;                        // of \uXXXX still to come
    uint16_t unit;                         // the UTF-16 unit that those spell
    bool high;                             // the unit before was the first half of a pair
    bool is_key;                           // of an object: the string at hand
    const char *word;                      // rest of true, false or null
    uint8_t arrays[JSON_PREFIX_DEPTH / 8]; // bit i: container i is an array
} json_prefix;

// Takes more text; returns how many of its bytes the beginning of an object goes on with.
size_t json_prefix_add(json_prefix *prefix, const char *bytes, size_t length);
// Appends the object that bytes, all that was added so far, is or began to be.
void json_prefix_repair(const json_prefix *prefix, const char *bytes, text *out);

#endif
