// Small expressions that all types are made of.
#include "grammar/schema.h"

#include <string.h>

int32_t schema_text(schema_reader *reader, const char *text) {
    return rules_text(reader->rules, text, strlen(text));
}

int32_t schema_sequence2(schema_reader *reader, int32_t first, int32_t second) {
    return rules_sequence(reader->rules, (int32_t[]){first, second}, 2);
}

int32_t schema_sequence3(schema_reader *reader, int32_t first, int32_t second, int32_t third) {
    return rules_sequence(reader->rules, (int32_t[]){first, second, third}, 3);
}

int32_t schema_choice2(schema_reader *reader, int32_t first, int32_t second) {
    return rules_choice(reader->rules, (int32_t[]){first, second}, 2);
}

int32_t schema_optional(schema_reader *reader, int32_t expression) {
    return rules_repeat(reader->rules, expression, 0, 1);
}

int32_t schema_choice(schema_reader *reader, const base_ids *ways) {
    return ways->length == 1 ? ways->data[0]
                             : rules_choice(reader->rules, ways->data, ways->length);
}

int32_t schema_sequence(schema_reader *reader, const base_ids *parts) {
    return parts->length == 1 ? parts->data[0]
           : parts->length    ? rules_sequence(reader->rules, parts->data, parts->length)
                              : schema_text(reader, "");
}

int32_t schema_rule(schema_reader *reader, int32_t expression) {
    int32_t rule = rules_declare(reader->rules);
    rules_define(reader->rules, rule, expression);
    return rules_reference(reader->rules, rule);
}

bool schema_push(schema_reader *reader, base_ids *list, int32_t expression) {
    if (!base_ids_push(list, expression)) {
        schema_no_memory(reader);
        return false;
    }
    return true;
}

int32_t schema_digits(schema_reader *reader, char first, char last) {
    return rules_class(reader->rules, &(rules_range){(uint32_t)first, (uint32_t)last}, 1, false);
}

int32_t schema_digit(schema_reader *reader) {
    return schema_digits(reader, '0', '9');
}

// Nothing, a space, or a line break with an indent: enough to be read by people, too little to run
// away in.
int32_t schema_blank(schema_reader *reader) {
    enum { SPACES = 40, TABS = 10 };
    if (!reader->blank) {
        rules *to = reader->rules;
        int32_t indent =
            schema_choice2(reader, rules_repeat(to, schema_text(reader, " "), 0, SPACES),
                           rules_repeat(to, schema_text(reader, "\t"), 1, TABS));
        int32_t line = schema_sequence2(reader, schema_text(reader, "\n"), indent);
        int32_t blank = rules_choice(
            to, (int32_t[]){schema_text(reader, ""), schema_text(reader, " "), line}, 3);
        int32_t rule = rules_declare(to);
        rules_define(to, rule, blank);
        reader->blank = 1 + rule;
    }
    return rules_reference(reader->rules, reader->blank - 1);
}

int32_t schema_enclosed(schema_reader *reader, char open, int32_t inside, char close,
                        bool may_be_empty) {
    rules *to = reader->rules;
    int32_t blank = schema_blank(reader), end = rules_text(to, &close, 1);
    int32_t all = rules_sequence(to, (int32_t[]){blank, inside, blank, end}, 4);
    all = may_be_empty ? schema_choice2(reader, all, end) : all;
    return schema_sequence2(reader, rules_text(to, &open, 1), all);
}

// ---- large counts ----------------------------------------------------------------------------

static size_t block_size(size_t count) {
    size_t size = 64;
    while (size * size < count && size < 1024) {
        size *= 2;
    }
    return size;
}

static int32_t up_to(schema_reader *reader, int32_t expression, size_t count) {
    return rules_repeat(reader->rules, expression, 0, (int32_t)count);
}

static int32_t exactly(schema_reader *reader, int32_t expression, size_t count) {
    return rules_repeat(reader->rules, expression, (int32_t)count, (int32_t)count);
}

// Whole blocks of a rule and a rest, so that a count costs its square root: a text is in at most
// three places at a time (within a block that will be full, or in the last one).
static int32_t many(schema_reader *reader, int32_t expression, schema_bounds bounds) {
    size_t size = block_size(bounds.most == SIZE_MAX ? bounds.least : bounds.most);
    int32_t block = schema_rule(reader, exactly(reader, expression, size));
    int32_t must = schema_sequence2(reader, exactly(reader, block, bounds.least / size),
                                    exactly(reader, expression, bounds.least % size));
    if (bounds.most == SIZE_MAX) {
        return schema_sequence2(reader, must,
                                rules_repeat(reader->rules, expression, 0, RULES_UNBOUNDED));
    }
    size_t more = bounds.most - bounds.least;
    if (more < size) {
        return schema_sequence2(reader, must, up_to(reader, expression, more));
    }
    size_t blocks = (more + 1) / size, rest = (more + 1) % size;
    int32_t last = up_to(reader, expression, size - 1);
    if (rest) {
        int32_t longest = schema_sequence2(reader, block, up_to(reader, expression, rest - 1));
        last = schema_choice2(reader, last, longest);
    }
    return schema_sequence3(reader, must, up_to(reader, block, blocks - 1), last);
}

int32_t schema_repeat(schema_reader *reader, int32_t expression, schema_bounds bounds) {
    enum { FEW = 256 };
    bool few = bounds.least <= FEW && (bounds.most <= FEW || bounds.most == SIZE_MAX);
    if (bounds.most < bounds.least) {
        return rules_choice(reader->rules, NULL, 0);
    }
    if (few) {
        int32_t most = bounds.most == SIZE_MAX ? RULES_UNBOUNDED : (int32_t)bounds.most;
        return rules_repeat(reader->rules, expression, (int32_t)bounds.least, most);
    }
    return many(reader, expression, bounds);
}
