// A schema's text as numbered nodes: which one an address is, where it stands, what a reference to
// it looks like.
#include "grammar/schema.h"

#include <stdlib.h>
#include <string.h>

uint64_t schema_hash(const void *bytes, size_t length) {
    const uint8_t *data = bytes;
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ data[i]) * 0x100000001b3;
    }
    return hash ^ hash >> 29;
}

// Room for one more; when the table grew it is empty and has to be filled again.
bool schema_table_reserve(schema_table *table, bool *rebuild_out) {
    *rebuild_out = false;
    if (2 * (table->used + 1) <= table->size) {
        return true;
    }
    size_t size = table->size ? 2 * table->size : 64;
    int32_t *slots = base_alloc_zero(size, sizeof *slots);
    if (!slots) {
        return false;
    }
    base_free(table->slots);
    *table = (schema_table){.slots = slots, .size = size};
    *rebuild_out = true;
    return true;
}

static void insert(schema_reader *reader, int32_t node) {
    schema_table *table = &reader->node_table;
    const json_t *value = reader->nodes[node].value;
    size_t at = schema_hash(&value, sizeof value) & (table->size - 1);
    while (table->slots[at]) {
        at = (at + 1) & (table->size - 1);
    }
    table->slots[at] = node + 1;
    table->used++;
}

int32_t schema_node_of(const schema_reader *reader, const json_t *value) {
    const schema_table *table = &reader->node_table;
    size_t at = table->size ? schema_hash(&value, sizeof value) & (table->size - 1) : 0;
    while (table->size && table->slots[at]) {
        if (reader->nodes[table->slots[at] - 1].value == value) {
            return table->slots[at] - 1;
        }
        at = (at + 1) & (table->size - 1);
    }
    return -1;
}

static bool add(schema_reader *reader, schema_node node) {
    if (reader->n_nodes == reader->nodes_capacity) {
        size_t capacity = reader->nodes_capacity ? 2 * reader->nodes_capacity : 64;
        schema_node *nodes = base_resize(reader->nodes, capacity, sizeof *nodes);
        if (!nodes) {
            return false;
        }
        reader->nodes = nodes;
        reader->nodes_capacity = capacity;
    }
    reader->nodes[reader->n_nodes++] = node;
    bool rebuild;
    if (!schema_table_reserve(&reader->node_table, &rebuild)) {
        return false;
    }
    for (size_t i = rebuild ? 0 : reader->n_nodes - 1; i < reader->n_nodes; i++) {
        insert(reader, (int32_t)i);
    }
    return true;
}

// The JSON parser bounds the depth.
static bool add_all(schema_reader *reader, schema_node node) {
    if (!json_is_object(node.value) && !json_is_array(node.value)) {
        return true;
    }
    int32_t self = (int32_t)reader->n_nodes;
    if (!add(reader, node)) {
        return false;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)node.value, key, value) {
        if (!add_all(reader, (schema_node){.value = value, .parent = self, .key = key})) {
            return false;
        }
    }
    size_t index;
    json_array_foreach(node.value, index, value) {
        if (!add_all(reader, (schema_node){.value = value, .parent = self, .index = index})) {
            return false;
        }
    }
    return true;
}

void schema_nodes_read(schema_reader *reader) {
    if (!add_all(reader, (schema_node){.value = reader->root, .parent = -1})) {
        schema_no_memory(reader);
    }
}

static bool append_key(base_buffer *path, const char *key) {
    for (; *key; key++) {
        const char *escape = *key == '~' ? "~0" : *key == '/' ? "~1" : NULL;
        if (!(escape ? base_buffer_text(path, escape) : base_buffer_append(path, key, 1))) {
            return false;
        }
    }
    return true;
}

