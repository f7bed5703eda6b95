// Reading JSON into a tree: recursive descent, bounded in depth, strict (RFC 8259).
#include "harmony/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char *text;
    size_t length, at;
    const char *what;
    harmony_arena *arena;
    int depth;
    gptoss_error *error;
} reader;

static gptoss_status read_value(reader *in, json *value);

static gptoss_status fail(reader *in, const char *why) {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < in->at && i < in->length; i++) {
        bool end = in->text[i] == '\n';
        line += end;
        column = end ? 1 : column + 1;
    }
    return base_fail(in->error, GPTOSS_BAD_INPUT, "%s: %s at line %zu column %zu", in->what, why,
                     line, column);
}

static int peek(const reader *in) {
    return in->at < in->length ? (unsigned char)in->text[in->at] : -1;
}

static int next_visible(reader *in) {
    int c = peek(in);
    while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        in->at++;
        c = peek(in);
    }
    return c;
}

static int hex4(reader *in) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int c = peek(in);
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
        in->at++;
    }
    return value;
}

static char *put_utf8(char *out, int32_t c) {
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 63));
        *out++ = (char)(0x80 | (c >> 6 & 63));
        *out++ = (char)(0x80 | (c & 63));
    }
    return out;
}

// After `\u`. NULL where the escape is wrong or half of a surrogate pair.
static char *read_unicode(reader *in, char *out) {
    int32_t c = hex4(in);
    if (c < 0 || (c >= 0xDC00 && c <= 0xDFFF)) {
        return NULL;
    }
    if (c >= 0xD800 && c <= 0xDBFF) {
        if (in->length - in->at < 2 || memcmp(in->text + in->at, "\\u", 2)) {
            return NULL;
        }
        in->at += 2;
        int32_t low = hex4(in);
        if (low < 0xDC00 || low > 0xDFFF) {
            return NULL;
        }
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    return put_utf8(out, c);
}

static char *read_escape(reader *in, char *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(in);
    in->at++;
    if (c == 'u') {
        return read_unicode(in, out);
    }
    const char *found = c > 0 ? strchr(from, c) : NULL;
    if (!found) {
        return NULL;
    }
    *out++ = to[found - from];
    return out;
}

// At the opening quote. A decoded string is never longer than its source.
static gptoss_status read_string(reader *in, harmony_text *string_out) {
    size_t start = ++in->at, end = start;
    bool escaped = false;
    while (end < in->length && in->text[end] != '"') {
        if ((unsigned char)in->text[end] < 0x20) {
            in->at = end;
            return fail(in, "control character in a string");
        }
        bool backslash = in->text[end] == '\\';
        escaped |= backslash;
        end += backslash && end + 1 < in->length ? 2 : 1;
    }
    if (end >= in->length) {
        in->at = in->length;
        return fail(in, "string without an end");
    }
    if (!base_utf8_valid(in->text + start, end - start)) {
        return fail(in, "string that is not UTF-8");
    }
    if (!escaped) {
        *string_out = (harmony_text){in->text + start, end - start};
        in->at = end + 1;
        return GPTOSS_OK;
    }
    char *data = harmony_arena_alloc(in->arena, end - start + 1, 1), *out = data;
    if (!data) {
        return base_fail_memory(in->error, end - start + 1);
    }
    while (in->at < end) {
        char c = in->text[in->at++];
        if (c != '\\') {
            *out++ = c;
        } else if (!(out = read_escape(in, out))) {
            return fail(in, "wrong escape in a string");
        }
    }
    *string_out = (harmony_text){data, (size_t)(out - data)};
    in->at = end + 1;
    return GPTOSS_OK;
}

static bool skip_digits(reader *in) {
    size_t start = in->at;
    while (peek(in) >= '0' && peek(in) <= '9') {
        in->at++;
    }
    return in->at > start;
}

static gptoss_status read_number(reader *in, json *value) {
    size_t start = in->at;
    in->at += peek(in) == '-';
    bool zero = peek(in) == '0', good = skip_digits(in);
    size_t digits = in->at - start - (in->text[start] == '-');
    good = good && !(zero && digits > 1);
    if (good && peek(in) == '.') {
        in->at++;
        good = skip_digits(in);
    }
    if (good && (peek(in) == 'e' || peek(in) == 'E')) {
        in->at++;
        in->at += peek(in) == '+' || peek(in) == '-';
        good = skip_digits(in);
    }
    if (!good) {
        return fail(in, "wrong number");
    }
    json_number number;
    value->kind = JSON_NUMBER;
    if (!harmony_json_number_read((harmony_text){in->text + start, in->at - start}, &number)) {
        return fail(in, "number out of range");
    }
    return GPTOSS_OK;
}

static int compare_keys(const void *a, const void *b) {
    const json *x = *(json *const *)a, *y = *(json *const *)b;
    size_t shorter = x->key.length < y->key.length ? x->key.length : y->key.length;
    int order = memcmp(x->key.data, y->key.data, shorter);
    if (order) {
        return order;
    }
    if (x->key.length != y->key.length) {
        return x->key.length < y->key.length ? -1 : 1;
    }
    return 0;
}

// Equal keys become one, at the first's place with the last's value; sources tell which is which,
// as they lie in the input in order. SIZE_MAX children mark what leaves the list.
static gptoss_status merge_repeated_keys(reader *in, json *object) {
    if (object->count < 2) {
        return GPTOSS_OK;
    }
    json **members = base_alloc(object->count, sizeof *members);
    if (!members) {
        return base_fail_memory(in->error, object->count * sizeof *members);
    }
    size_t n = 0;
    for (json *member = object->first; member; member = member->next) {
        members[n++] = member;
    }
    qsort(members, n, sizeof *members, compare_keys);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        json *first = members[i], *last = members[i];
        while (end < n && members[end]->key.length == first->key.length &&
               !memcmp(members[end]->key.data, members[i]->key.data, members[i]->key.length)) {
            json *member = members[end++];
            first = member->source.data < first->source.data ? member : first;
            last = member->source.data > last->source.data ? member : last;
        }
        if (end - i > 1) {
            json value = *last;
            for (size_t k = i; k < end; k++) {
                members[k]->count = members[k] == first ? members[k]->count : SIZE_MAX;
            }
            value.key = first->key;
            value.next = first->next;
            *first = value;
        }
        i = end;
    }
    base_free(members);
    for (json **link = &object->first; *link;) {
        if ((*link)->count == SIZE_MAX) {
            *link = (*link)->next;
            object->count--;
        } else {
            link = &(*link)->next;
        }
    }
    return GPTOSS_OK;
}

