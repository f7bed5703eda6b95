// Cuts text with a regular expression: PCRE2, compiled to machine code. Used for every pattern of a
// tokenizer.json that bpe_scan does not stand for.
#include "tokenizer/parts.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

// GPT-2's pattern (Hugging Face tokenizers, pre_tokenizers/byte_level.rs).
const char bpe_gpt2_pattern[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

enum {
    MAX_PATTERN = 1 << 16, // bytes
    MATCH_LIMIT = 1000000, // steps of backtracking at one position: far more than any sane pattern
    HEAP_LIMIT_KIB = 1 << 16, // without machine code
    JIT_STACK = 1 << 20,      // bytes
};

struct bpe_pattern {
    pcre2_code *code;
    pcre2_general_context *memory;
};

struct bpe_matcher {
    const bpe_pattern *pattern;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static void *get_memory(size_t size, void *context) {
    (void)context;
    return base_alloc(1, size);
}

static void release_memory(void *memory, void *context) {
    (void)context;
    base_free(memory);
}

// What \s is to Rust and Oniguruma (White_Space), where PCRE2 adds U+180E.
#define WHITE_SPACE                                                                                \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}"    \
    "\\x{205f}\\x{3000}"

// Rewrites \s and \S, and refuses what PCRE2 reads differently from Oniguruma: classes in classes.
static gptoss_status translate(const char *regex, size_t length, const char *name, base_buffer *out,
                               gptoss_error *error) {
    bool in_class = false, fits = true;
    for (size_t i = 0; i < length && fits; i++) {
        char c = regex[i], next = i + 1 < length ? regex[i + 1] : 0;
        if (c == '\\' && next == 's') {
            fits = base_buffer_text(out, in_class ? WHITE_SPACE : "[" WHITE_SPACE "]");
            i++;
        } else if (c == '\\' && next == 'S' && !in_class) {
            fits = base_buffer_text(out, "[^" WHITE_SPACE "]");
            i++;
        } else if (c == '\\' && i + 1 < length) {
            fits = base_buffer_append(out, regex + i, 2);
            i++;
        } else if (in_class && (c == '[' || (c == '&' && next == '&'))) {
            return base_fail(error, GPTOSS_UNSUPPORTED,
                             "%s: pre_tokenizer: the pattern has a class inside a class", name);
        } else {
            if (c == '[' || (c == ']' && in_class))
                in_class = c == '[';
            fits = base_buffer_append(out, &c, 1);
        }
    }
    return fits ? GPTOSS_OK : base_fail_memory(error, length);
}

static gptoss_status compile(bpe_pattern *pattern, const base_buffer *regex, const char *name,
                             gptoss_error *error) {
    int code = 0;
    PCRE2_SIZE offset = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(pattern->memory);
    if (!context)
        return base_fail_memory(error, regex->length);
    pattern->code =
        pcre2_compile((PCRE2_SPTR)(regex->data ? regex->data : ""), regex->length,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!pattern->code) {
        PCRE2_UCHAR message[160] = "";
        if (code == PCRE2_ERROR_HEAP_FAILED)
            return base_fail_memory(error, regex->length);
        pcre2_get_error_message(code, message, sizeof message);
        return base_fail(error, GPTOSS_UNSUPPORTED, "%s: pre_tokenizer: the pattern: %s", name,
                         (const char *)message);
    }
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); // without it matching is slow, not wrong
    return GPTOSS_OK;
}

gptoss_status bpe_pattern_create(const char *regex, size_t length, const char *name,
                                 bpe_pattern **pattern_out, gptoss_error *error) {
    *pattern_out = NULL;
    if (length > MAX_PATTERN)
        return base_fail(error, GPTOSS_UNSUPPORTED, "%s: pre_tokenizer: the pattern has %zu bytes",
                         name, length);
    base_buffer text = {0};
    gptoss_status status = translate(regex, length, name, &text, error);
    bpe_pattern *pattern = status ? NULL : base_alloc_zero(1, sizeof *pattern);
    if (!status && pattern)
        pattern->memory = pcre2_general_context_create(get_memory, release_memory, NULL);
    if (!status && (!pattern || !pattern->memory))
        status = base_fail_memory(error, sizeof *pattern);
    if (!status)
        status = compile(pattern, &text, name, error);
    base_buffer_free(&text);
    if (status)
        bpe_pattern_destroy(pattern);
    else
        *pattern_out = pattern;
    return status;
}

void bpe_pattern_destroy(bpe_pattern *pattern) {
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    pcre2_general_context_free(pattern->memory);
    base_free(pattern);
}

gptoss_status bpe_matcher_create(const bpe_pattern *pattern, bpe_matcher **matcher_out,
                                 gptoss_error *error) {
    *matcher_out = NULL;
    bpe_matcher *matcher = base_alloc_zero(1, sizeof *matcher);
    if (!matcher)
        return base_fail_memory(error, sizeof *matcher);
    matcher->pattern = pattern;
    matcher->data = pcre2_match_data_create_from_pattern(pattern->code, pattern->memory);
    matcher->context = pcre2_match_context_create(pattern->memory);
    matcher->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK, pattern->memory);
    if (!matcher->data || !matcher->context) {
        bpe_matcher_destroy(matcher);
        return base_fail_memory(error, JIT_STACK);
    }
    pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
    pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KIB);
    // Without a stack of its own (no machine code here, or no memory) it uses 32 KiB of the
    // thread's.
    pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
    *matcher_out = matcher;
    return GPTOSS_OK;
}

void bpe_matcher_destroy(bpe_matcher *matcher) {
    if (!matcher)
        return;
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    pcre2_jit_stack_free(matcher->stack);
    base_free(matcher);
}

gptoss_status bpe_matcher_next(bpe_matcher *matcher, const char *text, size_t length, size_t start,
                               size_t *begin_out, size_t *end_out, gptoss_error *error) {
    *begin_out = *end_out = length;
    // The caller has checked the UTF-8 and moves by whole matches, so start is a character's begin.
    uint32_t options = PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY;
    int count = pcre2_match(matcher->pattern->code, (PCRE2_SPTR)text, length, start, options,
                            matcher->data, matcher->context);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT)
        count = pcre2_match(matcher->pattern->code, (PCRE2_SPTR)text, length, start,
                            options | PCRE2_NO_JIT, matcher->data, matcher->context);
    if (count == PCRE2_ERROR_NOMATCH)
        return GPTOSS_OK;
    if (count == PCRE2_ERROR_NOMEMORY)
        return base_fail_memory(error, length);
    if (count < 0) {
        PCRE2_UCHAR message[160] = "";
        pcre2_get_error_message(count, message, sizeof message);
        return base_fail(error, GPTOSS_UNSUPPORTED,
                         "the tokenizer's pattern fails on this text: %s", (const char *)message);
    }
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(matcher->data);
    // \K inside a look-around can put the begin behind the end, or before start.
    if (bounds[0] < start || bounds[1] <= bounds[0] || bounds[1] > length)
        return base_fail(error, GPTOSS_UNSUPPORTED, "the tokenizer's pattern moves its own start");
    *begin_out = bounds[0];
    *end_out = bounds[1];
    return GPTOSS_OK;
}