bool schema_node_path(const schema_reader *reader, int32_t node, base_buffer *path) {
    enum { MOST = 64 }; // deeper ones are shown from below
    int32_t up[MOST];
    int n = 0;
    for (; node >= 0 && reader->nodes[node].parent >= 0 && n < MOST;
         node = reader->nodes[node].parent) {
        up[n++] = node;
    }
    bool well = base_buffer_text(path, n < MOST ? "#" : "#...");
    while (well && n--) {
        const schema_node *step = &reader->nodes[up[n]];
        well = base_buffer_text(path, "/") &&
               (step->key ? append_key(path, step->key)
                          : base_buffer_format(path, "%zu", step->index));
    }
    return well;
}

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// A step of a pointer up to the next '/', with %XX, ~1 and ~0 undone; what it takes of text.
static size_t read_step(const char *text, base_buffer *step, bool *well) {
    size_t at = 0;
    step->length = 0;
    *well = base_buffer_text(step, "");
    while (*well && text[at] && text[at] != '/') {
        char c = text[at++];
        if (c == '%' && hex(text[at]) >= 0 && hex(text[at + 1]) >= 0) {
            c = (char)(hex(text[at]) * 16 + hex(text[at + 1]));
            at += 2;
        }
        if (c == '~' && (text[at] == '0' || text[at] == '1')) {
            c = text[at++] == '0' ? '~' : '/';
        }
        *well = base_buffer_append(step, &c, 1);
    }
    return at;
}

// pointer: "" or "/a/b". NULL: nothing is there, or no memory (well_out false).
static const json_t *follow(const json_t *value, const char *pointer, bool *well_out) {
    base_buffer step = {0};
    *well_out = true;
    while (value && *pointer == '/' && *well_out) {
        pointer++;
        pointer += read_step(pointer, &step, well_out);
        if (!*well_out) {
            value = NULL;
        } else if (json_is_array(value)) {
            char *end;
            unsigned long index = strtoul(step.data, &end, 10);
            bool number = step.length && step.length < 9 && !*end && hex(step.data[0]) >= 0;
            value = number ? json_array_get(value, index) : NULL;
        } else {
            value = json_object_get(value, step.data);
        }
    }
    base_buffer_free(&step);
    return *pointer ? NULL : value;
}

static const json_t *find_anchor(const schema_reader *reader, const char *name) {
    for (size_t i = 0; i < reader->n_nodes; i++) {
        const char *anchor = json_string_value(json_object_get(reader->nodes[i].value, "$anchor"));
        const char *id = json_string_value(json_object_get(reader->nodes[i].value, "$id"));
        if ((anchor && !strcmp(anchor, name)) ||
            (id && id[0] == '#' && !strcmp(id + 1, name))) { // draft 7
            return reader->nodes[i].value;
        }
    }
    return NULL;
}

// Steps over a base that is the schema's own `$id`.
static const char *fragment_of(const schema_reader *reader, const char *reference) {
    const char *hash = strchr(reference, '#');
    size_t length = hash ? (size_t)(hash - reference) : strlen(reference);
    const char *id = json_string_value(json_object_get(reader->root, "$id"));
    if (length && !(id && strcspn(id, "#") == length && !strncmp(id, reference, length))) {
        return NULL;
    }
    return hash ? hash + 1 : reference + length;
}

const json_t *schema_reference(schema_reader *reader, int32_t node, const char *reference) {
    const char *fragment = fragment_of(reader, reference);
    for (int32_t up = node; up > 0; up = reader->nodes[up].parent) {
        const char *id = json_string_value(json_object_get(reader->nodes[up].value, "$id"));
        if (id && id[0] != '#') {
            schema_fail(reader, GPTOSS_UNSUPPORTED, node, "$ref",
                        "references below an $id of their own are not supported");
            return NULL;
        }
    }
    if (!fragment) {
        schema_fail(reader, GPTOSS_UNSUPPORTED, node, "$ref",
                    "\"%.200s\" is not within this schema, and others are not fetched", reference);
        return NULL;
    }
    bool well = true, pointer = !*fragment || *fragment == '/';
    const json_t *target =
        pointer ? follow(reader->root, fragment, &well) : find_anchor(reader, fragment);
    if (!well) {
        schema_no_memory(reader);
    } else if (!target) {
        schema_fail(reader, GPTOSS_BAD_INPUT, node, "$ref", "\"%.200s\" leads nowhere", reference);
    }
    return target;
}
