// Lark's form of grammars, in the part that llguidance and OpenAI's custom tools use:
//
//     // a comment
//     start: expr ("," expr)*                 a rule
//     ?expr.2: NAME | "not"i expr -> negated  marks, priorities and aliases say nothing of texts
//     NAME: /[a-z]\w*/i | "a".."f"            a terminal, matched without anything ignored inside
//     pair: NAME~2 NAME~1..3 [NAME] NAME? NAME+
//     %import common.WS
//     %ignore WS                              may stand before and after every terminal of a rule
//
// There is no lexer: a terminal takes what lets the text go on, not what is longest.
#include "grammar/lark.h"

#include <string.h>

#include "grammar/reader.h"
#include "grammar/regex.h"

typedef struct lark {
    reader rd;
    int32_t ignored_rule; // what may stand between terminals, known at the end
    base_ids ignored;
    bool in_terminal;
} lark;

// ---- what is skipped ------------------------------------------------------------------------

static void skip_comment(reader *rd) {
    while (!reader_ends(rd) && reader_peek(rd, 0) != '\n')
        rd->at++;
}

static void skip(reader *rd, bool lines) {
    while (!reader_ends(rd)) {
        char c = reader_peek(rd, 0);
        if (c == '#' || (c == '/' && reader_peek(rd, 1) == '/'))
            skip_comment(rd);
        else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n'))
            rd->at++;
        else
            return;
    }
}

// Within parentheses lines don't matter; outside, one that begins with | goes on.
static void skip_in_rule(reader *rd) {
    skip(rd, rd->depth > 0);
    size_t line_end = rd->at;
    skip(rd, true);
    if (reader_peek(rd, 0) != '|')
        rd->at = line_end;
}

// ---- names ----------------------------------------------------------------------------------

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static size_t name_length(const reader *rd) {
    size_t n = 0;
    while (is_name(reader_peek(rd, n)) &&
           !(reader_peek(rd, n) == '-' && reader_peek(rd, n + 1) == '>'))
        n++;
    return n;
}

static bool is_terminal(const char *name, size_t n) {
    size_t i = 0;
    while (i < n && name[i] == '_')
        i++;
    return i < n && name[i] >= 'A' && name[i] <= 'Z';
}

// Where a terminal stands in a rule, what is ignored may follow it.
static int32_t as_terminal(lark *k, int32_t expression) {
    if (k->in_terminal || k->rd.status)
        return expression;
    int32_t parts[] = {expression, rules_reference(k->rd.rules, k->ignored_rule)};
    return rules_sequence(k->rd.rules, parts, 2);
}

// ---- terminals ------------------------------------------------------------------------------

static int32_t read_string_character(reader *rd) {
    static const char names[] = "nrtfv0ab", values[] = "\n\r\t\f\v\0\a\b";
    size_t at = rd->at;
    if (!reader_take(rd, "\\"))
        return reader_character(rd);
    char c = reader_peek(rd, 0);
    rd->at += !reader_ends(rd);
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    int32_t code = digits ? reader_hex(rd, digits) : RULES_NONE;
    const char *name = c ? strchr(names, c) : NULL;
    if (name)
        return values[name - names];
    if (code >= 0)
        return code;
    return c && strchr("\\\"'/", c)
               ? c
               : reader_fail(rd, GPTOSS_BAD_INPUT, at, "this escape is not understood");
}

static int32_t make_character(reader *rd, int32_t c, bool ignore_case) {
    rules_range ranges[] = {{(uint32_t)c, (uint32_t)c}, {(uint32_t)c, (uint32_t)c}};
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    if (ignore_case && letter)
        ranges[1].first = ranges[1].last = (uint32_t)(c ^ 0x20);
    return rules_class(rd->rules, ranges, 2, false);
}

// Reads up to the closing quote into characters; false after a failure.
static bool read_quoted(reader *rd, size_t start, base_ids *characters) {
    while (!rd->status && !reader_take(rd, "\"")) {
        if (reader_ends(rd) || reader_peek(rd, 0) == '\n') {
            reader_fail(rd, GPTOSS_BAD_INPUT, start, "this string has no end");
            break;
        }
        int32_t c = read_string_character(rd);
        if (c >= 0 && !base_ids_push(characters, c))
            reader_fail_memory(rd);
    }
    return !rd->status;
}

