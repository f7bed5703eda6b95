// Sets of schemas that hold together, and their rules.
#include "grammar/schema.h"

#include <string.h>

void schema_set_free(schema_set *set) {
    base_ids_free(&set->items);
}

static bool contains(const schema_set *set, int32_t item) {
    for (size_t i = 0; i < set->items.length; i++) {
        if (set->items.data[i] == item) {
            return true;
        }
    }
    return false;
}

static void push(schema_reader *reader, schema_set *set, int32_t item) {
    if (set->items.length >= SCHEMA_MAX_DEPTH * 4) {
        schema_fail(reader, GPTOSS_UNSUPPORTED, item, NULL, "too many schemas hold at once");
    } else if (!base_ids_push(&set->items, item)) {
        schema_no_memory(reader);
    }
}

// ---- references that lead back to themselves -------------------------------------------------

static void search_loops(schema_reader *reader, const json_t *schema, int depth);

static void search_ways(schema_reader *reader, const json_t *ways, int depth) {
    size_t i;
    json_t *way;
    json_array_foreach(ways, i, way) {
        search_loops(reader, way, depth);
    }
}

// Along $ref, allOf, anyOf and oneOf no schema may come back to itself: it would say nothing.
static void search_loops(schema_reader *reader, const json_t *schema, int depth) {
    if (!json_is_object(schema) || !schema_well(reader)) {
        return;
    }
    int32_t node = schema_node_of(reader, schema);
    if (reader->nodes[node].left) {
        return;
    }
    if (reader->nodes[node].entered) {
        schema_fail(reader, GPTOSS_BAD_INPUT, node, NULL, "refers to itself without end");
        return;
    }
    if (depth >= SCHEMA_MAX_DEPTH) {
        schema_fail(reader, GPTOSS_UNSUPPORTED, node, NULL, "more than %d references in a row",
                    SCHEMA_MAX_DEPTH);
        return;
    }
    reader->nodes[node].entered = true;
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference) {
        search_loops(reader, schema_reference(reader, node, reference), depth + 1);
    }
    search_ways(reader, json_object_get(schema, "allOf"), depth + 1);
    search_ways(reader, json_object_get(schema, "anyOf"), depth + 1);
    search_ways(reader, json_object_get(schema, "oneOf"), depth + 1);
    reader->nodes[node].left = true;
}

// ---- adding ----------------------------------------------------------------------------------

static void add(schema_reader *reader, schema_set *set, const json_t *schema, int32_t where,
                const char *key);

static void add_union(schema_reader *reader, schema_set *set, int32_t node, const char *key) {
    const json_t *ways = schema_get_array(reader, node, key);
    if (ways) {
        push(reader, set, schema_node_of(reader, ways));
    }
}

static void add_object(schema_reader *reader, schema_set *set, int32_t node) {
    if (contains(set, node)) {
        return;
    }
    schema_check_keywords(reader, node);
    push(reader, set, node);
    const json_t *reference = schema_get_string(reader, node, "$ref");
    if (reference) {
        const json_t *target = schema_reference(reader, node, json_string_value(reference));
        if (target) {
            add(reader, set, target, node, "$ref");
        }
    }
    const json_t *all = schema_get_array(reader, node, "allOf");
    size_t i;
    json_t *part;
    json_array_foreach(all, i, part) {
        add(reader, set, part, node, "allOf");
    }
    add_union(reader, set, node, "anyOf");
    add_union(reader, set, node, "oneOf");
}

static void add(schema_reader *reader, schema_set *set, const json_t *schema, int32_t where,
                const char *key) {
    if (!schema_well(reader)) {
        return;
    }
    if (json_is_false(schema)) {
        set->never = true;
    } else if (json_is_object(schema)) {
        add_object(reader, set, schema_node_of(reader, schema));
    } else if (!json_is_true(schema)) {
        schema_fail(reader, GPTOSS_BAD_INPUT, where, key,
                    "must be a schema (an object, or true or "
                    "false)");
    }
}

void schema_set_add(schema_reader *reader, schema_set *set, const json_t *schema, int32_t node,
                    const char *key) {
    search_loops(reader, schema, 0);
    add(reader, set, schema, node, key);
}

// ---- rules -----------------------------------------------------------------------------------

static uint64_t hash_of(const schema_reader *reader, const schema_entry *entry) {
    return schema_hash(reader->members.data + entry->start,
                       entry->length * sizeof *reader->members.data);
}

