// harmony: conversations <-> token ids, in OpenAI's Harmony format (docs/harmony.md).
//
// Three things live here: conversations (messages, their JSON form, building them), the renderer
// (conversation -> ids, as openai-harmony 0.0.8 does, id for id) and the stream parser (ids ->
// events, never failing on any sequence of ids). All is pure: no model, no clock, no environment.
// A `harmony` handle is immutable and may be shared by threads; a conversation or a parser belongs
// to one thread at a time. Two conversations may share messages: messages never change.
#ifndef HARMONY_HARMONY_H
#define HARMONY_HARMONY_H

#include "base/base.h"
#include "tokenizer/tokenizer.h"

// ---- the format's words ---------------------------------------------------------------------

typedef enum harmony_role {
    HARMONY_ASSISTANT,
    HARMONY_USER,
    HARMONY_SYSTEM,
    HARMONY_DEVELOPER,
    HARMONY_TOOL,
    HARMONY_N_ROLES,
} harmony_role;

const char *harmony_role_name(harmony_role role);            // "assistant", ...
int harmony_role_from_name(const char *name, size_t length); // a harmony_role, or -1

// Special tokens that structure a conversation.
typedef enum harmony_marker {
    HARMONY_MARK_START,     // <|start|>
    HARMONY_MARK_MESSAGE,   // <|message|>
    HARMONY_MARK_CHANNEL,   // <|channel|>
    HARMONY_MARK_CONSTRAIN, // <|constrain|>
    HARMONY_MARK_END,       // <|end|>
    HARMONY_MARK_RETURN,    // <|return|>
    HARMONY_MARK_CALL,      // <|call|>
    HARMONY_N_MARKERS,
} harmony_marker;

// Bytes of UTF-8; zero bytes may occur inside. data is NULL where the thing is absent.
typedef struct harmony_text {
    const char *data;
    size_t length;
} harmony_text;

harmony_text harmony_text_of(const char *string); // of a NUL-terminated string, or of NULL

// ---- messages -------------------------------------------------------------------------------

// A function that the model may call. parameters is the text of a JSON schema, or absent.
typedef struct harmony_tool {
    harmony_text name, description, parameters;
} harmony_tool;

// Namespaces render in byte order of their keys, but print their names, as the reference does.
typedef struct harmony_namespace {
    harmony_text key, name, description;
    const harmony_tool *tools; // [n_tools]
    size_t n_tools;
} harmony_namespace;

typedef enum harmony_effort {
    HARMONY_EFFORT_ABSENT,
    HARMONY_EFFORT_LOW,
    HARMONY_EFFORT_MEDIUM,
    HARMONY_EFFORT_HIGH,
} harmony_effort;

typedef struct harmony_system {
    harmony_text model_identity, knowledge_cutoff, conversation_start_date;
    harmony_effort reasoning_effort;
    bool has_channel_config;
    bool channel_required;              // these three are read only where has_channel_config
    const harmony_text *valid_channels; // [n_valid_channels]
    size_t n_valid_channels;
    bool has_tools;
    const harmony_namespace *tools; // [n_tools], read only where has_tools
    size_t n_tools;
} harmony_system;

// What openai-harmony's SystemContent starts with: ChatGPT, 2024-06, medium, the three channels.
harmony_system harmony_system_default(void);

// The built-in tools' namespaces, for harmony_system.tools. They point to constants.
harmony_namespace harmony_browser_tool(void);
harmony_namespace harmony_python_tool(void);

// A form that the final answer must have (the guide's "# Response Formats"; openai-harmony lacks
// it, in JSON it is our key "response_formats"). schema is the text of a JSON schema.
typedef struct harmony_format {
    harmony_text name, description, schema;
} harmony_format;

typedef struct harmony_developer {
    harmony_text instructions;
    bool has_tools;
    const harmony_namespace *tools; // [n_tools], read only where has_tools
    size_t n_tools;
    const harmony_format *formats; // [n_formats]
    size_t n_formats;
} harmony_developer;

typedef enum harmony_content_kind {
    HARMONY_CONTENT_TEXT,
    HARMONY_CONTENT_SYSTEM,    // only in messages of role system
    HARMONY_CONTENT_DEVELOPER, // only in messages of role developer
} harmony_content_kind;

