// Cuts text into pieces as the regular expression of o200k does, without a regular expression
// engine. tests/tokenizer holds it against tiktoken.
#include "tokenizer/parts.h"

const char bpe_o200k_pattern[] =
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    "|\\p{N}{1,3}"
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"
    "|\\s*[\\r\\n]+"
    "|\\s+(?!\\S)"
    "|\\s+";

// Sets of classes.
#define SET(class) (1u << (class))
#define IN(set, class) (((set) >> (class)) & 1)
enum {
    LETTERS = SET(BPE_UPPER) | SET(BPE_LOWER) | SET(BPE_LETTER),
    UPPERISH = SET(BPE_UPPER) | SET(BPE_LETTER) | SET(BPE_MARK), // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
    LOWERISH = SET(BPE_LOWER) | SET(BPE_LETTER) | SET(BPE_MARK), // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
    CASELESS = SET(BPE_LETTER) | SET(BPE_MARK),                  // in both of these
    SYMBOLS = SET(BPE_OTHER) | SET(BPE_MARK),                    // [^\s\p{L}\p{N}]
    BLANKS = SET(BPE_SPACE) | SET(BPE_NEWLINE),                  // \s
};

typedef struct cursor {
    const uint8_t *classes;
    const uint8_t *at, *end;
    unsigned class; // of the code point at `at`
    unsigned width; // its bytes; 0 at the end
} cursor;

static void look_wide(cursor *c) {
    const uint8_t *p = c->at;
    uint32_t code;
    if (p[0] < 0xe0) {
        c->width = 2;
        code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    } else if (p[0] < 0xf0) {
        c->width = 3;
        code = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    } else {
        c->width = 4;
        code = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    }
    c->class = c->classes[code];
}

static inline void look(cursor *c) {
    if (c->at == c->end) {
        c->class = BPE_END;
        c->width = 0;
    } else if (*c->at < 0x80) {
        c->class = c->classes[*c->at];
        c->width = 1;
    } else {
        look_wide(c);
    }
}

static inline void step(cursor *c) {
    c->at += c->width;
    look(c);
}

static inline void skip(cursor *c, unsigned set) {
    while (IN(set, c->class))
        step(c);
}

// Where (?i:'s|'t|'re|'ve|'m|'ll|'d)? ends that begins at p. U+017F is an s to it, too.
static const uint8_t *contraction(const uint8_t *p, const uint8_t *end) {
    if (end - p < 2 || *p != '\'')
        return p;
    int first = p[1] | 0x20, second = end - p > 2 ? p[2] | 0x20 : 0;
    if (p[1] < 0x80 && (first == 's' || first == 't' || first == 'm' || first == 'd'))
        return p + 2;
    if (end - p < 3)
        return p;
    if (p[1] == 0xc5 && p[2] == 0xbf)
        return p + 3;
    if (p[1] >= 0x80 || p[2] >= 0x80)
        return p;
    bool pair =
        ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
    return pair ? p + 3 : p;
}

// UPPERISH* LOWERISH+ at the cursor: its end, as a backtracking engine finds it, or NULL. Then
// *upper_end_out says where UPPERISH* ended.
static const uint8_t *word(cursor c, const uint8_t **upper_end_out) {
    const uint8_t *caseless_end = NULL;
    while (IN(UPPERISH, c.class)) {
        bool caseless = IN(CASELESS, c.class);
        step(&c);
        if (caseless)
            caseless_end = c.at;
    }
    *upper_end_out = c.at;
    if (c.class == BPE_LOWER) {
        skip(&c, LOWERISH);
        return c.at;
    }
    // UPPERISH* gives back until its last character can be a LOWERISH.
    return caseless_end;
}

static const uint8_t *blanks(cursor c) {
    const uint8_t *start = c.at, *newline_end = NULL, *last = c.at;
    while (IN(BLANKS, c.class)) {
        bool newline = c.class == BPE_NEWLINE;
        last = c.at;
        step(&c);
        if (newline)
            newline_end = c.at;
    }
    if (newline_end)
        return newline_end; // \s*[\r\n]+
    if (c.class == BPE_END || last == start)
        return c.at; // \s+(?!\S) at the end of the text, or \s+ of one blank
    return last;     // \s+(?!\S): all but the last
}

static const uint8_t *symbols(cursor c) {
    if (*c.at == ' ')
        step(&c);
    skip(&c, SYMBOLS);
    while (c.class == BPE_NEWLINE || (c.width == 1 && *c.at == '/'))
        step(&c);
    return c.at;
}

static const uint8_t *number(cursor c) {
    for (int digits = 0; digits < 3 && c.class == BPE_NUMBER; digits++)
        step(&c);
    return c.at;
}

size_t bpe_scan(const uint8_t *classes, const char *text, size_t length) {
    const uint8_t *start = (const uint8_t *)text, *end = start + length, *upper_end;
    cursor c = {.classes = classes, .at = start, .end = end};
    look(&c);
    cursor after = c; // behind the one character that may come before a word
    unsigned class = c.class;
    const uint8_t *found = NULL;
    if (IN(LETTERS, class)) {
        found = word(c, &upper_end);
        found = contraction(found ? found : upper_end, end);
    } else if (class == BPE_NUMBER) {
        found = number(c);
    } else if (class == BPE_NEWLINE) {
        found = blanks(c);
    } else { // mark, blank or symbol
        step(&after);
        found = word(after, &upper_end);
        if (!found && class == BPE_MARK)
            found = after.at; // the mark alone is the word
        if (!found && upper_end > after.at)
            found = upper_end;
        if (found)
            found = contraction(found, end);
        else if (class == BPE_OTHER || (*start == ' ' && IN(SYMBOLS, after.class)))
            found = symbols(c);
        else
            found = blanks(c);
    }
    return (size_t)(found - start);
}
