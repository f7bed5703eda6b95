// ids -> JSON in one call: the messages in the reference's form, and what was irregular.
#include "harmony/json.h"

static bool print_irregularity(base_buffer *out, harmony_irregularity item, bool first) {
    return base_buffer_format(out, "%s{\"message\": %zu, \"what\": \"%s\"", first ? "" : ", ",
                              item.message, harmony_irregular_name(item.bit)) &&
           (!item.text.data || (base_buffer_text(out, ", \"text\": ") &&
                                harmony_json_print_string_python(out, item.text))) &&
           base_buffer_text(out, "}");
}

// The conversation's object, with one more key.
static gptoss_status print(const harmony_parser *parser, base_buffer *out, gptoss_error *error) {
    gptoss_status status =
        harmony_conversation_to_json(harmony_parser_messages(parser), out, error);
    if (status) {
        return status;
    }
    out->length--; // the closing brace
    bool good = base_buffer_text(out, ", \"irregular\": [");
    for (size_t i = 0; good && i < harmony_parser_irregularities(parser); i++) {
        good = print_irregularity(out, harmony_parser_irregularity(parser, i), i == 0);
    }
    good = good && base_buffer_text(out, "]}");
    return good ? GPTOSS_OK : base_fail_memory(error, out->capacity);
}

gptoss_status harmony_parse_to_json(const harmony *h, const int32_t *ids, size_t n_ids, int role,
                                    base_buffer *out, gptoss_error *error) {
    harmony_parser *parser;
    size_t before = out->length;
    gptoss_status status = harmony_parser_create(h, role, &parser, error);
    for (size_t i = 0; !status && i < n_ids; i++) {
        status = harmony_parser_push(parser, ids[i], error);
    }
    status = status ? status : harmony_parser_finish(parser, error);
    status = status ? status : print(parser, out, error);
    if (status) {
        out->length = before;
    }
    harmony_parser_free(parser);
    return status;
}
