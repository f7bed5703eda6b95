// schema.h: what the parts of the JSON schema's reader share.
//
// A schema is read as sets. A set is a list of schemas that hold together; its rule is made once,
// however often it is met, which is what ends recursion. `$ref` and `allOf` put more schemas into
// the set they stand in; `anyOf` and `oneOf` are in it as arrays, one way of which is still to be
// chosen: the set's rule is then a choice of larger sets. Sets wait in a list, so that no nesting
// of a schema is a nesting of calls.
//
// Expressions are those of rules.h. The first failure is kept in the reader and everything after it
// returns RULES_NONE, so that it is looked at in few places.
#ifndef GRAMMAR_SCHEMA_H
#define GRAMMAR_SCHEMA_H

#include "grammar/rules.h"

#include <jansson.h>

enum {
    SCHEMA_MAX_BYTES = 1 << 20,   // of a schema's text
    SCHEMA_MAX_SETS = 1 << 15,    // unions within allOf multiply
    SCHEMA_MAX_MEMBERS = 1 << 20, // of all sets together
    SCHEMA_MAX_DEPTH = 256,       // of $ref, allOf and unions without a value in between
    SCHEMA_MAX_COUNT = 1 << 24,   // 131,072 tokens of at most 128 bytes: no text is longer
    SCHEMA_MAX_DIGITS = 32,       // before the point of a number, and after it
    SCHEMA_MAX_EDGES = 1 << 16,   // of one automaton that is written out as rules
};

// An object or array of the schema's text.
typedef struct schema_node {
    const json_t *value;
    int32_t parent;  // -1: the whole
    const char *key; // where the parent has it; NULL: at index
    size_t index;
    bool entered, left; // by the search for references that lead back to themselves
    bool checked;       // its keywords were looked at
} schema_node;

typedef struct schema_set {
    base_ids items; // nodes: objects hold, arrays are unions of which a way is still to be chosen
    bool never;     // holds for nothing
} schema_set;

// A set with its rule; items are reader->members.data[start ..].
typedef struct schema_entry {
    size_t start, length;
    int32_t rule;
} schema_entry;

typedef struct schema_table { // open addressing; 0 is empty, else the number of something, plus 1
    int32_t *slots;           // [size]
    size_t size, used;        // size: 0 or a power of two
} schema_table;

typedef struct schema_reader {
    rules *rules;
    json_t *root;
    schema_node *nodes; // in the order of the text
    size_t n_nodes, nodes_capacity;
    schema_table node_table; // by address
    schema_entry *entries;
    size_t n_entries, entries_capacity;
    schema_table entry_table; // by members
    base_ids members;
    int32_t blank, character, string; // 0, or 1 + a rule or expression that is shared
    gptoss_status status;             // the first failure
    gptoss_error *error;
} schema_reader;

// Types as bits. A number that isn't whole has a bit of its own: "number" is both.
enum {
    SCHEMA_NULL = 1 << 0,
    SCHEMA_BOOLEAN = 1 << 1,
    SCHEMA_INTEGER = 1 << 2,
    SCHEMA_FRACTION = 1 << 3,
    SCHEMA_STRING = 1 << 4,
    SCHEMA_ARRAY = 1 << 5,
    SCHEMA_OBJECT = 1 << 6,
    SCHEMA_ALL_TYPES = (1 << 7) - 1,
};

// ---- schema.c: the reader -------------------------------------------------------------------

// Keeps the failure; the message begins with the JSON pointer of node (and key, unless NULL).
int32_t schema_fail(schema_reader *reader, gptoss_status status, int32_t node, const char *key,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));
int32_t schema_no_memory(schema_reader *reader);
// False once anything failed here or in the rules.
bool schema_well(schema_reader *reader);

// ---- schema_nodes.c: the text as nodes ------------------------------------------------------

// Numbers all objects and arrays below root.
void schema_nodes_read(schema_reader *reader);
int32_t schema_node_of(const schema_reader *reader, const json_t *value);
// The JSON pointer of a node, as a fragment: `#/properties/a`.
bool schema_node_path(const schema_reader *reader, int32_t node, base_buffer *path);
// What `$ref` of a node refers to; NULL after a failure.
const json_t *schema_reference(schema_reader *reader, int32_t node, const char *reference);

bool schema_table_reserve(schema_table *table, bool *rebuild_out);
uint64_t schema_hash(const void *bytes, size_t length);

