// Rules written out as ops, from the end of each expression to its beginning: an op is written when
// what follows it is known, so that nothing is patched except loops.
#include "grammar/program.h"

#include <string.h>

#include "grammar/array.h"
#include "grammar/expressions.h"

int32_t program_add(program *p, op new_op) {
    if (p->n_ops >= PROGRAM_MAX_OPS || !ARRAY_RESERVE(p->ops, p->op_capacity, p->n_ops + 1))
        return -1;
    p->ops[p->n_ops] = new_op;
    return (int32_t)p->n_ops++;
}

// A rule that is being written out: a reference to it with the same continuation is a jump.
typedef struct open_rule {
    const struct open_rule *outer;
    int32_t rule, next, entry;
} open_rule;

typedef struct writer {
    const rules *rules;
    program *program;
    bool *frame;          // [n_nodes]
    int32_t *frame_of;    // [n_nodes], -1: none yet
    int32_t *expressions; // [n_frames] what each frame is
    size_t expression_capacity;
} writer;

// The frame of an expression, new or not; -1 when memory is short.
static int32_t frame_of(writer *w, int32_t node) {
    program *p = w->program;
    if (w->frame_of[node] >= 0)
        return w->frame_of[node];
    if (!ARRAY_RESERVE(w->expressions, w->expression_capacity, p->n_frames + 1) ||
        !ARRAY_RESERVE(p->frames, p->frame_capacity, p->n_frames + 1))
        return -1;
    w->expressions[p->n_frames] = node;
    p->frames[p->n_frames] = (program_frame){-1, -1};
    w->frame_of[node] = (int32_t)p->n_frames;
    return (int32_t)p->n_frames++;
}

static int32_t call(writer *w, int32_t node, int32_t next) {
    int32_t frame = frame_of(w, node);
    return frame < 0 ? -1 : program_add(w->program, (op){.kind = OP_CALL, .a = frame, .b = next});
}

static int32_t split(writer *w, int32_t a, int32_t b) {
    if (a < 0 || b < 0)
        return -1;
    return program_add(w->program, (op){.kind = OP_SPLIT, .a = a, .b = b});
}

// All of these write an expression that is followed by the op `next`, and return its first op, or
// -1 when memory is short or there are too many ops. Those with `depth` count how deeply C recurs.
static int32_t write(writer *w, const open_rule *open, int32_t node, int32_t next, int depth);

static int32_t write_text(writer *w, const rules_node *node, int32_t next) {
    const char *text = w->rules->text.data + node->first;
    for (int32_t i = node->count - 1; i >= 0 && next >= 0; i--) {
        uint8_t byte = (uint8_t)text[i];
        next = program_add(w->program, (op){.kind = OP_BYTE, .low = byte, .high = byte, .a = next});
    }
    return next;
}

static int32_t write_reference(writer *w, const open_rule *open, int32_t rule, int32_t next,
                               int depth) {
    for (const open_rule *o = open; o; o = o->outer) {
        if (o->rule == rule && o->next == next)
            return o->entry;
    }
    int32_t node = w->rules->expressions[rule];
    if (w->frame[node] || depth > RULES_MAX_DEPTH)
        return call(w, node, next);
    int32_t entry = program_add(w->program, (op){.kind = OP_SPLIT});
    if (entry < 0)
        return -1;
    open_rule own = {open, rule, next, entry};
    int32_t first = write(w, &own, node, next, depth + 1);
    if (first < 0)
        return -1;
    w->program->ops[entry].a = w->program->ops[entry].b = first;
    return entry;
}

static int32_t write_choice(writer *w, const open_rule *open, const rules_node *node, int32_t next,
                            int depth) {
    int32_t ways = -1;
    for (int32_t i = node->count - 1; i >= 0; i--) {
        int32_t way = write(w, open, w->rules->parts[node->first + i], next, depth + 1);
        if (way < 0)
            return -1;
        ways = i == node->count - 1 ? way : split(w, way, ways);
        if (ways < 0)
            return -1;
    }
    return node->count ? ways : program_add(w->program, (op){.kind = OP_DEAD});
}

static int32_t write_repeat(writer *w, const open_rule *open, const rules_node *node, int32_t next,
                            int depth) {
    int32_t end = next;
    if (node->most == RULES_UNBOUNDED) {
        int32_t loop = program_add(w->program, (op){.kind = OP_SPLIT, .b = next});
        int32_t body = loop < 0 ? -1 : write(w, open, node->first, loop, depth + 1);
        if (body < 0)
            return -1;
        w->program->ops[loop].a = body;
        next = loop;
    }
    for (int32_t i = node->count; i < node->most && next >= 0; i++)
        next = split(w, write(w, open, node->first, next, depth + 1), end);
    for (int32_t i = 0; i < node->count && next >= 0; i++)
        next = write(w, open, node->first, next, depth + 1);
    return next;
}

