// Numbers within bounds, as digits.
//
// A bound is followed digit by digit: as long as a number has the digits of its lower or upper
// bound, the next digit is limited by the bound's; once it differs, any digits may come. Whole
// numbers are written without a point. Numbers with bounds are written without an exponent.
#include "grammar/schema.h"
#include "grammar/schema_decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTHING = -2 }; // beside RULES_NONE: there is no such number

typedef struct limit {
    bool present, open; // open: the bound itself is outside
    schema_decimal value;
} limit;

typedef struct range {
    limit low, high;
    uint32_t factor; // multiples of factor / 10^scale; 0: all
    int scale;
} range;

// Numbers without a sign, of one number of digits before the point.
typedef struct walk {
    schema_reader *reader;
    const range *range; // of sizes; low.present
    int whole, fraction;
    int32_t *rules; // [fraction + whole][factor]: what any digits left may be; 0 or 1 + rule
    int first_rule;
} walk;

// ---- what is asked for -----------------------------------------------------------------------

static void tighten(limit *bound, limit other, int sign) {
    int order = bound->present && other.present
                    ? sign * schema_decimal_compare(&other.value, &bound->value)
                    : other.present;
    if (order > 0 || (other.present && !order && other.open)) {
        *bound = other;
    }
}

static limit get_limit(schema_reader *reader, int32_t node, const char *key, const char *open_key) {
    limit bound = {0}, open = {.open = true};
    const json_t *flag = json_object_get(reader->nodes[node].value, open_key);
    const json_t *value = schema_get_number(reader, node, key);
    if (value) {
        bound = (limit){true, json_is_true(flag), schema_decimal_of(value)}; // a flag: draft 4
    }
    value = json_is_boolean(flag) ? NULL : schema_get_number(reader, node, open_key);
    if (value) {
        open = (limit){true, true, schema_decimal_of(value)};
        tighten(&bound, open, key[1] == 'i' ? 1 : -1); // minimum or maximum
    }
    return bound;
}

static uint32_t greatest_divisor(uint32_t a, uint32_t b) {
    return b ? greatest_divisor(b, a % b) : a;
}

static void get_factor(schema_reader *reader, int32_t node, range *r) {
    enum { MOST = 1000 };
    const json_t *value = schema_get_number(reader, node, "multipleOf");
    if (!value) {
        return;
    }
    schema_decimal d = schema_decimal_of(value);
    int scale = d.n > d.point ? d.n - d.point : 0;
    uint64_t factor = 0;
    for (int place = d.point - 1; place >= -scale && factor <= MOST && d.n; place--) {
        factor = 10 * factor + (uint64_t)schema_decimal_digit(&d, place);
    }
    if (d.negative || !d.n) {
        schema_fail(reader, GPTOSS_BAD_INPUT, node, "multipleOf", "must be above 0");
        return;
    }
    for (; r->factor && scale < r->scale && factor <= MOST; scale++) {
        factor *= 10;
    }
    bool fits = factor <= MOST && scale <= 9;
    if (fits && r->factor) {
        uint64_t own = r->factor;
        for (int s = r->scale; s < scale; s++) {
            own *= 10;
        }
        factor = own <= MOST ? own / greatest_divisor((uint32_t)own, (uint32_t)factor) * factor
                             : MOST + 1;
        fits = factor <= MOST;
    }
    if (!fits) {
        schema_fail(reader, GPTOSS_UNSUPPORTED, node, "multipleOf",
                    "more than %d steps of its last digit", MOST);
        return;
    }
    r->factor = (uint32_t)factor;
    r->scale = scale;
}

static range get_range(schema_reader *reader, schema_members members) {
    range r = {0};
    for (size_t i = 0; i < members.count && schema_well(reader); i++) {
        int32_t node = members.nodes[i];
        tighten(&r.low, get_limit(reader, node, "minimum", "exclusiveMinimum"), 1);
        tighten(&r.high, get_limit(reader, node, "maximum", "exclusiveMaximum"), -1);
        get_factor(reader, node, &r);
    }
    return r;
}

// ---- digits ----------------------------------------------------------------------------------

// The digit at `at` counted from the first one.
static int digit_of(const walk *w, const limit *bound, int at) {
    return schema_decimal_digit(&bound->value, w->whole - 1 - at);
}

static bool rest_is_zero(const walk *w, const limit *bound, int at) {
    const schema_decimal *d = &bound->value;
    return d->n <= d->point - w->whole + at || !d->n;
}

