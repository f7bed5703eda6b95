// Measures masks: bench_masks KIND FORM-FILE TEXT-FILE. The text is tokenized and followed twice, a
// mask before each token; the first pass finds everything, the second remembers it.
#include <string.h>

#include "grammar/grammar.h"
#include "support/check.h"

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void follow(grammar *g, const base_ids *ids, size_t n_words, const char *what) {
    gptoss_error error;
    grammar_state *state;
    uint32_t *mask = malloc(n_words * sizeof *mask);
    double *times = malloc((ids->length + 1) * sizeof *times);
    CHECK(mask && times && !grammar_state_create(g, &state, &error), "%s", error.message);
    for (size_t i = 0; i < ids->length; i++) {
        memset(mask, 0xff, n_words * sizeof *mask);
        double start = base_seconds();
        CHECK(!grammar_mask(state, mask, n_words, &error), "%s", error.message);
        times[i] = 1e6 * (base_seconds() - start);
        CHECK(mask[ids->data[i] / 32] >> (ids->data[i] % 32) & 1, "token %zu is masked", i);
        CHECK(!grammar_accept(state, ids->data[i], &error), "%s", error.message);
    }
    qsort(times, ids->length, sizeof *times, compare);
    printf("%s: %zu masks, median %.1f us, p99 %.1f us, worst %.1f us\n", what, ids->length,
           times[ids->length / 2], times[ids->length * 99 / 100], times[ids->length - 1]);
    grammar_state_free(state);
    free(mask);
    free(times);
}

int main(int argc, char **argv) {
    static const char *const kinds[] = {"object", "schema", "regex", "gbnf", "lark"};
    int kind = 0;
    CHECK(argc == 4, "usage: bench_masks object|schema|regex|gbnf|lark FORM TEXT");
    while (kind < 4 && strcmp(kinds[kind], argv[1]))
        kind++;
    base_buffer form = {0}, text = {0};
    base_ids ids = {0};
    gptoss_error error;
    tokenizer *t;
    grammar_vocabulary *v;
    grammar *g;
    CHECK(!base_read_file(argv[2], 1 << 24, &form, &error), "%s", error.message);
    CHECK(!base_read_file(argv[3], 1 << 24, &text, &error), "%s", error.message);
    CHECK(!tokenizer_open_builtin(&t, &error), "%s", error.message);
    double start = base_seconds();
    CHECK(!grammar_vocabulary_create(t, &v, &error), "%s", error.message);
    printf("vocabulary %.1f ms, ", 1e3 * (base_seconds() - start));
    start = base_seconds();
    CHECK(!grammar_create(v, (grammar_kind)kind, form.data, form.length, &g, &error), "%s",
          error.message);
    printf("form %.2f ms\n", 1e3 * (base_seconds() - start));
    CHECK(!tokenizer_encode(t, text.data, text.length, TOKENIZER_PLAIN, &ids, &error), "%s",
          error.message);
    size_t n_words = ((size_t)tokenizer_size(t) + 31) / 32;
    follow(g, &ids, n_words, "cold");
    follow(g, &ids, n_words, "warm");
    grammar_free(g);
    grammar_vocabulary_free(v);
    tokenizer_close(t);
    base_ids_free(&ids);
    base_buffer_free(&form);
    base_buffer_free(&text);
    return 0;
}
