// GBNF, llama.cpp's form of grammars:
//
//     # a comment
//     root ::= "text" [a-z0-9] [^"\\] . name ( "a" | "b" )? x* y+ z{2} z{2,} z{2,3}
//
// Within parentheses an expression may go on over lines; outside of them after ::= and after |.
#include "grammar/reader.h"

#include "grammar/array.h"

static void skip(reader *rd, bool lines) {
    while (!reader_ends(rd)) {
        char c = reader_peek(rd, 0);
        if (c == '#') {
            while (!reader_ends(rd) && reader_peek(rd, 0) != '\n' && reader_peek(rd, 0) != '\r')
                rd->at++;
        } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
            rd->at++;
        } else {
            return;
        }
    }
}

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static size_t name_length(const reader *rd) {
    size_t n = 0;
    while (is_name(reader_peek(rd, n)))
        n++;
    return n;
}

// A character in quotes or brackets, escaped or not.
static int32_t read_character(reader *rd) {
    size_t at = rd->at;
    if (!reader_take(rd, "\\"))
        return reader_character(rd);
    char c = reader_peek(rd, 0);
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    rd->at += !reader_ends(rd);
    int32_t code = digits ? reader_hex(rd, digits) : RULES_NONE;
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-':
    case '^':
        return c;
    default:
        return code >= 0 ? code
                         : reader_fail(rd, GPTOSS_BAD_INPUT, at, "this escape is not understood");
    }
}

static int32_t read_text(reader *rd, size_t start) {
    base_ids parts = {0};
    while (!rd->status && !reader_take(rd, "\"")) {
        if (reader_ends(rd)) {
            reader_fail(rd, GPTOSS_BAD_INPUT, start, "this text has no end");
            break;
        }
        int32_t c = read_character(rd);
        rules_range range = {(uint32_t)c, (uint32_t)c};
        if (c >= 0 && !base_ids_push(&parts, rules_class(rd->rules, &range, 1, false)))
            reader_fail_memory(rd);
    }
    int32_t text = rd->status ? RULES_NONE : rules_sequence(rd->rules, parts.data, parts.length);
    base_ids_free(&parts);
    return text;
}

static int32_t read_class(reader *rd, size_t start) {
    rules_range *ranges = NULL;
    size_t n = 0, capacity = 0;
    bool negated = reader_take(rd, "^");
    while (!rd->status && !reader_take(rd, "]")) {
        if (reader_ends(rd)) {
            reader_fail(rd, GPTOSS_BAD_INPUT, start, "this class has no end");
            break;
        }
        size_t at = rd->at;
        int32_t first = read_character(rd), last = first;
        if (first >= 0 && reader_peek(rd, 0) == '-' && reader_peek(rd, 1) != ']') {
            rd->at++;
            last = reader_ends(rd) ? first : read_character(rd);
        }
        if (rd->status)
            break;
        if (last < first)
            reader_fail(rd, GPTOSS_BAD_INPUT, at, "this range runs backwards");
        else if (!ARRAY_RESERVE(ranges, capacity, n + 1))
            reader_fail_memory(rd);
        else
            ranges[n++] = (rules_range){(uint32_t)first, (uint32_t)last};
    }
    int32_t class = rd->status ? RULES_NONE : rules_class(rd->rules, ranges, n, negated);
    base_free(ranges);
    return class;
}

static int32_t read_choice(reader *rd, bool nested);

static int32_t read_group(reader *rd, size_t start) {
    if (rd->depth >= READER_MAX_DEPTH)
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "groups are nested too deeply");
    rd->depth++;
    skip(rd, true);
    int32_t group = read_choice(rd, true);
    rd->depth--;
    if (!rd->status && !reader_take(rd, ")"))
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this group has no end");
    return group;
}

// {m}, {m,} and {m,n}, behind the brace.
static int32_t read_counts(reader *rd, int32_t item, size_t start) {
    skip(rd, false);
    int32_t least = reader_number(rd), most = least;
    skip(rd, false);
    if (reader_take(rd, ",")) {
        skip(rd, false);
        most = reader_number(rd); // or RULES_NONE, which is RULES_UNBOUNDED
        skip(rd, false);
        least = least < 0 ? 0 : least;
    }
    if (rd->status)
        return RULES_NONE;
    if (least < 0 || (most >= 0 && most < least) || !reader_take(rd, "}"))
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "these are not counts like {2} or {2,5}");
    return rules_repeat(rd->rules, item, least, most);
}