// "a".."z", behind the first string.
static int32_t read_range(reader *rd, size_t start, const base_ids *first) {
    base_ids last = {0};
    int32_t class = RULES_NONE;
    skip(rd, false);
    if (reader_take(rd, "\"") && read_quoted(rd, start, &last)) {
        if (first->length == 1 && last.length == 1 && first->data[0] <= last.data[0]) {
            rules_range range = {(uint32_t)first->data[0], (uint32_t)last.data[0]};
            class = rules_class(rd->rules, &range, 1, false);
        }
    }
    base_ids_free(&last);
    if (class == RULES_NONE && !rd->status)
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this is not a range like \"a\"..\"z\"");
    return class;
}

static int32_t read_string(lark *k, size_t start) {
    reader *rd = &k->rd;
    base_ids characters = {0};
    int32_t text = RULES_NONE;
    if (read_quoted(rd, start, &characters)) {
        bool ignore_case = reader_peek(rd, 0) == 'i' && !is_name(reader_peek(rd, 1));
        rd->at += ignore_case;
        size_t behind = rd->at;
        skip(rd, false);
        if (reader_take(rd, "..")) {
            text = read_range(rd, start, &characters);
        } else {
            rd->at = behind;
            for (size_t i = 0; i < characters.length; i++) {
                if (ignore_case && characters.data[i] >= 0x80)
                    reader_fail(rd, GPTOSS_UNSUPPORTED, start,
                                "letters outside of ASCII can't be matched in both cases");
                characters.data[i] = make_character(rd, characters.data[i], ignore_case);
            }
            text = rules_sequence(rd->rules, characters.data, characters.length);
        }
    }
    base_ids_free(&characters);
    return as_terminal(k, text);
}

static int32_t read_regex(lark *k, size_t start) {
    reader *rd = &k->rd;
    size_t first = rd->at;
    regex_options options = {0};
    gptoss_error why = {0};
    while (!reader_ends(rd) && reader_peek(rd, 0) != '/' && reader_peek(rd, 0) != '\n')
        rd->at += reader_peek(rd, 0) == '\\' && rd->at + 1 < rd->length ? 2 : 1;
    size_t length = rd->at - first;
    if (!reader_take(rd, "/"))
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "this regular expression has no end");
    for (;; rd->at++) {
        char flag = reader_peek(rd, 0);
        if (flag == 'i')
            options.ignore_case = true;
        else if (flag == 's')
            options.dot_all = true;
        else if (flag == 'm' || flag == 'x' || flag == 'l')
            return reader_fail(rd, GPTOSS_UNSUPPORTED, rd->at, "the flag %c is not supported",
                               flag);
        else if (flag != 'u')
            break;
    }
    int32_t found = rules_regex_with(rd->rules, rd->text + first, length, options, &why);
    if (found == RULES_NONE && why.status)
        reader_fail(rd, why.status, start, "%s", why.message);
    return as_terminal(k, found);
}

// ---- expressions ----------------------------------------------------------------------------

static int32_t read_choice(lark *k);

static int32_t read_group(lark *k, size_t start, const char *end) {
    reader *rd = &k->rd;
    if (rd->depth >= READER_MAX_DEPTH)
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "groups are nested too deeply");
    rd->depth++;
    int32_t group = read_choice(k);
    if (!rd->status && !reader_take(rd, end))
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this group has no end");
    rd->depth--;
    return rd->status || *end == ')' ? group : rules_repeat(rd->rules, group, 0, 1);
}

static int32_t read_name(lark *k, size_t start) {
    reader *rd = &k->rd;
    size_t n = name_length(rd);
    if (!n)
        return RULES_NONE;
    const char *name = rd->text + start;
    bool terminal = is_terminal(name, n);
    if (k->in_terminal && !terminal)
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "a terminal can't use a rule");
    rd->at += n;
    if (reader_peek(rd, 0) == '{')
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "templates are not supported");
    int32_t used = reader_use(rd, name, n, start);
    return terminal ? as_terminal(k, used) : used;
}

