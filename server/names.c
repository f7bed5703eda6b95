// names.c: legal spellings for tools' names.
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 64 };

static bool is_legal(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// A legal spelling: other bytes become "_", what is too long is cut.
static char *spell(const char *name) {
    size_t length = strlen(name);
    char *shown = malloc((length > 3 ? length : 3) + 8); // room for a number behind it
    if (!shown) {
        return NULL;
    }
    for (size_t i = 0; i < length; i++) {
        shown[i] = is_legal(name[i]) ? name[i] : '_';
    }
    length = length > MAX_NAME ? MAX_NAME : length;
    shown[length] = 0;
    if (!length) {
        strcpy(shown, "_");
    }
    return shown;
}

static bool is_taken(const names *n, size_t count, const char *shown) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(n->shown[i], shown) == 0) {
            return true;
        }
    }
    return false;
}

// Two names that would be spelled the same are told apart by a number.
static void make_unique(const names *n, size_t count, char *shown) {
    size_t length = strlen(shown);
    for (unsigned number = 2; is_taken(n, count, shown); number++) {
        snprintf(shown + length, 8, "_%u", number % 100000);
    }
}

bool names_init(names *n, const request *r) {
    *n = (names){.request = r};
    n->shown = calloc(r->n_tools ? r->n_tools : 1, sizeof *n->shown);
    if (!n->shown) {
        return false;
    }
    for (size_t i = 0; i < r->n_tools; i++) {
        n->shown[i] = spell(r->tools[i].name);
        if (!n->shown[i]) {
            return false;
        }
        make_unique(n, i, n->shown[i]);
    }
    return true;
}

void names_clear(names *n) {
    for (size_t i = 0; n->shown && i < n->request->n_tools; i++) {
        free(n->shown[i]);
    }
    free(n->shown);
    *n = (names){0};
}

char *names_shown(const names *n, const char *name) {
    for (size_t i = 0; i < n->request->n_tools; i++) {
        if (strcmp(n->request->tools[i].name, name) == 0) {
            return strdup(n->shown[i]);
        }
    }
    return spell(name);
}

int names_find(const names *n, const char *recipient, const char **name_out) {
    static const char prefix[] = "functions.";
    bool prefixed = strncmp(recipient, prefix, sizeof(prefix) - 1) == 0;
    const char *name = prefixed ? recipient + sizeof(prefix) - 1 : recipient;
    *name_out = name;
    for (size_t i = 0; i < n->request->n_tools; i++) {
        if (!n->request->tools[i].barred && strcmp(n->shown[i], name) == 0) {
            *name_out = n->request->tools[i].name;
            return (int)i;
        }
    }
    return -1;
}
