// Every allocation of reading a schema made to fail in turn: GPTOSS_NO_MEMORY and nothing left
// behind. If this fails, a server short of memory crashes or leaks on a request with a schema.
#include <jansson.h>
#include <string.h>

#include "grammar/rules.h"
#include "support/check.h"
#include "support/failing_malloc.h"

static bool from_library; // jansson calls some failures a syntax error

static void *jansson_malloc(size_t size) {
    void *memory = malloc(size);
    from_library = from_library || !memory;
    return memory;
}

// True when allocation number `failing` was never reached.
static bool run(const char *schema, long failing) {
    gptoss_error error = {0};
    long before = live;
    from_library = false;
    until_failure = failing;
    rules *r = rules_create();
    gptoss_status status =
        r ? rules_read_schema(r, schema, strlen(schema), &error) : GPTOSS_NO_MEMORY;
    bool reached = until_failure < 0;
    until_failure = -1;
    CHECK(!r || !status == !error.message[0], "allocation %ld: status %d, message \"%s\"", failing,
          status, error.message);
    CHECK(reached || !status, "refused: %s", error.message);
    CHECK(!reached || status == GPTOSS_NO_MEMORY || from_library,
          "allocation %ld failed and the status is %d: %s", failing, status, error.message);
    rules_free(r);
    CHECK(live == before, "allocation %ld: %ld not released", failing, live - before);
    return !reached;
}

int main(void) {
    static const char *const schemas[] = {
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"c\":{\"enum\":[1,"
        "\"x\",[2]]}},\"required\":[\"a\",\"z\"],\"$defs\":{\"b\":{\"anyOf\":[{\"type\":\"null\"},"
        "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\",\"multipleOf\":3}],"
        "\"items\":{\"type\":\"string\",\"maxLength\":300}}]}}}",
        "{\"allOf\":[{\"minProperties\":1},{\"propertyNames\":{\"maxLength\":2}},"
        "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"number\",\"minimum\":0.5}}]}",
    };
    json_set_alloc_funcs(jansson_malloc, free);
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++) {
        long failing = 0;
        while (!run(schemas[i], failing))
            failing++;
        printf("schema %zu: %ld allocations failed in turn\n", i, failing);
        CHECK(failing > 50, "only %ld allocations: the test does not reach them", failing);
    }
    return 0;
}
