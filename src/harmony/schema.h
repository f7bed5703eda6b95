// JSON schema -> TypeScript.
#ifndef HARMONY_SCHEMA_H
#define HARMONY_SCHEMA_H

#include "harmony/json.h"

// Appends the type; indent blanks stand before each of its lines. False when memory is short.
bool harmony_print_type(base_buffer *out, const json *schema, int indent);

#endif
