// Printing JSON: compact as serde_json prints, or as Python's json.dumps prints.
#include "harmony/json.h"

#include <string.h>

static char short_escape(unsigned char c) {
    switch (c) {
    case '"':
        return '"';
    case '\\':
        return '\\';
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static bool print_code_point(base_buffer *buffer, int32_t c) {
    if (c < 0x10000) {
        return base_buffer_format(buffer, "\\u%04x", (unsigned)c);
    }
    unsigned high = 0xD800 + ((unsigned)(c - 0x10000) >> 10);
    unsigned low = 0xDC00 + ((unsigned)(c - 0x10000) & 1023);
    return base_buffer_format(buffer, "\\u%04x\\u%04x", high, low);
}

// ascii: whatever is not printable ASCII becomes \uXXXX (Python); else only control characters do.
static bool print_string(base_buffer *buffer, harmony_text text, bool ascii) {
    bool good = base_buffer_append(buffer, "\"", 1);
    size_t plain = 0, i = 0; // text[plain .. i-1] is copied as it stands
    while (good && i < text.length) {
        unsigned char c = (unsigned char)text.data[i];
        char escape = short_escape(c);
        if (!escape && c >= 0x20 && (!ascii || c < 0x7F)) {
            i++;
            continue;
        }
        good = base_buffer_append(buffer, text.data + plain, i - plain);
        int32_t code_point = c;
        size_t bytes = 1;
        if (escape) {
            good = good && base_buffer_format(buffer, "\\%c", escape);
        } else {
            bytes = base_utf8_decode(text.data + i, text.length - i, &code_point);
            good = good && print_code_point(buffer, code_point < 0 ? 0xFFFD : code_point);
        }
        i += bytes;
        plain = i;
    }
    return good && base_buffer_append(buffer, text.data + plain, i - plain) &&
           base_buffer_append(buffer, "\"", 1);
}

static bool print_number(base_buffer *buffer, harmony_text source, bool python) {
    json_number number;
    if (python || !harmony_json_number_read(source, &number)) {
        return base_buffer_append(buffer, source.data, source.length);
    }
    return harmony_json_number_print(buffer, &number);
}

static bool print(base_buffer *buffer, const json *value, bool python) {
    switch (value->kind) {
    case JSON_NULL:
        return base_buffer_text(buffer, "null");
    case JSON_FALSE:
        return base_buffer_text(buffer, "false");
    case JSON_TRUE:
        return base_buffer_text(buffer, "true");
    case JSON_NUMBER:
        return print_number(buffer, value->source, python);
    case JSON_STRING:
        return print_string(buffer, value->string, python);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    bool object = value->kind == JSON_OBJECT;
    bool good = base_buffer_text(buffer, object ? "{" : "[");
    for (const json *child = value->first; good && child; child = child->next) {
        if (object) {
            good = print_string(buffer, child->key, python) &&
                   base_buffer_text(buffer, python ? ": " : ":");
        }
        good = good && print(buffer, child, python) &&
               (!child->next || base_buffer_text(buffer, python ? ", " : ","));
    }
    return good && base_buffer_text(buffer, object ? "}" : "]");
}

bool harmony_json_print(base_buffer *buffer, const json *value) {
    return print(buffer, value, false);
}

bool harmony_json_print_python(base_buffer *buffer, const json *value) {
    return print(buffer, value, true);
}

bool harmony_json_print_string_python(base_buffer *buffer, harmony_text text) {
    return print_string(buffer, text, true);
}
