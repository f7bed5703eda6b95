// What openai-harmony's system content starts with, and the two tools that gpt-oss was trained
// with. The model knows these texts word for word (openai/harmony, src/chat.rs).
#include "harmony/harmony.h"

#define TEXT(literal) {literal, sizeof(literal) - 1}

static const harmony_text channels[] = {TEXT("analysis"), TEXT("commentary"), TEXT("final")};

static const harmony_tool browser_tools[] = {
    {TEXT("search"),
     TEXT("Searches for information related to `query` and displays `topn` results."),
     TEXT("{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\"},"
          "\"topn\":{\"type\":\"number\",\"default\":10},\"source\":{\"type\":\"string\"}},"
          "\"required\":[\"query\"]}")},
    {TEXT("open"),
     TEXT("Opens the link `id` from the page indicated by `cursor` starting at line number `loc`, "
          "showing `num_lines` lines.\n"
          "Valid link ids are displayed with the formatting: `【{id}†.*】`.\n"
          "If `cursor` is not provided, the most recent page is implied.\n"
          "If `id` is a string, it is treated as a fully qualified URL associated with `source`.\n"
          "If `loc` is not provided, the viewport will be positioned at the beginning of the "
          "document or centered on the most relevant passage, if available.\n"
          "Use this function without `id` to scroll to a new location of an opened page."),
     TEXT("{\"type\":\"object\",\"properties\":{\"id\":{\"type\":[\"number\",\"string\"],"
          "\"default\":-1},\"cursor\":{\"type\":\"number\",\"default\":-1},"
          "\"loc\":{\"type\":\"number\",\"default\":-1},"
          "\"num_lines\":{\"type\":\"number\",\"default\":-1},"
          "\"view_source\":{\"type\":\"boolean\",\"default\":false},"
          "\"source\":{\"type\":\"string\"}}}")},
    {TEXT("find"),
     TEXT("Finds exact matches of `pattern` in the current page, or the page given by `cursor`."),
     TEXT("{\"type\":\"object\",\"properties\":{\"pattern\":{\"type\":\"string\"},"
          "\"cursor\":{\"type\":\"number\",\"default\":-1}},\"required\":[\"pattern\"]}")},
};

static const harmony_namespace browser = {
    TEXT("browser"), TEXT("browser"),
    TEXT("Tool for browsing.\n"
         "The `cursor` appears in brackets before each browsing display: `[{cursor}]`.\n"
         "Cite information from the tool using the following format:\n"
         "`【{cursor}†L{line_start}(-L{line_end})?】`, for example: `【6†L9-L11】` or `【8†L3】`.\n"
         "Do not quote more than 10 words directly from the tool output.\n"
         "sources=web (default: web)"),
    browser_tools, sizeof browser_tools / sizeof *browser_tools};

static const harmony_namespace python = {
    TEXT("python"), TEXT("python"),
    TEXT("Use this tool to execute Python code in your chain of thought. The code will not be "
         "shown to the user. This tool should be used for internal reasoning, but not for code "
         "that is intended to be visible to the user (e.g. when creating plots, tables, or "
         "files).\n\n"
         "When you send a message containing Python code to python, it will be executed in a "
         "stateful Jupyter notebook environment. python will respond with the output of the "
         "execution or time out after 120.0 seconds. The drive at '/mnt/data' can be used to save "
         "and persist user files. Internet access for this session is UNKNOWN. Depends on the "
         "cluster."),
    NULL, 0};

harmony_namespace harmony_browser_tool(void) {
    return browser;
}

harmony_namespace harmony_python_tool(void) {
    return python;
}

harmony_system harmony_system_default(void) {
    return (harmony_system){
        .model_identity = TEXT("You are ChatGPT, a large language model trained by OpenAI."),
        .knowledge_cutoff = TEXT("2024-06"),
        .reasoning_effort = HARMONY_EFFORT_MEDIUM,
        .has_channel_config = true,
        .channel_required = true,
        .valid_channels = channels,
        .n_valid_channels = sizeof channels / sizeof *channels,
    };
}
