// store.h: answers that are kept, in SQLite: a file, or memory that ends with the server.
//
// What was put is on the disk when store_put returns: the process may be killed at any moment. A
// write that fails (a full disk, no memory) changes nothing, and the store goes on. From any
// thread.
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <stddef.h>

#include "request.h"

typedef struct store store;

typedef struct store_limits {
    int64_t answers, bytes; // of all; the oldest go
} store_limits;

typedef struct kept_answer {
    char *document;     // the answer, JSON
    char *conversation; // array of the items that it answers, JSON
    int64_t n_before;   // so many of those are of earlier answers
} kept_answer;

// path NULL: in memory. *store_out is NULL where the program was built without SQLite and no path
// is given. A file that is damaged, of something else, or in use is an error.
bool store_open(const char *path, const store_limits *limits, store **store_out, problem *problem);
void store_close(store *store);

bool store_put(store *store, const char *id, const kept_answer *answer, problem *problem);
// *found_out: whether it is there; to be released with kept_answer_clear.
bool store_get(store *store, const char *id, kept_answer *answer_out, bool *found_out,
               problem *problem);
bool store_delete(store *store, const char *id, bool *found_out, problem *problem);
void kept_answer_clear(kept_answer *answer);

#endif
