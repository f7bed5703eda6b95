// gptoss.h: the public interface of gpt-oss.c, for C and C++.
//
// The way of a token:   conversation -> gptoss_prompt -> gptoss_start -> gptoss_next ... -> events
//
//     gptoss_model *model;            one per checkpoint: weights, cache, a team of threads
//     gptoss_sequence *sequence;      one per conversation or request: its tokens and cache pages
//     gptoss_conversation *talk;      messages in channels, to and from JSON; needs no model
//     gptoss_tokenizer *tokenizer;    text <-> ids; needs no model
//
// examples/chat.c is a complete chat in 40 lines.
//
// Rules that hold everywhere:
// - A function that can fail returns a gptoss_status and takes a gptoss_error (NULL is fine).
// Results
//   leave through arguments named _out, which are cleared first.
// - Handles made by *_create, *_open or *_copy belong to the caller; close or free takes NULL.
//   Strings and arrays inside events and descriptions belong to their handle and live until the
//   next call on it.
// - Option structs are filled by their *_default function first, so that a program keeps its
//   meaning when fields are added.
// - The library never prints, exits or reads the environment.
// - Threads: different sequences of one model may be used from different threads at the same time;
//   their work is batched together. One sequence, conversation or tokenizer handle is used by one
//   thread at a time, except gptoss_cancel, and except that a tokenizer may be shared freely.
#ifndef GPTOSS_GPTOSS_H
#define GPTOSS_GPTOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GPTOSS_API __attribute__((visibility("default")))
#else
#define GPTOSS_API
#endif

// ---- status ---------------------------------------------------------------------------------

typedef enum gptoss_status {
    GPTOSS_OK = 0,
    GPTOSS_BAD_ARGUMENT, // the caller's mistake: a value out of range, a handle in the wrong state
    GPTOSS_NO_MEMORY,    // an allocation failed, or the cache is full
    GPTOSS_NO_FILE,      // a file is missing or can't be read
    GPTOSS_BAD_FILE,     // a file's content is not what it must be
    GPTOSS_BAD_INPUT,    // JSON, ids or text given at run time are not what they must be
    GPTOSS_UNSUPPORTED,  // well-formed, but more than this build or machine can do
    GPTOSS_CANCELLED,    // gptoss_cancel was called, or a progress function said stop
    GPTOSS_IO,           // reading or writing failed (full disk, closed pipe)
} gptoss_status;

// What went wrong, for a person: one line, no newline at its end. Filled when a function that takes
// one does not return GPTOSS_OK; may be NULL everywhere.
typedef struct gptoss_error {
    gptoss_status status;
    char message[504];
} gptoss_error;

GPTOSS_API const char *gptoss_status_name(gptoss_status status); // "bad_file"
GPTOSS_API const char *gptoss_version(void);                     // "0.1.0"

// ---- model ----------------------------------------------------------------------------------

typedef struct gptoss_model gptoss_model;

typedef enum gptoss_precision {
    GPTOSS_FAST,  // 8-bit integer products; what it costs is in docs/numerics.md
    GPTOSS_EXACT, // weights as stored, float32 arithmetic: the reference
} gptoss_precision;

// Called while a model is loaded; share runs from 0 to 1. Return false to give up.
typedef bool gptoss_progress(void *context, double share);

// A way to compute a model. They form a staircase, from the forward pass as one would write it
// first to all that this library does, each with one idea more (docs/optimizations.md).
typedef struct gptoss_config {
    const char *name; // "baseline"
    const char *adds; // the idea, for people
} gptoss_config;

// In order; NULL past the last.
GPTOSS_API const gptoss_config *gptoss_config_at(size_t index);

