// conversation.c: items -> messages of Harmony -> ids, with what the model said put in as it said
// it.
//
// The conversation is rendered in pieces: between them stand the tokens that were sampled, as the
// memory has them. Each message is rendered by itself, so the pieces together are the whole.
#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "opening.h"

typedef struct builder {
    server *server;
    const request *request;
    const names *names;
    text json;       // messages since the last piece, with commas between
    prompt *prompt;  // of the pieces before
    size_t drop_end; // reasoning before this item is left out
    problem *problem;
} builder;

static bool no_memory(builder *b) {
    return problem_set(b->problem, PROBLEM_FAILED, "", "out of memory");
}

static bool append(builder *b, const int32_t *ids, size_t n_ids) {
    prompt *p = b->prompt;
    int32_t *more = realloc(p->ids, (p->n_ids + n_ids + 1) * sizeof *more);
    if (!more) {
        return no_memory(b);
    }
    p->ids = more;
    if (n_ids) {
        memcpy(more + p->n_ids, ids, n_ids * sizeof *ids);
    }
    p->n_ids += n_ids;
    return true;
}

static bool fail(builder *b, const gptoss_error *error) {
    bool asked = error->status == GPTOSS_BAD_INPUT || error->status == GPTOSS_UNSUPPORTED;
    const char *field = b->request->n_tools ? "tools" : "messages";
    return problem_set(b->problem, asked ? PROBLEM_INVALID : PROBLEM_FAILED, asked ? field : "",
                       "%s", error->message);
}

// Renders the messages that are waiting.
static bool flush(builder *b, gptoss_purpose purpose) {
    text whole = {0};
    text_print(&whole, "{\"messages\":[%s]}", b->json.data ? b->json.data : "");
    if (whole.failed || b->json.failed) {
        text_clear(&whole);
        return no_memory(b);
    }
    text_clear(&b->json);
    gptoss_conversation *messages = NULL;
    gptoss_error error = {0};
    int32_t *ids = NULL;
    size_t n_ids = 0;
    bool good = !gptoss_conversation_from_json(whole.data, whole.length, &messages, &error) &&
                !gptoss_render(b->server->tokenizer, messages, purpose, &ids, &n_ids, &error);
    good = good ? append(b, ids, n_ids) : fail(b, &error);
    gptoss_free(ids);
    gptoss_conversation_free(messages);
    text_clear(&whole);
    return good;
}

// ---- one message ----------------------------------------------------------------------------

// A message whose parts may be NULL: the header's words are ours, or were made legal.
static void add_message(builder *b, const char *role, const char *name, const char *channel,
                        const char *recipient, const char *type, const char *words) {
    text *out = &b->json;
    text_print(out, "%s{\"role\":\"%s\"", out->length ? "," : "", role);
    const char *const keys[] = {"name", "channel", "recipient", "content_type"};
    const char *const values[] = {name, channel, recipient, type};
    for (int i = 0; i < 4; i++) {
        if (values[i]) {
            text_print(out, ",\"%s\":", keys[i]);
            opening_string(out, values[i], SIZE_MAX);
        }
    }
    text_print(out, ",\"content\":");
    opening_string(out, words, SIZE_MAX);
    text_print(out, "}");
}

static void add_developer(builder *b, const char *words) {
    text_print(&b->json,
               "%s{\"role\":\"developer\",\"content\":[{\"type\":\"developer_content\","
               "\"instructions\":",
               b->json.length ? "," : "");
    opening_string(&b->json, words, SIZE_MAX);
    text_print(&b->json, "}]}");
}

static bool is_custom(const builder *b, const char *name) {
    for (size_t i = 0; i < b->request->n_tools; i++) {
        if (strcmp(b->request->tools[i].name, name) == 0) {
            return b->request->tools[i].kind == TOOL_CUSTOM;
        }
    }
    return false;
}

// "functions.NAME", or NULL when memory ran out.
static char *recipient_of(const builder *b, const char *name) {
    char *shown = names_shown(b->names, name);
    text whole = {0};
    text_print(&whole, "functions.%s", shown ? shown : "");
    if (!shown) {
        text_clear(&whole);
    }
    free(shown);
    return whole.data;
}

static bool add_call(builder *b, const item *call) {
    const char *name = call->name ? call->name : "unknown";
    char *recipient = recipient_of(b, name);
    if (!recipient) {
        return no_memory(b);
    }
    bool custom = is_custom(b, name);
    add_message(b, "assistant", NULL, "commentary", recipient, custom ? NULL : "<|constrain|>json",
                custom || *call->text ? call->text : "{}");
    free(recipient);
    return true;
}