// One item, or RULES_NONE without a failure where none begins.
static int32_t read_item(lark *k) {
    reader *rd = &k->rd;
    size_t start = rd->at;
    char c = reader_peek(rd, 0);
    if (reader_take(rd, "\""))
        return read_string(k, start);
    if (reader_take(rd, "/"))
        return read_regex(k, start);
    if (reader_take(rd, "("))
        return read_group(k, start, ")");
    if (reader_take(rd, "["))
        return read_group(k, start, "]");
    if (c == '<')
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "tokens in a grammar are not supported");
    if (c == '%')
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start,
                           "%%json, %%regex and the like within a rule are not supported");
    if (c == '~' || c == '&')
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "%c of terminals is not supported", c);
    return read_name(k, start);
}

static int32_t read_counts(reader *rd, int32_t item, size_t start) {
    skip(rd, false);
    int32_t least = reader_number(rd), most = least;
    if (reader_take(rd, ".."))
        most = reader_number(rd);
    if (least < 0 || most < least)
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "these are not counts like ~2 or ~2..5");
    return rules_repeat(rd->rules, item, least, most);
}

static int32_t read_repetition(reader *rd, int32_t item) {
    size_t start = rd->at;
    if (reader_take(rd, "*"))
        return rules_repeat(rd->rules, item, 0, RULES_UNBOUNDED);
    if (reader_take(rd, "+"))
        return rules_repeat(rd->rules, item, 1, RULES_UNBOUNDED);
    if (reader_take(rd, "?"))
        return rules_repeat(rd->rules, item, 0, 1);
    skip(rd, false);
    if (reader_take(rd, "~"))
        return read_counts(rd, item, start);
    rd->at = start;
    return item;
}

static void skip_alias(reader *rd) {
    skip(rd, rd->depth > 0);
    if (!reader_take(rd, "->"))
        return;
    skip(rd, false);
    size_t n = name_length(rd);
    if (!n)
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "expected a name behind ->");
    rd->at += n;
}

static int32_t read_sequence(lark *k) {
    reader *rd = &k->rd;
    base_ids parts = {0};
    while (!rd->status) {
        skip(rd, rd->depth > 0);
        size_t start = rd->at;
        int32_t item = reader_ends(rd) ? RULES_NONE : read_item(k);
        if (rd->at == start)
            break;
        item = rd->status ? RULES_NONE : read_repetition(rd, item);
        if (!rd->status && !base_ids_push(&parts, item))
            reader_fail_memory(rd);
    }
    skip_alias(rd);
    int32_t sequence =
        rd->status ? RULES_NONE : rules_sequence(rd->rules, parts.data, parts.length);
    base_ids_free(&parts);
    return sequence;
}

static int32_t read_choice(lark *k) {
    reader *rd = &k->rd;
    base_ids ways = {0};
    skip_in_rule(rd);
    (void)reader_take(rd, "|"); // one before the first way is allowed
    do {
        if (!base_ids_push(&ways, read_sequence(k)))
            reader_fail_memory(rd);
        skip_in_rule(rd);
    } while (!rd->status && reader_take(rd, "|"));
    int32_t choice = rd->status ? RULES_NONE : rules_choice(rd->rules, ways.data, ways.length);
    base_ids_free(&ways);
    return choice;
}

// ---- statements -----------------------------------------------------------------------------

static void define(lark *k, const char *name, size_t n, size_t at, int32_t expression) {
    reader *rd = &k->rd;
    int32_t index = rd->status ? RULES_NONE : reader_name_of(rd, name, n);
    if (index < 0)
        return;
    if (rd->list[index].defined)
        reader_fail(rd, GPTOSS_BAD_INPUT, at, "%.*s is defined twice", (int)n, name);
    rd->list[index].defined = true;
    if (!rd->status)
        rules_define(rd->rules, rd->list[index].rule, expression);
}

// NAME or NAME -> OTHER, of the library `common`.
static void read_import(lark *k) {
    reader *rd = &k->rd;
    skip(rd, true);
    size_t at = rd->at, n = name_length(rd), n_local = n;
    const char *name = rd->text + at, *local = name;
    const char *regex = lark_common(name, n);
    if (!regex) {
        reader_fail(rd, GPTOSS_UNSUPPORTED, at, "common has no terminal %.*s that is supported",
                    (int)(n < 40 ? n : 40), name);
        return;
    }
    rd->at += n;
    skip(rd, false);
    if (reader_take(rd, "->")) {
        skip(rd, false);
        local = rd->text + rd->at;
        n_local = name_length(rd);
        rd->at += n_local;
    }
    gptoss_error why = {0};
    int32_t found = rules_regex(rd->rules, regex, strlen(regex), false, false, &why);
    if (found == RULES_NONE && why.status)
        reader_fail(rd, why.status, at, "%s", why.message);
    define(k, local, n_local, at, found);
}

