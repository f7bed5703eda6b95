// config.json -> model_config. Each field has its range in one table; the rest are the rules that
// tie fields together.
#include "model/model.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

typedef struct reader {
    const char *name; // of the file
    const json_t *root;
    gptoss_error *error;
} reader;

static gptoss_status bad(const reader *r, const char *key, const char *expected) {
    return base_fail(r->error, GPTOSS_BAD_FILE, "%s: %s: expected %s", r->name, key, expected);
}

// ---- single fields --------------------------------------------------------------------------

static gptoss_status take_int(const reader *r, const char *key, int low, int high, int *out) {
    const json_t *value = json_object_get(r->root, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < low || number > high) {
        return base_fail(r->error, GPTOSS_BAD_FILE, "%s: %s: expected a whole number from %d to %d",
                         r->name, key, low, high);
    }
    *out = (int)number;
    return GPTOSS_OK;
}

// A finite number in [low, high]; an absent or null key keeps *out.
static gptoss_status take_number(const reader *r, const json_t *object, const char *key, double low,
                                 double high, double *out) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) {
        return GPTOSS_OK;
    }
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= low && number <= high)) {
        return base_fail(r->error, GPTOSS_BAD_FILE, "%s: %s: expected a number from %g to %g",
                         r->name, key, low, high);
    }
    *out = number;
    return GPTOSS_OK;
}

static gptoss_status take_float(const reader *r, const char *key, double low, double high,
                                float *out) {
    double number = (double)*out;
    gptoss_status status = take_number(r, r->root, key, low, high, &number);
    *out = (float)number;
    return status;
}

// An absent or null key keeps *out.
static gptoss_status take_bool(const reader *r, const json_t *object, const char *key, bool *out) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_null(value)) {
        return GPTOSS_OK;
    }
    if (!json_is_boolean(value)) {
        return bad(r, key, "true or false");
    }
    *out = json_is_true(value);
    return GPTOSS_OK;
}

// ---- groups ---------------------------------------------------------------------------------

static gptoss_status take_identity(const reader *r) {
    const json_t *type = json_object_get(r->root, "model_type");
    if (!json_is_string(type) || strcmp(json_string_value(type), "gpt_oss") != 0) {
        return base_fail(r->error, GPTOSS_UNSUPPORTED, "%s: model_type: expected gpt_oss, is %.60s",
                         r->name, json_is_string(type) ? json_string_value(type) : "absent");
    }
    const json_t *activation = json_object_get(r->root, "hidden_act");
    if (activation &&
        (!json_is_string(activation) || strcmp(json_string_value(activation), "silu") != 0)) {
        return base_fail(r->error, GPTOSS_UNSUPPORTED, "%s: hidden_act: expected silu, is %.60s",
                         r->name,
                         json_is_string(activation) ? json_string_value(activation) : "no string");
    }
    return GPTOSS_OK;
}

static gptoss_status take_dimensions(const reader *r, model_config *c) {
    const struct {
        const char *key;
        int low, high;
        int *out;
    } fields[] = {
        {"hidden_size", 32, MODEL_MAX_HIDDEN, &c->hidden},
        {"num_hidden_layers", 1, MODEL_MAX_LAYERS, &c->layers},
        {"num_attention_heads", 1, MODEL_MAX_HEADS, &c->heads},
        {"num_key_value_heads", 1, MODEL_MAX_HEADS, &c->kv_heads},
        {"head_dim", 2, MODEL_MAX_HEAD_DIM, &c->head_dim},
        {"num_local_experts", 1, MODEL_MAX_EXPERTS, &c->experts},
        {"num_experts_per_tok", 1, MODEL_MAX_EXPERTS, &c->experts_per_token},
        {"intermediate_size", 32, MODEL_MAX_HIDDEN, &c->intermediate},
        {"vocab_size", 1, MODEL_MAX_VOCABULARY, &c->vocabulary},
        {"max_position_embeddings", 1, MODEL_MAX_POSITIONS, &c->max_positions},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        gptoss_status status =
            take_int(r, fields[i].key, fields[i].low, fields[i].high, fields[i].out);
        if (status != GPTOSS_OK) {
            return status;
        }
    }
    if (c->hidden % 32) {
        return bad(r, "hidden_size", "a multiple of 32, the MXFP4 block");
    }
    if (c->intermediate % 32) {
        return bad(r, "intermediate_size", "a multiple of 32, the MXFP4 block");
    }
    if (c->heads % c->kv_heads) {
        return bad(r, "num_key_value_heads", "a divisor of num_attention_heads");
    }
    if (c->head_dim % 2) {
        return bad(r, "head_dim", "an even number");
    }
    if (c->experts_per_token > c->experts) {
        return bad(r, "num_experts_per_tok", "at most num_local_experts");
    }
    return GPTOSS_OK;
}