static int32_t read_repetitions(reader *rd, int32_t item) {
    for (int i = 0; !rd->status; i++) {
        size_t at = rd->at;
        if (i > READER_MAX_DEPTH)
            return reader_fail(rd, GPTOSS_UNSUPPORTED, at, "too many repetitions in each other");
        if (reader_take(rd, "*"))
            item = rules_repeat(rd->rules, item, 0, RULES_UNBOUNDED);
        else if (reader_take(rd, "+"))
            item = rules_repeat(rd->rules, item, 1, RULES_UNBOUNDED);
        else if (reader_take(rd, "?"))
            item = rules_repeat(rd->rules, item, 0, 1);
        else if (reader_take(rd, "{"))
            item = read_counts(rd, item, at);
        else
            return item;
    }
    return RULES_NONE;
}

// One item, or RULES_NONE without a failure where none begins.
static int32_t read_item(reader *rd) {
    size_t start = rd->at;
    static const rules_range all = {0, 0x10ffff};
    if (reader_take(rd, "\""))
        return read_text(rd, start);
    if (reader_take(rd, "["))
        return read_class(rd, start);
    if (reader_take(rd, "("))
        return read_group(rd, start);
    if (reader_take(rd, "."))
        return rules_class(rd->rules, &all, 1, false);
    if (reader_peek(rd, 0) == '<' || reader_peek(rd, 0) == '!')
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "tokens in a grammar are not supported");
    size_t n = name_length(rd);
    if (!n)
        return RULES_NONE;
    rd->at += n;
    return reader_use(rd, rd->text + start, n, start);
}

static int32_t read_sequence(reader *rd, bool nested) {
    base_ids parts = {0};
    while (!rd->status && !reader_ends(rd)) {
        size_t start = rd->at;
        int32_t item = read_item(rd);
        if (rd->at == start)
            break;
        item = read_repetitions(rd, item);
        if (!rd->status && !base_ids_push(&parts, item))
            reader_fail_memory(rd);
        skip(rd, nested);
    }
    int32_t sequence =
        rd->status ? RULES_NONE : rules_sequence(rd->rules, parts.data, parts.length);
    base_ids_free(&parts);
    return sequence;
}

static int32_t read_choice(reader *rd, bool nested) {
    base_ids ways = {0};
    do {
        skip(rd, true);
        if (!base_ids_push(&ways, read_sequence(rd, nested)))
            reader_fail_memory(rd);
        // A line that begins with | goes on with the one before.
        size_t line_end = rd->at;
        skip(rd, true);
        if (reader_peek(rd, 0) != '|')
            rd->at = line_end;
        if (nested)
            skip(rd, true);
    } while (!rd->status && reader_take(rd, "|"));
    int32_t choice = rd->status ? RULES_NONE : rules_choice(rd->rules, ways.data, ways.length);
    base_ids_free(&ways);
    return choice;
}

static void read_rule(reader *rd) {
    size_t start = rd->at, n = name_length(rd);
    if (!n) {
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "a rule must begin with its name");
        return;
    }
    rd->at += n;
    int32_t name = reader_name_of(rd, rd->text + start, n);
    skip(rd, false);
    if (!rd->status && !reader_take(rd, "::="))
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "expected ::= behind a rule's name");
    if (!rd->status && rd->list[name].defined)
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this rule is defined twice");
    if (rd->status)
        return;
    rd->list[name].defined = true;
    skip(rd, true);
    int32_t expression = read_choice(rd, false);
    skip(rd, false);
    char c = reader_peek(rd, 0);
    if (!rd->status && !reader_ends(rd) && c != '\n' && c != '\r')
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "this is not understood here");
    if (!rd->status)
        rules_define(rd->rules, rd->list[name].rule, expression);
}

gptoss_status rules_read_gbnf(rules *r, const char *text, size_t length, gptoss_error *error) {
    reader rd = {.form = "GBNF", .text = text, .length = length, .rules = r, .error = error};
    for (skip(&rd, true); !rd.status && !reader_ends(&rd); skip(&rd, true))
        read_rule(&rd);
    gptoss_status status = reader_finish(&rd, "root");
    reader_free(&rd);
    return status;
}
