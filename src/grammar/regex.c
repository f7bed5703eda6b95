// Regular expressions, in what the common dialects agree on. All of the text has to match, so that
// greedy and lazy repetitions are the same, and groups are only groups.
//
// Where dialects differ, what is allowed is what all of them allow: `.` stops at every line end of
// theirs, \s is ASCII's blanks, \S and [^\s] exclude all that anyone calls a blank.
#include "grammar/regex.h"

#include <string.h>

#include "grammar/array.h"
#include "grammar/expressions.h"
#include "grammar/reader.h"

typedef struct regex {
    reader rd;
    regex_options options;
    int32_t anything; // any text, once it was needed
} regex;

typedef struct set {
    rules_range *data;
    size_t count, capacity;
} set;

static void add_ranges(regex *x, set *s, const rules_range *ranges, size_t n) {
    if (!ARRAY_RESERVE(s->data, s->capacity, s->count + n)) {
        reader_fail_memory(&x->rd);
        return;
    }
    memcpy(s->data + s->count, ranges, n * sizeof *ranges);
    s->count += n;
}

// ---- characters -----------------------------------------------------------------------------

static const rules_range digits[] = {{'0', '9'}};
static const rules_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const rules_range blanks[] = {{'\t', '\r'}, {' ', ' '}};
static const rules_range wide_blanks[] = {{'\t', '\r'},     {0x1c, ' '},      {0x85, 0x85},
                                          {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
                                          {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f},
                                          {0x3000, 0x3000}, {0xfeff, 0xfeff}};
static const rules_range line_ends[] = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void add_complement(regex *x, set *s, const rules_range *ranges, size_t n) {
    rules_range own[COUNT(wide_blanks) + 1];
    memcpy(own, ranges, n * sizeof *own);
    n = rules_join_ranges(own, n);
    add_ranges(x, s, own, rules_invert_ranges(own, n));
}

// \d and its like; false if this letter is none of them. in_negated: within [^...].
static bool add_kind(regex *x, set *s, char letter, bool in_negated) {
    switch (letter) {
    case 'd':
        add_ranges(x, s, digits, COUNT(digits));
        return true;
    case 'w':
        add_ranges(x, s, words, COUNT(words));
        return true;
    case 's':
        if (in_negated)
            add_ranges(x, s, wide_blanks, COUNT(wide_blanks));
        else
            add_ranges(x, s, blanks, COUNT(blanks));
        return true;
    case 'D':
        add_complement(x, s, digits, COUNT(digits));
        return true;
    case 'W':
        add_complement(x, s, words, COUNT(words));
        return true;
    case 'S':
        if (in_negated)
            add_complement(x, s, blanks, COUNT(blanks));
        else
            add_complement(x, s, wide_blanks, COUNT(wide_blanks));
        return true;
    default:
        return false;
    }
}

static void add_other_cases(regex *x, set *s) {
    for (size_t i = 0, n = s->count; i < n && !x->rd.status; i++) {
        for (uint32_t c = 'a'; c <= 'z'; c++) {
            bool lower = s->data[i].first <= c && c <= s->data[i].last;
            bool upper = s->data[i].first <= c - 32 && c - 32 <= s->data[i].last;
            if (lower != upper)
                add_ranges(x, s, &(rules_range){lower ? c - 32 : c, lower ? c - 32 : c}, 1);
        }
    }
}

// The escape that JSON has for a character that can't stand in its strings.
static int32_t json_escape(regex *x, uint32_t c) {
    static const char names[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char name = c < sizeof names ? names[c] : 0;
    if (name)
        return rules_text(x->rd.rules, (char[]){'\\', name}, 2);
    static const char upper[] = "0123456789ABCDEF";
    uint32_t low = (uint32_t)(uint8_t)upper[c & 15];
    rules_range last[] = {{low, low}, {low | 0x20, low | 0x20}}; // a digit has bit 5 already
    int32_t parts[] = {rules_text(x->rd.rules, c < 16 ? "\\u000" : "\\u001", 5),
                       rules_class(x->rd.rules, last, 2, false)};
    return rules_sequence(x->rd.rules, parts, 2);
}

// A class within a JSON string: what may stand there as it is, and escapes for the others.
static int32_t json_class(regex *x, set *s) {
    base_ids ways = {0};
    static const rules_range bare[] = {{' ', '!'}, {'#', '['}, {']', 0x10ffff}};
    set raw = {0};
    for (size_t i = 0; i < s->count; i++) {
        for (size_t b = 0; b < COUNT(bare); b++) {
            rules_range r = s->data[i];
            r.first = r.first > bare[b].first ? r.first : bare[b].first;
            r.last = r.last < bare[b].last ? r.last : bare[b].last;
            if (r.first <= r.last)
                add_ranges(x, &raw, &r, 1);
        }
        for (uint32_t c = s->data[i].first; c <= s->data[i].last && c <= '\\'; c++) {
            if ((c < ' ' || c == '"' || c == '\\') && !base_ids_push(&ways, json_escape(x, c)))
                reader_fail_memory(&x->rd);
        }
    }
    if (raw.count && !base_ids_push(&ways, rules_class(x->rd.rules, raw.data, raw.count, false)))
        reader_fail_memory(&x->rd);
    int32_t class = rules_choice(x->rd.rules, ways.data, ways.length);
    base_free(raw.data);
    base_ids_free(&ways);
    return class;
}

// Takes the ranges.
static int32_t make_class(regex *x, set *s, bool negated) {
    int32_t class = RULES_NONE;
    if (x->options.ignore_case)
        add_other_cases(x, s);
    add_ranges(x, s, digits, 1); // room for one more
    if (!x->rd.status) {
        s->count = rules_join_ranges(s->data, s->count - 1);
        if (negated)
            s->count = rules_invert_ranges(s->data, s->count);
        class = x->options.in_json ? json_class(x, s)
                                   : rules_class(x->rd.rules, s->data, s->count, false);
    }
    base_free(s->data);
    return class;
}

static int32_t anything(regex *x) {
    if (x->anything == RULES_NONE) {
        set s = {0};
        add_ranges(x, &s, &(rules_range){0, 0x10ffff}, 1);
        x->anything = rules_repeat(x->rd.rules, make_class(x, &s, false), 0, RULES_UNBOUNDED);
    }
    return x->anything;
}

// ---- escapes and classes --------------------------------------------------------------------

static bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

// \x{1f600}, \u{1f600}, behind the brace.
static int32_t read_braced(reader *rd) {
    size_t start = rd->at, n = 0;
    while (reader_peek(rd, n) && reader_peek(rd, n) != '}')
        n++;
    int32_t c = n && n <= 8 ? reader_hex(rd, (int)n) : RULES_NONE;
    return c >= 0 && reader_take(rd, "}")
               ? c
               : reader_fail(rd, GPTOSS_BAD_INPUT, start, "this is not a character's number");
}

static int32_t read_hex_escape(reader *rd, char letter) {
    size_t start = rd->at;
    if (letter != 'U' && reader_take(rd, "{"))
        return read_braced(rd);
    int32_t c = reader_hex(rd, letter == 'x' ? 2 : letter == 'u' ? 4 : 8);
    if (c >= 0xd800 && c < 0xdc00 && reader_take(rd, "\\u")) {
        int32_t low = reader_hex(rd, 4);
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    return c >= 0 ? c
                  : reader_fail(rd, GPTOSS_BAD_INPUT, start, "this is not a character's number");
}

// The character of an escape that stands for one, behind the backslash.
static int32_t read_escape(reader *rd) {
    static const char names[] = "nrtfv0", values[] = "\n\r\t\f\v\0";
    size_t start = rd->at;
    char c = reader_peek(rd, 0);
    if (reader_ends(rd))
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "an escape of nothing");
    if (!is_letter_or_digit(c))
        return reader_character(rd);
    rd->at++;
    if (c == 'x' || c == 'u' || c == 'U')
        return read_hex_escape(rd, c);
    if (c == 'c' && (reader_peek(rd, 0) | 0x20) >= 'a' && (reader_peek(rd, 0) | 0x20) <= 'z')
        return rd->text[rd->at++] & 0x1f;
    const char *name = strchr(names, c);
    if (name)
        return values[name - names];
    const char *what = c == 'b' || c == 'B'                 ? "word boundaries"
                       : c == 'p' || c == 'P'               ? "Unicode properties"
                       : (c >= '1' && c <= '9') || c == 'k' ? "backreferences"
                                                            : NULL;
    if (what)
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "%s (\\%c) are not supported", what, c);
    return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "the escape \\%c is not supported", c);
}