static void read_imports(lark *k, size_t start) {
    reader *rd = &k->rd;
    skip(rd, false);
    if (!reader_take(rd, "common")) {
        reader_fail(rd, GPTOSS_UNSUPPORTED, start, "only the library common can be imported");
        return;
    }
    skip(rd, false);
    if (reader_take(rd, ".")) {
        read_import(k);
        return;
    }
    if (!reader_take(rd, "(")) {
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "expected a name of a terminal");
        return;
    }
    do {
        read_import(k);
        skip(rd, true);
    } while (!rd->status && reader_take(rd, ","));
    if (!rd->status && !reader_take(rd, ")"))
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this list has no end");
}

static void read_statement(lark *k, size_t start) {
    reader *rd = &k->rd;
    if (reader_take(rd, "%import")) {
        read_imports(k, start);
    } else if (reader_take(rd, "%ignore")) {
        k->in_terminal = true;
        int32_t ignored = read_choice(k);
        if (!rd->status && !base_ids_push(&k->ignored, ignored))
            reader_fail_memory(rd);
    } else {
        size_t n = 1;
        while (is_name(reader_peek(rd, n)))
            n++;
        reader_fail(rd, GPTOSS_UNSUPPORTED, start, "%.*s is not supported", (int)(n < 40 ? n : 40),
                    rd->text + start);
    }
}

static void read_rule(lark *k, size_t start) {
    reader *rd = &k->rd;
    while (reader_peek(rd, 0) == '?' || reader_peek(rd, 0) == '!')
        rd->at++;
    size_t at = rd->at, n = name_length(rd);
    if (!n) {
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "a rule must begin with its name");
        return;
    }
    rd->at += n;
    if (reader_peek(rd, 0) == '{' || reader_peek(rd, 0) == '[')
        reader_fail(rd, GPTOSS_UNSUPPORTED, rd->at, "%s are not supported",
                    reader_peek(rd, 0) == '{' ? "templates" : "attributes of rules");
    if (reader_take(rd, ".")) { // a priority
        (void)reader_take(rd, "-");
        if (reader_number(rd) < 0)
            reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "this is not a priority");
    }
    skip(rd, false);
    if (!rd->status && !reader_take(rd, ":"))
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "expected : behind a rule's name");
    if (rd->status)
        return;
    k->in_terminal = is_terminal(rd->text + at, n);
    int32_t expression = read_choice(k);
    define(k, rd->text + at, n, at, expression);
}

// A rule of its own: what is ignored, then the grammar's start.
static gptoss_status finish(lark *k) {
    reader *rd = &k->rd;
    gptoss_status status = reader_finish(rd, "start");
    if (status)
        return status;
    rules *r = rd->rules;
    int32_t ignored = rules_choice(r, k->ignored.data, k->ignored.length);
    rules_define(r, k->ignored_rule, rules_repeat(r, ignored, 0, RULES_UNBOUNDED));
    int32_t first = rd->list[reader_name_of(rd, "start", 5)].rule, whole = rules_declare(r);
    int32_t parts[] = {rules_reference(r, k->ignored_rule), rules_reference(r, first)};
    rules_define(r, whole, rules_sequence(r, parts, 2));
    rules_start(r, whole);
    return rules_status(r, rd->error);
}

gptoss_status rules_read_lark(rules *r, const char *text, size_t length, gptoss_error *error) {
    lark k = {.rd = {.form = "Lark", .text = text, .length = length, .rules = r, .error = error}};
    reader *rd = &k.rd;
    k.ignored_rule = rules_declare(r);
    // Known from the beginning to be defined, so that a use of it is no fault.
    rules_define(r, k.ignored_rule, rules_text(r, "", 0));
    for (skip(rd, true); !rd->status && !reader_ends(rd); skip(rd, true)) {
        size_t start = rd->at;
        if (reader_peek(rd, 0) == '%')
            read_statement(&k, start);
        else
            read_rule(&k, start);
        skip(rd, false);
        if (!rd->status && !reader_ends(rd) && reader_peek(rd, 0) != '\n')
            reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "this is not understood here");
    }
    gptoss_status status = finish(&k);
    base_ids_free(&k.ignored);
    reader_free(rd);
    return status;
}
