// Reads a Hugging Face tokenizer.json: what it says is followed or refused, never ignored.
#include "tokenizer/json.h"

enum { MAX_JSON = 1 << 28 }; // bytes; that of gpt-oss has 28 MB

static bool is_type(const json_t *object, const char *type) {
    const char *there = json_string_value(json_object_get(object, "type"));
    return there && !strcmp(there, type);
}

static bool absent(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return !value || json_is_null(value);
}

// Reads a boolean that may be missing.
static gptoss_status read_flag(bpe_reader *r, const json_t *object, const char *key, bool otherwise,
                               bool *flag_out) {
    const json_t *value = json_object_get(object, key);
    *flag_out = value ? json_is_true(value) : otherwise;
    if (value && !json_is_boolean(value))
        return BAD(r, "%s: %s is neither true nor false", r->name, key);
    return GPTOSS_OK;
}

static gptoss_status check_root(bpe_reader *r, const json_t *root) {
    static const char *const nothing[] = {"normalizer", "truncation", "padding"};
    static const char *const byte_level[] = {"post_processor", "decoder"};
    if (!json_is_object(root))
        return BAD(r, "%s: the file is not a JSON object", r->name);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (!absent(root, nothing[i]))
            return UNSUPPORTED(r, "%s: %s is not null", r->name, nothing[i]);
    for (size_t i = 0; i < sizeof byte_level / sizeof *byte_level; i++)
        if (!absent(root, byte_level[i]) &&
            !is_type(json_object_get(root, byte_level[i]), "ByteLevel"))
            return UNSUPPORTED(r, "%s: %s is not of type ByteLevel", r->name, byte_level[i]);
    return GPTOSS_OK;
}

static gptoss_status read_model(bpe_reader *r, const json_t *model) {
    static const char *const empty[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    if (!json_is_object(model))
        return BAD(r, "%s: model is not an object", r->name);
    if (!is_type(model, "BPE"))
        return UNSUPPORTED(r, "%s: model is not of type BPE", r->name);
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        const char *text = json_string_value(json_object_get(model, empty[i]));
        if (!absent(model, empty[i]) && !(text && !*text))
            return UNSUPPORTED(r, "%s: model: %s is not empty", r->name, empty[i]);
    }
    const json_t *dropout = json_object_get(model, "dropout");
    if (!absent(model, "dropout") && !(json_is_number(dropout) && json_number_value(dropout) == 0))
        return UNSUPPORTED(r, "%s: model: dropout is not 0", r->name);
    bool byte_fallback;
    gptoss_status status = read_flag(r, model, "byte_fallback", false, &byte_fallback);
    if (!status)
        status = read_flag(r, model, "ignore_merges", false, &r->ignore_merges);
    if (!status && byte_fallback)
        status = UNSUPPORTED(r, "%s: model: byte_fallback is true", r->name);
    r->vocabulary = json_object_get(model, "vocab");
    r->merges = json_object_get(model, "merges");
    if (!status && !json_is_object(r->vocabulary))
        status = BAD(r, "%s: model: vocab is not an object", r->name);
    if (!status && !json_is_array(r->merges))
        status = BAD(r, "%s: model: merges is not an array", r->name);
    return status;
}

static gptoss_status use_pattern(bpe_reader *r, const char *regex, size_t length) {
    if (r->t->classes || r->t->pattern)
        return UNSUPPORTED(r, "%s: pre_tokenizer: more than one pattern", r->name);
    if (length == strlen(bpe_o200k_pattern) && !memcmp(regex, bpe_o200k_pattern, length))
        return bpe_use_o200k_classes(r->t, r->error);
    return bpe_pattern_create(regex, length, r->name, &r->t->pattern, r->error);
}

