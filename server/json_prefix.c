// json_prefix.c: a JSON parser that keeps nothing but where it stands.
#include "json_prefix.h"

#include <string.h>

enum {
    BEFORE,      // the object's opening brace is to come
    VALUE,       // a value
    FIRST_VALUE, // a value, or the end of an array
    FIRST_KEY,   // a key, or the end of an object
    KEY,
    COLON,
    AFTER_VALUE, // a comma, or the end of the container
    STRING,
    ESCAPE, // behind a backslash
    HEX,    // inside \uXXXX
    NUMBER,
    WORD,
    BEHIND, // the object is complete
};

// What a number has shown: digits may follow all but ZERO, the number may end where a digit was.
enum { MINUS, ZERO, DIGITS, POINT, FRACTION, EXPONENT, SIGN, POWER };

static bool in_array(const json_prefix *p) {
    int i = p->depth - 1;
    return p->arrays[i / 8] >> (i % 8) & 1;
}

// The bytes up to `end` can be closed with brackets alone.
static void keep(json_prefix *p, size_t end) {
    p->whole = end;
    p->whole_depth = p->depth;
}

static bool open(json_prefix *p, bool array) {
    if (p->depth == JSON_PREFIX_DEPTH) {
        return false;
    }
    int i = p->depth++;
    p->arrays[i / 8] = (uint8_t)((p->arrays[i / 8] & ~(1 << (i % 8))) | array << (i % 8));
    p->state = array ? FIRST_VALUE : FIRST_KEY;
    keep(p, p->accepted + 1);
    return true;
}

static bool close(json_prefix *p, bool array) {
    if (in_array(p) != array) {
        return false;
    }
    p->depth--;
    p->complete = !p->depth;
    p->state = p->complete ? BEHIND : AFTER_VALUE;
    keep(p, p->accepted + 1);
    return true;
}

static bool begin_string(json_prefix *p, bool is_key) {
    p->state = STRING;
    p->is_key = is_key;
    p->high = false;
    return true;
}

static bool begin_value(json_prefix *p, unsigned char c) {
    static const char *const words[] = {"true", "false", "null"};
    if (c == '{' || c == '[') {
        return open(p, c == '[');
    }
    if (c == '"') {
        return begin_string(p, false);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        p->state = NUMBER;
        p->number = c == '-' ? MINUS : c == '0' ? ZERO : DIGITS;
        return true;
    }
    for (int i = 0; i < 3; i++) {
        if (c == (unsigned char)words[i][0]) {
            p->state = WORD;
            p->word = words[i] + 1;
            return true;
        }
    }
    return false;
}

static bool after_value(json_prefix *p, unsigned char c) {
    if (c == ',') {
        p->state = in_array(p) ? VALUE : KEY;
        return true;
    }
    return (c == '}' || c == ']') && close(p, c == ']');
}

// One more character of a number, or the first one behind it.
static bool number(json_prefix *p, unsigned char c) {
    bool digit = c >= '0' && c <= '9', e = c == 'e' || c == 'E';
    switch (p->number) {
    case MINUS:
        p->number = c == '0' ? ZERO : DIGITS;
        return digit;
    case POINT:
        p->number = FRACTION;
        return digit;
    case EXPONENT:
    case SIGN:
        if (p->number == EXPONENT && (c == '+' || c == '-')) {
            p->number = SIGN;
            return true;
        }
        p->number = POWER;
        return digit;
    default:
        break;
    }
    if (digit) {
        return p->number != ZERO;
    }
    if (c == '.' && (p->number == ZERO || p->number == DIGITS)) {
        p->number = POINT;
        return true;
    }
    if (e && p->number != POWER) {
        p->number = EXPONENT;
        return true;
    }
    keep(p, p->accepted); // it ended before this byte
    p->state = AFTER_VALUE;
    return (c && strchr(" \t\r\n", c)) || after_value(p, c);
}

// UTF-16's halves must come in pairs: readers refuse a lone one.
static bool end_unit(json_prefix *p) {
    bool high = p->unit >= 0xD800 && p->unit < 0xDC00, low = p->unit >= 0xDC00 && p->unit < 0xE000;
    if (low != p->high) {
        return false;
    }
    p->high = high;
    p->state = STRING;
    return true;
}

static bool hex(json_prefix *p, unsigned char c) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) {
        return false;
    }
    p->unit = (uint16_t)(p->unit << 4 | digit);
    return --p->digits || end_unit(p);
}

static bool string(json_prefix *p, unsigned char c) {
    if (c == '\\') {
        p->state = ESCAPE;
        return true;
    }
    if (p->high || c < 0x20) {
        return false;
    }
    if (c == '"') {
        p->state = p->is_key ? COLON : AFTER_VALUE;
        if (!p->is_key) {
            keep(p, p->accepted + 1);
        }
    }
    return true;
}

static bool escape(json_prefix *p, unsigned char c) {
    if (c == 'u') {
        p->state = HEX;
        p->digits = 4;
        p->unit = 0;
        return true;
    }
    p->state = STRING;
    return !p->high && c && strchr("\"\\/bfnrt", c);
}

static bool word(json_prefix *p, unsigned char c) {
    if (c != (unsigned char)*p->word) {
        return false;
    }
    if (!*++p->word) {
        p->state = AFTER_VALUE;
        keep(p, p->accepted + 1);
    }
    return true;
}

static bool accept_between(json_prefix *p, unsigned char c) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        return true;
    }
    switch (p->state) {
    case BEFORE:
        return c == '{' && open(p, false);
    case FIRST_VALUE:
        return c == ']' ? close(p, true) : begin_value(p, c);
    case VALUE:
        return begin_value(p, c);
    case FIRST_KEY:
        return c == '}' ? close(p, false) : c == '"' && begin_string(p, true);
    case KEY:
        return c == '"' && begin_string(p, true);
    case COLON:
        p->state = VALUE;
        return c == ':';
    case AFTER_VALUE:
        return after_value(p, c);
    default:
        return false;
    }
}

static bool accept(json_prefix *p, unsigned char c) {
    switch (p->state) {
    case STRING:
        return string(p, c);
    case ESCAPE:
        return escape(p, c);
    case HEX:
        return hex(p, c);
    case NUMBER:
        return number(p, c);
    case WORD:
        return word(p, c);
    default:
        return accept_between(p, c);
    }
}

size_t json_prefix_add(json_prefix *p, const char *bytes, size_t length) {
    size_t taken = 0;
    while (taken < length && !p->refused) {
        p->refused = !accept(p, (unsigned char)bytes[taken]);
        taken += !p->refused;
        p->accepted += !p->refused;
    }
    return taken;
}

void json_prefix_repair(const json_prefix *p, const char *bytes, text *out) {
    if (!p->whole) {
        text_add(out, "{}", 2);
        return;
    }
    text_add(out, bytes, p->whole);
    for (int i = p->whole_depth; i-- > 0;) {
        text_add(out, p->arrays[i / 8] >> (i % 8) & 1 ? "]" : "}", 1);
    }
}