typedef struct harmony_content {
    harmony_content_kind kind;
    harmony_text text;                  // HARMONY_CONTENT_TEXT
    const harmony_system *system;       // HARMONY_CONTENT_SYSTEM
    const harmony_developer *developer; // HARMONY_CONTENT_DEVELOPER
} harmony_content;

// content_type is what stands last in the header; `<|constrain|>json` starts with the special
// token.
typedef struct harmony_message {
    harmony_role role;
    harmony_text name, recipient, channel, content_type;
    const harmony_content *contents; // [n_contents], rendered without anything between them
    size_t n_contents;
} harmony_message;

// ---- conversations --------------------------------------------------------------------------

typedef struct harmony_conversation harmony_conversation;

gptoss_status harmony_conversation_create(harmony_conversation **conversation_out,
                                          gptoss_error *error);
void harmony_conversation_free(harmony_conversation *conversation);

// Both conversations keep the same messages; cheap.
gptoss_status harmony_conversation_copy(const harmony_conversation *conversation,
                                        harmony_conversation **copy_out, gptoss_error *error);

size_t harmony_conversation_length(const harmony_conversation *conversation);

// Owned by the conversation, valid as long as the message stays in it. index < length.
const harmony_message *harmony_conversation_message(const harmony_conversation *conversation,
                                                    size_t index);

// Forgets the messages from index length on.
void harmony_conversation_truncate(harmony_conversation *conversation, size_t length);

// Appends a copy of *message and of all that it points to. Broken UTF-8 becomes U+FFFD.
// GPTOSS_BAD_INPUT: parameters or a schema that are not JSON. After any failure the conversation is
// as it was.
gptoss_status harmony_conversation_add(harmony_conversation *conversation,
                                       const harmony_message *message, gptoss_error *error);

// Appends all messages of `other`, shared. other != conversation.
gptoss_status harmony_conversation_add_all(harmony_conversation *conversation,
                                           const harmony_conversation *other, gptoss_error *error);

// The common messages in one call. Strings may be NULL where absent.
gptoss_status harmony_conversation_add_text(harmony_conversation *conversation, harmony_role role,
                                            const char *channel, const char *text, size_t length,
                                            gptoss_error *error);
gptoss_status harmony_conversation_add_system(harmony_conversation *conversation,
                                              const harmony_system *system, gptoss_error *error);
gptoss_status harmony_conversation_add_developer(harmony_conversation *conversation,
                                                 const harmony_developer *developer,
                                                 gptoss_error *error);
// As above; functions is a JSON array as harmony_tools_read takes it, NULL for none. Its functions
// and custom tools are written, as `functions.NAME`; built-in tools belong into a system message.
gptoss_status harmony_conversation_add_functions(harmony_conversation *conversation,
                                                 const char *instructions, const char *functions,
                                                 size_t length, gptoss_error *error);
// What a tool answered: `<|start|>NAME to=assistant<|channel|>commentary<|message|>...`.
gptoss_status harmony_conversation_add_tool_result(harmony_conversation *conversation,
                                                   const char *tool_name, const char *text,
                                                   size_t length, gptoss_error *error);

// Reads what openai-harmony's Conversation.to_json writes, `{"messages": [...]}`. Unknown keys are
// skipped, as there. GPTOSS_BAD_INPUT says where the text is wrong.
gptoss_status harmony_conversation_from_json(const char *json, size_t length,
                                             harmony_conversation **conversation_out,
                                             gptoss_error *error);
// Appends the same form, character for character as Conversation.to_json writes it.
gptoss_status harmony_conversation_to_json(const harmony_conversation *conversation,
                                           base_buffer *json, gptoss_error *error);

// ---- tools as APIs declare them --------------------------------------------------------------

typedef enum harmony_tool_kind {
    HARMONY_TOOL_FUNCTION, // arguments in JSON
    HARMONY_TOOL_CUSTOM,   // one text
    HARMONY_TOOL_BUILTIN,  // name is "python" or "browser"
} harmony_tool_kind;

typedef struct harmony_declared_tool {
    harmony_tool_kind kind;
    harmony_text name, description;
    harmony_text parameters;         // FUNCTION: the text of a JSON schema, or absent
    bool strict;                     // FUNCTION: arguments must hold to it
    harmony_text syntax, definition; // CUSTOM: of the grammar of its text, or absent
} harmony_declared_tool;