static int32_t write(writer *w, const open_rule *open, int32_t node_index, int32_t next,
                     int depth) {
    const rules_node *node = &w->rules->nodes[node_index];
    // A frame's own expression is written at depth 0.
    if (depth && w->frame[node_index] && node->kind != RULES_REFERENCE)
        return call(w, node_index, next);
    switch ((rules_kind)node->kind) {
    case RULES_TEXT:
        return write_text(w, node, next);
    case RULES_BYTE:
        return program_add(w->program,
                           (op){.kind = OP_BYTE, .low = node->low, .high = node->high, .a = next});
    case RULES_REFERENCE:
        return write_reference(w, open, node->first, next, depth);
    case RULES_SEQUENCE:
        for (int32_t i = node->count - 1; i >= 0 && next >= 0; i--)
            next = write(w, open, w->rules->parts[node->first + i], next, depth + 1);
        return next;
    case RULES_CHOICE:
        return write_choice(w, open, node, next, depth);
    case RULES_REPEAT:
        return write_repeat(w, open, node, next, depth);
    }
    return -1;
}

// The rule whose expression a node is, if it is one's; -1 otherwise. For jumps to a frame's start.
static bool write_frame(writer *w, size_t frame, const int32_t *rule_of) {
    program *p = w->program;
    int32_t node = w->expressions[frame];
    int32_t exit = program_add(p, (op){.kind = OP_ACCEPT});
    int32_t entry = exit < 0 ? -1 : program_add(p, (op){.kind = OP_SPLIT});
    if (entry < 0)
        return false;
    open_rule own = {NULL, rule_of[node], exit, entry};
    int32_t first = write(w, rule_of[node] < 0 ? NULL : &own, node, exit, 0);
    if (first < 0)
        return false;
    p->ops[entry].a = p->ops[entry].b = first;
    p->frames[frame] = (program_frame){entry, exit};
    return true;
}

static bool write_all(writer *w, const int32_t *rule_of) {
    if (frame_of(w, w->rules->expressions[w->rules->start]) < 0)
        return false;
    // Writing a frame finds more of them.
    for (size_t i = 0; i < w->program->n_frames; i++) {
        if (!write_frame(w, i, rule_of))
            return false;
    }
    return true;
}

static void find_classes(program *p) {
    bool begins[257] = {[0] = true};
    for (size_t i = 0; i < p->n_ops; i++) {
        if (p->ops[i].kind == OP_BYTE)
            begins[p->ops[i].low] = begins[p->ops[i].high + 1] = true;
    }
    p->n_classes = 0;
    for (int byte = 0; byte < 256; byte++) {
        if (begins[byte])
            p->samples[p->n_classes++] = (uint8_t)byte;
        p->classes[byte] = (uint8_t)(p->n_classes - 1);
    }
}

gptoss_status program_create(const rules *r, program *p, gptoss_error *error) {
    *p = (program){0};
    gptoss_status status = GPTOSS_OK;
    writer w = {.rules = r, .program = p};
    w.frame = base_alloc_zero(r->n_nodes, sizeof *w.frame);
    w.frame_of = base_alloc(r->n_nodes, sizeof *w.frame_of);
    int32_t *rule_of = base_alloc(r->n_nodes, sizeof *rule_of);
    if (!w.frame || !w.frame_of || !rule_of) {
        status = base_fail_memory(error, r->n_nodes * sizeof *rule_of);
        goto done;
    }
    memset(w.frame_of, 0xff, r->n_nodes * sizeof *w.frame_of);
    memset(rule_of, 0xff, r->n_nodes * sizeof *rule_of);
    for (size_t i = 0; i < r->n_rules; i++) {
        if (r->expressions[i] >= 0)
            rule_of[r->expressions[i]] = (int32_t)i;
    }
    if ((status = program_choose_frames(r, w.frame, error)))
        goto done;
    if (!write_all(&w, rule_of)) {
        status = p->n_ops >= PROGRAM_MAX_OPS
                     ? base_fail(error, GPTOSS_UNSUPPORTED,
                                 "the grammar is too large: more than %d places when its "
                                 "repetitions are written out",
                                 PROGRAM_MAX_OPS)
                     : base_fail_memory(error, p->op_capacity * sizeof(op));
        goto done;
    }
    if ((status = program_settle(p, error)))
        goto done;
    find_classes(p);

done:
    base_free(w.frame);
    base_free(w.frame_of);
    base_free(w.expressions);
    base_free(rule_of);
    if (status)
        program_free(p);
    return status;
}

void program_free(program *p) {
    base_free(p->ops);
    base_free(p->frames);
    *p = (program){0};
}
