// Readers of forms that are still to come.
#include "grammar/rules.h"
gptoss_status rules_read_schema(rules *r, const char *s, size_t l, gptoss_error *e) {
    (void)r;
    (void)s;
    (void)l;
    return base_fail(e, GPTOSS_UNSUPPORTED, "this form of grammar is not understood");
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