static gptoss_status take_scalars(const reader *r, model_config *c) {
    c->attention_bias = true; // defaults of transformers' GptOssConfig
    c->tied_embeddings = false;
    c->rms_eps = 1e-5f;
    c->swiglu_limit = 7.0f;
    c->swiglu_alpha = 1.702f;
    gptoss_status status = take_bool(r, r->root, "attention_bias", &c->attention_bias);
    if (status == GPTOSS_OK) {
        status = take_bool(r, r->root, "tie_word_embeddings", &c->tied_embeddings);
    }
    if (status == GPTOSS_OK) {
        status = take_float(r, "rms_norm_eps", 1e-12, 1.0, &c->rms_eps);
    }
    if (status == GPTOSS_OK) {
        status = take_float(r, "swiglu_limit", 1e-3, 1e6, &c->swiglu_limit);
    }
    if (status == GPTOSS_OK) {
        status = take_float(r, "swiglu_alpha", 1e-3, 1e3, &c->swiglu_alpha);
    }
    return status;
}

static gptoss_status take_layer_types(const reader *r, model_config *c) {
    const json_t *types = json_object_get(r->root, "layer_types");
    if (!json_is_array(types) || json_array_size(types) != (size_t)c->layers) {
        return bad(r, "layer_types", "an array with a name for each layer");
    }
    bool any = false;
    for (int i = 0; i < c->layers; i++) {
        const char *type = json_string_value(json_array_get(types, (size_t)i));
        if (type && strcmp(type, "sliding_attention") == 0) {
            c->is_sliding[i] = any = true;
        } else if (!type || strcmp(type, "full_attention") != 0) {
            return base_fail(r->error, GPTOSS_UNSUPPORTED,
                             "%s: layer_types: expected sliding_attention or full_attention, "
                             "layer %d is %.60s",
                             r->name, i, type ? type : "no string");
        }
    }
    c->window = 0;
    return any ? take_int(r, "sliding_window", 1, MODEL_MAX_POSITIONS, &c->window) : GPTOSS_OK;
}

static gptoss_status take_eos(const reader *r, model_config *c) {
    const json_t *value = json_object_get(r->root, "eos_token_id");
    size_t n = json_is_array(value) ? json_array_size(value) : value && !json_is_null(value);
    if (n > MODEL_MAX_EOS) {
        return bad(r, "eos_token_id", "at most 16 ids");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= c->vocabulary) {
            return bad(r, "eos_token_id", "ids within the vocabulary");
        }
        c->eos[c->n_eos++] = (int32_t)json_integer_value(id);
    }
    return GPTOSS_OK;
}

// ---- rotary embedding -----------------------------------------------------------------------

// The factor that cos and sin are multiplied by, unless the file gives one (YaRN, section 3.4).
static gptoss_status take_attention_scaling(const reader *r, const json_t *rope,
                                            model_rope_config *c) {
    double mscale = 0, mscale_all = 0, given = 0;
    gptoss_status status = take_number(r, rope, "mscale", 0, 1e3, &mscale);
    if (status == GPTOSS_OK) {
        status = take_number(r, rope, "mscale_all_dim", 0, 1e3, &mscale_all);
    }
    if (status == GPTOSS_OK) {
        status = take_number(r, rope, "attention_factor", 1e-3, 1e3, &given);
    }
    if (given != 0) {
        c->attention_scaling = given;
    } else if (mscale != 0 && mscale_all != 0) {
        c->attention_scaling =
            (0.1 * mscale * log(c->factor) + 1) / (0.1 * mscale_all * log(c->factor) + 1);
    } else {
        c->attention_scaling = 0.1 * log(c->factor) + 1;
    }
    return status;
}

