// store.c: one connection behind a mutex, and its prepared statements.
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION = 0x67707473, VERSION = 1 }; // in the file's header

typedef enum statement { BEGIN, COMMIT, ROLLBACK, PUT, DROP_OLDEST, GET, DELETE } statement;
enum { N_STATEMENTS = DELETE + 1 };

static const char *const SQL[N_STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT] = "INSERT INTO answers (id, document, conversation, n_before, bytes) "
            "VALUES (?1, ?2, ?3, ?4, ?5)",
    [DROP_OLDEST] = "DELETE FROM answers WHERE number = (SELECT min(number) FROM answers) "
                    "RETURNING bytes",
    [GET] = "SELECT document, conversation, n_before FROM answers WHERE id = ?1",
    [DELETE] = "DELETE FROM answers WHERE id = ?1 RETURNING bytes",
};

// number: the order in which answers came.
static const char SCHEMA[] = "BEGIN;"
                             "CREATE TABLE answers (number INTEGER PRIMARY KEY AUTOINCREMENT,"
                             " id TEXT NOT NULL UNIQUE, document TEXT NOT NULL,"
                             " conversation TEXT NOT NULL, n_before INTEGER NOT NULL,"
                             " bytes INTEGER NOT NULL) STRICT;"
                             "PRAGMA application_id = 1735423091;" // APPLICATION
                             "PRAGMA user_version = 1;"            // VERSION
                             "COMMIT;";

struct store {
    pthread_mutex_t lock;
    sqlite3 *db;
    sqlite3_stmt *statements[N_STATEMENTS];
    store_limits limits, held;
};

// ---- opening --------------------------------------------------------------------------------

// The first number that the query gives.
static bool ask(sqlite3 *db, const char *sql, int64_t *out) {
    sqlite3_stmt *query = NULL;
    bool good = !sqlite3_prepare_v2(db, sql, -1, &query, NULL) && sqlite3_step(query) == SQLITE_ROW;
    *out = good ? sqlite3_column_int64(query, 0) : 0;
    return !sqlite3_finalize(query) && good;
}

static bool is_whole(sqlite3 *db) {
    sqlite3_stmt *query = NULL;
    bool good = !sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &query, NULL) &&
                sqlite3_step(query) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(query, 0), "ok") == 0;
    return !sqlite3_finalize(query) && good;
}

static bool wrong_file(sqlite3 *db, const char *path, problem *problem) {
    int code = sqlite3_errcode(db) & 0xff;
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        return problem_set(problem, PROBLEM_INVALID, "store", "%s: is in use by another program",
                           path);
    }
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_OK ||
        code == SQLITE_ROW || code == SQLITE_DONE) {
        return problem_set(problem, PROBLEM_INVALID, "store",
                           "%s: is damaged, or no store of answers: move it away to begin anew",
                           path);
    }
    return problem_set(problem, PROBLEM_FAILED, "store", "%s: %s", path, sqlite3_errmsg(db));
}

// Recognises the file, or makes the tables of an empty one.
static bool check_file(store *s, const char *path, problem *problem) {
    int64_t application, version, tables;
    if (!ask(s->db, "PRAGMA application_id", &application) ||
        !ask(s->db, "PRAGMA user_version", &version) ||
        !ask(s->db, "SELECT count(*) FROM sqlite_schema", &tables)) {
        return wrong_file(s->db, path, problem);
    }
    if (!application && !version && !tables) {
        return !sqlite3_exec(s->db, SCHEMA, NULL, NULL, NULL) || wrong_file(s->db, path, problem);
    }
    if (application != APPLICATION) {
        return problem_set(problem, PROBLEM_INVALID, "store",
                           "%s: is a database of another program", path);
    }
    if (version != VERSION) {
        return problem_set(problem, PROBLEM_INVALID, "store",
                           "%s: is a store of version %lld, and this program knows version %d",
                           path, (long long)version, VERSION);
    }
    return is_whole(s->db) || wrong_file(s->db, path, problem);
}

// Only its owner reads what was said; SQLite gives its other files the same mode.
static bool make_file(const char *path, problem *problem) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return problem_set(problem, PROBLEM_FAILED, "store", "%s: %s", path, strerror(errno));
    }
    close(file);
    return true;
}

static bool prepare(store *s, const char *path, problem *problem) {
    // Exclusive: nobody else changes what was counted here.
    static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL; BEGIN IMMEDIATE; COMMIT;";
    if (sqlite3_exec(s->db, settings, NULL, NULL, NULL)) {
        return wrong_file(s->db, path, problem);
    }
    if (!check_file(s, path, problem)) {
        return false;
    }
    for (int i = 0; i < N_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(s->db, SQL[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[i],
                               NULL)) {
            return wrong_file(s->db, path, problem);
        }
    }
    return (ask(s->db, "SELECT count(*) FROM answers", &s->held.answers) &&
            ask(s->db, "SELECT coalesce(sum(bytes), 0) FROM answers", &s->held.bytes)) ||
           wrong_file(s->db, path, problem);
}

bool store_open(const char *path, const store_limits *limits, store **store_out, problem *problem) {
    *store_out = NULL;
    if (path && !make_file(path, problem)) {
        return false;
    }
    store *s = calloc(1, sizeof *s);
    if (!s || pthread_mutex_init(&s->lock, NULL)) {
        free(s);
        return problem_set(problem, PROBLEM_FAILED, "store", "out of memory");
    }
    s->limits = *limits;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    bool good = !sqlite3_open_v2(path ? path : ":memory:", &s->db, flags, NULL);
    good = good ? prepare(s, path ? path : "the store", problem)
                : problem_set(problem, PROBLEM_FAILED, "store", "%s: %s", path ? path : "memory",
                              s->db ? sqlite3_errmsg(s->db) : "out of memory");
    if (!good) {
        store_close(s);
        return false;
    }
    *store_out = s;
    return true;
}