// The slot of an entry with these members, or the empty one where it belongs.
static int32_t *find_slot(const schema_reader *reader, const schema_entry *wanted) {
    const schema_table *table = &reader->entry_table;
    size_t at = hash_of(reader, wanted) & (table->size - 1);
    for (; table->slots[at]; at = (at + 1) & (table->size - 1)) {
        const schema_entry *entry = &reader->entries[table->slots[at] - 1];
        const int32_t *data = reader->members.data;
        if (entry->length == wanted->length &&
            !memcmp(data + entry->start, data + wanted->start, wanted->length * sizeof *data)) {
            break;
        }
    }
    return &table->slots[at];
}

static bool reserve(schema_reader *reader) {
    if (reader->n_entries == reader->entries_capacity) {
        size_t capacity = reader->entries_capacity ? 2 * reader->entries_capacity : 64;
        schema_entry *entries = base_resize(reader->entries, capacity, sizeof *entries);
        if (!entries) {
            return false;
        }
        reader->entries = entries;
        reader->entries_capacity = capacity;
    }
    bool rebuild;
    if (!schema_table_reserve(&reader->entry_table, &rebuild)) {
        return false;
    }
    for (size_t i = 0; rebuild && i < reader->n_entries; i++) {
        *find_slot(reader, &reader->entries[i]) = (int32_t)i + 1;
        reader->entry_table.used++;
    }
    return true;
}

int32_t schema_set_rule(schema_reader *reader, const schema_set *set) {
    if (!schema_well(reader)) {
        return RULES_NONE;
    }
    if (set->never) {
        return rules_choice(reader->rules, NULL, 0);
    }
    size_t start = reader->members.length, length = set->items.length;
    static const int32_t nothing;
    if (!reserve(reader) ||
        !base_ids_append(&reader->members, length ? set->items.data : &nothing, length)) {
        return schema_no_memory(reader);
    }
    schema_entry entry = {.start = start, .length = length};
    int32_t *slot = find_slot(reader, &entry);
    if (*slot) {
        reader->members.length = start;
        return rules_reference(reader->rules, reader->entries[*slot - 1].rule);
    }
    if (reader->n_entries >= SCHEMA_MAX_SETS || reader->members.length >= SCHEMA_MAX_MEMBERS) {
        return schema_fail(reader, GPTOSS_UNSUPPORTED, length ? set->items.data[0] : 0, NULL,
                           "too many combinations of schemas");
    }
    entry.rule = rules_declare(reader->rules);
    reader->entries[reader->n_entries++] = entry;
    *slot = (int32_t)reader->n_entries;
    reader->entry_table.used++;
    return rules_reference(reader->rules, entry.rule);
}

const json_t *schema_member(const schema_reader *reader, schema_members members, size_t i) {
    return reader->nodes[members.nodes[i]].value;
}

// The ways of one union, each with the rest of the set.
static int32_t choose(schema_reader *reader, const base_ids *items, size_t which) {
    int32_t node = items->data[which];
    base_ids ways = {0};
    size_t i;
    json_t *way;
    json_array_foreach(reader->nodes[node].value, i, way) {
        schema_set set = {0};
        for (size_t k = 0; k < items->length; k++) {
            if (k != which) {
                push(reader, &set, items->data[k]);
            }
        }
        schema_set_add(reader, &set, way, node, NULL);
        if (!set.never) {
            schema_push(reader, &ways, schema_set_rule(reader, &set));
        }
        schema_set_free(&set);
    }
    int32_t expression = schema_choice(reader, &ways);
    base_ids_free(&ways);
    return expression;
}

static int32_t make(schema_reader *reader, const base_ids *items) {
    for (size_t i = 0; i < items->length; i++) {
        if (json_is_array(reader->nodes[items->data[i]].value)) {
            return choose(reader, items, i);
        }
    }
    return schema_value(reader, (schema_members){items->data, items->length});
}

void schema_sets_finish(schema_reader *reader) {
    base_ids items = {0}; // a copy: the list of members moves while rules are made
    for (size_t i = 0; i < reader->n_entries && schema_well(reader); i++) {
        schema_entry entry = reader->entries[i];
        items.length = 0;
        if (entry.length &&
            !base_ids_append(&items, reader->members.data + entry.start, entry.length)) {
            schema_no_memory(reader);
            break;
        }
        rules_define(reader->rules, entry.rule, make(reader, &items));
    }
    base_ids_free(&items);
}