// One end of a range in a class; a kind of character, which was added, gives RULES_NONE.
static int32_t read_member(regex *x, set *s, bool negated) {
    reader *rd = &x->rd;
    if (!reader_take(rd, "\\"))
        return reader_character(rd);
    if (add_kind(x, s, reader_peek(rd, 0), negated)) {
        rd->at++;
        return RULES_NONE;
    }
    return reader_take(rd, "b") ? '\b' : read_escape(rd);
}

static int32_t read_class(regex *x, size_t start) {
    reader *rd = &x->rd;
    set s = {0};
    bool negated = reader_take(rd, "^");
    // A ] at the beginning: ECMA's empty class and others' first member.
    if (reader_peek(rd, 0) == ']')
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "dialects disagree on [] and []...]");
    while (!rd->status && !reader_take(rd, "]")) {
        size_t at = rd->at;
        if (reader_ends(rd)) {
            reader_fail(rd, GPTOSS_BAD_INPUT, start, "this class has no end");
            break;
        }
        if (reader_peek(rd, 0) == '[' && reader_peek(rd, 1) == ':')
            reader_fail(rd, GPTOSS_UNSUPPORTED, at, "classes like [:alpha:] are not supported");
        int32_t first = rd->status ? RULES_NONE : read_member(x, &s, negated), last = first;
        if (first >= 0 && reader_peek(rd, 0) == '-' && reader_peek(rd, 1) != ']' &&
            reader_peek(rd, 1)) {
            rd->at++;
            last = read_member(x, &s, negated);
        }
        if (first < 0)
            continue;
        if (last < first)
            reader_fail(rd, GPTOSS_BAD_INPUT, at, "this range runs backwards");
        else
            add_ranges(x, &s, &(rules_range){(uint32_t)first, (uint32_t)last}, 1);
    }
    return make_class(x, &s, negated);
}

