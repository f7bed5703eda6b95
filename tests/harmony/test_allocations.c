// Every allocation of reading, writing, rendering and parsing made to fail in turn: the status must
// be GPTOSS_NO_MEMORY, results as they were, and nothing left behind. If this fails, a machine
// short of memory crashes, leaks, or gets half a conversation.
#include "harmony/harmony.h"

#include <string.h>

#include "support/check.h"
#include "support/failing_malloc.h"

static tokenizer *bpe;

static const char conversation[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": [{\"type\": \"system_content\","
    "\"model_identity\": \"M\\u00e9\", \"reasoning_effort\": \"High\", \"knowledge_cutoff\": \"x\","
    "\"channel_config\": {\"valid_channels\": [\"analysis\", \"final\"], \"channel_required\": "
    "true},"
    "\"tools\": {\"python\": {\"name\": \"python\", \"description\": \"Runs.\\nYes.\", \"tools\": "
    "[]"
    "}}}]}, {\"role\": \"developer\", \"content\": [{\"type\": \"developer_content\","
    "\"instructions\": \"Do.\", \"response_formats\": [{\"name\": \"r\", \"schema\": {}}], "
    "\"tools\":"
    "{\"functions\": {\"name\": \"functions\", \"tools\": [{\"name\": \"f\", \"description\": "
    "\"d\","
    "\"parameters\": {\"type\": \"object\", \"required\": [\"a\"], \"properties\": {\"a\": "
    "{\"oneOf\":"
    "[{\"type\": \"string\", \"enum\": [\"x\"]}, {\"type\": \"array\", \"nullable\": true}]},"
    "\"b\": {\"type\": [\"integer\"], \"default\": 1e10, \"title\": \"T\"}, \"a\": {}}}}]}}}]},"
    "{\"role\": \"user\", \"content\": \"\\ud83d\\ude80 hi\"}, {\"role\": \"assistant\", "
    "\"channel\":"
    "\"commentary\", \"recipient\": \"functions.f\", \"content_type\": \"<|constrain|>json\","
    "\"content\": \"{}\"}]}";

static gptoss_status read_write_render(const harmony *h, gptoss_error *error) {
    harmony_conversation *read = NULL, *copy = NULL;
    base_buffer json = {0};
    base_ids ids = {0};
    gptoss_status status =
        harmony_conversation_from_json(conversation, sizeof conversation - 1, &read, error);
    CHECK((status == GPTOSS_OK) == (read != NULL), "a failed read left a result");
    status = status ? status : harmony_conversation_copy(read, &copy, error);
    if (!status) {
        status = harmony_conversation_to_json(copy, &json, error);
        CHECK(!status || !json.length, "a failed call left %zu bytes", json.length);
    }
    if (!status) {
        status = harmony_render(h, copy, NULL, &ids, error);
        CHECK(!status || !ids.length, "a failed call left %zu ids", ids.length);
    }
    if (!status) {
        const char *functions = "[{\"name\": \"g\", \"parameters\": {}}]";
        size_t before = harmony_conversation_length(copy);
        status = harmony_conversation_add_functions(copy, "x", functions, strlen(functions), error);
        CHECK(harmony_conversation_length(copy) == before + !status, "half a message was added");
    }
    base_ids_free(&ids);
    base_buffer_free(&json);
    harmony_conversation_free(copy);
    harmony_conversation_free(read);
    return status;
}

static gptoss_status parse(const harmony *h, const base_ids *ids, gptoss_error *error) {
    base_buffer json = {0};
    gptoss_status status =
        harmony_parse_to_json(h, ids->data, ids->length, HARMONY_ASSISTANT, &json, error);
    CHECK(!status || !json.length, "a failed call left %zu bytes", json.length);
    base_buffer_free(&json);
    return status;
}

// Everything with allocation number `failing` failing; true when it was never reached.
static bool run(const base_ids *ids, long failing) {
    gptoss_error error = {0};
    harmony *h;
    long before = live;
    until_failure = failing;
    gptoss_status status = harmony_open(bpe, &h, &error);
    CHECK((status == GPTOSS_OK) == (h != NULL), "a failed open left a result");
    status = status ? status : read_write_render(h, &error);
    status = status ? status : parse(h, ids, &error);
    harmony_close(h);
    bool reached = until_failure < 0 && failing >= 0;
    until_failure = -1;
    CHECK(live == before, "%ld allocations leak when number %ld fails", live - before, failing);
    CHECK(status == (reached ? GPTOSS_NO_MEMORY : GPTOSS_OK),
          "allocation %ld fails, and the status is %d: %s", failing, (int)status, error.message);
    return !reached;
}

int main(void) {
    CHECK(!tokenizer_open_builtin(&bpe, NULL), "no memory");
    base_ids ids = {0};
    const char *stream =
        "<|channel|>analysis<|channel|>final one to=f two<|message|>A longer text, "
        "so that buffers grow. \xF0\x9F\xA6\x8A<|startoftext|><|start|>x<|end|>"
        "<|call|>user hi<|start|><|constrain|>";
    CHECK(!tokenizer_encode(bpe, stream, strlen(stream), TOKENIZER_SPECIAL, &ids, NULL), "memory");
    run(&ids, -1);
    long n = 0;
    while (!run(&ids, n)) {
        n++;
    }
    CHECK(n > 100, "only %ld allocations were made to fail", n);
    printf("%ld allocations failed in turn\n", n);
    base_ids_free(&ids);
    tokenizer_close(bpe);
    return 0;
}
