// text -> token ids: added tokens are cut out, then ill-formed UTF-8, then the rest is cut into
// pieces, and each piece is looked up or merged.
#include "tokenizer/parts.h"

typedef struct encoder {
    const tokenizer *t;
    tokenizer_mode mode;
    base_ids *ids;
    bpe_scratch scratch;
    bpe_matcher *matcher; // made when first needed
    gptoss_error *error;
} encoder;

static gptoss_status encode_piece(encoder *e, const char *piece, size_t length) {
    const tokenizer *t = e->t;
    base_ids *ids = e->ids;
    int32_t id = length <= t->longest ? bpe_find(t, piece, length) : -1;
    if (id >= 0 && t->tokens[id].flags & BPE_WHOLE) {
        if (ids->length < ids->capacity)
            ids->data[ids->length++] = id;
        else if (!base_ids_push(ids, id))
            return base_fail_memory(e->error, sizeof id);
        return GPTOSS_OK;
    }
    if (!bpe_merge(t, piece, length, &e->scratch, ids))
        return base_fail_memory(e->error, length);
    return GPTOSS_OK;
}

static gptoss_status encode_matches(encoder *e, const char *text, size_t length) {
    gptoss_status status = GPTOSS_OK;
    if (!e->matcher)
        status = bpe_matcher_create(e->t->pattern, &e->matcher, e->error);
    for (size_t at = 0; !status && at < length;) {
        size_t begin, end;
        status = bpe_matcher_next(e->matcher, text, length, at, &begin, &end, e->error);
        if (!status && begin > at) // what no match covers is a piece, too
            status = encode_piece(e, text + at, begin - at);
        if (!status && end > begin)
            status = encode_piece(e, text + begin, end - begin);
        at = end;
    }
    return status;
}

static gptoss_status encode_valid(encoder *e, const char *text, size_t length) {
    gptoss_status status = GPTOSS_OK;
    if (e->t->pattern)
        return encode_matches(e, text, length);
    if (!e->t->classes)
        return length ? encode_piece(e, text, length) : GPTOSS_OK;
    for (size_t at = 0, piece; !status && at < length; at += piece) {
        piece = bpe_scan(e->t->classes, text + at, length - at);
        status = encode_piece(e, text + at, piece);
    }
    return status;
}

// The length of the longest well-formed beginning; *ill_out is the ill-formed part behind it.
static size_t valid_prefix(const char *text, size_t length, size_t *ill_out) {
    size_t at = 0;
    *ill_out = 0;
    while (at < length) {
        uint64_t word = 0;
        if (length - at >= sizeof word) {
            memcpy(&word, text + at, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                at += sizeof word;
                continue;
            }
        }
        int32_t code = (uint8_t)text[at];
        size_t width = code < 0x80 ? 1 : base_utf8_decode(text + at, length - at, &code);
        if (code < 0) {
            *ill_out = width;
            break;
        }
        at += width;
    }
    return at;
}

static gptoss_status encode_text(encoder *e, const char *text, size_t length) {
    gptoss_status status = GPTOSS_OK;
    for (size_t at = 0; !status && at < length;) {
        size_t ill, valid = valid_prefix(text + at, length - at, &ill);
        status = encode_valid(e, text + at, valid);
        if (!status && ill)
            status = encode_piece(e, text + at + valid, ill);
        at += valid + ill;
    }
    return status;
}

// The longest added token of this level that text begins with, or -1. In the sorted list the
// tokens that share the first bytes of text stand together; each byte narrows the range.
static int32_t match_added(const tokenizer *t, int level, const char *text, size_t length) {
    size_t low = 0, high = t->n_added;
    int32_t found = -1;
    for (size_t depth = 0; depth < length && low < high; depth++) {
        int byte = (uint8_t)text[depth];
        size_t bounds[2]; // first token whose byte at depth is >= byte, > byte
        for (int side = 0; side < 2; side++) {
            size_t from = side ? bounds[0] : low, to = high;
            while (from < to) {
                size_t middle = from + (to - from) / 2;
                int32_t id = t->added[middle].id;
                int there = t->tokens[id].length > depth ? (uint8_t)bpe_text(t, id)[depth] : -1;
                if (there < byte + side)
                    from = middle + 1;
                else
                    to = middle;
            }
            bounds[side] = from;
        }
        low = bounds[0];
        high = bounds[1];
        // Sorted, so a token that ends here is the first of the range.
        if (low < high && t->tokens[t->added[low].id].length == depth + 1 &&
            t->added[low].level == level)
            found = t->added[low].id;
    }
    return found;
}

static gptoss_status encode_level(encoder *e, int level, const char *text, size_t length) {
    const tokenizer *t = e->t;
    if (level == 2)
        return encode_text(e, text, length);
    bool wanted =
        t->has_level[level][0] || (e->mode == TOKENIZER_SPECIAL && t->has_level[level][1]);
    if (!wanted)
        return encode_level(e, level + 1, text, length);
    gptoss_status status = GPTOSS_OK;
    size_t done = 0;
    for (size_t at = 0; !status && at < length;) {
        int32_t id = -1;
        if (t->first[level][(uint8_t)text[at]])
            id = match_added(t, level, text + at, length - at);
        size_t width = id < 0 ? 1 : t->tokens[id].length;
        // A special token that must stay text hides what overlaps it, as in Hugging Face
        // tokenizers.
        if (id >= 0 && (e->mode == TOKENIZER_SPECIAL || !(t->tokens[id].flags & BPE_SPECIAL))) {
            status = encode_level(e, level + 1, text + done, at - done);
            if (!status && !base_ids_push(e->ids, id))
                status = base_fail_memory(e->error, sizeof id);
            done = at + width;
        }
        at += width;
    }
    return status ? status : encode_level(e, level + 1, text + done, length - done);
}

gptoss_status tokenizer_encode(const tokenizer *t, const char *text, size_t length,
                               tokenizer_mode mode, base_ids *ids, gptoss_error *error) {
    if (length > INT32_MAX)
        return base_fail(error, GPTOSS_BAD_ARGUMENT, "the text is larger than 2 GB");
    size_t before = ids->length;
    encoder e = {.t = t, .mode = mode, .ids = ids, .error = error};
    gptoss_status status = encode_level(&e, 0, text, length);
    bpe_scratch_free(&e.scratch);
    bpe_matcher_destroy(e.matcher);
    if (status)
        ids->length = before;
    return status;
}