// ---- expressions ----------------------------------------------------------------------------

static int32_t read_ways(regex *x, bool edge);

// Behind "(": passes ?: or a name; refuses what looks around or changes the rules.
static void read_group_kind(regex *x, size_t start) {
    reader *rd = &x->rd;
    if (!reader_take(rd, "?") || reader_take(rd, ":"))
        return;
    bool behind =
        reader_peek(rd, 0) == '<' && (reader_peek(rd, 1) == '=' || reader_peek(rd, 1) == '!');
    if (behind || reader_peek(rd, 0) == '=' || reader_peek(rd, 0) == '!') {
        reader_fail(rd, GPTOSS_UNSUPPORTED, start, "look%s is not supported",
                    behind ? "behind" : "ahead");
        return;
    }
    if (!reader_take(rd, "P<") && !reader_take(rd, "<")) {
        reader_fail(rd, GPTOSS_UNSUPPORTED, start, "groups like (?%c are not supported",
                    reader_peek(rd, 0));
        return;
    }
    while (!reader_ends(rd) && reader_peek(rd, 0) != '>')
        rd->at++;
    if (!reader_take(rd, ">"))
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this group's name has no end");
}

static int32_t read_group(regex *x, size_t start, bool edge) {
    reader *rd = &x->rd;
    if (rd->depth >= READER_MAX_DEPTH)
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "groups are nested too deeply");
    read_group_kind(x, start);
    if (rd->status)
        return RULES_NONE;
    rd->depth++;
    int32_t group = read_ways(x, edge);
    rd->depth--;
    if (!rd->status && !reader_take(rd, ")"))
        reader_fail(rd, GPTOSS_BAD_INPUT, start, "this group has no end");
    return group;
}