typedef struct gptoss_model_options {
    const char *path; // a folder in Hugging Face layout; NULL: the built-in demo model
    gptoss_precision precision;
    int32_t threads;      // 0: one per processor
    int32_t context;      // positions per sequence; 0: the model's maximum or 8192, if less
    int32_t sequences;    // sequences that the cache is planned for; default 1
    int32_t batch_tokens; // tokens computed together at most; 0: 512
    size_t prefix_bytes;  // cache for beginnings that were computed and may come again, beyond
                          // what sequences need; 0: a little, four states per sequence
    double stall;         // seconds that a step may take while sequences speak: so long a
                          // prompt may hold up a stream; 0: four times a step without prompts
    size_t memory_limit;  // bytes that the plan may reach; 0: no limit
    const char *instruction_set; // NULL: the best; "scalar", "avx2" ... lowers it
    const char *config;        // NULL: the last, "optimized"; the others fix precision and threads
    gptoss_progress *progress; // may be NULL
    void *progress_context;
} gptoss_model_options;

GPTOSS_API void gptoss_model_options_default(gptoss_model_options *options_out);

// The shape of a model and what running it would take. Byte counts are exact.
typedef struct gptoss_plan {
    char name[64];    // the folder's name, or "demo (built in)"
    char device[96];  // what computes
    char kernels[48]; // the instruction set that the kernels use
    gptoss_precision precision;
    int32_t layers, hidden, heads, kv_heads, head_dim;
    int32_t experts, experts_per_token, intermediate, vocabulary, window;
    int32_t max_context;        // what the model was made for
    int32_t context, sequences; // what was asked for, defaults filled in
    int32_t threads, batch_tokens;
    int32_t kept_states;        // earlier states that are kept at most, to go on from
    uint64_t parameters;        // stored values
    uint64_t active_parameters; // used per token
    size_t mapped_bytes;        // weights read from the file as they are
    size_t weight_bytes;        // weights repacked in memory
    size_t cache_bytes;         // keys and values
    size_t kept_bytes;          // of those, for kept states when all sequences are long
    size_t attention_bytes;     // of those, for one position in one layer
    size_t scratch_bytes;       // working memory
    size_t total_bytes;         // all four
} gptoss_plan;

// What gptoss_model_open would do with these options, without allocating it.
GPTOSS_API gptoss_status gptoss_model_plan(const gptoss_model_options *options,
                                           gptoss_plan *plan_out, gptoss_error *error);
GPTOSS_API gptoss_status gptoss_model_open(const gptoss_model_options *options,
                                           gptoss_model **model_out, gptoss_error *error);
GPTOSS_API void gptoss_model_describe(const gptoss_model *model, gptoss_plan *plan_out);
// All sequences of the model must be freed before.
GPTOSS_API void gptoss_model_close(gptoss_model *model);

// One tensor of a checkpoint, for listings.
typedef struct gptoss_tensor {
    const char *name, *dtype, *file; // "model.norm.weight", "BF16", "model-00001.safetensors"
    int32_t rank;                    // dimensions
    uint64_t shape[8];               // [rank]
    uint64_t bytes;
} gptoss_tensor;

// Calls visit for every tensor in the order of the files; visit returns false to stop. path as in
// gptoss_model_options.
GPTOSS_API gptoss_status gptoss_list_tensors(const char *path,
                                             bool (*visit)(void *context,
                                                           const gptoss_tensor *tensor),
                                             void *context, gptoss_error *error);

// Logits of every token of one sequence of ids, in order: row is [vocabulary] and valid during the
// call. visit returns false to stop (GPTOSS_CANCELLED).
GPTOSS_API gptoss_status gptoss_logits(gptoss_model *model, const int32_t *ids, size_t n_ids,
                                       bool (*visit)(void *context, size_t token, const float *row),
                                       void *context, gptoss_error *error);

// ---- tokenizer ------------------------------------------------------------------------------

typedef struct gptoss_tokenizer gptoss_tokenizer;

// path: a checkpoint folder or a tokenizer.json; NULL: the built-in o200k_harmony.
GPTOSS_API gptoss_status gptoss_tokenizer_open(const char *path, gptoss_tokenizer **tokenizer_out,
                                               gptoss_error *error);
