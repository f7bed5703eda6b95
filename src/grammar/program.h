// program.h: rules as one nondeterministic automaton over bytes, with calls.
//
// A frame is a part that is entered by a call and left at its own OP_ACCEPT. Rules that don't recur
// are written out where they are used, and recursion at the end of a rule is a jump, so that most
// forms are a single frame, frame 0, without calls: then an automaton without a stack. What remains
// as frames: rules that contain themselves, and what is too large to be written out again.
//
// After program_create:
// - every op can still reach its frame's end (others became OP_DEAD), so that no text is a dead
// end;
// - no frame matches the empty text: calls of those that could have a way around them;
// - no frame calls itself before it took a byte: left recursion became a loop at the frame's end.
#ifndef GRAMMAR_PROGRAM_H
#define GRAMMAR_PROGRAM_H

#include "grammar/rules.h"

typedef enum op_kind {
    OP_DEAD,
    OP_ACCEPT, // the frame ends
    OP_BYTE,   // a byte low .. high, then a
    OP_SPLIT,  // a or b
    OP_CALL,   // the frame a, then b
} op_kind;

typedef struct op {
    uint8_t kind, low, high;
    int32_t a, b;
} op;

typedef struct program_frame {
    int32_t entry, exit; // the exit is an OP_ACCEPT, or leads to one
} program_frame;

enum {
    PROGRAM_MAX_OPS = 1 << 20,
    PROGRAM_WRITE_OUT = 1 << 15, // ops; what is larger when written out becomes a frame
};

typedef struct program {
    op *ops; // [n_ops]
    size_t n_ops, op_capacity;
    program_frame *frames; // [n_frames]
    size_t n_frames, frame_capacity;
    bool takes_empty;     // the empty text is one that the rules describe
    uint8_t classes[256]; // bytes that no op tells apart have the same class
    uint8_t samples[256]; // [n_classes] a byte of each
    int32_t n_classes;
} program;

// GPTOSS_BAD_INPUT: the rules describe no text. GPTOSS_UNSUPPORTED: too large, or left recursion
// through several rules. The rules must have no fault (rules_status).
gptoss_status program_create(const rules *rules, program *program_out, gptoss_error *error);
void program_free(program *program);

// ---- between the files that make a program --------------------------------------------------

// Which expressions become frames. frame[i] for node i of the rules.
gptoss_status program_choose_frames(const rules *rules, bool *frame, gptoss_error *error);

// Brings written ops into the state described above.
gptoss_status program_settle(program *program, gptoss_error *error);

// Adds an op; -1 when memory is short or there are too many.
int32_t program_add(program *program, op new_op);

#endif
