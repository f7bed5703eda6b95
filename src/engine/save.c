// A sequence as a file: tokens, then the content of its pages.
//
//   magic[8]  header  ids[n_ids]  pages of each group, in order of positions  checksum
//
// Integers are in the machine's byte order: the file is a cache, not an exchange format. Writing
// goes to a temporary file that is renamed when it is complete.
#define _GNU_SOURCE
#include "engine/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char MAGIC[8] = "GPTOSSQ1";

typedef struct header {
    uint64_t fingerprint;
    uint64_t page_bytes[BACKEND_GROUPS];
    int32_t n_ids, length, first_sliding, page_positions;
} header;

// A file that keeps a checksum of what went through it (FNV-1a, 64 bits, eight bytes at a time is
// not needed: disks are slower).
typedef struct stream {
    FILE *file;
    const char *path;
    uint64_t checksum;
    gptoss_error *error;
} stream;

static const uint64_t FNV_BASIS = 0xcbf29ce484222325, FNV_PRIME = 0x100000001b3;

static void add_checksum(stream *io, const void *data, size_t size) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        io->checksum = (io->checksum ^ bytes[i]) * FNV_PRIME;
}

static gptoss_status put(stream *io, const void *data, size_t size) {
    add_checksum(io, data, size);
    if (size && fwrite(data, 1, size, io->file) != size)
        return base_fail(io->error, GPTOSS_IO, "%s: %s", io->path, strerror(errno));
    return GPTOSS_OK;
}

static gptoss_status get(stream *io, void *data, size_t size) {
    if (size && fread(data, 1, size, io->file) != size)
        return base_fail(io->error, GPTOSS_BAD_FILE, "%s: the saved sequence is cut off", io->path);
    add_checksum(io, data, size);
    return GPTOSS_OK;
}

// Calls move for every page that the sequence holds, in order.
typedef gptoss_status page_move(engine *e, backend_group group, int32_t page, void *bytes,
                                size_t size, stream *io);

static gptoss_status each_page(engine *e, const cache_sequence *pages, const header *h, void *bytes,
                               page_move *move, stream *io) {
    gptoss_status status = GPTOSS_OK;
    for (int g = 0; g < BACKEND_GROUPS; g++) {
        for (int32_t i = 0; i < pages->capacity && status == GPTOSS_OK; i++) {
            if (pages->pages[g][i] >= 0)
                status = move(e, g, pages->pages[g][i], bytes, h->page_bytes[g], io);
        }
    }
    return status;
}

static gptoss_status page_out(engine *e, backend_group group, int32_t page, void *bytes,
                              size_t size, stream *io) {
    gptoss_status status = e->backend->page_read(e->handle, group, page, bytes, io->error);
    return status == GPTOSS_OK ? put(io, bytes, size) : status;
}

static gptoss_status page_in(engine *e, backend_group group, int32_t page, void *bytes, size_t size,
                             stream *io) {
    gptoss_status status = get(io, bytes, size);
    return status == GPTOSS_OK ? e->backend->page_write(e->handle, group, page, bytes, io->error)
                               : status;
}

static header make_header(engine_sequence *s, uint64_t fingerprint) {
    backend_description description;
    s->engine->backend->describe(s->engine->handle, &description);
    header h;
    memset(&h, 0, sizeof h); // padding too
    h.fingerprint = fingerprint;
    for (int g = 0; g < BACKEND_GROUPS; g++)
        h.page_bytes[g] = description.page_bytes[g];
    h.n_ids = (int32_t)s->ids.length;
    h.length = s->pages.length;
    h.first_sliding = s->pages.first_sliding;
    h.page_positions = BACKEND_PAGE;
    return h;
}

static void *page_buffer(const header *h) {
    uint64_t most = h->page_bytes[BACKEND_FULL] > h->page_bytes[BACKEND_SLIDING]
                        ? h->page_bytes[BACKEND_FULL]
                        : h->page_bytes[BACKEND_SLIDING];
    return base_alloc(most, 1);
}

