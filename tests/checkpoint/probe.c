// What the Python tests of checkpoint and model drive. It opens checkpoints as a program would and
// says what it found.
//   probe hostile < paths      one line for each: "ok ..." or "error STATUS message"
//   probe describe DIR         config, tensors with CRC-32, bytes; as JSON
//   probe count FILE           bytes of the model that this config.json describes; as JSON
//   probe rope DIR FIRST N     float32: inverse [half], cos [N][half], sin [N][half]
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static uint32_t crc32_of(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        }
    }
    return ~crc;
}

// A checkpoint with everything that is made from it.
typedef struct opened {
    checkpoint *source;
    model_config config;
    model_weights weights;
} opened;

// path is a directory, or a config.json alone.
static gptoss_status open_all(const char *path, opened *o, gptoss_error *error) {
    *o = (opened){0};
    struct stat info;
    if (stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        base_map map;
        gptoss_status status = base_map_open(path, &map, error);
        if (status == GPTOSS_OK) {
            status = model_config_parse((const char *)map.data, map.size, path, &o->config, error);
            base_map_close(&map);
        }
        return status;
    }
    gptoss_status status = checkpoint_open(path, &o->source, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    size_t length;
    const char *text = checkpoint_config(o->source, &length);
    status = model_config_parse(text, length, path, &o->config, error);
    return status == GPTOSS_OK ? model_bind(&o->config, o->source, &o->weights, error) : status;
}

static void close_all(opened *o) {
    model_weights_free(&o->weights);
    checkpoint_close(o->source);
}

// Reads every byte that the table promises: a lie that passed the checks faults here.
static unsigned touch(const checkpoint *source) {
    unsigned sum = 0;
    for (size_t i = 0; source && i < checkpoint_count(source); i++) {
        const checkpoint_tensor *tensor = checkpoint_at(source, i);
        for (size_t b = 0; b < tensor->size; b++) {
            sum += tensor->data[b];
        }
    }
    return sum;
}

static int hostile(void) {
    char path[4096];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        opened o;
        gptoss_error error = {0};
        gptoss_status status = open_all(path, &o, &error);
        if (status == GPTOSS_OK) {
            model_rope rope;
            float table[MODEL_MAX_HEAD_DIM];
            model_rope_init(&o.config, &rope);
            model_rope_table(&rope, o.config.max_positions - 1, 1, table, table + rope.half);
            printf("ok %u\n", touch(o.source));
        } else {
            printf("error %d %s\n", (int)status, error.message);
        }
        fflush(stdout);
        close_all(&o);
    }
    return 0;
}

static void print_tensors(const checkpoint *source) {
    printf("\"tensors\": {");
    for (size_t i = 0; i < checkpoint_count(source); i++) {
        const checkpoint_tensor *t = checkpoint_at(source, i);
        printf("%s\"%s\": [\"%s\", [", i ? ",\n" : "\n", t->name, checkpoint_dtype_name(t->dtype));
        for (int d = 0; d < t->rank; d++) {
            printf(d ? ", %zu" : "%zu", t->shape[d]);
        }
        printf("], \"%s\", %u]", t->file, crc32_of(t->data, t->size));
    }
    printf("},\n");
}

static void print_config(const model_config *c) {
    printf("\"hidden\": %d, \"layers\": %d, \"heads\": %d, \"kv_heads\": %d, \"head_dim\": %d,\n",
           c->hidden, c->layers, c->heads, c->kv_heads, c->head_dim);
    printf("\"experts\": %d, \"top_k\": %d, \"intermediate\": %d, \"vocab\": %d, \"window\": %d,\n",
           c->experts, c->experts_per_token, c->intermediate, c->vocabulary, c->window);
    printf("\"context\": %d, \"bias\": %d, \"tied\": %d, \"eps\": %.9g, \"limit\": %.9g,\n",
           c->max_positions, c->attention_bias, c->tied_embeddings, (double)c->rms_eps,
           (double)c->swiglu_limit);
    printf("\"eos\": %d, \"scaling\": %.17g, \"types\": \"", c->n_eos ? c->eos[0] : -1,
           c->rope.attention_scaling);
    for (int i = 0; i < c->layers; i++) {
        putchar(c->is_sliding[i] ? 's' : 'f');
    }
    printf("\",\n");
}

// Completes an object that is already open.
static int print_count(const model_config *config) {
    model_bytes b = model_count_bytes(config);
    printf("\"bytes\": [%llu, %llu, %llu, %llu], \"per_token\": %llu, \"parameters\": %llu, "
           "\"active\": %llu}\n",
           (unsigned long long)b.embeddings, (unsigned long long)b.experts,
           (unsigned long long)b.dense, (unsigned long long)b.total,
           (unsigned long long)b.per_token, (unsigned long long)b.parameters,
           (unsigned long long)b.active_parameters);
    return 0;
}

static int describe(const opened *o) {
    printf("{");
    print_config(&o->config);
    print_tensors(o->source);
    return print_count(&o->config);
}

static int rope(const opened *o, int first, int count) {
    model_rope r;
    model_rope_init(&o->config, &r);
    size_t n = (size_t)count * (size_t)r.half;
    float *table = base_alloc(2 * n, sizeof *table);
    if (!table) {
        return 1;
    }
    model_rope_table(&r, first, count, table, table + n);
    fwrite(r.inverse, sizeof *r.inverse, (size_t)r.half, stdout);
    fwrite(table, sizeof *table, 2 * n, stdout);
    base_free(table);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "hostile") == 0) {
        return hostile();
    }
    if (argc < 3) {
        return 2;
    }
    opened o;
    gptoss_error error;
    if (open_all(argv[2], &o, &error) != GPTOSS_OK) {
        fprintf(stderr, "%s\n", error.message);
        close_all(&o);
        return 1;
    }
    int result = 2;
    if (strcmp(argv[1], "describe") == 0) {
        result = describe(&o);
    } else if (strcmp(argv[1], "count") == 0) {
        printf("{");
        result = print_count(&o.config);
    } else if (strcmp(argv[1], "rope") == 0 && argc == 5) {
        result = rope(&o, atoi(argv[3]), atoi(argv[4]));
    }
    close_all(&o);
    return result;
}