static int32_t read_escaped_atom(regex *x, set *s) {
    reader *rd = &x->rd;
    if (add_kind(x, s, reader_peek(rd, 0), false)) {
        rd->at++;
        return make_class(x, s, false);
    }
    int32_t c = read_escape(rd);
    if (c >= 0)
        add_ranges(x, s, &(rules_range){(uint32_t)c, (uint32_t)c}, 1);
    return make_class(x, s, false);
}

static int32_t read_atom(regex *x) {
    reader *rd = &x->rd;
    size_t start = rd->at;
    set s = {0};
    if (reader_take(rd, "("))
        return read_group(x, start, false);
    if (reader_take(rd, "["))
        return read_class(x, start);
    if (reader_take(rd, "\\"))
        return read_escaped_atom(x, &s);
    if (reader_take(rd, ".")) {
        if (!x->options.dot_all)
            add_ranges(x, &s, line_ends, COUNT(line_ends));
        return make_class(x, &s, true);
    }
    if (reader_peek(rd, 0) && strchr("*+?", reader_peek(rd, 0)))
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "nothing to repeat");
    int32_t c = reader_character(rd);
    if (c >= 0x80 && x->options.ignore_case)
        reader_fail(rd, GPTOSS_UNSUPPORTED, start,
                    "letters outside of ASCII can't be matched in both cases");
    if (c >= 0)
        add_ranges(x, &s, &(rules_range){(uint32_t)c, (uint32_t)c}, 1);
    return make_class(x, &s, false);
}

// {m}, {m,}, {m,n} or {,n}; false, and nothing is passed, where a brace is only a brace.
static bool read_counts(reader *rd, int32_t *least, int32_t *most) {
    size_t start = rd->at;
    rd->at++;
    *least = *most = reader_number(rd);
    if (reader_take(rd, ",")) {
        *most = reader_number(rd);
        if (*least < 0 && *most >= 0)
            *least = 0;
    }
    if (*least >= 0 && reader_take(rd, "}"))
        return true;
    rd->at = start;
    return false;
}

static int32_t read_repetition(regex *x, int32_t item) {
    reader *rd = &x->rd;
    size_t start = rd->at;
    int32_t least = 0, most = RULES_UNBOUNDED;
    if (reader_take(rd, "+"))
        least = 1;
    else if (reader_take(rd, "?"))
        most = 1;
    else if (!reader_take(rd, "*") &&
             (reader_peek(rd, 0) != '{' || !read_counts(rd, &least, &most)))
        return item;
    if (rd->status)
        return RULES_NONE;
    if (most != RULES_UNBOUNDED && most < least)
        return reader_fail(rd, GPTOSS_BAD_INPUT, start, "these counts run backwards");
    if (reader_take(rd, "+"))
        return reader_fail(rd, GPTOSS_UNSUPPORTED, start,
                           "possessive repetitions are not supported");
    (void)reader_take(rd, "?"); // lazy: the same where all of the text has to match
    if (strchr("*+?", reader_peek(rd, 0)) && !reader_ends(rd))
        return reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "a repetition of a repetition");
    return rules_repeat(rd->rules, item, least, most);
}

// Where the group that begins at the present place ends, one past it; the length if nowhere.
static size_t group_end(const reader *rd) {
    size_t depth = 0;
    bool class = false;
    for (size_t i = rd->at; i < rd->length; i++) {
        char c = rd->text[i];
        if (c == '\\')
            i++;
        else if (class)
            class = c != ']';
        else if (c == '[')
            class = true;
        else if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0)
            return i + 1;
    }
    return rd->length;
}