static gptoss_status take_yarn(const reader *r, const json_t *rope, model_rope_config *c) {
    c->yarn = true;
    c->beta_fast = 32; // defaults of transformers' _compute_yarn_parameters
    c->beta_slow = 1;
    c->truncate = true;
    gptoss_status status = take_number(r, rope, "factor", 1, 1e6, &c->factor);
    if (status == GPTOSS_OK) {
        status = take_number(r, rope, "original_max_position_embeddings", 1, MODEL_MAX_POSITIONS,
                             &c->original_context);
    }
    if (status == GPTOSS_OK) {
        status = take_number(r, rope, "beta_fast", 1e-6, 1e6, &c->beta_fast);
    }
    if (status == GPTOSS_OK) {
        status = take_number(r, rope, "beta_slow", 1e-6, 1e6, &c->beta_slow);
    }
    if (status == GPTOSS_OK) {
        status = take_bool(r, rope, "truncate", &c->truncate);
    }
    if (status != GPTOSS_OK) {
        return status;
    }
    if (c->factor == 0) {
        return bad(r, "factor", "a number of at least 1 (YaRN)");
    }
    if (c->original_context == 0) {
        return bad(r, "original_max_position_embeddings", "a number of positions (YaRN)");
    }
    return take_attention_scaling(r, rope, c);
}

// transformers 4 writes rope_theta and rope_scaling, 5 puts both into rope_parameters. Versions
// disagree on what absence means (plain, or the YaRN of gpt-oss), so absence is an error.
static gptoss_status take_rope(const reader *r, model_rope_config *c) {
    const json_t *rope = json_object_get(r->root, "rope_parameters");
    const json_t *theta_holder = rope;
    const char *key = "rope_parameters";
    if (!json_is_object(rope)) {
        key = "rope_scaling";
        rope = json_object_get(r->root, key);
        theta_holder = r->root;
    }
    if (!json_is_object(rope)) {
        return bad(r, key, "an object with rope_type (\"yarn\" or \"default\")");
    }
    c->theta = 150000; // GptOssConfig.default_theta
    c->attention_scaling = 1;
    gptoss_status status = take_number(r, theta_holder, "rope_theta", 1.001, 1e12, &c->theta);
    double partial = 1;
    if (status == GPTOSS_OK) {
        status = take_number(r, rope, "partial_rotary_factor", 0, 1, &partial);
    }
    if (status != GPTOSS_OK) {
        return status;
    }
    const char *type = json_string_value(json_object_get(rope, "rope_type"));
    if (!type) {
        type = json_string_value(json_object_get(rope, "type")); // the older name of the key
    }
    if (partial != 1 || !type || (strcmp(type, "default") != 0 && strcmp(type, "yarn") != 0)) {
        return base_fail(r->error, GPTOSS_UNSUPPORTED,
                         "%s: %s: expected rope_type yarn or default over whole heads, is %.60s",
                         r->name, key, type ? type : "absent");
    }
    return strcmp(type, "yarn") == 0 ? take_yarn(r, rope, c) : GPTOSS_OK;
}

// ---- the whole ------------------------------------------------------------------------------

static gptoss_status take_all(const reader *r, model_config *c) {
    if (!json_is_object(r->root)) {
        return base_fail(r->error, GPTOSS_BAD_FILE, "%s: expected a JSON object", r->name);
    }
    gptoss_status status = take_identity(r);
    if (status == GPTOSS_OK) {
        status = take_dimensions(r, c);
    }
    if (status == GPTOSS_OK) {
        status = take_scalars(r, c);
    }
    if (status == GPTOSS_OK) {
        status = take_layer_types(r, c);
    }
    if (status == GPTOSS_OK) {
        status = take_eos(r, c);
    }
    return status == GPTOSS_OK ? take_rope(r, &c->rope) : status;
}

gptoss_status model_config_parse(const char *json, size_t length, const char *name,
                                 model_config *config_out, gptoss_error *error) {
    *config_out = (model_config){0};
    json_t *root;
    gptoss_status status =
        checkpoint_parse_json(json, length, CHECKPOINT_MAX_CONFIG / 16, name, &root, error);
    if (status != GPTOSS_OK) {
        return status;
    }
    reader r = {name, root, error};
    status = take_all(&r, config_out);
    json_decref(root);
    if (status != GPTOSS_OK) {
        *config_out = (model_config){0};
    }
    return status;
}
