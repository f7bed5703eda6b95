// names.h: tools' names as clients spell them <-> as the model sees them.
//
// In Harmony a tool is called by a word of a header, so that a name with blanks, brackets or
// letters beyond ASCII can't stand there. Such names get another spelling, the same for the same
// list.
#ifndef SERVER_NAMES_H
#define SERVER_NAMES_H

#include "request.h"

typedef struct names {
    const request *request;
    char **shown; // [n_tools] what the model sees, without "functions."
} names;

bool names_init(names *names, const request *request);
void names_clear(names *names);

// The model's word for a tool that a client names, declared or not: a new string.
char *names_shown(const names *names, const char *name);
// The tool behind a recipient ("functions.f"; the prefix may be missing). -1: none; *name_out is
// then what the model said, without the prefix, inside of `recipient`.
int names_find(const names *names, const char *recipient, const char **name_out);

#endif
