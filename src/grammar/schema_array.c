// Arrays: the first items by place, then all others alike.
#include "grammar/schema.h"

// What a member says about the item at a place; NULL: nothing.
static const json_t *item_schema(schema_reader *reader, int32_t node, size_t place,
                                 const char **key_out) {
    const json_t *schema = reader->nodes[node].value;
    const json_t *items = json_object_get(schema, "items");
    const json_t *first = schema_get_array(reader, node, "prefixItems");
    *key_out = "items";
    if (!first && json_is_array(items)) { // before 2020
        first = items;
        *key_out = "additionalItems";
        items = json_object_get(schema, "additionalItems");
    }
    const json_t *here = json_array_get(first, place);
    if (!items && !json_object_get(schema, "items")) {
        items = json_object_get(schema, "unevaluatedItems");
    }
    return here ? here : items;
}

static size_t n_places(schema_reader *reader, schema_members members) {
    size_t most = 0;
    for (size_t i = 0; i < members.count; i++) {
        const json_t *first = schema_get_array(reader, members.nodes[i], "prefixItems");
        if (!first) {
            const json_t *items = json_object_get(schema_member(reader, members, i), "items");
            first = json_is_array(items) ? items : NULL;
        }
        most = json_array_size(first) > most ? json_array_size(first) : most;
    }
    return most;
}

// The item at a place; *never_out: there can be none.
static int32_t item(schema_reader *reader, schema_members members, size_t place, bool *never_out) {
    schema_set set = {0};
    for (size_t i = 0; i < members.count; i++) {
        const char *key;
        const json_t *schema = item_schema(reader, members.nodes[i], place, &key);
        if (schema) {
            schema_set_add(reader, &set, schema, members.nodes[i], key);
        }
    }
    *never_out = set.never;
    int32_t rule = schema_set_rule(reader, &set);
    schema_set_free(&set);
    return rule;
}

// What follows once `place` items are there, from the end to the front: an expression of all after
// it, within each.
static int32_t rest(schema_reader *reader, const base_ids *first, int32_t others,
                    schema_bounds bounds) {
    size_t place = first->length ? first->length : 1;
    int32_t comma = schema_sequence2(reader, schema_text(reader, ","), schema_blank(reader));
    int32_t all = schema_text(reader, "");
    if (bounds.most > place) {
        schema_bounds left = {bounds.least > place ? bounds.least - place : 0,
                              bounds.most == SIZE_MAX ? SIZE_MAX : bounds.most - place};
        all = schema_repeat(reader, schema_sequence2(reader, comma, others), left);
    }
    while (--place > 0) {
        all = schema_sequence3(reader, comma, first->data[place], all);
        all = place >= bounds.least ? schema_optional(reader, all) : all;
    }
    return all;
}

static int32_t list(schema_reader *reader, const base_ids *first, int32_t others,
                    schema_bounds bounds) {
    if (bounds.least > bounds.most) {
        return rules_choice(reader->rules, NULL, 0);
    }
    if (!bounds.most) {
        return schema_text(reader, "[]");
    }
    int32_t all = schema_sequence2(reader, first->length ? first->data[0] : others,
                                   rest(reader, first, others, bounds));
    return schema_enclosed(reader, '[', all, ']', !bounds.least);
}

int32_t schema_array(schema_reader *reader, schema_members members) {
    enum { MOST_PLACES = 250 }; // each is an expression within the one before
    schema_bounds bounds = schema_get_bounds(reader, members, "minItems", "maxItems");
    size_t places = n_places(reader, members);
    base_ids first = {0};
    bool never = false;
    for (size_t i = 0; i < places && i < bounds.most && schema_well(reader); i++) {
        int32_t here = item(reader, members, i, &never);
        if (never) {
            bounds.most = i;
        } else if (i >= MOST_PLACES) {
            schema_fail(reader, GPTOSS_UNSUPPORTED, members.nodes[0], NULL,
                        "more than %d items by place", MOST_PLACES);
        } else {
            schema_push(reader, &first, here);
        }
    }
    int32_t others = RULES_NONE;
    if (bounds.most > first.length) {
        others = item(reader, members, places, &never);
        bounds.most = never ? first.length : bounds.most;
    }
    int32_t array = list(reader, &first, others, bounds);
    base_ids_free(&first);
    return array;
}
