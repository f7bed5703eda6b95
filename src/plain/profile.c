// Where the time goes: a look at the clock around every product and around attention.
#include "plain/state.h"

void plain_profile_init(gptoss_profile *profile_out) {
    gptoss_steps empty = {.n_parts = PLAIN_PARTS,
                          .parts = {[PLAIN_PART_OTHER] = {.name = "other"},
                                    [PLAIN_PART_QKV] = {.name = "qkv"},
                                    [PLAIN_PART_ATTENTION] = {.name = "attention"},
                                    [PLAIN_PART_O] = {.name = "o"},
                                    [PLAIN_PART_ROUTER] = {.name = "router"},
                                    [PLAIN_PART_GATE_UP] = {.name = "gate_up"},
                                    [PLAIN_PART_DOWN] = {.name = "down"},
                                    [PLAIN_PART_UNEMBED] = {.name = "unembed"}}};
    *profile_out = (gptoss_profile){empty, empty};
}

void plain_profile_begin(plain_state *plain, const backend_batch *batch) {
    bool decodes = batch->n_rows == batch->n_tokens;
    plain->steps = decodes ? &plain->profile.decode : &plain->profile.prompt;
    plain->steps->steps++;
    plain->steps->tokens += (uint64_t)batch->n_tokens;
    plain->measured = 0;
    plain->began = base_seconds();
}

void plain_profile_add(plain_state *plain, plain_part part, double since, size_t bytes,
                       size_t macs) {
    gptoss_part *to = &plain->steps->parts[part];
    double seconds = base_seconds() - since;
    to->seconds += seconds;
    to->calls++;
    to->bytes += bytes;
    to->macs += macs;
    plain->measured += seconds;
    plain->steps->seconds += seconds;
}

void plain_profile_end(plain_state *plain) {
    plain_profile_add(plain, PLAIN_PART_OTHER, plain->began + plain->measured, 0, 0);
}