// The tool's name where the result does not say it: that of the last call with its id.
static const char *name_of_result(const builder *b, size_t index) {
    const item *items = b->request->items, *result = &items[index];
    for (size_t i = index; result->call_id && i-- > 0;) {
        if (items[i].kind == ITEM_CALL && items[i].call_id && items[i].name &&
            strcmp(items[i].call_id, result->call_id) == 0) {
            return items[i].name;
        }
    }
    return result->name ? result->name : "unknown";
}

static bool add_result(builder *b, size_t index) {
    const item *result = &b->request->items[index];
    char *tool = recipient_of(b, name_of_result(b, index));
    text words = {0};
    bool says_so = strncasecmp(result->text, "error", 5) == 0;
    text_print(&words, "%s%s", result->failed && !says_so ? "Error: " : "", result->text);
    bool good = tool && !words.failed;
    if (good) {
        add_message(b, "tool", tool, "commentary", "assistant", NULL, words.data);
    }
    text_clear(&words);
    free(tool);
    return good ? true : no_memory(b);
}

// Who speaks, as a word of a header, or NULL.
static bool add_user(builder *b, const item *said) {
    char *name = said->name && *said->name ? names_shown(b->names, said->name) : NULL;
    add_message(b, "user", name, NULL, NULL, NULL, said->text);
    free(name);
    return true;
}

static bool is_assistants(item_kind kind) {
    return kind == ITEM_REASONING || kind == ITEM_PREAMBLE || kind == ITEM_ANSWER ||
           kind == ITEM_CALL;
}

// Words before a call are a preamble, whatever the client calls them.
static bool is_preamble(const builder *b, size_t index) {
    const item *items = b->request->items;
    if (items[index].kind != ITEM_ANSWER) {
        return items[index].kind == ITEM_PREAMBLE;
    }
    while (index < b->request->n_items && is_assistants(items[index].kind)) {
        if (items[index++].kind == ITEM_CALL) {
            return true;
        }
    }
    return false;
}

static bool add_item(builder *b, size_t index) {
    const item *item = &b->request->items[index];
    switch (item->kind) {
    case ITEM_SYSTEM:
        add_developer(b, item->text);
        return true;
    case ITEM_USER:
        return add_user(b, item);
    case ITEM_REASONING:
        if (index >= b->drop_end && *item->text) {
            add_message(b, "assistant", NULL, "analysis", NULL, NULL, item->text);
        }
        return true;
    case ITEM_PREAMBLE:
    case ITEM_ANSWER:
        if (*item->text) {
            add_message(b, "assistant", NULL, is_preamble(b, index) ? "commentary" : "final", NULL,
                        NULL, item->text);
        }
        return true;
    case ITEM_CALL:
        return add_call(b, item);
    case ITEM_RESULT:
        return add_result(b, index);
    }
    return true;
}

// ---- what the model said --------------------------------------------------------------------

// Arguments may have been spelled anew: what counts is what they say.
static bool same_arguments(const char *a, const char *b) {
    if (strcmp(a, b) == 0) {
        return true;
    }
    json_t *left = json_loads(a, JSON_DECODE_ANY, NULL),
           *right = json_loads(b, JSON_DECODE_ANY, NULL);
    bool same = left && right && json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

// Clients trim and join paragraphs: blanks don't count.
static bool same_words(const char *a, const char *b) {
    static const char blanks[] = " \t\r\n";
    a = a ? a : "";
    for (;;) {
        a += strspn(a, blanks);
        b += strspn(b, blanks);
        if (*a != *b || !*a) {
            return *a == *b;
        }
        a++;
        b++;
    }
}

// How the items first .. end - 1, all the assistant's, compare with what it said.
typedef struct comparison {
    bool same;      // the client brings all of it, but for reasoning, which it may leave out
    bool reasoning; // there is some
} comparison;

static comparison compare(const builder *b, size_t first, size_t end, const said *said) {
    comparison found = {.same = true};
    text reasoning = {0}, preamble = {0};
    size_t n_calls = 0;
    for (size_t i = first; i < end; i++) {
        const item *item = &b->request->items[i];
        if (item->kind != ITEM_CALL) {
            bool thought = item->kind == ITEM_REASONING;
            text_print(thought ? &reasoning : &preamble, "%s", item->text);
            continue;
        }
        const said_call *call = n_calls < said->n_calls ? &said->calls[n_calls++] : NULL;
        found.same = found.same && call && item->call_id && item->name &&
                     strcmp(call->id, item->call_id) == 0 && strcmp(call->name, item->name) == 0 &&
                     same_arguments(call->arguments, item->text);
    }
    found.reasoning = reasoning.length > 0;
    found.same = found.same && n_calls == said->n_calls && !reasoning.failed && !preamble.failed &&
                 same_words(preamble.data, said->preamble) &&
                 (!found.reasoning || same_words(reasoning.data, said->reasoning));
    text_clear(&reasoning);
    text_clear(&preamble);
    return found;
}

static const said *find_said(const builder *b, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) {
        const item *item = &b->request->items[i];
        if (item->kind == ITEM_CALL && item->call_id) {
            return memory_find(&b->server->memory, item->call_id);
        }
    }
    return NULL;
}