void store_close(store *s) {
    if (!s) {
        return;
    }
    for (int i = 0; i < N_STATEMENTS; i++) {
        sqlite3_finalize(s->statements[i]);
    }
    sqlite3_close(s->db);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

// ---- statements -----------------------------------------------------------------------------

static bool failed(store *s, const char *what, problem *problem) {
    return problem_set(problem, PROBLEM_FAILED, "", "the answer could not be %s: %s", what,
                       sqlite3_errmsg(s->db));
}

// One that gives nothing.
static bool execute(store *s, statement which) {
    bool good = sqlite3_step(s->statements[which]) == SQLITE_DONE;
    return !sqlite3_reset(s->statements[which]) && good;
}

static bool bind_text(sqlite3_stmt *query, int at, const char *words) {
    return !sqlite3_bind_text64(query, at, words, strlen(words), SQLITE_STATIC, SQLITE_UTF8);
}

// A row that goes, if there is one: held shrinks by it.
static bool drop(store *s, statement which, store_limits *held, bool *found_out) {
    sqlite3_stmt *query = s->statements[which];
    int code = sqlite3_step(query);
    *found_out = code == SQLITE_ROW;
    if (*found_out) {
        held->answers--;
        held->bytes -= sqlite3_column_int64(query, 0);
        code = sqlite3_step(query);
    }
    return !sqlite3_reset(query) && code == SQLITE_DONE;
}

static bool insert(store *s, const char *id, const kept_answer *answer, int64_t bytes) {
    sqlite3_stmt *query = s->statements[PUT];
    bool good = bind_text(query, 1, id) && bind_text(query, 2, answer->document) &&
                bind_text(query, 3, answer->conversation) &&
                !sqlite3_bind_int64(query, 4, answer->n_before) &&
                !sqlite3_bind_int64(query, 5, bytes) && execute(s, PUT);
    sqlite3_clear_bindings(query);
    return good;
}

// Within a transaction: held becomes what is there once it is committed.
static bool insert_and_trim(store *s, const char *id, const kept_answer *answer, int64_t bytes,
                            store_limits *held) {
    if (!insert(s, id, answer, bytes)) {
        return false;
    }
    held->answers++;
    held->bytes += bytes;
    bool found = true;
    while (found && (held->answers > s->limits.answers || held->bytes > s->limits.bytes)) {
        if (!drop(s, DROP_OLDEST, held, &found)) {
            return false;
        }
    }
    return true;
}

bool store_put(store *s, const char *id, const kept_answer *answer, problem *problem) {
    int64_t bytes = (int64_t)(strlen(id) + strlen(answer->document) + strlen(answer->conversation));
    if (bytes > s->limits.bytes) {
        return problem_set(problem, PROBLEM_FAILED, "store",
                           "the answer could not be kept: it takes %lld bytes, more than the store "
                           "may hold",
                           (long long)bytes);
    }
    pthread_mutex_lock(&s->lock);
    store_limits held = s->held;
    bool begun = execute(s, BEGIN);
    bool good = begun && insert_and_trim(s, id, answer, bytes, &held) && execute(s, COMMIT);
    if (good) {
        s->held = held;
    } else {
        failed(s, "kept", problem);
        if (!sqlite3_get_autocommit(s->db)) {
            execute(s, ROLLBACK);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return good;
}

static char *copy_column(sqlite3_stmt *query, int column) {
    const char *words = (const char *)sqlite3_column_text(query, column);
    return words ? strdup(words) : NULL;
}

bool store_get(store *s, const char *id, kept_answer *answer_out, bool *found_out,
               problem *problem) {
    *answer_out = (kept_answer){0};
    pthread_mutex_lock(&s->lock);
    sqlite3_stmt *query = s->statements[GET];
    int code = bind_text(query, 1, id) ? sqlite3_step(query) : SQLITE_NOMEM;
    bool good = code == SQLITE_ROW || code == SQLITE_DONE;
    *found_out = code == SQLITE_ROW;
    if (*found_out) {
        answer_out->document = copy_column(query, 0);
        answer_out->conversation = copy_column(query, 1);
        answer_out->n_before = sqlite3_column_int64(query, 2);
        good = answer_out->document && answer_out->conversation;
    }
    if (!good) {
        *found_out ? problem_set(problem, PROBLEM_FAILED, "", "out of memory")
                   : failed(s, "read", problem);
        kept_answer_clear(answer_out);
    }
    sqlite3_reset(query);
    sqlite3_clear_bindings(query);
    pthread_mutex_unlock(&s->lock);
    return good;
}

bool store_delete(store *s, const char *id, bool *found_out, problem *problem) {
    pthread_mutex_lock(&s->lock);
    store_limits held = s->held;
    *found_out = false;
    bool good = bind_text(s->statements[DELETE], 1, id) && drop(s, DELETE, &held, found_out);
    if (good) {
        s->held = held;
    } else {
        failed(s, "deleted", problem);
    }
    sqlite3_clear_bindings(s->statements[DELETE]);
    pthread_mutex_unlock(&s->lock);
    return good;
}

void kept_answer_clear(kept_answer *answer) {
    free(answer->document);
    free(answer->conversation);
    *answer = (kept_answer){0};
}