// A list `[{"type":"function","function":{"name","description","parameters","strict"}},
// {"type":"custom","custom":{"name","description","format":{"type":"grammar","syntax",
// "definition"}}}, {"type":"python"}, {"type":"browser"}]`; what is inside of "function", "custom"
// or the format's "grammar" may also stand beside the type, and without a type it is a function.
typedef struct harmony_tools harmony_tools;

// GPTOSS_BAD_INPUT says which item is wrong.
gptoss_status harmony_tools_read(const char *json, size_t length, harmony_tools **tools_out,
                                 gptoss_error *error);
void harmony_tools_free(harmony_tools *tools);
// NULL behind the last one. Texts point into the list and into the JSON.
const harmony_declared_tool *harmony_tools_item(const harmony_tools *tools, size_t index);
// The namespace of a built-in tool.
harmony_namespace harmony_declared_namespace(const harmony_declared_tool *builtin);

// ---- handle ---------------------------------------------------------------------------------

typedef struct harmony harmony;

// Looks the seven markers up. The tokenizer is borrowed and must outlive the handle.
// GPTOSS_UNSUPPORTED names a marker that the vocabulary lacks.
gptoss_status harmony_open(const tokenizer *tokenizer, harmony **harmony_out, gptoss_error *error);
void harmony_close(harmony *harmony);
int32_t harmony_marker_id(const harmony *harmony, harmony_marker marker);
const char *harmony_marker_text(harmony_marker marker); // "<|start|>", ...

int32_t harmony_end_of_text(const harmony *harmony); // the id of <|endoftext|>, or -1
const tokenizer *harmony_tokenizer(const harmony *harmony);

// Whether sampling for the assistant stops after this id: <|return|>, <|call|>, <|endoftext|>.
bool harmony_stops(const harmony *harmony, int32_t id);

// ---- renderer -------------------------------------------------------------------------------

typedef enum harmony_purpose {
    HARMONY_COMPLETION,   // ends in <|start|> and the next role
    HARMONY_TRAINING,     // a last message to `final` ends in <|return|>
    HARMONY_CONVERSATION, // the messages alone
} harmony_purpose;

// Which messages of the channel `analysis` are left out.
typedef enum harmony_drop {
    HARMONY_DROP_REFERENCE, // as openai-harmony: before the first `final`, if the assistant's last
                            // message is a `final`
    HARMONY_DROP_GUIDE,     // as the format's guide says: all before the last `final`
    HARMONY_DROP_NONE,
} harmony_drop;

// {0} renders for completion by the assistant, as the reference does.
typedef struct harmony_render_options {
    harmony_purpose purpose;
    harmony_role next_role; // for HARMONY_COMPLETION
    harmony_drop drop;
} harmony_render_options;

// Appends the ids. Text of messages never becomes a special token, whatever it spells.
// options may be NULL. After a failure *ids has its old length. GPTOSS_BAD_INPUT: a tool message
// without a name, system or developer content in a message of another role.
gptoss_status harmony_render(const harmony *harmony, const harmony_conversation *conversation,
                             const harmony_render_options *options, base_ids *ids,
                             gptoss_error *error);

// Appends TypeScript for a JSON schema, as it stands after `(_: ` in a function's line.
gptoss_status harmony_schema_to_typescript(const char *schema, size_t length,
                                           base_buffer *typescript, gptoss_error *error);

// ---- stream parser --------------------------------------------------------------------------

