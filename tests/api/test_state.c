// States of a sequence: forked, cut, saved, restored, re-prompted, full. After each of them it must
// go on exactly like one that was made in the plain way; a damaged file must be refused and leave
// the sequence as it was.
#include "api.h"

#include <stdlib.h>
#include <unistd.h>

static tokens go_on(gptoss_sequence *sequence, int number) {
    tokens t = {.n = 0};
    gptoss_generation g = generation_for(number);
    OK(gptoss_start(sequence, &g, error));
    while (take(sequence, &t))
        ;
    return t;
}

// A sequence behind the first half of a generation.
static gptoss_sequence *halfway(gptoss_model *model, int number, tokens *t) {
    gptoss_sequence *s = asked(model, number);
    gptoss_generation g = generation_for(number);
    OK(gptoss_start(s, &g, error));
    while (t->n < MAX_TOKENS / 2)
        take(s, t);
    gptoss_cancel(s);
    while (take(s, t))
        ;
    size_t keep = gptoss_sequence_length(s) - (t->n - MAX_TOKENS / 2);
    OK(gptoss_truncate(s, keep, error));
    t->n = MAX_TOKENS / 2;
    return s;
}

static void check_rest(const tokens *rest, const tokens *whole, const char *what) {
    tokens expected = {.n = MAX_TOKENS / 2};
    memcpy(expected.ids, whole->ids + MAX_TOKENS / 2, sizeof whole->ids / 2);
    memcpy(expected.logprobs, whole->logprobs + MAX_TOKENS / 2, sizeof whole->logprobs / 2);
    check_equal(rest, &expected, MAX_TOKENS / 2, what);
}

static void check_fork(gptoss_model *model, const tokens *whole) {
    tokens t = {.n = 0};
    gptoss_sequence *s = halfway(model, 1, &t), *copy;
    OK(gptoss_fork(s, &copy, error));
    tokens a = go_on(s, 1), b = go_on(copy, 1);
    check_rest(&a, whole, "the original behind a fork");
    check_rest(&b, whole, "the fork");
    gptoss_sequence_free(s);
    gptoss_sequence_free(copy);
}

// Flips one byte of a file, or cuts it when at is negative.
static void damage(const char *path, long at) {
    FILE *file = fopen(path, "r+b");
    CHECK(file, "open");
    if (at < 0) {
        CHECK(ftruncate(fileno(file), -at) == 0, "cut");
    } else {
        fseek(file, at, SEEK_SET);
        int c = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(c ^ 0x10, file);
    }
    fclose(file);
}

static void check_saved(gptoss_model *model, gptoss_model *other, const tokens *whole) {
    char folder[] = "/tmp/gptoss-state-XXXXXX", path[64];
    CHECK(mkdtemp(folder), "mkdtemp");
    snprintf(path, sizeof path, "%s/sequence", folder);
    tokens t = {.n = 0};
    gptoss_sequence *s = halfway(model, 1, &t), *restored = asked(model, 5);
    OK(gptoss_save(s, path, error));
    OK(gptoss_restore(restored, path, error));
    tokens rest = go_on(restored, 1);
    check_rest(&rest, whole, "restored");

    gptoss_error why = {0};
    gptoss_sequence *foreign = asked(other, 5);
    CHECK(gptoss_restore(foreign, path, &why) == GPTOSS_BAD_FILE, "another precision: %s",
          why.message);
    static const long places[] = {0, 9, 17, 33, 37, 41, 60, 200, 2000, 20000, -4, -40, -3000};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        OK(gptoss_save(s, path, error));
        damage(path, places[i]);
        size_t before = gptoss_sequence_length(restored);
        gptoss_status status = gptoss_restore(restored, path, &why);
        CHECK(status == GPTOSS_BAD_FILE || status == GPTOSS_NO_MEMORY,
              "damage at %ld was not noticed: %s", places[i], gptoss_status_name(status));
        CHECK(gptoss_sequence_length(restored) == before, "a failed restore changed the sequence");
    }
    CHECK(gptoss_save(s, "/nowhere/at/all", &why) == GPTOSS_IO, "a folder that is not there");
    CHECK(access(path, F_OK) == 0 && unlink(path) == 0 && rmdir(folder) == 0,
          "a temporary file was left behind");
    gptoss_sequence_free(s);
    gptoss_sequence_free(restored);
    gptoss_sequence_free(foreign);
}

