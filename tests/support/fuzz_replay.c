// Runs a libFuzzer target without libFuzzer: every file of a folder as it is, then seeded mutations
// of those files (or of random bytes), the same ones each time.
// usage: fuzz_NAME ROUNDS FOLDER (which need not exist)
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILES = 256, MAX_BYTES = 1 << 16, MAX_RANDOM = 300 };

typedef struct input {
    uint8_t *data;
    size_t size;
} input;

static input files[MAX_FILES];
static size_t n_files;

// SplitMix64 (Steele, Lea and Flood 2014).
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void read_folder(const char *folder) {
    DIR *entries = opendir(folder);
    struct dirent *entry;
    while (entries && n_files < MAX_FILES && (entry = readdir(entries))) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        CHECK(file, "could not open %s", path);
        input *in = &files[n_files++];
        in->data = malloc(MAX_BYTES);
        CHECK(in->data, "out of memory");
        in->size = fread(in->data, 1, MAX_BYTES, file);
        fclose(file);
    }
    if (entries)
        closedir(entries);
}

// One change: a byte set, a bit flipped, a range removed, doubled or overwritten, the end cut.
static size_t mutate(uint8_t *data, size_t size, uint64_t *state) {
    if (size == 0)
        return 0;
    size_t at = next_random(state) % size, length = next_random(state) % (size - at) % 32 + 1;
    if (length > size - at)
        length = size - at;
    switch (next_random(state) % 6) {
    case 0:
        data[at] = (uint8_t)next_random(state);
        return size;
    case 1:
        data[at] ^= (uint8_t)(1 << next_random(state) % 8);
        return size;
    case 2:
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    case 3:
        if (size + length > 2 * MAX_BYTES)
            return size;
        memmove(data + at + length, data + at, size - at);
        return size + length;
    case 4:
        memmove(data + at, data + next_random(state) % (size - length + 1), length);
        return size;
    default:
        return at;
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 3, "usage: %s ROUNDS FOLDER", argv[0]);
    read_folder(argv[2]);
    for (size_t i = 0; i < n_files; i++)
        LLVMFuzzerTestOneInput(files[i].data, files[i].size);
    uint64_t state = 20260801;
    static uint8_t bytes[2 * MAX_BYTES];
    for (long round = strtol(argv[1], NULL, 10); round > 0; round--) {
        size_t size = 0;
        if (n_files && next_random(&state) % 8) {
            const input *from = &files[next_random(&state) % n_files];
            size = from->size;
            memcpy(bytes, from->data, size);
        } else {
            size = next_random(&state) % MAX_RANDOM;
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)next_random(&state);
        }
        for (uint64_t n = next_random(&state) % 8; n > 0; n--)
            size = mutate(bytes, size, &state);
        // A copy of exactly this size, so that a sanitizer sees a read behind its end.
        uint8_t *copy = malloc(size ? size : 1);
        CHECK(copy, "out of memory");
        memcpy(copy, bytes, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
    for (size_t i = 0; i < n_files; i++)
        free(files[i].data);
    return 0;
}
