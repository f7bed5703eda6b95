// The tokens and merges of a tokenizer.json.
#include "tokenizer/json.h"

// Turns text, written in the byte-level alphabet, into r->bytes. *foreign_out: it has a character
// that is not of the alphabet; then the bytes are the text's own (as the ByteLevel decoder does).
static gptoss_status decode(bpe_reader *r, const char *text, size_t length, bool *foreign_out) {
    r->bytes.length = 0;
    *foreign_out = false;
    if (!base_buffer_reserve(&r->bytes, length))
        return base_fail_memory(r->error, length);
    for (size_t at = 0; at < length;) {
        int32_t code;
        at += base_utf8_decode(text + at, length - at, &code);
        if (code < 0 || code >= BPE_ALPHABET || r->byte_of[code] < 0) {
            r->bytes.length = 0;
            *foreign_out = true;
            return base_buffer_append(&r->bytes, text, length) ? GPTOSS_OK
                                                               : base_fail_memory(r->error, length);
        }
        r->bytes.data[r->bytes.length++] = (char)r->byte_of[code];
    }
    return GPTOSS_OK;
}

static gptoss_status read_id(bpe_reader *r, const json_t *value, const char *token,
                             int32_t *id_out) {
    *id_out = -1;
    if (!json_is_integer(value))
        return BAD(r, "%s: the id of token %.80s is not an integer", r->name, token);
    json_int_t id = json_integer_value(value);
    if (id < 0 || id >= BPE_MAX_SIZE)
        return BAD(r, "%s: the id of token %.80s is %lld", r->name, token, (long long)id);
    *id_out = (int32_t)id;
    return GPTOSS_OK;
}

static const char *content_of(const json_t *added) {
    const char *content = json_string_value(json_object_get(added, "content"));
    return content ? content : "";
}

// Makes room for the largest id.
static gptoss_status make_tokens(bpe_reader *r) {
    gptoss_status status = GPTOSS_OK;
    int32_t id, size = 0;
    const char *text;
    json_t *value;
    json_object_foreach(r->vocabulary, text, value) {
        status = read_id(r, value, text, &id);
        if (status)
            return status;
        size = id >= size ? id + 1 : size;
    }
    for (size_t i = 0; i < json_array_size(r->added); i++) {
        value = json_array_get(r->added, i);
        status = read_id(r, json_object_get(value, "id"), content_of(value), &id);
        if (status)
            return status;
        size = id >= size ? id + 1 : size;
    }
    r->t->tokens = base_alloc_zero((size_t)size, sizeof *r->t->tokens);
    if (!r->t->tokens)
        return base_fail_memory(r->error, (size_t)size * sizeof *r->t->tokens);
    r->t->size = size;
    return GPTOSS_OK;
}

// Tokens that pieces can become are marked BPE_ORDINARY; added ones may lose the mark later.
static gptoss_status read_tokens(bpe_reader *r) {
    const char *text;
    json_t *value;
    json_object_foreach(r->vocabulary, text, value) {
        int32_t id = (int32_t)json_integer_value(value);
        bool foreign;
        gptoss_status status = decode(r, text, strlen(text), &foreign);
        if (status)
            return status;
        if (r->t->tokens[id].flags)
            return BAD(r, "%s: two tokens have the id %d, one is %.80s", r->name, (int)id, text);
        if (r->bytes.length > BPE_MAX_TOKEN)
            return UNSUPPORTED(r, "%s: token %d has %zu bytes", r->name, (int)id, r->bytes.length);
        unsigned flags = foreign || !r->bytes.length ? 0 : BPE_ORDINARY;
        status = bpe_set_token(r->t, id, r->bytes.data, r->bytes.length, flags, r->error);
        if (status)
            return status;
    }
    return GPTOSS_OK;
}

// Flags that are false in every tokenizer of gpt-oss, and what may be missing.
static gptoss_status read_added_flags(bpe_reader *r, const json_t *added, const char *content,
                                      bool *special_out, bool *normalized_out) {
    static const char *const refused[] = {"single_word", "lstrip", "rstrip"};
    const json_t *normalized = json_object_get(added, "normalized");
    *special_out = json_is_true(json_object_get(added, "special"));
    *normalized_out = json_is_boolean(normalized) ? json_is_true(normalized) : !*special_out;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (json_is_true(json_object_get(added, refused[i])))
            return UNSUPPORTED(r, "%s: added token %.80s: %s is true", r->name, content,
                               refused[i]);
    return GPTOSS_OK;
}

static gptoss_status read_added_token(bpe_reader *r, const json_t *added) {
    tokenizer *t = r->t;
    const char *content = content_of(added);
    size_t length = strlen(content);
    int32_t id = (int32_t)json_integer_value(json_object_get(added, "id"));
    bool special, normalized, foreign;
    if (!length)
        return BAD(r, "%s: added token %d has no content", r->name, (int)id);
    if (length > BPE_MAX_ADDED)
        return UNSUPPORTED(r, "%s: added token %d has %zu bytes", r->name, (int)id, length);
    gptoss_status status = read_added_flags(r, added, content, &special, &normalized);
    if (status)
        return status;
    const json_t *known = json_object_get(r->vocabulary, content);
    if (known ? json_integer_value(known) != id : t->tokens[id].flags != 0)
        return BAD(r, "%s: added token %.80s: its id %d is another token's", r->name, content,
                   (int)id);
    if (t->tokens[id].flags & BPE_ADDED)
        return BAD(r, "%s: added token %.80s comes twice", r->name, content);
    // Text from a user never becomes a special token, not by merging either.
    unsigned flags = special ? BPE_SPECIAL | BPE_ADDED : BPE_ADDED;
    status = decode(r, content, length, &foreign);
    if (!status && known && !special && r->bytes.length == length &&
        !memcmp(r->bytes.data, content, length))
        flags |= t->tokens[id].flags & BPE_ORDINARY;
    if (!status)
        status = bpe_set_token(t, id, content, length, flags, r->error);
    if (!status)
        t->added[t->n_added++] = (bpe_added){.id = id, .level = normalized};
    return status;
}