// The model's own; belongs to the model.
GPTOSS_API const gptoss_tokenizer *gptoss_model_tokenizer(const gptoss_model *model);
GPTOSS_API void gptoss_tokenizer_close(gptoss_tokenizer *tokenizer);

// Ids of text, released with gptoss_free. special: "<|end|>" in text is the special token; text
// from a user is always encoded without.
GPTOSS_API gptoss_status gptoss_encode(const gptoss_tokenizer *tokenizer, const char *text,
                                       size_t length, bool special, int32_t **ids_out,
                                       size_t *n_ids_out, gptoss_error *error);
// Bytes of ids, with a NUL behind them, released with gptoss_free. An id outside the vocabulary is
// GPTOSS_BAD_INPUT.
GPTOSS_API gptoss_status gptoss_decode(const gptoss_tokenizer *tokenizer, const int32_t *ids,
                                       size_t n_ids, char **text_out, size_t *length_out,
                                       gptoss_error *error);
GPTOSS_API void gptoss_free(void *memory);

// ---- conversations --------------------------------------------------------------------------

typedef struct gptoss_conversation gptoss_conversation;

typedef enum gptoss_effort {
    GPTOSS_EFFORT_LOW,
    GPTOSS_EFFORT_MEDIUM,
    GPTOSS_EFFORT_HIGH
} gptoss_effort;

// How a conversation becomes ids (docs/harmony.md).
typedef enum gptoss_purpose {
    GPTOSS_FOR_COMPLETION,   // the assistant speaks next
    GPTOSS_FOR_TRAINING,     // ends in <|return|> where the assistant finished
    GPTOSS_FOR_CONVERSATION, // as it stands
} gptoss_purpose;

// What opens a conversation: the system message, and a developer message if there is something in
// it. Strings may be NULL.
typedef struct gptoss_setting {
    gptoss_effort effort;     // default medium
    const char *date;         // "2026-11-24": shown as the current date
    const char *instructions; // the developer's words
    // A JSON list of functions, {"name":..., "description":..., "parameters":{schema}} or as the
    // APIs have them, {"type":"function","function":{...}}; custom tools, whose argument is one
    // text, {"type":"custom","name":...}; and the built-in {"type":"python"}, {"type":"browser"}.
    const char *tools;
} gptoss_setting;

GPTOSS_API gptoss_status gptoss_conversation_create(const gptoss_setting *setting,
                                                    gptoss_conversation **conversation_out,
                                                    gptoss_error *error);
// JSON as openai-harmony's Conversation.to_json writes it.
GPTOSS_API gptoss_status gptoss_conversation_from_json(const char *json, size_t length,
                                                       gptoss_conversation **conversation_out,
                                                       gptoss_error *error);
// Released with gptoss_free.
GPTOSS_API gptoss_status gptoss_conversation_to_json(const gptoss_conversation *conversation,
                                                     char **json_out, size_t *length_out,
                                                     gptoss_error *error);
GPTOSS_API void gptoss_conversation_free(gptoss_conversation *conversation);
GPTOSS_API size_t gptoss_conversation_length(const gptoss_conversation *conversation); // messages
// Who wrote message `index`: "user", "assistant", "system", "developer" or "tool"; NULL behind the
// last one.
GPTOSS_API const char *gptoss_conversation_role(const gptoss_conversation *conversation,
                                                size_t index);

// Replaces the opening (system and developer message), keeping the rest.
GPTOSS_API gptoss_status gptoss_conversation_set(gptoss_conversation *conversation,
                                                 const gptoss_setting *setting,
                                                 gptoss_error *error);
GPTOSS_API gptoss_status gptoss_add_user(gptoss_conversation *conversation, const char *text,
                                         size_t length, gptoss_error *error);
// The result of a call to `tool` ("functions.get_weather"), as text or JSON.
GPTOSS_API gptoss_status gptoss_add_tool_result(gptoss_conversation *conversation, const char *tool,
                                                const char *text, size_t length,
                                                gptoss_error *error);
