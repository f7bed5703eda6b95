// Reading a message's header: `assistant<|channel|>commentary to=functions.f <|constrain|>json`.
// Words are told apart as the reference does it; where it would give up or take a special token for
// a word, the rules at the end of docs/harmony.md hold.
#include "harmony/header.h"

#include <string.h>

typedef struct header_word {
    harmony_text text;
    bool constrained; // after <|constrain|>
} header_word;

typedef struct header_words {
    header_word *items; // [length], in the arena
    size_t length;
} header_words;

bool harmony_header_append(base_buffer *raw, const char *bytes, size_t length) {
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)bytes[i] >= HEADER_OTHER) {
            if (!base_buffer_append(raw, bytes + start, i - start) ||
                !base_buffer_text(raw, "\xEF\xBF\xBD")) {
                return false;
            }
            start = i + 1;
        }
    }
    return base_buffer_append(raw, bytes + start, length - start);
}

bool harmony_header_mark(base_buffer *raw, unsigned char mark) {
    return base_buffer_append(raw, &mark, 1);
}

static bool is_space(char c) { // what separates words
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// Unicode's White_Space, which ends a channel's name and is trimmed from the ends of a header.
static bool is_white(int32_t c) {
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

// Bytes of white space at the beginning of text.
static size_t skip_white(const char *text, size_t length) {
    size_t at = 0;
    while (at < length) {
        int32_t c;
        size_t bytes = base_utf8_decode(text + at, length - at, &c);
        if (!is_white(c)) {
            break;
        }
        at += bytes;
    }
    return at;
}

static size_t trimmed_length(const char *text, size_t length) {
    while (length) {
        size_t start = length - 1;
        while (start && length - start < 4 && ((unsigned char)text[start] & 0xC0) == 0x80) {
            start--;
        }
        int32_t c;
        size_t bytes = base_utf8_decode(text + start, length - start, &c);
        if (!is_white(c) || start + bytes != length) {
            break;
        }
        length = start;
    }
    return length;
}

// Bytes of a channel's name: up to white space, '<' or a special token.
static size_t channel_length(const char *text, size_t length) {
    size_t at = 0;
    while (at < length && text[at] != '<' && (unsigned char)text[at] < HEADER_OTHER) {
        int32_t c;
        size_t bytes = base_utf8_decode(text + at, length - at, &c);
        if (is_white(c)) {
            break;
        }
        at += bytes;
    }
    return at;
}

static bool add_extra(base_buffer *extra, harmony_text text) {
    return (!extra->length || base_buffer_text(extra, " ")) &&
           base_buffer_append(extra, text.data, text.length);
}

// Text in the arena with broken UTF-8 replaced and marks left out.
static bool keep(harmony_arena *arena, harmony_text text, harmony_header *header,
                 harmony_text *kept_out) {
    if (!base_utf8_valid(text.data, text.length)) {
        header->irregular |= HARMONY_BROKEN_UTF8;
    }
    return harmony_arena_text(arena, text, kept_out);
}

// Takes the channel out of raw. What follows its name joins what stands before the mark; blanks
// stand in rest for tokens without a place here, and before each HEADER_CONSTRAIN.
static bool take_channel(harmony_text raw, harmony_arena *arena, harmony_header *header,
                         base_buffer *rest, base_buffer *extra) {
    bool good = base_buffer_text(rest, "");
    for (size_t at = 0; good && at < raw.length;) {
        unsigned char c = (unsigned char)raw.data[at];
        if (c < HEADER_OTHER) {
            size_t start = at;
            while (at < raw.length && (unsigned char)raw.data[at] < HEADER_OTHER) {
                at++;
            }
            good = base_buffer_append(rest, raw.data + start, at - start);
            continue;
        }
        at++;
        if (c == HEADER_CONSTRAIN) {
            good = base_buffer_text(rest, " \xFE");
        } else if (c == HEADER_OTHER) {
            good = base_buffer_text(rest, " ");
        } else {
            at += skip_white(raw.data + at, raw.length - at);
            size_t length = channel_length(raw.data + at, raw.length - at);
            if (!length) {
                header->irregular |= HARMONY_EMPTY_CHANNEL;
                continue;
            }
            if (header->channel.data) {
                header->irregular |= HARMONY_REPEATED_CHANNEL | HARMONY_EXTRA_HEADER;
                good = add_extra(extra, header->channel);
            }
            good = good &&
                   keep(arena, (harmony_text){raw.data + at, length}, header, &header->channel);
            at += length;
        }
    }
    return good;
}

// The words of rest. An empty one after <|constrain|> takes the next into it.
static bool split(harmony_text rest, harmony_arena *arena, harmony_header *header,
                  header_words *out) {
    size_t start = skip_white(rest.data, rest.length);
    size_t end = start + trimmed_length(rest.data + start, rest.length - start), capacity = 0;
    for (size_t i = start; i < end; i++) {
        capacity += i == start || is_space(rest.data[i]);
    }
    out->items = harmony_arena_alloc(arena, capacity + 1, sizeof *out->items);
    if (!out->items) {
        return false;
    }
    for (size_t at = start; at < end;) {
        if (is_space(rest.data[at])) {
            at++;
            continue;
        }
        bool constrained = (unsigned char)rest.data[at] == HEADER_CONSTRAIN;
        size_t from = at + constrained;
        while (at < end && !is_space(rest.data[at])) {
            at++;
        }
        header_word *last = out->length ? &out->items[out->length - 1] : NULL;
        bool joins = !constrained && last && last->constrained && !last->text.length;
        header_word *word = joins ? last : &out->items[out->length++];
        word->constrained |= constrained;
        if (!keep(arena, (harmony_text){rest.data + from, at - from}, header, &word->text)) {
            return false;
        }
    }
    return true;
}

static bool is_recipient(const header_word *word) {
    return word->text.length >= 3 && !memcmp(word->text.data, "to=", 3);
}

static harmony_text recipient_of(const header_word *word, harmony_header *header) {
    if (is_recipient(word)) {
        return (harmony_text){word->text.data + 3, word->text.length - 3};
    }
    header->irregular |= HARMONY_BARE_RECIPIENT;
    return word->text;
}

static bool is_role(const header_word *word, harmony_role role) {
    return !word->constrained &&
           harmony_role_from_name(word->text.data, word->text.length) == (int)role;
}

// `user:bob`: a role and a name. False where text is something else.
static bool split_name(harmony_text text, harmony_header *header) {
    const char *colon = memchr(text.data, ':', text.length);
    if (!colon) {
        return false;
    }
    int role = harmony_role_from_name(text.data, (size_t)(colon - text.data));
    if (role < 0 || role == HARMONY_TOOL) {
        return false;
    }
    header->role = (harmony_role)role;
    header->name = (harmony_text){colon + 1, text.length - (size_t)(colon + 1 - text.data)};
    return true;
}

// Finds the author in the first words and returns how many they are.
static size_t read_author(const header_words *words, int role, harmony_header *header) {
    const header_word *first = words->items;
    size_t n = 0;
    header->role = role >= 0 ? (harmony_role)role : HARMONY_ASSISTANT;
    if (role < 0 && (!words->length || first->constrained)) {
        header->irregular |= HARMONY_MISSING_ROLE;
        return 0;
    }
    if (role < 0) {
        int known = harmony_role_from_name(first->text.data, first->text.length);
        if (known < 0 && words->length == 1 && split_name(first->text, header)) {
            return 1;
        }
        header->role = known < 0 ? HARMONY_TOOL : (harmony_role)known;
        header->name = header->role == HARMONY_TOOL ? first->text : (harmony_text){0};
        header->irregular |= known < 0 && is_recipient(first) ? HARMONY_MISSING_ROLE : 0;
        n = known < 0;
    }
    // The role is dropped where it is said once more, even after a tool's name.
    return n < words->length && is_role(&first[n], header->role) ? n + 1 : n;
}

// The recipient and content type among the words from index n on; the others become extra.
static bool read_rest(const header_words *words, size_t n, harmony_arena *arena,
                      harmony_header *header, base_buffer *extra) {
    size_t length = words->length, type = length, recipient = length, last_plain = length;
    for (size_t i = n; i < length; i++) {
        const header_word *word = &words->items[i];
        type = word->constrained ? i : type;
        recipient = !word->constrained && is_recipient(word) ? i : recipient;
        last_plain = word->constrained ? last_plain : i;
    }
    if (type == length && length - n >= 2 && recipient != length - 1) {
        type = length - 1;
        last_plain = length - 2;
    }
    recipient = recipient == length ? last_plain : recipient;
    if (recipient < length) {
        header->recipient = recipient_of(&words->items[recipient], header);
    }
    if (type < length) {
        harmony_text text = words->items[type].text;
        const char *mark = words->items[type].constrained ? "<|constrain|>" : "";
        char *joined = harmony_arena_alloc(arena, strlen(mark) + text.length + 1, 1);
        if (!joined) {
            return false;
        }
        memcpy(joined, mark, strlen(mark));
        memcpy(joined + strlen(mark), text.data, text.length);
        header->content_type = (harmony_text){joined, strlen(mark) + text.length};
    }
    for (size_t i = n; i < length; i++) {
        if (i == type || i == recipient) {
            continue;
        }
        header->irregular |= HARMONY_EXTRA_HEADER;
        if (!add_extra(extra, words->items[i].text)) {
            return false;
        }
    }
    return true;
}

bool harmony_header_read(harmony_text raw, int role, harmony_arena *arena,
                         harmony_header *header_out) {
    *header_out = (harmony_header){0};
    base_buffer rest = {0}, extra = {0};
    header_words words = {0};
    bool good = take_channel(raw, arena, header_out, &rest, &extra) &&
                split((harmony_text){rest.data, rest.length}, arena, header_out, &words);
    if (good) {
        size_t n = read_author(&words, role, header_out);
        good = read_rest(&words, n, arena, header_out, &extra) &&
               (!extra.data || harmony_arena_text(arena, (harmony_text){extra.data, extra.length},
                                                  &header_out->extra));
    }
    base_buffer_free(&rest);
    base_buffer_free(&extra);
    return good;
}

// Leaves out the HEADER_CONSTRAIN bytes.
static bool drop_marks(base_buffer *text, harmony_header *header) {
    size_t length = 0;
    for (size_t i = 0; i < text->length; i++) {
        if ((unsigned char)text->data[i] == HEADER_CONSTRAIN) {
            header->irregular |= HARMONY_STRAY_CONSTRAIN;
        } else {
            text->data[length++] = text->data[i];
        }
    }
    text->length = length;
    return true;
}

bool harmony_header_as_text(harmony_text raw, int role, harmony_arena *arena,
                            harmony_header *header_out) {
    *header_out = (harmony_header){.irregular = HARMONY_MISSING_MESSAGE};
    harmony_header *header = header_out;
    base_buffer rest = {0}, extra = {0};
    bool good = take_channel(raw, arena, header, &rest, &extra) && drop_marks(&rest, header);
    size_t start = 0, end = 0;
    header_word first = {0};
    if (good) {
        start = skip_white(rest.data, rest.length);
        for (end = start; end < rest.length && !is_space(rest.data[end]); end++) {
        }
        good = keep(arena, (harmony_text){rest.data + start, end - start}, header, &first.text);
    }
    if (good) {
        int known = harmony_role_from_name(first.text.data, first.text.length);
        header->role = role >= 0 ? (harmony_role)role : HARMONY_ASSISTANT;
        bool said = known >= 0 && (role < 0 || known == role);
        if (said) {
            header->role = (harmony_role)known;
        } else if (role < 0 && !(said = split_name(first.text, header))) {
            header->irregular |= HARMONY_MISSING_ROLE;
        }
        size_t from = said ? end : 0;
        good = keep(arena, (harmony_text){rest.data + from, rest.length - from}, header,
                    &header->text) &&
               (!extra.data || harmony_arena_text(arena, (harmony_text){extra.data, extra.length},
                                                  &header->extra));
    }
    base_buffer_free(&rest);
    base_buffer_free(&extra);
    return good;
}