static gptoss_status read_added(bpe_reader *r) {
    size_t count = json_array_size(r->added);
    r->t->added = base_alloc(count, sizeof *r->t->added);
    if (!r->t->added)
        return base_fail_memory(r->error, count * sizeof *r->t->added);
    gptoss_status status = GPTOSS_OK;
    for (size_t i = 0; !status && i < count; i++)
        status = read_added_token(r, json_array_get(r->added, i));
    if (!status)
        status = bpe_finish_added(r->t, r->error);
    for (size_t i = 0; !status && i + 1 < count; i++) {
        int32_t a = r->t->added[i].id, b = r->t->added[i + 1].id;
        if (r->t->tokens[a].length == r->t->tokens[b].length &&
            !memcmp(bpe_text(r->t, a), bpe_text(r->t, b), r->t->tokens[a].length))
            status =
                BAD(r, "%s: added tokens %d and %d are the same text", r->name, (int)a, (int)b);
    }
    return status;
}

static gptoss_status index_tokens(bpe_reader *r) {
    tokenizer *t = r->t;
    gptoss_status status = bpe_slots_create(t, json_object_size(r->vocabulary), r->error);
    for (int32_t id = 0; !status && id < t->size; id++)
        if (t->tokens[id].flags & BPE_ORDINARY)
            bpe_slots_insert(t, id);
    for (int byte = 0; !status && byte < 256; byte++) {
        char text = (char)byte;
        t->byte_ids[byte] = bpe_find(t, &text, 1);
        if (t->byte_ids[byte] < 0)
            status = UNSUPPORTED(r, "%s: no token for the byte 0x%02x", r->name, (unsigned)byte);
    }
    return status;
}

// The two sides of a merge: ["a", "b"] or "a b".
static bool merge_sides(const json_t *merge, const char *side[2], size_t length[2]) {
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        for (size_t i = 0; i < 2; i++) {
            side[i] = json_string_value(json_array_get(merge, i));
            length[i] = side[i] ? strlen(side[i]) : 0;
        }
        return side[0] && side[1];
    }
    side[0] = json_string_value(merge);
    const char *blank = side[0] ? strchr(side[0], ' ') : NULL;
    if (!blank || strchr(blank + 1, ' '))
        return false;
    length[0] = (size_t)(blank - side[0]);
    side[1] = blank + 1;
    length[1] = strlen(side[1]);
    return true;
}

static gptoss_status read_merge(bpe_reader *r, size_t rank) {
    const char *side[2];
    size_t length[2];
    int32_t ids[2];
    if (!merge_sides(json_array_get(r->merges, rank), side, length))
        return BAD(r, "%s: merge %zu is not two tokens", r->name, rank);
    for (int i = 0; i < 2; i++) {
        bool foreign;
        gptoss_status status = decode(r, side[i], length[i], &foreign);
        if (status)
            return status;
        ids[i] = foreign || !length[i] ? -1 : bpe_find(r->t, r->bytes.data, r->bytes.length);
        if (ids[i] < 0)
            return BAD(r, "%s: merge %zu: %.80s is not an ordinary token", r->name, rank, side[i]);
    }
    size_t first = r->t->tokens[ids[0]].length, second = r->t->tokens[ids[1]].length;
    r->bytes.length = 0;
    if (!base_buffer_append(&r->bytes, bpe_text(r->t, ids[0]), first) ||
        !base_buffer_append(&r->bytes, bpe_text(r->t, ids[1]), second))
        return base_fail_memory(r->error, first + second);
    int32_t id = bpe_find(r->t, r->bytes.data, r->bytes.length);
    if (id < 0)
        return BAD(r, "%s: merge %zu: %.80s %.80s do not make an ordinary token", r->name, rank,
                   side[0], side[1]);
    bpe_pairs_insert(r->t, ids[0], ids[1], (int32_t)rank, id);
    return GPTOSS_OK;
}

// Marks the tokens that a piece of the same bytes becomes: all where ignore_merges says so, else
// those that the merges reach.
static gptoss_status mark_whole(bpe_reader *r) {
    tokenizer *t = r->t;
    bpe_scratch scratch = {0};
    base_ids ids = {0};
    gptoss_status status = GPTOSS_OK;
    for (int32_t id = 0; !status && id < t->size; id++) {
        if (!(t->tokens[id].flags & BPE_ORDINARY))
            continue;
        ids.length = 0;
        if (!r->ignore_merges &&
            !bpe_merge(t, bpe_text(t, id), t->tokens[id].length, &scratch, &ids))
            status = base_fail_memory(r->error, t->tokens[id].length);
        else if (r->ignore_merges || ids.length == 1)
            t->tokens[id].flags |= BPE_WHOLE;
    }
    bpe_scratch_free(&scratch);
    base_ids_free(&ids);
    return status;
}

gptoss_status bpe_read_vocabulary(bpe_reader *r) {
    gptoss_status status = make_tokens(r);
    if (!status)
        status = read_tokens(r);
    if (!status)
        status = read_added(r);
    if (!status)
        status = index_tokens(r);
    size_t count = json_array_size(r->merges);
    if (!status)
        status = bpe_pairs_create(r->t, count, r->error);
    for (size_t rank = 0; !status && rank < count; rank++)
        status = read_merge(r, rank);
    return status ? status : mark_whole(r);
}