// Forgets the messages from index `length` on.
GPTOSS_API void gptoss_conversation_truncate(gptoss_conversation *conversation, size_t length);

// Ids of the conversation, released with gptoss_free.
GPTOSS_API gptoss_status gptoss_render(const gptoss_tokenizer *tokenizer,
                                       const gptoss_conversation *conversation,
                                       gptoss_purpose purpose, int32_t **ids_out, size_t *n_ids_out,
                                       gptoss_error *error);
// Whatever the ids are, they become messages: {"messages":[...],"irregular":[...]}, released with
// gptoss_free. role: the ids start behind "<|start|>role" ("assistant"); NULL: they start anywhere.
GPTOSS_API gptoss_status gptoss_parse(const gptoss_tokenizer *tokenizer, const char *role,
                                      const int32_t *ids, size_t n_ids, char **json_out,
                                      size_t *length_out, gptoss_error *error);

// ---- sampling -------------------------------------------------------------------------------

typedef struct gptoss_logit_bias {
    int32_t id;
    float bias; // added to the logit
} gptoss_logit_bias;

// Called before each token is sampled: clears bits of allowed[id / 32] >> (id % 32) that may not
// come next. ids are the tokens sampled since gptoss_start; gptoss_next may not have returned the
// last of them yet.
typedef void gptoss_mask(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                         int32_t vocabulary);

typedef struct gptoss_sampling {
    float temperature;             // 0: always the most probable token; default 1
    float top_p;                   // 1: off
    int32_t top_k;                 // 0: off
    float min_p;                   // 0: off; relative to the most probable token
    float repetition_penalty;      // 1: off; divides positive logits, multiplies negative ones
    float presence_penalty;        // 0: off; subtracted from tokens that occurred
    float frequency_penalty;       // 0: off; subtracted per occurrence
    const gptoss_logit_bias *bias; // [n_bias]
    size_t n_bias;
    gptoss_mask *mask; // may be NULL
    void *mask_context;
    // Random numbers depend on (seed, stream, position) alone: the same request gives the same
    // tokens whatever runs beside it. Choices of one request use different streams.
    uint64_t seed;
    uint64_t stream;
} gptoss_sampling;

GPTOSS_API void gptoss_sampling_default(gptoss_sampling *sampling_out);

// ---- guides ---------------------------------------------------------------------------------

// What a text is held to, token by token, while it is sampled (docs/grammars.md).
typedef enum gptoss_form {
    GPTOSS_FORM_FREE,
    GPTOSS_FORM_JSON_OBJECT, // any JSON object; no text needed
    GPTOSS_FORM_JSON_SCHEMA, // JSON that a schema describes
    GPTOSS_FORM_REGEX,       // all of the text matches
    GPTOSS_FORM_GBNF,        // a grammar in llama.cpp's form, from `root`
    GPTOSS_FORM_LARK,        // a grammar in Lark's form, from `start`
} gptoss_form;

typedef enum gptoss_tool_choice {
    GPTOSS_TOOLS_AUTO,     // the model calls a tool or answers
    GPTOSS_TOOLS_NONE,     // it answers
    GPTOSS_TOOLS_REQUIRED, // it calls a tool; it may reason before
    GPTOSS_TOOLS_NAMED,    // it calls `chosen`
} gptoss_tool_choice;

// Says which tokens may come next in a turn of the assistant (docs/guides.md).
typedef struct gptoss_guide gptoss_guide;

// What a turn may be. Headers are always well-formed, special tokens come only
// where they belong, only declared tools are called, and arguments of functions hold to their
// schemas.
typedef struct gptoss_guide_options {
    const char *tools; // as gptoss_setting.tools; NULL: nobody can be called
    gptoss_tool_choice choice;
    const char *chosen;    // a name as in tools, or a recipient: "functions.get_weather"
    int32_t max_calls;     // in one turn, one behind the other; default 1, at most 64
    gptoss_form form;      // of the final answer: reasoning stays free
    const char *form_text; // the schema, expression or grammar
    size_t form_length;    // 0: up to its NUL
    // Tokens of reasoning in a turn: then it is ended where it stands, and an answer or a call
    // follows. 0: no limit; negative: no reasoning at all.
    int32_t max_reasoning_tokens;
} gptoss_guide_options;

