// log_sum: what turns logits into log-probabilities.
#ifndef SAMPLE_LOG_SUM_H
#define SAMPLE_LOG_SUM_H

#include <stdint.h>

// ln(sum(exp(logits[i]))), its error below 1e-6; NaN when a logit is NaN or +infinity, or when all
// are -infinity.
double log_sum(const float *logits, int32_t n);

#endif