static gptoss_status write_all(engine_sequence *s, uint64_t fingerprint, stream *io) {
    header h = make_header(s, fingerprint);
    void *bytes = page_buffer(&h);
    if (!bytes)
        return base_fail(io->error, GPTOSS_NO_MEMORY, "out of memory while saving a sequence");
    gptoss_status status = put(io, MAGIC, sizeof MAGIC);
    if (status == GPTOSS_OK)
        status = put(io, &h, sizeof h);
    if (status == GPTOSS_OK)
        status = put(io, s->ids.data, s->ids.length * sizeof *s->ids.data);
    if (status == GPTOSS_OK)
        status = each_page(s->engine, &s->pages, &h, bytes, page_out, io);
    uint64_t checksum = io->checksum;
    if (status == GPTOSS_OK)
        status = put(io, &checksum, sizeof checksum);
    base_free(bytes);
    return status;
}

gptoss_status engine_save(engine_sequence *s, uint64_t fingerprint, const char *path,
                          gptoss_error *error) {
    base_buffer temporary = {0};
    if (!base_buffer_format(&temporary, "%s.%ld.part", path, (long)getpid()))
        return base_fail_memory(error, strlen(path));
    stream io = {fopen(temporary.data, "wbe"), path, FNV_BASIS, error};
    gptoss_status status = GPTOSS_OK;
    if (!io.file) {
        status = base_fail(error, GPTOSS_IO, "%s: %s", path, strerror(errno));
    } else {
        lock_idle(s);
        claim(s->engine); // the pages must not change, and the device is ours
        if (s->running)
            status =
                base_fail(error, GPTOSS_BAD_ARGUMENT, "a sequence can't be saved while it samples");
        else
            status = write_all(s, fingerprint, &io);
        release(s->engine);
        unlock(s->engine);
        bool flushed = fflush(io.file) == 0 && fsync(fileno(io.file)) == 0;
        if ((fclose(io.file) != 0 || !flushed) && status == GPTOSS_OK)
            status = base_fail(error, GPTOSS_IO, "%s: %s", path, strerror(errno));
        if (status == GPTOSS_OK && rename(temporary.data, path) != 0)
            status = base_fail(error, GPTOSS_IO, "%s: %s", path, strerror(errno));
        if (status != GPTOSS_OK)
            unlink(temporary.data);
    }
    base_buffer_free(&temporary);
    return status;
}

// Checks a header against this engine, so that the sizes that follow can be trusted.
static gptoss_status check_header(engine_sequence *s, uint64_t fingerprint, const header *h,
                                  stream *io) {
    header mine = make_header(s, fingerprint);
    if (h->fingerprint != fingerprint || h->page_positions != BACKEND_PAGE ||
        memcmp(h->page_bytes, mine.page_bytes, sizeof mine.page_bytes) != 0)
        return base_fail(io->error, GPTOSS_BAD_FILE, "%s: saved by another model or precision",
                         io->path);
    int32_t window = s->engine->config->window;
    int32_t seen = h->length > window ? h->length - window : 0;
    if (h->n_ids < 0 || h->length < 0 || h->length > h->n_ids || h->first_sliding < 0 ||
        h->first_sliding % BACKEND_PAGE != 0 || h->first_sliding > seen)
        return base_fail(io->error, GPTOSS_BAD_FILE, "%s: the saved sequence is damaged", io->path);
    if (h->n_ids > s->engine->options.context)
        return base_fail(io->error, GPTOSS_NO_MEMORY,
                         "%s: %d saved tokens do not fit the context of %d", io->path, h->n_ids,
                         s->engine->options.context);
    return GPTOSS_OK;
}

// Covers h->length positions of an empty sequence as the saved one did.
static gptoss_status cover(engine *e, cache_sequence *pages, const header *h, gptoss_error *error) {
    // In steps: the sliding layers of a long sequence never hold all of it.
    int32_t forgotten = h->first_sliding + e->config->window; // what the saved one let go of
    while (pages->length < h->length) {
        int32_t left = h->length - pages->length;
        int32_t count = left < BACKEND_PAGE ? left : BACKEND_PAGE;
        (void)make_room(e, NULL, pages, count, VICTIMS_IDLE);
        gptoss_status status = cache_extend(e->cache, pages, count, error);
        if (status != GPTOSS_OK)
            return status;
        cache_trim(e->cache, pages, pages->length < forgotten ? pages->length : forgotten);
    }
    return GPTOSS_OK;
}