GPTOSS_API void gptoss_guide_options_default(gptoss_guide_options *options_out);

// Forms are compiled here; the tokenizer remembers the latest, so that the same tools cost little
// the next time. A guide never changes: any number of generations in any threads may use it. It
// must be freed before its tokenizer (or the model whose it is) is closed. GPTOSS_BAD_INPUT: tools
// or a form that are not what they must be; GPTOSS_UNSUPPORTED: a form that can't be held to;
// GPTOSS_BAD_ARGUMENT: `chosen` is not among the tools, or a call is required and there are none.
GPTOSS_API gptoss_status gptoss_guide_create(const gptoss_tokenizer *tokenizer,
                                             const gptoss_guide_options *options,
                                             gptoss_guide **guide_out, gptoss_error *error);
// What was made of the options and is not all of what they say: the arguments of a function whose
// schema can't be held to (and isn't "strict") are any object. NULL behind the last one.
GPTOSS_API const char *gptoss_guide_warning(const gptoss_guide *guide, size_t index);
GPTOSS_API void gptoss_guide_free(gptoss_guide *guide);

// ---- sequences ------------------------------------------------------------------------------

typedef struct gptoss_sequence gptoss_sequence;

GPTOSS_API gptoss_status gptoss_sequence_create(gptoss_model *model, gptoss_sequence **sequence_out,
                                                gptoss_error *error);
GPTOSS_API void gptoss_sequence_free(gptoss_sequence *sequence);

// Appends ids as they are. Nothing is computed until gptoss_next.
GPTOSS_API gptoss_status gptoss_push(gptoss_sequence *sequence, const int32_t *ids, size_t n_ids,
                                     gptoss_error *error);
// Makes the sequence hold this conversation, rendered for completion. What it already holds of it
// is kept, so that a growing conversation only computes what is new.
GPTOSS_API gptoss_status gptoss_prompt(gptoss_sequence *sequence,
                                       const gptoss_conversation *conversation,
                                       gptoss_error *error);
// The tokens that the sequence holds, computed or not.
GPTOSS_API size_t gptoss_sequence_length(const gptoss_sequence *sequence);
GPTOSS_API const int32_t *gptoss_sequence_ids(const gptoss_sequence *sequence);
// Forgets the tokens from index `length` on.
GPTOSS_API gptoss_status gptoss_truncate(gptoss_sequence *sequence, size_t length,
                                         gptoss_error *error);
// Other sequences will begin with the first `length` tokens (a system message, an opening that is
// the same for all): what is computed for them is kept. Call it before gptoss_start; at most eight
// marks ahead count. gptoss_prompt does so behind the opening and behind the last messages, and
// ends of prompts and generations are always kept.
GPTOSS_API gptoss_status gptoss_mark(gptoss_sequence *sequence, size_t length, gptoss_error *error);
// A second sequence with the same tokens; pages are shared until one of them changes.
GPTOSS_API gptoss_status gptoss_fork(const gptoss_sequence *sequence, gptoss_sequence **copy_out,
                                     gptoss_error *error);
// Writes the tokens and their keys and values to a file, and reads them back, with the same model
// and precision. Saving is atomic: the file is complete or untouched.
GPTOSS_API gptoss_status gptoss_save(const gptoss_sequence *sequence, const char *path,
                                     gptoss_error *error);
GPTOSS_API gptoss_status gptoss_restore(gptoss_sequence *sequence, const char *path,
                                        gptoss_error *error);