// Cut anywhere and pushed again, a sequence goes on as before: windows that are gone are
// recomputed.
static void check_cuts(gptoss_model *model, const tokens *whole) {
    gptoss_sequence *s = asked(model, 1);
    size_t length = gptoss_sequence_length(s);
    int32_t ids[512];
    CHECK(length <= 512, "the prompt has %zu tokens", length);
    memcpy(ids, gptoss_sequence_ids(s), length * sizeof *ids);
    static const size_t cuts[] = {1, 2, 63, 64, 65, 0};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        tokens t = go_on(s, 1);
        check_equal(&t, whole, MAX_TOKENS, "after a cut");
        size_t keep = cuts[i] < length ? length - cuts[i] : 0;
        OK(gptoss_truncate(s, keep, error));
        OK(gptoss_push(s, ids + keep, length - keep, error));
    }
    tokens t = go_on(s, 1);
    check_equal(&t, whole, MAX_TOKENS, "after the last cut");
    gptoss_sequence_free(s);
}

// A growing conversation computes only what is new, and gets what a fresh sequence gets.
static void check_reuse(gptoss_model *model) {
    gptoss_conversation *talk = question(2);
    gptoss_sequence *grown, *fresh;
    OK(gptoss_sequence_create(model, &grown, error));
    OK(gptoss_prompt(grown, talk, error));
    gptoss_generation g = generation_for(2);
    g.ignore_stop = false;
    tokens first = {.n = 0}, a = {.n = 0}, b = {.n = 0};
    OK(gptoss_start(grown, &g, error));
    while (take(grown, &first))
        ;
    OK(gptoss_take_messages(grown, talk, error));
    OK(gptoss_add_user(talk, "What is 1 + 2?", 14, error));
    OK(gptoss_prompt(grown, talk, error));
    OK(gptoss_start(grown, &g, error));
    gptoss_stats stats;
    gptoss_sequence_stats(grown, &stats);
    CHECK(stats.cached_tokens > 40, "only %zu of %zu tokens are reused", stats.cached_tokens,
          stats.prompt_tokens);
    while (take(grown, &a))
        ;
    OK(gptoss_sequence_create(model, &fresh, error));
    OK(gptoss_prompt(fresh, talk, error));
    OK(gptoss_start(fresh, &g, error));
    while (take(fresh, &b))
        ;
    CHECK(a.n == b.n, "%zu and %zu tokens", a.n, b.n);
    check_equal(&a, &b, a.n, "a grown conversation");
    gptoss_sequence_free(grown);
    gptoss_sequence_free(fresh);
    gptoss_conversation_free(talk);
}

static void check_limits(gptoss_model *model) {
    gptoss_error why = {0};
    gptoss_sequence *s = asked(model, 0);
    gptoss_event event;
    CHECK(gptoss_next(s, &event, &why) == GPTOSS_BAD_ARGUMENT, "next before start");
    int32_t wild[] = {-1, 1 << 30};
    for (int i = 0; i < 2; i++)
        CHECK(gptoss_push(s, &wild[i], 1, &why) == GPTOSS_BAD_INPUT, "id %d", wild[i]);
    CHECK(gptoss_truncate(s, 100000, &why) == GPTOSS_BAD_ARGUMENT, "truncate to more");
    int32_t filler[1024] = {0};
    size_t length = gptoss_sequence_length(s);
    CHECK(gptoss_push(s, filler, 1024, &why) == GPTOSS_NO_MEMORY, "1024 more tokens");
    CHECK(gptoss_sequence_length(s) == length, "a failed push changed the sequence");
    OK(gptoss_push(s, filler, 1024 - length - 3, error));
    tokens t = go_on(s, 0);
    CHECK(t.n == 3 && t.finish == GPTOSS_FINISH_LENGTH, "%zu tokens fit, not 3", t.n);
    t = go_on(s, 0);
    CHECK(t.n == 0 && t.finish == GPTOSS_FINISH_LENGTH, "a full context gave %zu tokens", t.n);
    gptoss_generation g = generation_for(0);
    g.sampling.top_p = 2;
    CHECK(gptoss_start(s, &g, &why) == GPTOSS_BAD_ARGUMENT, "top_p 2");
    gptoss_sequence_free(s);
}

int main(void) {
    gptoss_model *model = open_model(GPTOSS_FAST, 3, 64, 1024);
    gptoss_model *exact = open_model(GPTOSS_EXACT, 1, 64, 1024);
    tokens whole = alone(model, 1);
    check_fork(model, &whole);
    check_saved(model, exact, &whole);
    check_cuts(model, &whole);
    check_reuse(model);
    check_limits(model);
    gptoss_model_close(model);
    gptoss_model_close(exact);
    puts("forked, cut, saved and grown sequences go on like plain ones");
    return 0;
}
