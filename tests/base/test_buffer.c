// Allocation and buffers: overflow is refused, contents survive growth and failure, messages are
// one printable line. If this fails, hostile lengths become short allocations.
#include "base/base.h"

#include <string.h>

#include "support/check.h"

// volatile: the compiler would warn about sizes that are too large, which is the point.
static volatile size_t huge = SIZE_MAX / 2 + 1;

static void test_overflow(void) {
    CHECK(!base_alloc(huge, 2), "count * size overflowed");
    CHECK(!base_alloc_zero(huge, 2), "count * size overflowed");
    CHECK(!base_alloc_aligned(huge, 2), "count * size overflowed");
    CHECK(!base_alloc_aligned(SIZE_MAX - (size_t)(huge & 0), 1), "rounding up overflowed");
    void *memory = base_alloc(4, 4);
    CHECK(memory && !base_resize(memory, huge, 2), "count * size overflowed");
    base_free(memory);
    CHECK(!base_copy_string("", SIZE_MAX - (size_t)(huge & 0)), "length + 1 overflowed");
}

static void test_alignment(void) {
    size_t sizes[] = {0, 1, 63, 64, 65, 4096, 2 << 20, (2 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *memory = base_alloc_aligned(sizes[i], 1);
        CHECK(memory && (uintptr_t)memory % 64 == 0, "%zu bytes at %p", sizes[i], (void *)memory);
        memset(memory, 1, sizes[i]);
        base_free(memory);
    }
    char *zero = base_alloc_zero(1000, 3);
    for (int i = 0; i < 3000; i++)
        CHECK(zero && zero[i] == 0, "byte %d is not zero", i);
    base_free(zero);
    void *empty = base_alloc(0, 8);
    CHECK(empty, "an allocation of nothing has no address");
    base_free(empty);
}

static void test_bytes(void) {
    base_buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        CHECK(base_buffer_format(&buffer, "%d,", i), "out of memory");
    CHECK(base_buffer_text(&buffer, "end") && base_buffer_append(&buffer, "\0x", 2),
          "out of memory");
    CHECK(buffer.length == 3890 + 3 + 2 && buffer.length < buffer.capacity, "length %zu",
          buffer.length);
    CHECK(strncmp(buffer.data, "0,1,2,", 6) == 0 && strcmp(buffer.data + 3886, "999,end") == 0,
          "growing changed the text");
    CHECK(buffer.data[buffer.length] == 0, "no NUL behind the bytes");

    size_t length = buffer.length;
    CHECK(!base_buffer_reserve(&buffer, SIZE_MAX - (size_t)(huge & 0)), "length overflowed");
    CHECK(!base_buffer_reserve(&buffer, huge), "half of the address space was allocated");
    CHECK(buffer.length == length && buffer.data[0] == '0', "a failed append changed the buffer");
    base_buffer_free(&buffer);
    CHECK(!buffer.data && !buffer.length && !buffer.capacity, "a freed buffer is not empty");
    CHECK(base_buffer_append(&buffer, NULL, 0) && strcmp(buffer.data, "") == 0,
          "an empty append gives no string");
    base_buffer_free(&buffer);
}

static void test_ids(void) {
    base_ids ids = {0};
    for (int32_t i = 0; i < 5000; i++)
        CHECK(base_ids_push(&ids, i), "out of memory");
    int32_t more[] = {-1, -2};
    CHECK(base_ids_append(&ids, more, 2) && base_ids_append(&ids, NULL, 0), "out of memory");
    CHECK(!base_ids_append(&ids, more, huge), "capacity * 4 overflowed");
    CHECK(!base_ids_append(&ids, more, SIZE_MAX - (size_t)(huge & 0)), "length overflowed");
    CHECK(ids.length == 5002 && ids.data[4999] == 4999 && ids.data[5001] == -2, "ids changed");
    base_ids_free(&ids);
}

static void test_messages(void) {
    gptoss_error error = {0};
    CHECK(base_fail(&error, GPTOSS_BAD_FILE, "%s", "a\nb\x1b[31m\x7f é") == GPTOSS_BAD_FILE,
          "the status got lost");
    CHECK(error.status == GPTOSS_BAD_FILE, "the status got lost");
    CHECK(strcmp(error.message, "a?b?[31m? é") == 0, "hostile text reached the terminal: %s",
          error.message);
    char longer[2 * sizeof error.message];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    base_fail(&error, GPTOSS_IO, "%s", longer);
    CHECK(strlen(error.message) == sizeof error.message - 1, "a long message is not cut");
    CHECK(base_fail(NULL, GPTOSS_IO, "unseen") == GPTOSS_IO, "NULL takes no message");
}

int main(void) {
    test_overflow();
    test_alignment();
    test_bytes();
    test_ids();
    test_messages();
    return 0;
}