typedef struct gptoss_generation {
    gptoss_sampling sampling;
    const gptoss_guide *guide; // whatever the model prefers, the turn is well-formed; NULL: free.
                               // The sequence must end where the assistant's turn begins. Where
                               // the caller's mask leaves nothing, it gives way to the guide.
    int32_t max_tokens;        // sampled tokens at most; 0: until the context is full
    bool ignore_stop;          // go on behind <|return|> and <|call|>; no Harmony events are made
    int32_t logprobs;          // most probable tokens reported with each one, at most 20; default 0
    bool speculation;          // guess from repetitions: the same tokens, sooner; default true
    bool reuse;       // begin with what any sequence computed for the same tokens, and let others
                      // begin with this one's: the same tokens, sooner; default true
    uint64_t client;  // whom it is for: those that run at the same time get equally many tokens
    int32_t priority; // greater ones go first, and take the cache from lower ones; default 0
} gptoss_generation;

GPTOSS_API void gptoss_generation_default(gptoss_generation *generation_out);

// Begins to sample behind the sequence's tokens.
GPTOSS_API gptoss_status gptoss_start(gptoss_sequence *sequence,
                                      const gptoss_generation *generation, gptoss_error *error);

typedef enum gptoss_event_kind {
    GPTOSS_EVENT_PROGRESS, // a part of the prompt was computed
    GPTOSS_EVENT_TOKEN,    // a token was sampled
    GPTOSS_EVENT_OPEN,     // a message begins: role, channel, recipient, content type are known
    GPTOSS_EVENT_TEXT,     // some of its text, whole UTF-8 characters
    GPTOSS_EVENT_CLOSE,    // a message ended
    GPTOSS_EVENT_DONE,     // nothing more comes; always the last one
} gptoss_event_kind;

typedef enum gptoss_finish {
    GPTOSS_FINISH_RETURN,    // the assistant ended its answer
    GPTOSS_FINISH_CALL,      // it calls a tool and waits for the result
    GPTOSS_FINISH_LENGTH,    // max_tokens, or the context is full
    GPTOSS_FINISH_CANCELLED, // gptoss_cancel
    GPTOSS_FINISH_ERROR,     // gptoss_next returned why
} gptoss_finish;

typedef struct gptoss_logprob {
    int32_t id;
    float logprob; // natural logarithm, before temperature and filters
} gptoss_logprob;

// Fields that a kind does not name are zero.
typedef struct gptoss_event {
    gptoss_event_kind kind;
    size_t prompt_done, prompt_total; // PROGRESS: tokens
    int32_t id;                       // TOKEN
    float logprob;                    // TOKEN
    const gptoss_logprob *top;        // TOKEN: [n_top], most probable first
    int32_t n_top;
    const char *role;         // OPEN, TEXT, CLOSE: "assistant"
    const char *channel;      // OPEN, TEXT, CLOSE: "analysis", "commentary", "final"; NULL: none
    const char *recipient;    // OPEN, TEXT, CLOSE: "functions.get_weather"; NULL: all
    const char *content_type; // OPEN, TEXT, CLOSE: "<|constrain|>json"; NULL: none
    const char *text;         // TEXT: NUL-terminated
    size_t text_length;       // TEXT: bytes
    bool irregular;           // CLOSE: something about the message was repaired (docs/harmony.md)
    gptoss_finish finish;     // DONE
} gptoss_event;

// The next event of this sequence; computes what is needed for it, together with other sequences
// that are waiting in other threads. After DONE it is an error to call it before gptoss_start.
GPTOSS_API gptoss_status gptoss_next(gptoss_sequence *sequence, gptoss_event *event_out,
                                     gptoss_error *error);

// The same as a loop over gptoss_next: calls on_event for each one until DONE. When on_event
// returns false, the generation is cancelled.
GPTOSS_API gptoss_status gptoss_run(gptoss_sequence *sequence, const gptoss_generation *generation,
                                    bool (*on_event)(void *context, const gptoss_event *event),
                                    void *context, gptoss_error *error);

