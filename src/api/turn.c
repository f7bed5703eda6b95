// A generation under a guide: its mask, and where a turn of several calls ends.
#include "api/internal.h"

#include <string.h>

struct api_turn {
    const guide *guide;
    const harmony *harmony;
    // Of the thread that samples.
    guide_state *state;
    size_t n_accepted; // sampled tokens that the state knows
    gptoss_mask *mask; // the caller's own, or NULL
    void *mask_context;
    uint32_t *allowed;    // [words] by the guide; only where there is the caller's mask
    gptoss_error failure; // of the mask: the sampler only sees that nothing is allowed
    // Of the caller's thread.
    int32_t n_calls;     // that are complete
    bool called;         // the last token handed over ended a call
    bool holds;          // a <|start|> behind a call waits for what comes behind it
    engine_result start; // that <|start|>
};

// The guide's mask, then the caller's own.
static gptoss_status mask_both(api_turn *turn, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                               int32_t vocabulary, gptoss_error *error) {
    gptoss_status status = GPTOSS_OK;
    while (status == GPTOSS_OK && turn->n_accepted < n_ids)
        status = guide_accept(turn->state, ids[turn->n_accepted++], error);
    if (status == GPTOSS_OK)
        status = guide_mask(turn->state, allowed, vocabulary, error);
    if (status != GPTOSS_OK || !turn->mask)
        return status;
    size_t n_words = ((size_t)vocabulary + 31) / 32;
    memcpy(turn->allowed, allowed, n_words * sizeof *allowed);
    turn->mask(turn->mask_context, ids, n_ids, allowed, vocabulary);
    uint32_t left = 0;
    for (size_t i = 0; i < n_words; i++)
        left |= allowed[i] &= turn->allowed[i]; // it can't allow more either
    if (!left)
        memcpy(allowed, turn->allowed, n_words * sizeof *allowed);
    return GPTOSS_OK;
}

static void mask(void *context, const int32_t *ids, size_t n_ids, uint32_t *allowed,
                 int32_t vocabulary) {
    api_turn *turn = context;
    gptoss_error error = {0};
    gptoss_status status = mask_both(turn, ids, n_ids, allowed, vocabulary, &error);
    if (status != GPTOSS_OK) {
        turn->failure = error;
        memset(allowed, 0, ((size_t)vocabulary + 31) / 32 * sizeof *allowed);
    }
}

gptoss_status api_turn_failure(const api_turn *turn, gptoss_status status, gptoss_error *error) {
    if (!turn || turn->failure.status == GPTOSS_OK)
        return status;
    if (error)
        *error = turn->failure;
    return turn->failure.status;
}

// The state behind the sequence's ids, which must end in <|start|>assistant.
static gptoss_status follow(api_turn *turn, const int32_t *ids, size_t n_ids, gptoss_error *error) {
    size_t start = n_ids;
    while (start > 0 && ids[start - 1] != harmony_marker_id(turn->harmony, HARMONY_MARK_START))
        start--;
    bool good = start > 0;
    for (size_t i = start; good && i < n_ids; i++)
        good = guide_accept(turn->state, ids[i], NULL) == GPTOSS_OK;
    if (!good || !guide_at_header(turn->state))
        return base_fail(error, GPTOSS_BAD_ARGUMENT,
                         "a guide needs a sequence that ends in <|start|>assistant");
    return GPTOSS_OK;
}

static gptoss_status check(const gptoss_guide *g, const gptoss_tokenizer *t, int32_t vocabulary,
                           gptoss_error *error) {
    if (g->tokenizer != t)
        return base_fail(error, GPTOSS_BAD_ARGUMENT,
                         "the guide was not made with this model's tokenizer");
    if (tokenizer_size(t->tokenizer) > vocabulary)
        return base_fail(error, GPTOSS_UNSUPPORTED, "the tokenizer has %d ids, the model only %d",
                         tokenizer_size(t->tokenizer), vocabulary);
    return GPTOSS_OK;
}

gptoss_status api_turn_create(const gptoss_guide *g, const gptoss_tokenizer *t, const int32_t *ids,
                              size_t n_ids, int32_t vocabulary, gptoss_sampling *sampling,
                              api_turn **turn_out, gptoss_error *error) {
    *turn_out = NULL;
    gptoss_status status = check(g, t, vocabulary, error);
    if (status != GPTOSS_OK)
        return status;
    api_turn *turn = base_alloc_zero(1, sizeof *turn);
    if (!turn)
        return base_fail_memory(error, sizeof *turn);
    turn->guide = g->guide;
    turn->harmony = t->harmony;
    status = guide_state_create(turn->guide, &turn->state, error);
    if (status == GPTOSS_OK)
        status = follow(turn, ids, n_ids, error);
    size_t n_words = ((size_t)vocabulary + 31) / 32;
    if (status == GPTOSS_OK && sampling->mask) {
        turn->allowed = base_alloc(n_words, sizeof *turn->allowed);
        if (!turn->allowed)
            status = base_fail_memory(error, n_words * sizeof *turn->allowed);
    }
    if (status != GPTOSS_OK) {
        api_turn_free(turn);
        return status;
    }
    turn->mask = sampling->mask;
    turn->mask_context = sampling->mask_context;
    sampling->mask = mask;
    sampling->mask_context = turn;
    *turn_out = turn;
    return GPTOSS_OK;
}

void api_turn_free(api_turn *turn) {
    if (!turn)
        return;
    guide_state_free(turn->state);
    base_free(turn->allowed);
    base_free(turn);
}

bool api_turn_passes_calls(const api_turn *turn) {
    return turn && guide_max_calls(turn->guide) > 1;
}

bool api_turn_called(const api_turn *turn) {
    return turn->called;
}

bool api_turn_is_over(const api_turn *turn) {
    return turn->n_calls >= guide_max_calls(turn->guide);
}

api_verdict api_turn_take(api_turn *turn, const engine_result *result) {
    int32_t id = result->token.id;
    if (turn->holds) {
        turn->holds = false;
        turn->called = !guide_goes_on(turn->guide, id);
        return turn->called ? API_ENDED : API_BOTH;
    }
    if (turn->called) { // this is a <|start|>: nothing else could come
        turn->start = *result;
        turn->holds = true;
        return API_HOLD;
    }
    turn->called = id == harmony_marker_id(turn->harmony, HARMONY_MARK_CALL);
    turn->n_calls += turn->called;
    return API_PASS;
}

const engine_result *api_turn_held(const api_turn *turn) {
    return &turn->start;
}