static gptoss_status read_split(bpe_reader *r, const json_t *split) {
    const json_t *regex = json_object_get(json_object_get(split, "pattern"), "Regex");
    const char *behavior = json_string_value(json_object_get(split, "behavior"));
    bool invert;
    gptoss_status status = read_flag(r, split, "invert", false, &invert);
    if (status)
        return status;
    if (!json_is_string(regex))
        return UNSUPPORTED(r, "%s: pre_tokenizer: Split without a pattern of type Regex", r->name);
    if (invert || !behavior || strcmp(behavior, "Isolated"))
        return UNSUPPORTED(r, "%s: pre_tokenizer: Split is not Isolated, or inverted", r->name);
    return use_pattern(r, json_string_value(regex), json_string_length(regex));
}

static gptoss_status read_byte_level(bpe_reader *r, const json_t *level) {
    bool prefix, use_regex;
    gptoss_status status = read_flag(r, level, "add_prefix_space", true, &prefix);
    if (!status)
        status = read_flag(r, level, "use_regex", true, &use_regex);
    if (!status && prefix)
        status = UNSUPPORTED(r, "%s: pre_tokenizer: add_prefix_space is true", r->name);
    if (!status && use_regex)
        status = use_pattern(r, bpe_gpt2_pattern, strlen(bpe_gpt2_pattern));
    return status;
}

// ByteLevel, or a Sequence of at most one Split and then ByteLevel.
static gptoss_status read_pre_tokenizer(bpe_reader *r, const json_t *pre) {
    const json_t *last = pre;
    if (is_type(pre, "Sequence")) {
        const json_t *list = json_object_get(pre, "pretokenizers");
        size_t count = json_array_size(list);
        last = count ? json_array_get(list, count - 1) : NULL;
        for (size_t i = 0; i + 1 < count; i++) {
            if (!is_type(json_array_get(list, i), "Split"))
                return UNSUPPORTED(r, "%s: pre_tokenizer: item %zu is not a Split", r->name, i);
            gptoss_status status = read_split(r, json_array_get(list, i));
            if (status)
                return status;
        }
    }
    if (!is_type(last, "ByteLevel"))
        return UNSUPPORTED(r, "%s: pre_tokenizer does not end with ByteLevel", r->name);
    return read_byte_level(r, last);
}

// GPT-2's alphabet: bytes that print stand for themselves, the others for 256, 257, ... in order.
static void fill_alphabet(bpe_reader *r) {
    int next = 256;
    memset(r->byte_of, -1, sizeof r->byte_of);
    for (int byte = 0; byte < 256; byte++) {
        bool prints = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
        r->byte_of[prints ? byte : next++] = (int16_t)byte;
    }
}

static gptoss_status read_root(bpe_reader *r, const json_t *root) {
    gptoss_status status = check_root(r, root);
    if (!status)
        status = read_model(r, json_object_get(root, "model"));
    if (!status)
        status = read_pre_tokenizer(r, json_object_get(root, "pre_tokenizer"));
    r->added = absent(root, "added_tokens") ? NULL : json_object_get(root, "added_tokens");
    if (!status && r->added && !json_is_array(r->added))
        status = BAD(r, "%s: added_tokens is not an array", r->name);
    return status ? status : bpe_read_vocabulary(r);
}

gptoss_status tokenizer_open_json(const char *json, size_t length, const char *name,
                                  tokenizer **tokenizer_out, gptoss_error *error) {
    *tokenizer_out = NULL;
    bpe_reader r = {.name = name, .error = error};
    if (length > MAX_JSON)
        return UNSUPPORTED(&r, "%s: the file has %zu bytes", name, length);
    json_error_t problem;
    json_t *root = json_loadb(length ? json : "", length, JSON_REJECT_DUPLICATES, &problem);
    if (!root && json_error_code(&problem) == json_error_out_of_memory)
        return base_fail_memory(error, length);
    if (!root)
        return BAD(&r, "%s: line %d: %s", name, problem.line, problem.text);
    fill_alphabet(&r);
    r.t = base_alloc_zero(1, sizeof *r.t);
    gptoss_status status = r.t ? read_root(&r, root) : base_fail_memory(error, sizeof *r.t);
    json_decref(root);
    base_buffer_free(&r.bytes);
    if (status)
        tokenizer_close(r.t);
    else
        *tokenizer_out = r.t;
    return status;
}
