// Readers of forms that are still to come.
#include "grammar/expressions.h"

int32_t rules_regex(rules *r, const char *regex, size_t length, bool anywhere, bool in_json,
                    gptoss_error *error) {
    (void)regex;
    (void)length;
    (void)anywhere;
    (void)in_json;
    r->why = "regular expressions are not understood yet";
    r->status = base_fail(error, GPTOSS_UNSUPPORTED, "%s", r->why);
    return RULES_NONE;
}
gptoss_status rules_read_regex(rules *r, const char *s, size_t l, gptoss_error *e) {
    (void)r;
    (void)s;
    (void)l;
    return base_fail(e, GPTOSS_UNSUPPORTED, "this form of grammar is not understood");
}
gptoss_status rules_read_lark(rules *r, const char *s, size_t l, gptoss_error *e) {
    (void)r;
    (void)s;
    (void)l;
    return base_fail(e, GPTOSS_UNSUPPORTED, "this form of grammar is not understood");
}
gptoss_status rules_read_gbnf(rules *r, const char *s, size_t l, gptoss_error *e) {
    (void)r;
    (void)s;
    (void)l;
    return base_fail(e, GPTOSS_UNSUPPORTED, "this form of grammar is not understood");
}