// A text that ends before digit `at` keeps to the bounds that it is still along.
static bool may_end(const walk *w, int at, bool along_low, bool along_high, uint32_t remainder) {
    const range *r = w->range;
    bool low = !along_low || (rest_is_zero(w, &r->low, at) && !r->low.open);
    bool high = !along_high || !rest_is_zero(w, &r->high, at) || !r->high.open;
    for (int i = at - w->whole; r->factor && i < r->scale; i++) {
        remainder = remainder * 10 % r->factor;
    }
    return at >= w->whole && low && high && !remainder;
}

static int32_t digits_from(walk *w, int at, bool along_low, bool along_high, uint32_t remainder);

// Any digits that are left, when they need not be counted for a multiple.
static int32_t free_digits(walk *w, int at) {
    schema_reader *reader = w->reader;
    int32_t digit = schema_digit(reader);
    if (at > w->whole) {
        return rules_repeat(reader->rules, digit, 0, w->whole + w->fraction - at);
    }
    int left = w->whole - at;
    int32_t head = schema_text(reader, "");
    if (!at && left > 1) {
        head = schema_digits(reader, '1', '9');
        left--;
    }
    head = schema_sequence2(reader, head, rules_repeat(reader->rules, digit, left, left));
    return w->fraction ? schema_sequence2(reader, head, schema_fraction(reader)) : head;
}

// The rule of any digits that are left after a remainder; shared by all numbers of digits.
static int32_t free_multiple(walk *w, int at, uint32_t remainder) {
    const range *r = w->range;
    int left = w->whole + w->fraction - at;
    int32_t *slot = &w->rules[(size_t)left * r->factor + remainder];
    if (!*slot) {
        int32_t rule = rules_declare(w->reader->rules);
        if (rule == RULES_NONE) {
            return RULES_NONE;
        }
        *slot = 1 + rule;
        int32_t expression = digits_from(w, at, false, false, remainder);
        if (expression == NOTHING) {
            *slot = NOTHING;
            expression = rules_choice(w->reader->rules, NULL, 0);
        }
        rules_define(w->reader->rules, rule, expression);
    }
    return *slot == NOTHING ? NOTHING : rules_reference(w->reader->rules, *slot - 1);
}

static int32_t after_digit(walk *w, int at, int digit, bool low, bool high, uint32_t remainder) {
    const range *r = w->range;
    if (r->factor) {
        bool counts = at < w->whole + r->scale; // behind, only zeros
        if (!counts && digit) {
            return NOTHING;
        }
        remainder = counts ? (remainder * 10 + (uint32_t)digit) % r->factor : remainder;
    }
    low = low && digit == digit_of(w, &r->low, at);
    high = high && digit == digit_of(w, &r->high, at);
    if (r->factor && !low && !high) {
        return free_multiple(w, at + 1, remainder);
    }
    return digits_from(w, at + 1, low, high, remainder);
}

// A digit and what comes after it: digits after which the same comes are one class.
static int32_t one_digit(walk *w, int at, bool low, bool high, uint32_t remainder) {
    schema_reader *reader = w->reader;
    const range *r = w->range;
    int least = low ? digit_of(w, &r->low, at) : 0, most = high ? digit_of(w, &r->high, at) : 9;
    int32_t ways[10];
    size_t n = 0;
    if (!at && w->whole > 1 && !least) {
        least = 1;
    }
    for (int digit = least; digit <= most && schema_well(reader); digit++) {
        int to = digit;
        bool inside = !r->factor && !(low && digit == digit_of(w, &r->low, at));
        if (inside && !(high && digit == most)) {
            to = high ? most - 1 : most;
        }
        int32_t after = after_digit(w, at, digit, low, high, remainder);
        if (after != NOTHING) {
            int32_t class = schema_digits(reader, (char)('0' + digit), (char)('0' + to));
            ways[n++] = schema_sequence2(reader, class, after);
        }
        digit = to;
    }
    return n ? rules_choice(reader->rules, ways, n) : NOTHING;
}

static int32_t digits_from(walk *w, int at, bool low, bool high, uint32_t remainder) {
    schema_reader *reader = w->reader;
    const range *r = w->range;
    low = low && (r->low.open || !rest_is_zero(w, &r->low, at));
    if (!low && !high && !r->factor) {
        return free_digits(w, at);
    }
    int32_t end = may_end(w, at, low, high, remainder) ? schema_text(reader, "") : NOTHING;
    if (at == w->whole + w->fraction) {
        return end;
    }
    int32_t more = one_digit(w, at, low, high, remainder);
    if (more != NOTHING && at == w->whole) {
        more = schema_sequence2(reader, schema_text(reader, "."), more);
    }
    return more == NOTHING ? end : end == NOTHING ? more : schema_choice2(reader, more, end);
}