static gptoss_status read_all(engine_sequence *s, uint64_t fingerprint, int32_t *ids, header *h_out,
                              cache_sequence *pages, stream *io) {
    char magic[sizeof MAGIC];
    gptoss_status status = get(io, magic, sizeof magic);
    if (status == GPTOSS_OK && memcmp(magic, MAGIC, sizeof MAGIC) != 0)
        status = base_fail(io->error, GPTOSS_BAD_FILE, "%s: not a saved sequence", io->path);
    if (status == GPTOSS_OK)
        status = get(io, h_out, sizeof *h_out);
    if (status == GPTOSS_OK)
        status = check_header(s, fingerprint, h_out, io);
    if (status == GPTOSS_OK)
        status = get(io, ids, (size_t)h_out->n_ids * sizeof *ids);
    for (int32_t i = 0; status == GPTOSS_OK && i < h_out->n_ids; i++) {
        if (ids[i] < 0 || ids[i] >= s->engine->config->vocabulary)
            status = base_fail(io->error, GPTOSS_BAD_FILE, "%s: the saved sequence is damaged",
                               io->path);
    }
    if (status == GPTOSS_OK)
        status = cover(s->engine, pages, h_out, io->error);
    if (status == GPTOSS_OK && pages->first_sliding != h_out->first_sliding)
        status =
            base_fail(io->error, GPTOSS_BAD_FILE, "%s: the saved sequence is damaged", io->path);
    if (status != GPTOSS_OK)
        return status;
    void *bytes = page_buffer(h_out);
    if (!bytes)
        return base_fail(io->error, GPTOSS_NO_MEMORY, "out of memory while restoring a sequence");
    status = each_page(s->engine, pages, h_out, bytes, page_in, io);
    base_free(bytes);
    uint64_t expected = io->checksum, found = 0;
    if (status == GPTOSS_OK)
        status = get(io, &found, sizeof found);
    if (status == GPTOSS_OK && found != expected)
        status =
            base_fail(io->error, GPTOSS_BAD_FILE, "%s: the saved sequence is damaged", io->path);
    return status;
}

gptoss_status engine_restore(engine_sequence *s, uint64_t fingerprint, const char *path,
                             gptoss_error *error) {
    engine *e = s->engine;
    stream io = {fopen(path, "rbe"), path, FNV_BASIS, error};
    if (!io.file)
        return base_fail(error, GPTOSS_NO_FILE, "%s: %s", path, strerror(errno));
    int32_t *ids = base_alloc((size_t)e->options.context, sizeof *ids);
    cache_sequence pages = {0};
    header h;
    gptoss_status status = ids ? cache_sequence_init(e->cache, &pages, error)
                               : base_fail_memory(error, (size_t)e->options.context * sizeof *ids);
    if (status == GPTOSS_OK) {
        lock_idle(s);
        claim(e);
        if (s->running)
            status = base_fail(error, GPTOSS_BAD_ARGUMENT,
                               "a sequence can't be restored while it samples");
        else
            status = read_all(s, fingerprint, ids, &h, &pages, &io);
        if (status == GPTOSS_OK) {
            cache_sequence old = s->pages;
            s->pages = pages;
            pages = old;
            draft_cut(&s->draft, s->ids.data, 0);
            int32_t *replaced = s->ids.data;
            s->ids = (base_ids){ids, (size_t)h.n_ids, (size_t)e->options.context};
            ids = replaced;
            s->n_prompt = s->ids.length;
            s->n_marks = 0;
        }
        cache_sequence_free(e->cache, &pages);
        release(e);
        unlock(e);
    }
    base_free(ids);
    fclose(io.file);
    return status;
}
