// Files: content arrives whole, and everything that is not a readable regular file is an error
// that names it, at once. If this fails, a FIFO or a folder as --model hangs the program.
#define _GNU_SOURCE
#include "base/base.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/check.h"

static char folder[] = "/tmp/gptoss-test-XXXXXX";
static char path[sizeof folder + 32];

static const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void expect_error(const char *where, gptoss_status status, const char *words) {
    base_map map = {(const uint8_t *)"", 1};
    base_buffer buffer = {.data = path, .length = 1};
    gptoss_error error = {0};
    CHECK(base_map_open(where, &map, &error) == status, "mapping %s: %s", where, error.message);
    CHECK(!map.data && !map.size, "a map that failed was not cleared");
    CHECK(strstr(error.message, where) && strstr(error.message, words), "message: %s",
          error.message);
    CHECK(base_read_file(where, 1000, &buffer, &error) == status, "reading %s: %s", where,
          error.message);
    CHECK(!buffer.data && !buffer.length, "a buffer that failed was not cleared");
    CHECK(strstr(error.message, where), "message: %s", error.message);
}

static void write_file(const char *where, const char *bytes, size_t length) {
    FILE *file = fopen(where, "wb");
    CHECK(file && fwrite(bytes, 1, length, file) == length, "could not write %s", where);
    fclose(file);
}

static void test_content(void) {
    static char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    for (size_t length = 0; length <= sizeof bytes; length = length * 3 + 1) {
        const char *where = in_folder("data");
        write_file(where, bytes, length);
        base_map map;
        CHECK(base_map_open(where, &map, NULL) == GPTOSS_OK, "%zu bytes", length);
        CHECK(map.size == length && (!length || memcmp(map.data, bytes, length) == 0),
              "a map differs from its file of %zu bytes", length);
        base_map_close(&map);
        base_map_close(&map);
        base_buffer buffer;
        CHECK(base_read_file(where, length, &buffer, NULL) == GPTOSS_OK, "%zu bytes", length);
        CHECK(buffer.length == length && memcmp(buffer.data, bytes, length) == 0,
              "a buffer differs from its file of %zu bytes", length);
        base_buffer_free(&buffer);
        if (length) {
            gptoss_error error;
            CHECK(base_read_file(where, length - 1, &buffer, &error) == GPTOSS_BAD_FILE,
                  "the limit was ignored");
            CHECK(!buffer.data && strstr(error.message, "larger"), "message: %s", error.message);
        }
    }
}

// A file whose size is not known before: stat says 0.
static void test_growing(void) {
    base_buffer buffer;
    CHECK(base_read_file("/proc/self/status", 1 << 20, &buffer, NULL) == GPTOSS_OK &&
              buffer.length > 0,
          "a file of unknown size reads as empty");
    base_buffer_free(&buffer);
    gptoss_error error;
    CHECK(base_read_file("/proc/self/status", 10, &buffer, &error) == GPTOSS_BAD_FILE,
          "the limit was ignored while reading");
}

int main(void) {
    CHECK(mkdtemp(folder), "no folder for the test");
    expect_error(in_folder("absent"), GPTOSS_NO_FILE, "No such file");
    expect_error(folder, GPTOSS_NO_FILE, "not a regular file");
    CHECK(mkfifo(in_folder("fifo"), 0600) == 0, "no FIFO");
    expect_error(path, GPTOSS_NO_FILE, "not a regular file");
    unlink(path);
    expect_error("/dev/zero", GPTOSS_NO_FILE, "not a regular file");
    test_content();
    test_growing();
    unlink(in_folder("data"));
    rmdir(folder);
    CHECK(base_cpu_count() >= 1, "no processor");
    CHECK(base_memory_resident() > 0 && base_memory_available() > 0, "no memory is known");
    double before = base_seconds();
    CHECK(base_seconds() >= before, "the clock runs backwards");
    return 0;
}
