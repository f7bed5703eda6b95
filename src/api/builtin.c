// The demo model, linked into the program byte for byte as it lies in assets/demo-model.
#include "api/internal.h"

// .incbin lets the assembler copy the file: no generated source, no tool.
#define EMBED(symbol, file)                                                                        \
    __asm__(".section .rodata\n"                                                                   \
            ".balign 64\n"                                                                         \
            ".type " #symbol ", @object\n" #symbol ":\n"                                           \
            ".incbin \"" GPTOSS_DEMO_MODEL "/" file "\"\n" #symbol "_end:\n"                       \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const uint8_t symbol[] __attribute__((visibility("hidden")));                           \
    extern const uint8_t symbol##_end[] __attribute__((visibility("hidden")))

EMBED(builtin_config, "config.json");
EMBED(builtin_tokenizer, "tokenizer.json");
EMBED(builtin_weights, "model.safetensors");

gptoss_status api_open_builtin(checkpoint **checkpoint_out, gptoss_error *error) {
    const checkpoint_file files[] = {
        {"config.json", builtin_config, (size_t)(builtin_config_end - builtin_config)},
        {"tokenizer.json", builtin_tokenizer, (size_t)(builtin_tokenizer_end - builtin_tokenizer)},
        {"model.safetensors", builtin_weights, (size_t)(builtin_weights_end - builtin_weights)},
    };
    return checkpoint_open_memory(files, sizeof files / sizeof files[0], "demo (built in)",
                                  checkpoint_out, error);
}
