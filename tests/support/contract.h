// contract.h: what backend.h promises, as checks that any backend is held to, on a model of two
// tiny layers.
#ifndef TESTS_SUPPORT_CONTRACT_H
#define TESTS_SUPPORT_CONTRACT_H

#include "backend/backend.h"

enum { CONTRACT_VOCABULARY = 40 };

// A backend as it is to be opened.
typedef struct contract {
    const backend_table *backend;
    const model_config *config;
    const model_weights *weights;
    backend_precision precision;
    int threads;
    const char *set;
} contract;

// A sliding layer, then a full one; the arrays live until contract_model_free.
void contract_model(model_config *config_out, model_weights *weights_out);
void contract_model_free(void);

backend_options contract_options(const contract *c);

// Malformed batches are refused.
void contract_check_malformed(const contract *c);
// A sequence that goes on in copied, and in written, pages gives the same logits.
void contract_check_pages(const contract *c);
// Loading can be cancelled, and is done once.
void contract_check_loading(const contract *c);
// Opening with these options fails with a message that contains `says`.
void contract_check_refused(const contract *c, backend_options options, gptoss_status status,
                            const char *says);

#endif
