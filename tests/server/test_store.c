// The store of answers alone: bounds, writes that fail, files that are no stores.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store.h"

static char path[256];

static void must(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "failed: %s\n", what);
        exit(1);
    }
}

static store *open_it(int64_t answers, int64_t bytes) {
    const store_limits limits = {answers, bytes};
    problem fault = {0};
    store *made = NULL;
    bool good = store_open(path, &limits, &made, &fault);
    must(good, fault.message);
    return made;
}

static void must_refuse(const char *words) {
    const store_limits limits = {10, 1000};
    problem fault = {0};
    store *made = NULL;
    must(!store_open(path, &limits, &made, &fault) && !made, words);
    must(strstr(fault.message, words) && strstr(fault.message, path), fault.message);
}

static bool put(store *s, int number, size_t length, problem *fault) {
    char id[32], *words = malloc(length + 1);
    must(words, "memory");
    memset(words, 'a' + number % 26, length);
    words[length] = 0;
    snprintf(id, sizeof(id), "resp_%d", number);
    bool good = store_put(s, id, &(kept_answer){words, "[]", number}, fault);
    free(words);
    return good;
}

static bool is_there(store *s, int number, size_t length) {
    char id[32];
    kept_answer answer;
    problem fault = {0};
    bool found;
    snprintf(id, sizeof(id), "resp_%d", number);
    must(store_get(s, id, &answer, &found, &fault), fault.message);
    if (found) {
        must(answer.n_before == number && strlen(answer.document) == length &&
                 answer.document[length - 1] == 'a' + number % 26 &&
                 !strcmp(answer.conversation, "[]"),
             "what was put");
    }
    kept_answer_clear(&answer);
    return found;
}

static void remove_files(void) {
    char other[sizeof(path) + 8];
    unlink(path);
    snprintf(other, sizeof(other), "%s-wal", path);
    unlink(other);
}

static void test_bounds(void) {
    problem fault = {0};
    store *s = open_it(3, 1000);
    struct stat facts;
    must(!stat(path, &facts) && (facts.st_mode & 077) == 0, "others can't read it");
    for (int i = 0; i < 5; i++) {
        must(put(s, i, 10, &fault), fault.message);
    }
    must(!is_there(s, 1, 10) && is_there(s, 2, 10) && is_there(s, 4, 10),
         "the oldest go by number");
    bool found;
    must(store_delete(s, "resp_3", &found, &fault) && found, "delete");
    must(store_delete(s, "resp_3", &found, &fault) && !found, "delete once");
    must(put(s, 5, 10, &fault) && is_there(s, 2, 10), "what was deleted makes room");
    must(!put(s, 5, 10, &fault) && fault.kind == PROBLEM_FAILED, "an id is used once");
    must(!put(s, 6, 2000, &fault) && is_there(s, 2, 10), "too large a one displaces nothing");
    must(put(s, 7, 980, &fault) && !is_there(s, 5, 10), "the oldest go by bytes");
    store_close(s);
    s = open_it(1, 1000); // the bounds are today's: the next one that comes trims
    must(is_there(s, 7, 980) && put(s, 8, 10, &fault) && !is_there(s, 7, 980), "opened again");
    store_close(s);
    remove_files();
}

// A disk that is full at any place of a write: that write fails, and all else stays.
static void test_full(void) {
    problem fault = {0};
    int n_failed = 0;
    signal(SIGXFSZ, SIG_IGN);
    store *s = open_it(1000, 1 << 20);
    struct rlimit whole, tight;
    getrlimit(RLIMIT_FSIZE, &whole);
    must(put(s, 0, 10, &fault), fault.message);
    for (int i = 1; i <= 40; i++) {
        tight = whole;
        tight.rlim_cur = (rlim_t)(i * 3001);
        setrlimit(RLIMIT_FSIZE, &tight);
        bool good = put(s, i, 9000, &fault);
        setrlimit(RLIMIT_FSIZE, &whole);
        n_failed += !good;
        must(is_there(s, i, 9000) == good, "a failed write is no write");
    }
    must(n_failed > 5, "writes failed");
    must(put(s, 100, 9000, &fault) && is_there(s, 100, 9000) && is_there(s, 0, 10), "goes on");
    store_close(s);
    s = open_it(1000, 1 << 20);
    must(is_there(s, 100, 9000), "opens again");
    store_close(s);
    remove_files();
}

static void overwrite(off_t at, const char *words) {
    int file = open(path, O_WRONLY | O_CREAT, 0600);
    must(file >= 0 && pwrite(file, words, strlen(words), at) == (ssize_t)strlen(words), "write");
    close(file);
}

static void test_files(void) {
    problem fault = {0};
    store *s = open_it(100, 1 << 20);
    must_refuse("in use");
    for (int i = 0; i < 20; i++) {
        must(put(s, i, 900, &fault), fault.message);
    }
    store_close(s);
    overwrite(4096, "damage"); // the header of the table's root page
    must_refuse("damaged");
    remove_files();
    overwrite(0,
              "This is a letter to my grandmother, and no database at all, however one reads it.");
    must_refuse("damaged");
    remove_files();
    store_close(open_it(1, 1));
    overwrite(68, "else"); // application_id
    must_refuse("another program");
    remove_files();
    store_close(open_it(1, 1));
    overwrite(63, "\x02"); // user_version
    must_refuse("version 2");
    remove_files();
    strcat(path, "/none");
    must_refuse("No such file");
}

int main(void) {
    snprintf(path, sizeof(path), "/tmp/gptoss_store_%d", (int)getpid());
    remove_files();
    test_bounds();
    test_full();
    test_files();
    return 0;
}
