// guide: which tokens may come next in a turn of the assistant, so that whatever the model prefers,
// the turn is well-formed Harmony (docs/guides.md).
//
//     tokenizer         ->  guide_library   once per vocabulary: bitsets of text, compiled forms
//     tools and choice  ->  guide           what may be said in a turn; shared by any number of
//     them guide             ->  guide_state     one per turn that is being sampled
//
// A header is a path through a small graph of bytes and markers (graph.h): channels, recipients of
// declared tools, content types, in the orders that the parser reads without a complaint. Names are
// matched byte by byte, so that any cut of a name into tokens is possible and no other name is.
// Free text is any text of whole UTF-8 characters; held text is what a grammar allows.
//
// A library and a guide may be shared by threads; a state belongs to one thread at a time.
#ifndef GUIDE_GUIDE_H
#define GUIDE_GUIDE_H

#include "base/base.h"
#include "grammar/grammar.h"
#include "harmony/harmony.h"
#include "tokenizer/tokenizer.h"

// ---- library --------------------------------------------------------------------------------

typedef struct guide_library guide_library;

// The handle must outlive the library. GPTOSS_UNSUPPORTED: the vocabulary has no token for one of
// the 256 bytes, so that not every text could be said.
gptoss_status guide_library_create(const harmony *harmony, guide_library **library_out,
                                   gptoss_error *error);
// All guides of the library must be freed before.
void guide_library_free(guide_library *library);

// ---- guides ---------------------------------------------------------------------------------

// What a text is held to. Free: any text.
typedef struct guide_form {
    bool held;
    grammar_kind kind; // these two are read only where held
    harmony_text text;
} guide_form;

// Someone whom the assistant may call.
typedef struct guide_tool {
    harmony_text recipient; // "functions.get_weather", "browser.search", "python"
    guide_form form;        // of what is said to it
    bool json;              // its content type is json or code; else code or text
    bool in_analysis;       // may be called from the channel analysis too, not only commentary
    bool strict;            // a form that can't be held to is an error; else any JSON object may
                            // come, and a warning says so
} guide_tool;

typedef enum guide_choice {
    GUIDE_AUTO,     // calls or an answer
    GUIDE_NONE,     // no calls
    GUIDE_REQUIRED, // no answer: the turn ends in a call
    GUIDE_NAMED,    // the same, and only `chosen` may be called
} guide_choice;

// {0}: no tools, a free answer, reasoning without a limit.
typedef struct guide_options {
    const guide_tool *tools; // [n_tools]
    size_t n_tools;
    guide_choice choice;
    harmony_text chosen; // GUIDE_NAMED: its recipient
    int32_t max_calls;   // in one turn; 0 and 1: the turn ends with its first call
    guide_form answer;   // of the text in the channel final
    // Tokens of the channel analysis in one turn. When they are spent, its text is ended where it
    // stands, and only an answer or a call may follow. 0: no limit; negative: no reasoning at all.
    int32_t max_reasoning;
} guide_options;

typedef struct guide guide;

// Everything is copied; forms are compiled here, or found in the library, which remembers the
// latest. GPTOSS_BAD_INPUT: a recipient that no header can hold, a form that is not of its kind;
// GPTOSS_BAD_ARGUMENT: a call is required and there is nothing to call; GPTOSS_UNSUPPORTED: a form
// that can't be held to.
gptoss_status guide_create(guide_library *library, const guide_options *options, guide **guide_out,
                           gptoss_error *error);
void guide_free(guide *guide);

// What was made of the options and is not quite what they say, for people; NULL behind the last.
const char *guide_warning(const guide *guide, size_t index);
int32_t guide_max_calls(const guide *guide); // at least 1

// ---- states ---------------------------------------------------------------------------------

typedef struct guide_state guide_state;

// Begins behind `<|start|>`, where the role comes next. The guide must outlive the state.
gptoss_status guide_state_create(const guide *guide, guide_state **state_out, gptoss_error *error);
void guide_state_free(guide_state *state);

// Takes the next token. GPTOSS_BAD_INPUT when it can't come here; the state is then as it was.
gptoss_status guide_accept(guide_state *state, int32_t id, gptoss_error *error);

// Clears the bits, allowed[id / 32] >> (id % 32), of all tokens below `vocabulary` that can't come
// next. At least one token always can, whatever was accepted before. Behind the end of the turn
// anything can. Only GPTOSS_NO_MEMORY can fail.
gptoss_status guide_mask(guide_state *state, uint32_t *allowed, int32_t vocabulary,
                         gptoss_error *error);

// The role was said, and nothing yet behind it.
bool guide_at_header(const guide_state *state);
// The turn ended: with its answer, with its last call, or because somebody else speaks next.
bool guide_ended(const guide_state *state);

// Where more than one call may come, the token behind a call's `<|start|>` says who speaks next.
// True for the one that lets the assistant go on; all others end the turn.
bool guide_goes_on(const guide *guide, int32_t id);

#endif
