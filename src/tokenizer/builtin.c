// The built-in o200k_harmony: ordinary tokens from o200k.bin (its layout:
// tools/vocabulary/make.py), special ones from the table below.
#include "tokenizer/parts.h"

#include <stdio.h>

// The build says where o200k.bin lies; the assembler puts it into the read-only data.
__asm__(".section .rodata\n"
        ".balign 16\n"
        "bpe_o200k:\n"
        ".incbin \"" BPE_O200K_FILE "\"\n"
        "bpe_o200k_end:\n"
        ".byte 0\n"
        ".previous\n");
extern const uint8_t bpe_o200k[] __attribute__((visibility("hidden")));
extern const uint8_t bpe_o200k_end[] __attribute__((visibility("hidden")));

enum { HEADER = 8, N_ORDINARY = 199998, FIRST_SPECIAL = 199998, SIZE = 201088 };

// tiktoken_ext/openai_public.py, o200k_harmony. The others are called <|reserved_ID|>.
static const struct {
    int32_t id;
    const char *text;
} specials[] = {
    {199998, "<|startoftext|>"}, {199999, "<|endoftext|>"}, {200002, "<|return|>"},
    {200003, "<|constrain|>"},   {200005, "<|channel|>"},   {200006, "<|start|>"},
    {200007, "<|end|>"},         {200008, "<|message|>"},   {200012, "<|call|>"},
};

static gptoss_status read_ordinary(tokenizer *t, gptoss_error *error) {
    const uint8_t *byte = bpe_o200k + HEADER, *in = byte + 256;
    unsigned flags = BPE_ORDINARY | BPE_WHOLE;
    gptoss_status status = GPTOSS_OK;
    for (int32_t id = 0; !status && id < 256; id++) {
        t->byte_ids[byte[id]] = id;
        status = bpe_set_token(t, id, (const char *)&byte[id], 1, flags, error);
    }
    uint64_t bits = 0;
    unsigned n_bits = 0;
    for (int32_t id = 256; !status && id < N_ORDINARY; id++) {
        unsigned width = 32 - (unsigned)__builtin_clz((unsigned)id - 1);
        for (; n_bits < 2 * width && in < bpe_o200k_end; n_bits += 8)
            bits |= (uint64_t)*in++ << n_bits;
        uint32_t mask = (1u << width) - 1;
        bpe_token parts[2] = {t->tokens[bits & mask], t->tokens[bits >> width & mask]};
        bits >>= 2 * width;
        n_bits -= 2 * width;
        char bytes[256]; // the longest token of o200k has 128
        memcpy(bytes, t->bytes.data + parts[0].start, parts[0].length);
        memcpy(bytes + parts[0].length, t->bytes.data + parts[1].start, parts[1].length);
        status = bpe_set_token(t, id, bytes, parts[0].length + parts[1].length, flags, error);
    }
    return status;
}

static gptoss_status add_specials(tokenizer *t, gptoss_error *error) {
    t->added = base_alloc(SIZE - FIRST_SPECIAL, sizeof *t->added);
    if (!t->added)
        return base_fail_memory(error, (SIZE - FIRST_SPECIAL) * sizeof *t->added);
    gptoss_status status = GPTOSS_OK;
    size_t named = 0;
    for (int32_t id = FIRST_SPECIAL; !status && id < SIZE; id++) {
        char reserved[32];
        const char *text = reserved;
        if (named < sizeof specials / sizeof *specials && specials[named].id == id)
            text = specials[named++].text;
        else
            snprintf(reserved, sizeof reserved, "<|reserved_%d|>", (int)id);
        status = bpe_set_token(t, id, text, strlen(text), BPE_SPECIAL | BPE_ADDED, error);
        t->added[t->n_added++] = (bpe_added){.id = id, .level = 0};
    }
    return status ? status : bpe_finish_added(t, error);
}

gptoss_status tokenizer_open_builtin(tokenizer **tokenizer_out, gptoss_error *error) {
    *tokenizer_out = NULL;
    tokenizer *t = base_alloc_zero(1, sizeof *t);
    if (!t)
        return base_fail_memory(error, sizeof *t);
    t->size = SIZE;
    t->tokens = base_alloc_zero(SIZE, sizeof *t->tokens);
    gptoss_status status =
        t->tokens ? GPTOSS_OK : base_fail_memory(error, SIZE * sizeof *t->tokens);
    if (!status)
        status = read_ordinary(t, error);
    if (!status)
        status = bpe_slots_create(t, N_ORDINARY, error);
    for (int32_t id = 0; !status && id < N_ORDINARY; id++)
        bpe_slots_insert(t, id);
    if (!status)
        status = add_specials(t, error);
    if (!status)
        status = bpe_use_o200k_classes(t, error);
    if (status)
        tokenizer_close(t);
    else
        *tokenizer_out = t;
    return status;
}