// ---- numbers of all lengths ------------------------------------------------------------------

static int n_whole(const limit *bound) {
    return bound->value.point > 1 && bound->value.n ? bound->value.point : 1;
}

// Numbers of 2 or more digits that no bound reaches, from .. to of them.
static int32_t free_lengths(schema_reader *reader, int from, int to, bool whole) {
    int32_t rest = rules_repeat(reader->rules, schema_digit(reader), from - 1, to - 1);
    int32_t all = schema_sequence2(reader, schema_digits(reader, '1', '9'), rest);
    return whole ? all : schema_sequence2(reader, all, schema_fraction(reader));
}

// Sizes within a range whose low bound is 0 or more.
static int32_t sizes(schema_reader *reader, const range *r, bool whole) {
    enum { DIGITS_OF_MULTIPLES = 15 };
    int shortest = n_whole(&r->low), longest = r->high.present ? n_whole(&r->high) : INT32_MAX;
    int most = r->factor ? DIGITS_OF_MULTIPLES : SCHEMA_MAX_DIGITS;
    int fraction = whole ? 0 : r->factor ? (r->scale ? r->scale : 1) : SCHEMA_MAX_DIGITS;
    walk w = {.reader = reader, .range = r, .fraction = fraction};
    if (r->factor) {
        w.rules = base_alloc_zero((size_t)(most + fraction + 1) * r->factor, sizeof *w.rules);
        if (!w.rules) {
            return schema_no_memory(reader);
        }
    }
    base_ids ways = {0};
    for (int n = shortest; n <= longest && n <= most && schema_well(reader); n++) {
        int32_t way;
        if (n > shortest && n < longest && !r->factor) {
            int last = longest <= most ? longest - 1 : most;
            way = free_lengths(reader, n, last, whole);
            n = last;
        } else {
            w.whole = n;
            way = digits_from(&w, 0, n == shortest, n == longest, 0);
        }
        if (way != NOTHING) {
            schema_push(reader, &ways, way);
        }
    }
    int32_t all = ways.length ? schema_choice(reader, &ways) : NOTHING;
    base_ids_free(&ways);
    base_free(w.rules);
    return all;
}

static bool is_negative(const limit *bound) {
    return bound->present && bound->value.negative;
}

// Bounds of what stands behind a minus sign; zero is written without one.
static range mirrored(const range *r) {
    range m = {.factor = r->factor, .scale = r->scale, .low = {true, true, {0}}};
    if (is_negative(&r->high)) {
        m.low = r->high;
        m.low.value.negative = false;
    }
    m.high = r->low;
    m.high.value.negative = false;
    return m;
}

static bool is_empty(const range *r) {
    if (!r->high.present || !r->low.present) {
        return false;
    }
    int order = schema_decimal_compare(&r->low.value, &r->high.value);
    return order > 0 || (!order && (r->low.open || r->high.open));
}

static int32_t within(schema_reader *reader, const range *r, bool whole) {
    int32_t ways[2];
    size_t n = 0;
    range up = *r;
    if (!up.low.present || up.low.value.negative) {
        up.low = (limit){.present = true};
    }
    if (!is_negative(&r->high) && !is_empty(&up)) {
        ways[n++] = sizes(reader, &up, whole);
        n -= ways[n - 1] == NOTHING;
    }
    range down = mirrored(r);
    if ((!r->low.present || is_negative(&r->low)) && !is_empty(&down)) {
        int32_t size = sizes(reader, &down, whole);
        if (size != NOTHING) {
            ways[n++] = schema_sequence2(reader, schema_text(reader, "-"), size);
        }
    }
    return rules_choice(reader->rules, ways, n);
}

// Refuses bounds with more digits than are written.
static bool fits(schema_reader *reader, schema_members members, const limit *bound) {
    const schema_decimal *d = &bound->value;
    if (bound->present && d->n &&
        (d->point > SCHEMA_MAX_DIGITS || d->n - d->point > SCHEMA_MAX_DIGITS)) {
        schema_fail(reader, GPTOSS_UNSUPPORTED, members.nodes[0], NULL,
                    "a bound with more than %d digits before or after the point",
                    SCHEMA_MAX_DIGITS);
    }
    return schema_well(reader);
}