static gptoss_status read_key(reader *in, json *member) {
    if (next_visible(in) != '"') {
        return fail(in, "no key");
    }
    gptoss_status status = read_string(in, &member->key);
    if (status) {
        return status;
    }
    if (next_visible(in) != ':') {
        return fail(in, "no colon");
    }
    in->at++;
    return GPTOSS_OK;
}

static gptoss_status read_children(reader *in, json *parent, char close) {
    if (++in->depth >= JSON_DEPTH) {
        return fail(in, "nested too deeply");
    }
    in->at++;
    json **link = &parent->first;
    if (next_visible(in) == close) {
        in->at++;
        in->depth--;
        return GPTOSS_OK;
    }
    for (;;) {
        json *child = harmony_arena_alloc(in->arena, 1, sizeof *child);
        if (!child) {
            return base_fail_memory(in->error, sizeof *child);
        }
        gptoss_status status = close == '}' ? read_key(in, child) : GPTOSS_OK;
        status = status ? status : read_value(in, child);
        if (status) {
            return status;
        }
        *link = child;
        link = &child->next;
        parent->count++;
        int c = next_visible(in);
        if (c != ',' && c != close) {
            return fail(in, "no comma");
        }
        in->at++;
        if (c == close) {
            break;
        }
    }
    in->depth--;
    return close == '}' ? merge_repeated_keys(in, parent) : GPTOSS_OK;
}

static gptoss_status read_word(reader *in, json *value) {
    static const struct {
        const char *text;
        size_t length;
        json_kind kind;
    } words[] = {{"null", 4, JSON_NULL}, {"true", 4, JSON_TRUE}, {"false", 5, JSON_FALSE}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (in->length - in->at >= words[i].length &&
            !memcmp(in->text + in->at, words[i].text, words[i].length)) {
            value->kind = words[i].kind;
            in->at += words[i].length;
            return GPTOSS_OK;
        }
    }
    return fail(in, "no value");
}

static gptoss_status read_value(reader *in, json *value) {
    int c = next_visible(in);
    size_t start = in->at;
    gptoss_status status;
    if (c == '{') {
        value->kind = JSON_OBJECT;
        status = read_children(in, value, '}');
    } else if (c == '[') {
        value->kind = JSON_ARRAY;
        status = read_children(in, value, ']');
    } else if (c == '"') {
        value->kind = JSON_STRING;
        status = read_string(in, &value->string);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        status = read_number(in, value);
    } else {
        status = read_word(in, value);
    }
    value->source = (harmony_text){in->text + start, in->at - start};
    return status;
}

gptoss_status harmony_json_read(const char *text, size_t length, const char *what,
                                harmony_arena *arena, json **json_out, gptoss_error *error) {
    *json_out = NULL;
    reader in = {text, length, 0, what, arena, 0, error};
    json *root = harmony_arena_alloc(arena, 1, sizeof *root);
    if (!root) {
        return base_fail_memory(error, sizeof *root);
    }
    gptoss_status status = read_value(&in, root);
    if (status) {
        return status;
    }
    if (next_visible(&in) != -1) {
        return fail(&in, "more text after the value");
    }
    *json_out = root;
    return GPTOSS_OK;
}

const json *harmony_json_get(const json *object, const char *key) {
    if (!object || object->kind != JSON_OBJECT) {
        return NULL;
    }
    size_t length = strlen(key);
    for (const json *member = object->first; member; member = member->next) {
        if (member->key.length == length && !memcmp(member->key.data, key, length)) {
            return member;
        }
    }
    return NULL;
}
