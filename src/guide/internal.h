// What the files of this module share: the insides of libraries and guides.
#ifndef GUIDE_INTERNAL_H
#define GUIDE_INTERNAL_H

#include "guide/graph.h"
#include "guide/guide.h"
#include "guide/text.h"

#include <pthread.h>

// A compiled form. It lives while the library remembers it or a guide uses it.
typedef struct library_form library_form;
struct library_form {
    library_form *next; // in the library, the latest first
    grammar_kind kind;
    char *text; // [length]
    size_t length;
    grammar *grammar;
    int users; // guides, and the library while it remembers it
};

struct guide_library {
    const harmony *harmony;
    const tokenizer *tokenizer;
    text_tokens text;
    int32_t markers[HARMONY_N_MARKERS];
    int32_t byte_ids[256];
    base_ids assistant;             // the role as the tokenizer spells it
    pthread_mutex_t lock;           // of the rest
    grammar_vocabulary *vocabulary; // NULL until the first form
    library_form *forms;
};

// The form, compiled or remembered; to be given back with library_return.
gptoss_status library_take(guide_library *library, const guide_form *form, library_form **out,
                           gptoss_error *error);
void library_return(guide_library *library, library_form *form); // NULL is fine

struct guide {
    guide_library *library;
    graph graph;
    library_form **forms; // [n_tools], NULL: a free text
    size_t n_tools;
    library_form *answer; // NULL: free
    int32_t max_calls, max_reasoning;
    char **warnings; // [n_warnings]
    size_t n_warnings;
};

#endif