int32_t schema_fraction(schema_reader *reader) {
    int32_t digits = rules_repeat(reader->rules, schema_digit(reader), 1, SCHEMA_MAX_DIGITS);
    return schema_optional(reader, schema_sequence2(reader, schema_text(reader, "."), digits));
}

// A number without bounds: exponents too, of what a double can hold.
static int32_t unbounded(schema_reader *reader, bool whole) {
    rules *to = reader->rules;
    int32_t more = rules_repeat(to, schema_digit(reader), 0, SCHEMA_MAX_DIGITS - 1);
    int32_t size = schema_sequence2(reader, schema_digits(reader, '1', '9'), more);
    int32_t minus = schema_optional(reader, schema_text(reader, "-"));
    int32_t zero = schema_text(reader, "0");
    if (whole) {
        return schema_choice2(reader, zero, schema_sequence2(reader, minus, size));
    }
    static const rules_range e[] = {{'e', 'e'}, {'E', 'E'}}, sign[] = {{'+', '+'}, {'-', '-'}};
    int32_t digit = schema_digit(reader);
    int32_t value = rules_choice(
        to,
        (int32_t[]){
            rules_repeat(to, digit, 1, 2),
            schema_sequence3(reader, schema_digits(reader, '1', '2'), digit, digit),
            schema_sequence2(reader, schema_text(reader, "30"), schema_digits(reader, '0', '7')),
        },
        3);
    int32_t exponent =
        schema_sequence3(reader, rules_class(to, e, 2, false),
                         schema_optional(reader, rules_class(to, sign, 2, false)), value);
    int32_t parts[] = {minus, schema_choice2(reader, zero, size), schema_fraction(reader),
                       schema_optional(reader, exponent)};
    return rules_sequence(to, parts, sizeof parts / sizeof *parts);
}

int32_t schema_number(schema_reader *reader, schema_members members, bool whole) {
    range r = get_range(reader, members);
    if (!schema_well(reader) || !fits(reader, members, &r.low) || !fits(reader, members, &r.high)) {
        return RULES_NONE;
    }
    if (!r.low.present && !r.high.present && !r.factor) {
        return unbounded(reader, whole);
    }
    return within(reader, &r, whole);
}

// ---- numbers of enum and const ---------------------------------------------------------------

bool schema_numbers_equal(const json_t *a, const json_t *b) {
    schema_decimal x = schema_decimal_of(a), y = schema_decimal_of(b);
    return !schema_decimal_compare(&x, &y);
}

bool schema_is_whole(const json_t *number) {
    schema_decimal d = schema_decimal_of(number);
    return schema_decimal_whole(&d);
}

bool schema_number_holds(schema_reader *reader, schema_members members, const json_t *number) {
    range r = get_range(reader, members);
    schema_decimal d = schema_decimal_of(number);
    int low = r.low.present ? schema_decimal_compare(&d, &r.low.value) : 1;
    int high = r.high.present ? schema_decimal_compare(&r.high.value, &d) : 1;
    bool within_bounds = low >= r.low.open && high >= r.high.open && low >= 0 && high >= 0;
    if (!r.factor || !within_bounds) {
        return within_bounds;
    }
    uint32_t remainder = 0;
    for (int place = d.point - 1; place >= -r.scale; place--) {
        remainder = (remainder * 10 + (uint32_t)schema_decimal_digit(&d, place)) % r.factor;
    }
    return !remainder && d.n - d.point <= r.scale;
}

// As it is usually written: whole numbers without a point.
int32_t schema_number_literal(schema_reader *reader, const json_t *number) {
    schema_decimal d = schema_decimal_of(number);
    char text[80];
    int n = snprintf(text, sizeof text, "%s", d.negative ? "-" : "");
    bool plain = d.point > -5 && d.point <= 21;
    int last = d.n > d.point ? d.point - d.n : 0;
    for (int place = d.point > 0 ? d.point - 1 : 0; plain && place >= last; place--) {
        text[n++] = (char)('0' + schema_decimal_digit(&d, place));
        if (!place && last) {
            text[n++] = '.';
        }
    }
    if (!plain) {
        n += snprintf(text + n, 40, "%c%s%.*s", d.digits[0], d.n > 1 ? "." : "", d.n - 1,
                      d.digits + 1);
        snprintf(text + n, 20, "e%+03d", d.point - 1);
        return schema_text(reader, text);
    }
    text[n] = 0;
    return schema_text(reader, text);
}
