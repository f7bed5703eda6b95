// Files: mapped read-only, or read whole into a buffer.
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Opens a regular file and tells its size. A FIFO or a device would block or never end.
static gptoss_status open_regular(const char *path, int *fd_out, size_t *size_out,
                                  gptoss_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return base_fail(error, GPTOSS_NO_FILE, "%s: %s", path, strerror(errno));
    struct stat info;
    if (fstat(fd, &info) != 0) {
        int code = errno;
        close(fd);
        return base_fail(error, GPTOSS_NO_FILE, "%s: %s", path, strerror(code));
    }
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return base_fail(error, GPTOSS_NO_FILE, "%s: not a regular file", path);
    }
    *fd_out = fd;
    *size_out = (size_t)info.st_size;
    return GPTOSS_OK;
}

gptoss_status base_map_open(const char *path, base_map *map_out, gptoss_error *error) {
    *map_out = (base_map){0};
    int fd = -1;
    size_t size = 0;
    gptoss_status status = open_regular(path, &fd, &size, error);
    if (status != GPTOSS_OK)
        return status;
    if (size > 0) {
        void *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (data == MAP_FAILED)
            status = base_fail(error, GPTOSS_NO_MEMORY, "%s: could not map %zu bytes: %s", path,
                               size, strerror(errno));
        else
            *map_out = (base_map){data, size};
    }
    close(fd); // the mapping keeps the file
    return status;
}

void base_map_close(base_map *map) {
    if (map->data)
        munmap((void *)map->data, map->size);
    *map = (base_map){0};
}

void base_map_release(const base_map *map) {
    if (map->data)
        (void)madvise((void *)map->data, map->size, MADV_DONTNEED); // a shared map loses nothing
}

// Reads until the end of the file or the limit.
static gptoss_status read_all(int fd, const char *path, size_t limit, base_buffer *buffer,
                              gptoss_error *error) {
    for (;;) {
        if (!base_buffer_reserve(buffer, 1))
            return base_fail_memory(error, buffer->length + 1);
        size_t room = buffer->capacity - buffer->length - 1;
        ssize_t got = read(fd, buffer->data + buffer->length, room);
        if (got == 0)
            return GPTOSS_OK;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return base_fail(error, GPTOSS_IO, "%s: %s", path, strerror(errno));
        buffer->length += (size_t)got;
        buffer->data[buffer->length] = 0;
        if (buffer->length > limit)
            return base_fail(error, GPTOSS_BAD_FILE, "%s: larger than %zu bytes", path, limit);
    }
}

gptoss_status base_read_file(const char *path, size_t limit, base_buffer *buffer_out,
                             gptoss_error *error) {
    *buffer_out = (base_buffer){0};
    int fd = -1;
    size_t size = 0;
    gptoss_status status = open_regular(path, &fd, &size, error);
    if (status != GPTOSS_OK)
        return status;
    if (size > limit)
        status = base_fail(error, GPTOSS_BAD_FILE, "%s: larger than %zu bytes", path, limit);
    else if (!base_buffer_reserve(buffer_out, size + 1))
        status = base_fail_memory(error, size);
    else
        status = read_all(fd, path, limit, buffer_out, error);
    close(fd);
    if (status != GPTOSS_OK)
        base_buffer_free(buffer_out);
    return status;
}
