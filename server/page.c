// page.c: the files of web/, as they lie there.
#include "page.h"

#include <string.h>

// .incbin lets the assembler copy the file: no generated source, no tool.
#define EMBED(symbol, file)                                                                        \
    __asm__(".section .rodata\n"                                                                   \
            ".type " #symbol ", @object\n" #symbol ":\n"                                           \
            ".incbin \"" SERVER_PAGE_FOLDER "/" file "\"\n" #symbol "_end:\n"                      \
            ".byte 0\n"                                                                            \
            ".previous\n");                                                                        \
    extern const char symbol[] __attribute__((visibility("hidden")));                              \
    extern const char symbol##_end[] __attribute__((visibility("hidden")))

EMBED(page_index, "index.html");
EMBED(page_style, "style.css");
EMBED(page_script, "app.js");
EMBED(page_markdown, "markdown.js");
EMBED(page_icon, "icon.svg");

typedef struct page_file {
    const char *path, *type, *bytes, *end;
} page_file;

static const page_file files[] = {
    {"/", "text/html; charset=utf-8", page_index, page_index_end},
    {"/style.css", "text/css; charset=utf-8", page_style, page_style_end},
    {"/app.js", "text/javascript; charset=utf-8", page_script, page_script_end},
    {"/markdown.js", "text/javascript; charset=utf-8", page_markdown, page_markdown_end},
    {"/icon.svg", "image/svg+xml", page_icon, page_icon_end},
};

// Nothing from elsewhere, no script or style inside the page, nobody's frame: words of a model that
// came through the page as markup could still do nothing.
static const char policy[] = "default-src 'self'; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'; object-src 'none'";

void page_answer(server *s, const http_request *from, http_reply *reply) {
    (void)s;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strcmp(files[i].path, from->path) == 0) {
            text_add(&reply->body, files[i].bytes, (size_t)(files[i].end - files[i].bytes));
            reply->status = 200;
            reply->content_type = files[i].type;
        }
    }
    reply_header(reply, "Content-Security-Policy", policy);
    reply_header(reply, "Referrer-Policy", "no-referrer");
    reply_header(reply, "Cache-Control", "no-cache"); // another version may answer next time
}
