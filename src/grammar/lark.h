// lark.h: the terminals of Lark's library `common`.
#ifndef GRAMMAR_LARK_H
#define GRAMMAR_LARK_H

#include <stddef.h>

// What a terminal matches, as a regular expression; NULL if there is none of this name.
const char *lark_common(const char *name, size_t length);

#endif
