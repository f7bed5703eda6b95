// A filter for tests in Python. Lines in, each in two words, the second in hexadecimal:
//     regex|search|json|gbnf|lark|schema FORM    ->  "ok", or status and message
//     text BYTES                                 ->  "1": holds to the last form, "0": does not
// search: a regular expression anywhere in a text. json: anywhere inside of a JSON string.
#include "grammar/small.h"

static size_t unhex(const char *hex, char *out) {
    size_t n = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        out[n++] = (char)byte;
    return n;
}

static gptoss_status read(rules *r, const char *kind, const char *form, size_t n,
                          gptoss_error *error) {
    if (!strcmp(kind, "regex"))
        return rules_read_regex(r, form, n, error);
    if (!strcmp(kind, "gbnf"))
        return rules_read_gbnf(r, form, n, error);
    if (!strcmp(kind, "lark"))
        return rules_read_lark(r, form, n, error);
    if (!strcmp(kind, "schema"))
        return rules_read_schema(r, form, n, error);
    int32_t rule = rules_declare(r);
    error->status = GPTOSS_OK;
    int32_t found = rules_regex(r, form, n, true, !strcmp(kind, "json"), error);
    if (found == RULES_NONE)
        return error->status;
    rules_define(r, rule, found);
    rules_start(r, rule);
    return rules_status(r, error);
}

// Byte by byte, whose tokens are numbered as they are.
static bool holds(grammar *g, const char *text, size_t n) {
    grammar_state *state;
    gptoss_error error;
    CHECK(!grammar_state_create(g, &state, &error), "%s", error.message);
    bool good = true;
    for (size_t i = 0; i < n && good; i++)
        good = !grammar_accept(state, (uint8_t)text[i], &error);
    good = good && grammar_may_end(state);
    grammar_state_free(state);
    return good;
}

int main(void) {
    small s = small_create(NULL, 0);
    grammar *g = NULL;
    static char line[1 << 20], bytes[1 << 19];
    while (fgets(line, sizeof line, stdin)) {
        char kind[16] = "";
        int skipped = 0;
        CHECK(sscanf(line, "%15s %n", kind, &skipped) == 1, "an empty line");
        size_t n = unhex(line + skipped, bytes);
        if (!strcmp(kind, "text")) {
            CHECK(g, "a text without a form");
            puts(holds(g, bytes, n) ? "1" : "0");
        } else {
            gptoss_error error = {0};
            rules *r = rules_create();
            grammar_free(g);
            g = NULL;
            gptoss_status status = read(r, kind, bytes, n, &error);
            if (!status)
                status = grammar_create_from_rules(s.vocabulary, r, &g, &error);
            if (status)
                printf("%d %s\n", (int)status, error.message);
            else
                puts("ok");
            rules_free(r);
        }
        fflush(stdout);
    }
    grammar_free(g);
    small_free(&s);
    return 0;
}