// Ends the generation soon; may be called from any thread and from a signal handler. The tokens
// that gptoss_next returned stay.
GPTOSS_API void gptoss_cancel(gptoss_sequence *sequence);

// Appends the messages that the last generation made (analysis, calls, final) to a conversation.
GPTOSS_API gptoss_status gptoss_take_messages(gptoss_sequence *sequence,
                                              gptoss_conversation *conversation,
                                              gptoss_error *error);

// What the last generation took.
typedef struct gptoss_stats {
    size_t prompt_tokens; // of the prompt
    size_t cached_tokens; // of those, found in the cache
    size_t sampled_tokens;
    double prompt_seconds, sample_seconds;
    size_t guessed_tokens; // computed in advance (gptoss_generation.speculation)
    size_t right_guesses;  // of those, the ones that were then sampled
} gptoss_stats;

GPTOSS_API void gptoss_sequence_stats(const gptoss_sequence *sequence, gptoss_stats *stats_out);

// ---- measuring ------------------------------------------------------------------------------

enum { GPTOSS_MAX_PARTS = 32 };

// A part of a layer or of a step: what all its calls took together.
typedef struct gptoss_part {
    const char *name; // "qkv", "attention", "gate_up" ...
    double seconds;
    uint64_t calls;
    uint64_t bytes; // of weights, keys and values that they needed, each counted once per call
    uint64_t macs;  // multiply-accumulates with those
} gptoss_part;

typedef struct gptoss_steps {
    uint64_t steps, tokens;
    double seconds; // of the steps; the parts add up to it
    int32_t n_parts;
    gptoss_part parts[GPTOSS_MAX_PARTS]; // in the order in which a step goes through them
} gptoss_steps;

typedef struct gptoss_profile {
    gptoss_steps prompt; // steps in which there were tokens of a prompt
    gptoss_steps decode; // steps whose tokens were all sampled from (gptoss_logits' are such too)
} gptoss_profile;

// What was kept of earlier texts and what it was good for, since gptoss_model_open. Prompts are
// those of generations that were started with `reuse`.
typedef struct gptoss_totals {
    uint64_t prompts, prompt_tokens;
    uint64_t hits;          // prompts that began with something kept, or with their own sequence's
    uint64_t reused_tokens; // of prompt_tokens, those that were not computed again
    uint64_t evicted;       // kept states that gave way to others or to sequences
    uint64_t preempted; // times that a running sequence gave its pages away, to be computed again
    size_t kept_states; // now
    size_t kept_bytes;  // now: pages that only they hold
    size_t free_bytes;  // now: pages that nobody holds
    int32_t running, waiting; // now: sequences between gptoss_start and DONE; of those, the ones
                              // that wait for pages, or for another one with the same beginning
} gptoss_totals;

GPTOSS_API void gptoss_model_stats(gptoss_model *model, gptoss_totals *stats_out);

// Whether a sequence of so many tokens would be computed now, without waiting and without taking
// the cache from others. More sequences than the model was opened for may run, as long as they are
// short: the others wait, and go on when pages come free.
GPTOSS_API bool gptoss_model_fits(gptoss_model *model, size_t n_tokens);

// Where the time of all steps since gptoss_model_open went: the difference of two calls is what lay
// between. Waits for the step that is running.
GPTOSS_API void gptoss_model_profile(gptoss_model *model, gptoss_profile *profile_out);

// What the machine gives at best to the model's threads and instruction set, each per second: no
// step can be faster than its bytes and multiply-accumulates divided by these.
typedef struct gptoss_limits {
    double read_bytes; // from memory, far beyond the caches
    double int8_macs;  // multiply-accumulates of 8-bit integers
    double f32_macs;   // of float32
} gptoss_limits;

// Measures them: a second of work for all threads, and 256 MiB for each. No step runs meanwhile.
GPTOSS_API gptoss_status gptoss_model_limits(gptoss_model *model, gptoss_limits *limits_out,
                                             gptoss_error *error);

#ifdef __cplusplus
}
#endif

#endif
