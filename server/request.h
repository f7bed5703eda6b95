// request.h: what any client asks for, in the terms of no dialect.
//
// A dialect reads its JSON into a `request` and does nothing else with it. Everything that follows
// (the conversation in Harmony's terms, limits, sampling, tools) is written once, over this type.
// Strings are the request's own, NUL-terminated UTF-8; NULL where absent. A request belongs to one
// thread at a time.
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <gptoss/gptoss.h>

// A piece of a conversation, in the order in which it was said. What one dialect nests into a
// message and another lists side by side is the same list here.
typedef enum item_kind {
    ITEM_SYSTEM,    // words of the operator, at any place of the conversation
    ITEM_USER,      // words of the user
    ITEM_REASONING, // the assistant's analysis, as a client brings it back
    ITEM_PREAMBLE,  // the assistant's words to the user before a call (commentary)
    ITEM_ANSWER,    // the assistant's answer (final)
    ITEM_CALL,      // the assistant calls a tool: name, call_id, text: its arguments
    ITEM_RESULT,    // what the tool answered: call_id, text; name where the dialect repeats it
} item_kind;

typedef struct item {
    item_kind kind;
    char *text;
    char *name;    // CALL, RESULT: the tool's, as the client spells it. USER: who speaks, or NULL
    char *call_id; // CALL, RESULT
    bool failed;   // RESULT: the client says that the tool failed
} item;

typedef enum tool_kind {
    TOOL_FUNCTION, // arguments are JSON, held to `schema`
    TOOL_CUSTOM,   // one free text, held to `grammar` if there is one
    TOOL_BUILTIN,  // the server runs it itself: "python", "browser", or a tool of an MCP server
} tool_kind;

// A grammar that text is held to.
typedef enum format_kind {
    FORMAT_TEXT, // none
    FORMAT_JSON_OBJECT,
    FORMAT_JSON_SCHEMA,
    FORMAT_REGEX,
    FORMAT_GBNF,
    FORMAT_LARK,
} format_kind;

typedef struct format {
    format_kind kind;
    char *name, *description; // for the prompt
    char *text;               // the schema or grammar
} format;

typedef struct tool {
    tool_kind kind;
    char *name, *description;
    char *schema;   // JSON schema of a function's parameters; NULL: any object
    format grammar; // of a custom tool's text
    bool strict;    // the client asked for arguments that hold to the schema (they always do)
    bool barred;    // not to be called this time, and so not shown
} tool;

typedef enum tool_choice {
    CHOICE_AUTO,
    CHOICE_NONE,
    CHOICE_REQUIRED, // some tool
    CHOICE_NAMED,    // request.chosen_tool
} tool_choice;

typedef enum request_kind {
    REQUEST_CHAT, // items
    REQUEST_RAW,  // text or ids as they are, no Harmony (/v1/completions)
} request_kind;

typedef struct request {
    request_kind kind;
    char *model; // as the client names it
    item *items; // [n_items] CHAT
    size_t n_items;
    char *instructions; // CHAT: given beside the conversation; first of the operator's words
    char *prompt;       // RAW: text, or NULL where there are ids
    int32_t *ids;       // RAW: [n_ids]
    size_t n_ids;
    bool echo; // RAW: the prompt is part of the answer

    tool *tools; // [n_tools]
    size_t n_tools;
    tool_choice choice;
    char *chosen_tool;
    bool parallel_calls; // default true
    bool asked_parallel; // the client said so itself: otherwise the model calls as it was
                         // trained, one tool at a time
    format answer;       // of the final message

    gptoss_effort effort;         // default medium
    gptoss_sampling sampling;     // bias: request.bias
    gptoss_logit_bias *bias;      // [sampling.n_bias]
    bool has_seed;                // without one, each request draws its own
    int32_t max_tokens;           // reasoning included; 0: until the context is full
    int32_t max_reasoning_tokens; // 0: no limit of its own
    char **stops;                 // [n_stops] strings that end the answer, not part of it
    size_t n_stops;
    int32_t n_choices;  // default 1
    bool logprobs;      // of each token of the answer
    int32_t n_logprobs; // and so many most probable ones beside it, at most 20

    bool stream;
    bool stream_usage; // the stream ends in a usage report (chat completions)
    bool store;        // keep the answer (Responses, whose default is true)
    bool background;   // answer later (Responses)
    char *previous;    // Responses: previous_response_id
    char *metadata;    // JSON object, given back as it came
    char *repeated;    // JSON object of a dialect's own: what its answer repeats of the request
    char *user;        // for fairness between clients: user, safety_identifier, or the API key
    char *cache_key;   // conversations that share a beginning (prompt_cache_key)
    int32_t priority;  // greater is sooner; default 0
    double deadline;   // seconds from now; 0: none

    char **ignored; // [n_ignored] fields that were given and are not known here
    size_t n_ignored;
    char **warnings; // [n_warnings] "tool 'web_search' was skipped: ..."
    size_t n_warnings;
} request;

// The defaults above; to be released with request_clear whatever happens.
void request_init(request *request);
void request_clear(request *request);

// Appends to the lists; false when memory ran out. Strings are copied; length SIZE_MAX: strlen.
bool request_add_item(request *request, item_kind kind, const char *text, size_t length,
                      const char *name, const char *call_id);
tool *request_add_tool(request *request, tool_kind kind, const char *name);
bool request_add_stop(request *request, const char *stop);
bool request_ignore(request *request, const char *field);
void request_forget_remarks(request *request); // ignored fields and warnings
bool request_warn(request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Why a request can't be answered. Each dialect prints it in its own form.
typedef enum problem_kind {
    PROBLEM_NONE,
    PROBLEM_INVALID,     // 400: a field is wrong
    PROBLEM_UNSUPPORTED, // 400: well-formed, but not to be had here
    PROBLEM_TOO_LONG,    // 400: context_length_exceeded
    PROBLEM_KEY,         // 401
    PROBLEM_FORBIDDEN,   // 403: Host, origin
    PROBLEM_NOT_FOUND,   // 404: path, model, stored response
    PROBLEM_METHOD,      // 405
    PROBLEM_TOO_LARGE,   // 413: the body
    PROBLEM_BUSY,        // 429: the queue is full; retry_after says when to try again
    PROBLEM_DRAINING,    // 503: the server is shutting down
    PROBLEM_FAILED,      // 500: no memory, a full disk
} problem_kind;

typedef struct problem {
    problem_kind kind;
    char field[128]; // "tools[2].function.name", or ""
    char message[512];
    int32_t retry_after; // seconds, BUSY
} problem;

int problem_status(problem_kind kind); // the HTTP status
// Fills *problem and returns false, so that a reader can say `return problem_set(...)`.
bool problem_set(problem *problem, problem_kind kind, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