// What was irregular, as bits. Names and meanings: docs/harmony.md. Names never change.
enum harmony_irregular {
    HARMONY_MISSING_START = 1 << 0,    // a message began without <|start|>
    HARMONY_MISSING_ROLE = 1 << 1,     // no role in the header: taken as the assistant's
    HARMONY_MISSING_MESSAGE = 1 << 2,  // a header ended without <|message|>: its words are text
    HARMONY_MISSING_END = 1 << 3,      // another message began inside this one
    HARMONY_UNFINISHED = 1 << 4,       // the ids ended inside the message
    HARMONY_REPEATED_START = 1 << 5,   // <|start|> again, with nothing between
    HARMONY_REPEATED_CHANNEL = 1 << 6, // two channels: the last one counts
    HARMONY_REPEATED_MESSAGE = 1 << 7, // <|message|> inside text, skipped
    HARMONY_STRAY_END = 1 << 8,        // <|end|>, <|return|> or <|call|> outside a message, skipped
    HARMONY_STRAY_CONSTRAIN = 1 << 9,  // <|constrain|> inside text or without a type, skipped
    HARMONY_EMPTY_CHANNEL = 1 << 10,   // <|channel|> without a name
    HARMONY_BARE_RECIPIENT = 1 << 11,  // the recipient came without to=
    HARMONY_EXTRA_HEADER = 1 << 12,    // words in the header that fit nowhere; kept beside
    HARMONY_RESERVED_TOKEN = 1 << 13,  // a special token that Harmony does not use, skipped
    HARMONY_UNKNOWN_ID = 1 << 14,      // an id outside the vocabulary, skipped
    HARMONY_BROKEN_UTF8 = 1 << 15,     // bytes that are no UTF-8 became U+FFFD
    HARMONY_END_OF_TEXT = 1 << 16,     // <|endoftext|> ended the message
};
enum { HARMONY_N_IRREGULAR = 17 };
const char *harmony_irregular_name(unsigned bit); // "missing_start", ... of one bit; else NULL

typedef enum harmony_event_kind {
    HARMONY_EVENT_OPEN,  // the header is complete
    HARMONY_EVENT_TEXT,  // more of the message's text
    HARMONY_EVENT_CLOSE, // the message is complete
} harmony_event_kind;

typedef enum harmony_close_reason {
    HARMONY_CLOSE_END,    // <|end|>
    HARMONY_CLOSE_RETURN, // <|return|>: the assistant is done
    HARMONY_CLOSE_CALL,   // <|call|>: a tool is called
    HARMONY_CLOSE_CUT,    // another message began, or the ids ended
} harmony_close_reason;
const char *harmony_close_name(harmony_close_reason reason); // "end", "return", "call", "cut"

// Every event carries its message's header. Texts are valid until the parser's next call.
typedef struct harmony_event {
    harmony_event_kind kind;
    harmony_role role;
    harmony_text name, recipient, channel, content_type;
    harmony_text text;           // TEXT: valid UTF-8, whole characters, never empty
    harmony_close_reason reason; // CLOSE
    unsigned irregular;          // OPEN, TEXT: of the message so far; CLOSE: of the whole message
} harmony_event;

typedef struct harmony_parser harmony_parser;

// role >= 0: the ids continue after `<|start|>` and that role, as a completion does. role -1: they
// start with the first message's <|start|>. The handle must outlive the parser.
gptoss_status harmony_parser_create(const harmony *harmony, int role, harmony_parser **parser_out,
                                    gptoss_error *error);
void harmony_parser_free(harmony_parser *parser);

// Takes one id, any value. Only GPTOSS_NO_MEMORY can fail, and then the parser must be freed.
gptoss_status harmony_parser_push(harmony_parser *parser, int32_t id, gptoss_error *error);

// Says that no more ids come: closes an open message. Further pushes are GPTOSS_BAD_ARGUMENT.
gptoss_status harmony_parser_finish(harmony_parser *parser, gptoss_error *error);

// The next event that the last push or finish made; false when there is none. Call until false
// before the next push: what was not fetched by then is lost.
bool harmony_parser_next(harmony_parser *parser, harmony_event *event_out);

// What is known before the OPEN event, for grammars and displays.
bool harmony_parser_in_message(const harmony_parser *parser);

// All messages closed so far; owned by the parser.
const harmony_conversation *harmony_parser_messages(const harmony_parser *parser);

// Irregularities so far, in order. message counts the closed messages before the one it concerns.
typedef struct harmony_irregularity {
    size_t message;
    unsigned bit;
    harmony_text text; // HARMONY_EXTRA_HEADER: the words; else absent
} harmony_irregularity;
size_t harmony_parser_irregularities(const harmony_parser *parser);
harmony_irregularity harmony_parser_irregularity(const harmony_parser *parser, size_t index);

// All of it at once: appends `{"messages": [...], "irregular": [{"message": 0, "what":
// "missing_end"}, ...]}`.
gptoss_status harmony_parse_to_json(const harmony *harmony, const int32_t *ids, size_t n_ids,
                                    int role, base_buffer *json, gptoss_error *error);

#endif