// ---- schema_sets.c: sets and their rules ----------------------------------------------------

// Adds what a schema says to a set.
void schema_set_add(schema_reader *reader, schema_set *set, const json_t *schema, int32_t node,
                    const char *key);
void schema_set_free(schema_set *set);
// A reference to the rule of a set, made or waiting to be made.
int32_t schema_set_rule(schema_reader *reader, const schema_set *set);
// Makes all rules that wait, and those that these need.
void schema_sets_finish(schema_reader *reader);

// Members of a set without unions.
typedef struct schema_members {
    const int32_t *nodes;
    size_t count;
} schema_members;

const json_t *schema_member(const schema_reader *reader, schema_members members, size_t i);

// ---- schema_keys.c: keywords ----------------------------------------------------------------

// Refuses keywords that can't be held to.
void schema_check_keywords(schema_reader *reader, int32_t node);
// A keyword's value, checked to be of the kind that it has to be; NULL: absent, or a failure.
const json_t *schema_get_array(schema_reader *reader, int32_t node, const char *key);
const json_t *schema_get_object(schema_reader *reader, int32_t node, const char *key);
const json_t *schema_get_string(schema_reader *reader, int32_t node, const char *key);
const json_t *schema_get_number(schema_reader *reader, int32_t node, const char *key);
// The narrowest of minLength and maxLength and the like over all members. What is above
// SCHEMA_MAX_COUNT is no bound, or can't be met.
typedef struct schema_bounds {
    size_t least, most; // SIZE_MAX: unbounded
} schema_bounds;
schema_bounds schema_get_bounds(schema_reader *reader, schema_members members, const char *least,
                                const char *most);

// ---- schema_types.c: a set's values ---------------------------------------------------------

unsigned schema_types(schema_reader *reader, schema_members members);
int32_t schema_value(schema_reader *reader, schema_members members);

// ---- schema_parts.c: small expressions ------------------------------------------------------

int32_t schema_text(schema_reader *reader, const char *text);
int32_t schema_sequence2(schema_reader *reader, int32_t first, int32_t second);
int32_t schema_sequence3(schema_reader *reader, int32_t first, int32_t second, int32_t third);
int32_t schema_choice2(schema_reader *reader, int32_t first, int32_t second);
int32_t schema_optional(schema_reader *reader, int32_t expression);
int32_t schema_choice(schema_reader *reader, const base_ids *ways);
int32_t schema_sequence(schema_reader *reader, const base_ids *parts);
int32_t schema_rule(schema_reader *reader, int32_t expression); // a reference to a rule of it
bool schema_push(schema_reader *reader, base_ids *list, int32_t expression);
// least .. most times; large counts cost their square root. most SIZE_MAX: unbounded.
int32_t schema_repeat(schema_reader *reader, int32_t expression, schema_bounds bounds);
// open, blank, inside, blank, close; or without inside, if that may be.
int32_t schema_enclosed(schema_reader *reader, char open, int32_t inside, char close,
                        bool may_be_empty);
int32_t schema_blank(schema_reader *reader); // what may stand between values
int32_t schema_digit(schema_reader *reader);
int32_t schema_digits(schema_reader *reader, char first, char last); // one digit of these

// ---- the types ------------------------------------------------------------------------------

// schema_number.c
int32_t schema_number(schema_reader *reader, schema_members members, bool whole);
bool schema_number_holds(schema_reader *reader, schema_members members, const json_t *number);
int32_t schema_number_literal(schema_reader *reader, const json_t *number);
int32_t schema_fraction(schema_reader *reader); // a point and digits, or nothing
bool schema_is_whole(const json_t *number);
bool schema_numbers_equal(const json_t *a, const json_t *b);

// schema_string.c
int32_t schema_string(schema_reader *reader, schema_members members);
int32_t schema_string_literal(schema_reader *reader, const char *text, size_t length);
int32_t schema_colon(schema_reader *reader);
int32_t schema_key(schema_reader *reader, const char *key, size_t length); // with its colon

// schema_literal.c: enum and const
int32_t schema_enumeration(schema_reader *reader, schema_members members, unsigned types);
bool schema_has_enumeration(const schema_reader *reader, schema_members members);
bool schema_equal(const json_t *a, const json_t *b);

// schema_array.c, schema_object.c
int32_t schema_array(schema_reader *reader, schema_members members);
int32_t schema_object(schema_reader *reader, schema_members members);

#endif