static bool ends_branch(const reader *rd, size_t at) {
    return at >= rd->length || rd->text[at] == '|' || rd->text[at] == ')';
}

static bool anchor_begin(reader *rd) {
    return reader_take(rd, "^") || reader_take(rd, "\\A");
}

static bool anchor_end(reader *rd) {
    return reader_take(rd, "$") || reader_take(rd, "\\z") || reader_take(rd, "\\Z");
}

// One way. edge: it is the whole expression or one of its outermost ways, so that it may have
// anchors, and has any text around it where it has none.
static int32_t read_branch(regex *x, bool edge) {
    reader *rd = &x->rd;
    if (edge && reader_peek(rd, 0) == '(' && ends_branch(rd, group_end(rd))) {
        size_t start = rd->at++;
        return read_group(x, start, true);
    }
    base_ids parts = {0};
    bool begins = false, ends = false;
    while (!rd->status && !ends_branch(rd, rd->at)) {
        size_t at = rd->at;
        if (anchor_begin(rd)) {
            if (!edge || parts.length)
                reader_fail(rd, GPTOSS_UNSUPPORTED, at, "^ is supported at the beginning only");
            begins = true;
            continue;
        }
        if (anchor_end(rd)) {
            if (!edge || !ends_branch(rd, rd->at))
                reader_fail(rd, GPTOSS_UNSUPPORTED, at, "$ is supported at the end only");
            ends = true;
            continue;
        }
        int32_t item = read_atom(x);
        item = rd->status ? RULES_NONE : read_repetition(x, item);
        if (!rd->status && !base_ids_push(&parts, item))
            reader_fail_memory(rd);
    }
    int32_t branch = RULES_NONE;
    if (!rd->status) {
        branch = rules_sequence(rd->rules, parts.data, parts.length);
        if (edge && x->options.anywhere) {
            int32_t empty = rules_text(rd->rules, "", 0);
            int32_t around[] = {begins ? empty : anything(x), branch, ends ? empty : anything(x)};
            branch = rules_sequence(rd->rules, around, 3);
        }
    }
    base_ids_free(&parts);
    return branch;
}

static int32_t read_ways(regex *x, bool edge) {
    base_ids ways = {0};
    do {
        if (!base_ids_push(&ways, read_branch(x, edge)))
            reader_fail_memory(&x->rd);
    } while (!x->rd.status && reader_take(&x->rd, "|"));
    int32_t choice = x->rd.status ? RULES_NONE : rules_choice(x->rd.rules, ways.data, ways.length);
    base_ids_free(&ways);
    return choice;
}

int32_t rules_regex_with(rules *r, const char *text, size_t length, regex_options options,
                         gptoss_error *error) {
    regex x = {.options = options, .anything = RULES_NONE};
    x.rd = (reader){
        .form = "regular expression", .text = text, .length = length, .rules = r, .error = error};
    int32_t expression = read_ways(&x, true);
    if (!x.rd.status && !reader_ends(&x.rd))
        reader_fail(&x.rd, GPTOSS_BAD_INPUT, x.rd.at, "a ) without a (");
    if (!x.rd.status && expression == RULES_NONE)
        rules_status(r, error); // what went wrong while building
    return x.rd.status ? RULES_NONE : expression;
}

int32_t rules_regex(rules *r, const char *text, size_t length, bool anywhere, bool in_json,
                    gptoss_error *error) {
    return rules_regex_with(r, text, length,
                            (regex_options){.anywhere = anywhere, .in_json = in_json}, error);
}

gptoss_status rules_read_regex(rules *r, const char *text, size_t length, gptoss_error *error) {
    gptoss_error own = {0};
    int32_t rule = rules_declare(r);
    int32_t expression = rules_regex(r, text, length, false, false, &own);
    if (expression == RULES_NONE) {
        if (error)
            *error = own;
        return own.status ? own.status : base_fail_memory(error, length);
    }
    rules_define(r, rule, expression);
    rules_start(r, rule);
    return rules_status(r, error);
}
