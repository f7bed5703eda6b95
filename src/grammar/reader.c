// A place in a text, names, and errors that say where.
#include "grammar/reader.h"

#include <stdio.h>
#include <string.h>

#include "grammar/array.h"

void reader_free(reader *rd) {
    interner_free(&rd->names);
    base_free(rd->list);
}

int32_t reader_fail(reader *rd, gptoss_status status, size_t at, const char *format, ...) {
    if (rd->status)
        return RULES_NONE;
    rd->status = status;
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < rd->length; i++) {
        if (rd->text[i] == '\n') {
            line++;
            column = 1;
        } else if ((rd->text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    char what[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    base_fail(rd->error, status, "%s, line %zu, column %zu: %s", rd->form, line, column, what);
    return RULES_NONE;
}

int32_t reader_fail_memory(reader *rd) {
    if (!rd->status)
        rd->status = base_fail_memory(rd->error, rd->length);
    return RULES_NONE;
}

int32_t reader_name_of(reader *rd, const char *name, size_t length) {
    int32_t letters[256];
    if (length > 256)
        return reader_fail(rd, GPTOSS_UNSUPPORTED, rd->at, "a name of more than 256 bytes");
    for (size_t i = 0; i < length; i++)
        letters[i] = (uint8_t)name[i];
    int32_t found = interner_find(&rd->names, letters, length);
    if (found < 0 || !ARRAY_RESERVE(rd->list, rd->name_capacity, (size_t)found + 1))
        return reader_fail_memory(rd);
    if ((size_t)found == rd->n_names) {
        rd->list[found] = (reader_name){.rule = rules_declare(rd->rules)};
        rd->n_names++;
    }
    return found;
}

int32_t reader_use(reader *rd, const char *name, size_t length, size_t at) {
    int32_t index = reader_name_of(rd, name, length);
    if (index < 0)
        return RULES_NONE;
    reader_name *entry = &rd->list[index];
    if (!entry->used)
        entry->used_at = at;
    entry->used = true;
    return rules_reference(rd->rules, entry->rule);
}

gptoss_status reader_finish(reader *rd, const char *start) {
    int32_t first = rd->status ? RULES_NONE : reader_name_of(rd, start, strlen(start));
    if (!rd->status && !rd->list[first].defined)
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->length, "there is no rule named %s", start);
    for (size_t i = 0; i < rd->n_names && !rd->status; i++) {
        if (!rd->list[i].used || rd->list[i].defined)
            continue;
        char name[64];
        uint32_t n;
        const int32_t *letters = interner_items(&rd->names, (int32_t)i, &n);
        uint32_t kept = n < sizeof name - 1 ? n : sizeof name - 1;
        for (uint32_t c = 0; c < kept; c++)
            name[c] = (char)letters[c];
        name[kept] = 0;
        reader_fail(rd, GPTOSS_BAD_INPUT, rd->list[i].used_at, "%s is used but not defined", name);
    }
    if (rd->status)
        return rd->status;
    rules_start(rd->rules, rd->list[first].rule);
    return rules_status(rd->rules, rd->error);
}

int32_t reader_character(reader *rd) {
    int32_t c;
    size_t n = base_utf8_decode(rd->text + rd->at, rd->length - rd->at, &c);
    if (c < 0)
        return reader_fail(rd, GPTOSS_BAD_INPUT, rd->at, "this is not UTF-8");
    rd->at += n;
    return c;
}

bool reader_take(reader *rd, const char *text) {
    size_t n = strlen(text);
    if (rd->length - rd->at < n || memcmp(rd->text + rd->at, text, n))
        return false;
    rd->at += n;
    return true;
}

int32_t reader_number(reader *rd) {
    size_t start = rd->at;
    int32_t value = 0;
    for (; reader_peek(rd, 0) >= '0' && reader_peek(rd, 0) <= '9'; rd->at++) {
        value = 10 * value + (reader_peek(rd, 0) - '0');
        if (value > RULES_MAX_NODES)
            return reader_fail(rd, GPTOSS_UNSUPPORTED, start, "a repetition is too long");
    }
    return rd->at > start ? value : RULES_NONE;
}

int32_t reader_hex(reader *rd, int n) {
    int32_t value = 0;
    for (int i = 0; i < n; i++, rd->at++) {
        char c = reader_peek(rd, 0), lower = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
        if (!digit && !letter)
            return RULES_NONE;
        value = 16 * value + (digit ? c - '0' : lower - 'a' + 10);
        if (value > 0x10ffff)
            return RULES_NONE;
    }
    return value;
}