static bool add_items(builder *b, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) {
        if (!add_item(b, i)) {
            return false;
        }
    }
    return true;
}

// Items of the assistant in one go, up to its calls. In the running turn they become the tokens
// that it said, or at least get the reasoning back that the client dropped.
static bool add_emission(builder *b, size_t first, size_t end) {
    const said *said = first >= b->drop_end ? find_said(b, first, end) : NULL;
    if (!said) {
        return add_items(b, first, end);
    }
    comparison found = compare(b, first, end, said);
    bool good = true;
    if (found.same) {
        // An empty conversation, rendered for completion, is <|start|>assistant.
        good = flush(b, GPTOSS_FOR_COMPLETION) && append(b, said->ids, said->n_ids);
    } else {
        if (!found.reasoning && *said->reasoning) {
            add_message(b, "assistant", NULL, "analysis", NULL, NULL, said->reasoning);
        }
        good = add_items(b, first, end);
    }
    memory_release(&b->server->memory, said);
    return good;
}

// ---- all of it ------------------------------------------------------------------------------

static uint64_t hash_string(uint64_t hash, const char *string) {
    for (; string && *string; string++) {
        hash = (hash ^ (unsigned char)*string) * 0x100000001b3u; // FNV-1a
    }
    return hash * 0x100000001b3u;
}

// What stays the same while a conversation grows: all up to the user's first words.
static uint64_t hash_head(const request *r) {
    uint64_t hash = hash_string(0xcbf29ce484222325u, r->cache_key);
    hash = hash_string(hash, r->instructions);
    for (size_t i = 0; i < r->n_items; i++) {
        hash = hash_string(hash, r->items[i].text);
        if (r->items[i].kind == ITEM_USER) {
            break;
        }
    }
    return hash;
}

static void choose_date(builder *b, char date_out[16]) {
    const char *fixed = b->server->options.date;
    if (!fixed) {
        memory_date_of(&b->server->memory, hash_head(b->request), date_out);
    } else {
        snprintf(date_out, 16, "%s", strcmp(fixed, "off") == 0 ? "" : fixed);
    }
}

static size_t find_drop_end(builder *b) {
    for (size_t i = b->request->n_items; i-- > 0;) {
        if (b->request->items[i].kind == ITEM_ANSWER && !is_preamble(b, i)) {
            return i;
        }
    }
    return 0;
}

static bool build(builder *b) {
    const request *r = b->request;
    char date[16];
    choose_date(b, date);
    opening_write(r, b->names, date, &b->json);
    if (!flush(b, GPTOSS_FOR_CONVERSATION)) {
        return false;
    }
    b->prompt->n_opening = b->prompt->n_ids;
    b->drop_end = find_drop_end(b);
    for (size_t i = opening_items(r); i < r->n_items;) {
        size_t end = i;
        while (end < r->n_items && is_assistants(r->items[end].kind)) {
            end++;
        }
        bool good = end > i ? add_emission(b, i, end) : add_item(b, i);
        if (!good) {
            return false;
        }
        i = end > i ? end : i + 1;
    }
    return flush(b, GPTOSS_FOR_COMPLETION);
}

bool conversation_prompt(server *server, const request *request, const names *names, prompt *prompt,
                         problem *problem) {
    builder b = {
        .server = server, .request = request, .names = names, .prompt = prompt, .problem = problem};
    bool good = build(&b);
    text_clear(&b.json);
    return good;
}
