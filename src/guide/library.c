// Libraries: what all guides of one vocabulary share.
#include "guide/internal.h"

#include <string.h>

// Forms that are remembered beside those in use: agents send the same tools with every request.
enum { MAX_REMEMBERED = 128 };

static gptoss_status find_ids(guide_library *l, gptoss_error *error) {
    for (int i = 0; i < HARMONY_N_MARKERS; i++)
        l->markers[i] = harmony_marker_id(l->harmony, (harmony_marker)i);
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        l->byte_ids[byte] = tokenizer_find(l->tokenizer, &text, 1);
        if (l->byte_ids[byte] < 0)
            return base_fail(error, GPTOSS_UNSUPPORTED,
                             "the vocabulary has no token for the byte 0x%02x", byte);
    }
    const char *role = harmony_role_name(HARMONY_ASSISTANT);
    return tokenizer_encode(l->tokenizer, role, strlen(role), TOKENIZER_PLAIN, &l->assistant,
                            error);
}

gptoss_status guide_library_create(const harmony *h, guide_library **library_out,
                                   gptoss_error *error) {
    *library_out = NULL;
    guide_library *l = base_alloc_zero(1, sizeof *l);
    if (!l)
        return base_fail_memory(error, sizeof *l);
    l->harmony = h;
    l->tokenizer = harmony_tokenizer(h);
    pthread_mutex_init(&l->lock, NULL);
    gptoss_status status = find_ids(l, error);
    if (status == GPTOSS_OK)
        status = text_tokens_create(l->tokenizer, &l->text, error);
    if (status != GPTOSS_OK) {
        guide_library_free(l);
        return status;
    }
    *library_out = l;
    return GPTOSS_OK;
}

// The caller holds the lock, or is the last.
static void drop(library_form *form) {
    if (--form->users > 0)
        return;
    grammar_free(form->grammar);
    base_free(form->text);
    base_free(form);
}

void guide_library_free(guide_library *l) {
    if (!l)
        return;
    while (l->forms) {
        library_form *form = l->forms;
        l->forms = form->next;
        drop(form);
    }
    grammar_vocabulary_free(l->vocabulary);
    text_tokens_free(&l->text);
    base_ids_free(&l->assistant);
    pthread_mutex_destroy(&l->lock);
    base_free(l);
}

static bool same(const library_form *form, const guide_form *wanted) {
    if (form->kind != wanted->kind)
        return false;
    if (form->kind == GRAMMAR_JSON_OBJECT)
        return true;
    return form->length == wanted->text.length &&
           (!form->length || memcmp(form->text, wanted->text.data, form->length) == 0);
}

// Looks among the remembered ones; what is found becomes the latest, what is too old is forgotten.
static library_form *recall(guide_library *l, const guide_form *wanted) {
    int n = 0;
    for (library_form **link = &l->forms; *link; link = &(*link)->next, n++) {
        library_form *form = *link;
        if (same(form, wanted)) {
            *link = form->next;
            form->next = l->forms;
            l->forms = form;
            return form;
        }
        if (n >= MAX_REMEMBERED - 1 && !form->next) {
            *link = NULL;
            drop(form);
            return NULL;
        }
    }
    return NULL;
}

static gptoss_status compile(guide_library *l, const guide_form *wanted, library_form **out,
                             gptoss_error *error) {
    library_form *form = base_alloc_zero(1, sizeof *form);
    char *text = base_copy_string(wanted->text.data ? wanted->text.data : "", wanted->text.length);
    gptoss_status status = GPTOSS_OK;
    if (!form || !text)
        status = base_fail_memory(error, wanted->text.length);
    if (status == GPTOSS_OK && !l->vocabulary)
        status = grammar_vocabulary_create(l->tokenizer, &l->vocabulary, error);
    if (status == GPTOSS_OK)
        status = grammar_create(l->vocabulary, wanted->kind, text, wanted->text.length,
                                &form->grammar, error);
    if (status != GPTOSS_OK) {
        base_free(text);
        base_free(form);
        return status;
    }
    form->kind = wanted->kind;
    form->text = text;
    form->length = wanted->text.length;
    form->users = 1;
    form->next = l->forms;
    l->forms = form;
    *out = form;
    return GPTOSS_OK;
}

// One thread compiles at a time: a second one that wants the same form then finds it.
gptoss_status library_take(guide_library *l, const guide_form *wanted, library_form **out,
                           gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    pthread_mutex_lock(&l->lock);
    *out = recall(l, wanted);
    if (!*out)
        status = compile(l, wanted, out, error);
    if (*out)
        (*out)->users++;
    pthread_mutex_unlock(&l->lock);
    return status;
}

void library_return(guide_library *l, library_form *form) {
    if (!form)
        return;
    pthread_mutex_lock(&l->lock);
    drop(form);
    pthread_mutex_unlock(&l->lock);
}
