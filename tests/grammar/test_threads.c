// Threads that follow texts of one grammar at the same time find the masks that one alone finds:
// what is remembered is shared, and half filled memory must not be seen. Meant for tsan as well.
#include <pthread.h>

#include "grammar/small.h"

enum { THREADS = 4, TEXTS = 40, TOKENS = 30, MAX_WORDS = 64 };

typedef struct job {
    const small *s;
    grammar *g;
    uint64_t first_seed;
    uint64_t digest; // of all masks
} job;

static void follow(job *j, uint64_t seed) {
    gptoss_error error = {0};
    grammar_state *state;
    uint32_t mask[MAX_WORDS];
    size_t n_ids = (size_t)tokenizer_size(j->s->tokenizer);
    CHECK(!grammar_state_create(j->g, &state, &error), "%s", error.message);
    for (int i = 0; i < TOKENS; i++) {
        memset(mask, 0xff, sizeof mask);
        CHECK(!grammar_mask(state, mask, j->s->n_words, &error), "%s", error.message);
        for (size_t word = 0; word < j->s->n_words; word++)
            j->digest = (j->digest ^ mask[word]) * 0x100000001b3u;
        int32_t id = small_choose(mask, n_ids, &seed);
        if (id < 0)
            break;
        CHECK(!grammar_accept(state, id, &error), "%s", error.message);
    }
    grammar_state_free(state);
}

static void *work(void *context) {
    job *j = context;
    for (uint64_t text = 0; text < TEXTS; text++)
        follow(j, j->first_seed + text);
    return NULL;
}

static grammar *compile(const small *s) {
    static const char form[] = "root ::= \"[\" item (\",\" item)* \"]\"\n"
                               "item ::= root | [a-c]+ | \"{\" item \":\" item{1,3} \"}\"\n";
    gptoss_error error = {0};
    grammar *g;
    CHECK(!grammar_create(s->vocabulary, GRAMMAR_GBNF, form, sizeof form - 1, &g, &error), "%s",
          error.message);
    return g;
}

int main(void) {
    static const char *const words[] = {"aa", "bca", "[[", "],[", "{[", "b}"};
    small s = small_create(words, sizeof words / sizeof words[0]);
    CHECK(s.n_words <= MAX_WORDS, "the vocabulary has %zu words", s.n_words);
    grammar *shared = compile(&s);
    job together[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) // two and two follow the same texts
        together[i] = (job){&s, shared, 1000 * (uint64_t)(i / 2), 0};
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, work, &together[i]), "no thread");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        grammar *own = compile(&s);
        job alone = {&s, own, together[i].first_seed, 0};
        work(&alone);
        CHECK(alone.digest == together[i].digest, "thread %d found other masks", i);
        grammar_free(own);
    }
    grammar_free(shared);
    small_free(&s);
    return 0;
}
